// SPDX-License-Identifier: Apache-2.0
// Migration with TLS: who may migrate to whom, and that nobody reads the guest on the way.
// Keys and certificates are made by the tests (lib/migration/tls_credentials.h). The source is the
// client, the destination the server.
#include "fixtures/parameter_name.h"
#include "fixtures/postcopy_fixture.h"
#include "fixtures/tls_fixture.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Values;
using enum TlsTransport;

constexpr MigrationSide kSource = MigrationSide::kSource;
constexpr MigrationSide kDestination = MigrationSide::kDestination;

constexpr char kLoopback[] = "127.0.0.1";  // stands in certificates unless they say otherwise

TlsX509 WithoutCertificate() { return {.certificate = std::nullopt}; }
TlsX509 WithHost(const std::string& host) {
  return {.certificate = TlsCertificate{.hosts = {host}}};
}
// QEMU itself would refuse these two, if it looked at its own.
TlsX509 Expired() { return {.certificate = TlsCertificate{.expired = true}, .check_own = false}; }
TlsX509 FromOtherAuthority() {
  return {.certificate = TlsCertificate{.issuer = "other"}, .check_own = false};
}

// What does not depend on the transport.
class TlsTest : public TlsFixture, public ::testing::WithParamInterface<TlsTransport> {
 protected:
  absl::Status Start() { return StartMachinesFor(GetParam()); }
};

// E1: both sides know the same key.
TANDEM_COVERS(TlsTest, SharedKeyOpensTheWay, "E1");
TEST_P(TlsTest, SharedKeyOpensTheWay) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GivePskToBoth());
  TANDEM_ASSERT_OK(Migrate(Address()));
  ExpectGuestMoved();
}

// A16, E1: the guest arrives stopped on a destination that was started with -S, and all RAM blocks
// of both are compared before either runs again.
TANDEM_COVERS(TlsTest, AllRamBlocksArrive, "A16", "E1");
TEST_P(TlsTest, AllRamBlocksArrive) {
  setup().destination.arguments = {"-S"};
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GivePskToBoth());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Migrate(Address()));
  ExpectStoppedGuestMoved();
}

// E2: the source has another key. The destination goes on waiting for one who has the right key.
TANDEM_COVERS(TlsTest, OtherKeyIsRefused, "E2");
TEST_P(TlsTest, OtherKeyIsRefused) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GivePsk(kDestination, "key"));
  TANDEM_REQUIRE_OK(GivePsk(kSource, "other key"));
  ExpectDestinationRefuses("TLS handshake failed");
  if (HasFatalFailure() || IsSkipped()) return;
  TANDEM_ASSERT_OK(GivePsk(kSource, "key"));
  TANDEM_ASSERT_OK(MigrateAgain());
  ExpectGuestMoved();
}

// E4: the certificate is for another name than that of the socket, and the source asks for it.
TANDEM_COVERS(TlsTest, HostAskedForIsAccepted, "E4");
TEST_P(TlsTest, HostAskedForIsAccepted) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth({}, WithHost("tandem.test")));
  AskForHost("tandem.test");
  TANDEM_ASSERT_OK(Migrate(Address()));
  ExpectGuestMoved();
}

// E7: the source has the name that the destination authorises.
TANDEM_COVERS(TlsTest, AuthorisedSourceIsAccepted, "E7");
TEST_P(TlsTest, AuthorisedSourceIsAccepted) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth({.certificate = TlsCertificate{.common_name = "friend"}}));
  TANDEM_ASSERT_OK(AuthoriseOnly("friend"));
  AskForHost(kLoopback);
  TANDEM_ASSERT_OK(Migrate(Address()));
  ExpectGuestMoved();
}

// E7: a good certificate of somebody who is not authorised.
TANDEM_COVERS(TlsTest, UnauthorisedSourceIsRefused, "E7");
TEST_P(TlsTest, UnauthorisedSourceIsRefused) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth({.certificate = TlsCertificate{.common_name = "stranger"}}));
  TANDEM_ASSERT_OK(AuthoriseOnly("friend"));
  AskForHost(kLoopback);
  ExpectDestinationRefuses("TLS x509 authz check for CN=stranger is denied");
}

// E8: a destination that does not verify its peers takes one without a certificate.
TANDEM_COVERS(TlsTest, NoCertificateIsNeededUnlessVerified, "E8");
TEST_P(TlsTest, NoCertificateIsNeededUnlessVerified) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth(WithoutCertificate(), {.verify_peer = false}));
  AskForHost(kLoopback);
  TANDEM_ASSERT_OK(Migrate(Address()));
  ExpectGuestMoved();
}

// E8: a destination that does, does not.
TANDEM_COVERS(TlsTest, SourceWithoutCertificateIsRefused, "E8");
TEST_P(TlsTest, SourceWithoutCertificateIsRefused) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth(WithoutCertificate()));
  AskForHost(kLoopback);
  ExpectDestinationRefuses("No certificate was found");
}

// E9: credentials that were set and then set to null count for nothing.
TANDEM_COVERS(TlsTest, NullCredentialsMeanPlaintext, "E9");
TEST_P(TlsTest, NullCredentialsMeanPlaintext) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GivePskToBoth());
  TANDEM_ASSERT_OK(Negotiate());
  for (MigrationSide side : {kSource, kDestination}) SetParameter(side, "tls-creds", Json());
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(StartMigrationThroughRelay());
  TANDEM_ASSERT_OK(WaitForCompletion());
  TANDEM_ASSERT_OK_AND_ASSIGN(size_t bodies, PageBodiesOnTheWire());
  EXPECT_GT(bodies, 0u);
  ExpectGuestMoved();
}

// E10: the destination's certificate has expired.
TANDEM_COVERS(TlsTest, ExpiredDestinationIsRefused, "E10");
TEST_P(TlsTest, ExpiredDestinationIsRefused) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth({}, Expired()));
  AskForHost(kLoopback);
  ExpectSourceRefuses("The certificate is not trusted");
}

// E10: the source's certificate has expired.
TANDEM_COVERS(TlsTest, ExpiredSourceIsRefused, "E10");
TEST_P(TlsTest, ExpiredSourceIsRefused) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth(Expired()));
  AskForHost(kLoopback);
  ExpectDestinationRefuses("The certificate is not trusted");
}

// E10: an authority that the source does not know vouches for the destination.
TANDEM_COVERS(TlsTest, DestinationOfOtherAuthorityIsRefused, "E10");
TEST_P(TlsTest, DestinationOfOtherAuthorityIsRefused) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth({}, FromOtherAuthority()));
  AskForHost(kLoopback);
  ExpectSourceRefuses("hasn't got a known issuer");
}

// E10: an authority that the destination does not know vouches for the source. GnuTLS then sends no
// certificate at all: the destination has said whose it takes.
TANDEM_COVERS(TlsTest, SourceOfOtherAuthorityIsRefused, "E10");
TEST_P(TlsTest, SourceOfOtherAuthorityIsRefused) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth(FromOtherAuthority()));
  AskForHost(kLoopback);
  ExpectDestinationRefuses("No certificate was found");
}

// E11: whoever listens on the way reads nothing of the guest's memory.
TANDEM_COVERS(TlsTest, NothingOfTheGuestIsReadOnTheWay, "E11");
TEST_P(TlsTest, NothingOfTheGuestIsReadOnTheWay) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GivePskToBoth());
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(StartMigrationThroughRelay());
  TANDEM_ASSERT_OK(WaitForCompletion());
  TANDEM_ASSERT_OK_AND_ASSIGN(size_t bodies, PageBodiesOnTheWire());
  EXPECT_EQ(bodies, 0u);
  ExpectGuestMoved();
}

// E13: a source without TLS finds nobody who takes its guest.
TANDEM_COVERS(TlsTest, PlaintextSourceIsRefused, "E13");
TEST_P(TlsTest, PlaintextSourceIsRefused) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GivePsk(kDestination, "key"));
  ExpectDestinationRefuses("TLS handshake failed");
}

// E11: a source with TLS says nothing of its guest to a destination without.
TANDEM_COVERS(TlsTest, SourceDoesNotFallBackToPlaintext, "E11");
TEST_P(TlsTest, SourceDoesNotFallBackToPlaintext) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GivePsk(kSource, "key"));
  DestinationWillEnd("magic");
  ExpectErrorLine("Not a migration stream", "destination");
  ExpectErrorLine("TLS handshake failed", "source");
  TANDEM_ASSERT_OK(StartMigrationThroughRelay());
  TANDEM_ASSERT_OK(CheckSourceAnswersInHandshake());
  ExpectSourceKeepsGuest(HasSubstr("TLS handshake failed"));
  if (HasFatalFailure() || IsSkipped()) return;
  ExpectDestinationEnded();
  TANDEM_ASSERT_OK_AND_ASSIGN(size_t bodies, PageBodiesOnTheWire());
  EXPECT_EQ(bodies, 0u);
}

INSTANTIATE_TEST_SUITE_P(Tls, TlsTest, Values(kTcp, kUnix, kMultifdTcp), NameOfParameter());

// What needs a host that QEMU takes from the address.
class TlsHostTest : public TlsTest {};

// E3: the certificate is for the host that the source connects to.
TANDEM_COVERS(TlsHostTest, HostOfTheAddressIsAccepted, "E3");
TEST_P(TlsHostTest, HostOfTheAddressIsAccepted) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth());
  TANDEM_ASSERT_OK(Migrate(Address()));
  ExpectGuestMoved();
}

// E6: the certificate is for another host.
TANDEM_COVERS(TlsHostTest, CertificateOfOtherHostIsRefused, "E6");
TEST_P(TlsHostTest, CertificateOfOtherHostIsRefused) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth({}, WithHost("tandem.test")));
  ExpectSourceRefuses("Certificate does not match the hostname 127.0.0.1");
}

// E5: a hostname that was set, and then set to null, is that of the address again.
TANDEM_COVERS(TlsHostTest, NullHostnameIsThatOfTheAddress, "E5");
TEST_P(TlsHostTest, NullHostnameIsThatOfTheAddress) {
  TANDEM_REQUIRE_OK(Start());
  TANDEM_REQUIRE_OK(GiveX509ToBoth({}, WithHost("tandem.test")));
  AskForHost("tandem.test");
  TANDEM_ASSERT_OK(Negotiate());
  SetParameter(kSource, "tls-hostname", Json());
  ExpectSourceRefuses("Certificate does not match the hostname 127.0.0.1");
}

INSTANTIATE_TEST_SUITE_P(Tls, TlsHostTest, Values(kTcp, kMultifdTcp), NameOfParameter());

class TlsUnixTest : public TlsFixture {};

// E5: over a unix socket there is no host to compare with.
TANDEM_COVERS(TlsUnixTest, CertificateNeedsAHostname, "E5");
TEST_F(TlsUnixTest, CertificateNeedsAHostname) {
  TANDEM_REQUIRE_OK(StartMachinesFor(kUnix));
  TANDEM_REQUIRE_OK(GiveX509ToBoth());
  ExpectSourceRefuses("No hostname for certificate validation");
}

// E10: QEMU looks at its own certificate when it is given it.
TANDEM_COVERS(TlsUnixTest, OwnExpiredCertificateIsRefused, "E10");
TEST_F(TlsUnixTest, OwnExpiredCertificateIsRefused) {
  TANDEM_REQUIRE_OK(StartMachinesFor(kUnix));
  TANDEM_REQUIRE_OK(GiveX509(kSource, {}));
  EXPECT_THAT(GiveX509(kDestination, {.certificate = TlsCertificate{.expired = true}}),
              QmpErrorIs("GenericError", HasSubstr("has expired")));
}

class TlsPeerTest : public TlsFixture {};

// E12: somebody who accepts the connection and then says nothing does not hold up the source: it
// answers, its guest runs, and the migration can be cancelled.
TANDEM_COVERS(TlsPeerTest, SilentPeerDoesNotHoldUpTheSource, "E12");
TEST_F(TlsPeerTest, SilentPeerDoesNotHoldUpTheSource) {
  TANDEM_REQUIRE_OK(StartMachinesFor(kTcp));
  TANDEM_REQUIRE_OK(GivePsk(kSource, "key"));
  TANDEM_ASSERT_OK(StartMigrationToSilentPeer());
  TANDEM_ASSERT_OK(CheckSourceAnswersInHandshake());
  TANDEM_ASSERT_THAT(source(), MakesProgress());
  TANDEM_ASSERT_OK(Cancel());
  TANDEM_ASSERT_THAT(source(), HasConsistentState());
}

// What postcopy is combined with.
struct PostcopyVariant {
  const char* name;
  TlsTransport transport;
  bool preempt;
};

std::string ParameterName(const PostcopyVariant& variant) { return variant.name; }

class TlsPostcopyTest : public TlsFixture,
                        public PostcopyFixture,
                        public ::testing::WithParamInterface<PostcopyVariant> {
 protected:
  void SetUp() override {
    PostcopyFixture::SetUp();
    if (HasFatalFailure() || IsSkipped() || !GetParam().preempt) return;
    TANDEM_REQUIRE_OK(RequireCapability(capability::kPostcopyPreempt));
    setup().capabilities.Enable(capability::kPostcopyPreempt);
  }

  absl::Status StartPostcopyThroughRelay() {
    TANDEM_RETURN_IF_ERROR(NegotiatePostcopy());
    TANDEM_ASSIGN_OR_RETURN(MigrationAddress relay, ListenBehindRelay());
    TANDEM_RETURN_IF_ERROR(StartHeldBackPrecopyTo(relay));
    return SwitchToPostcopy();
  }
};

// E1: with postcopy, what the destination asks for and what it then gets goes over TLS, too.
TANDEM_COVERS(TlsPostcopyTest, GuestMovesByPostcopy, "E1");
TEST_P(TlsPostcopyTest, GuestMovesByPostcopy) {
  TANDEM_REQUIRE_OK(StartMachinesFor(GetParam().transport));
  TANDEM_REQUIRE_OK(GivePskToBoth());
  TANDEM_REQUIRE_OK(StartPostcopyThroughRelay());
  TANDEM_ASSERT_OK(FinishPostcopy());
  EXPECT_GT(statistics().postcopy_requests.value_or(0), 0);
  TANDEM_ASSERT_OK_AND_ASSIGN(size_t bodies, PageBodiesOnTheWire());
  EXPECT_EQ(bodies, 0u);
  ExpectGuestMoved();
}

// E1: with postcopy enabled, and over before it is needed.
TANDEM_COVERS(TlsPostcopyTest, GuestMovesBeforePostcopy, "E1");
TEST_P(TlsPostcopyTest, GuestMovesBeforePostcopy) {
  TANDEM_REQUIRE_OK(StartMachinesFor(GetParam().transport));
  TANDEM_REQUIRE_OK(GivePskToBoth());
  TANDEM_REQUIRE_OK(MigrateBeforePostcopy(Address()));
  EXPECT_EQ(statistics().postcopy_requests.value_or(0), 0);
  MigrationFixture::ExpectGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Tls, TlsPostcopyTest,
                         Values(PostcopyVariant{"Plain", kTcp, false},
                                PostcopyVariant{"Preempt", kTcp, true},
                                PostcopyVariant{"Multifd", kMultifdTcp, false},
                                PostcopyVariant{"MultifdPreempt", kMultifdTcp, true}),
                         NameOfParameter());

class TlsRecoveryTest : public TlsPostcopyTest {
 protected:
  // More memory than the guest asks for before the connection breaks.
  void SetUp() override {
    setup().guest.workload.page_count = TANDEM_GUEST_DEFAULT_PAGES;
    TlsPostcopyTest::SetUp();
  }
  // From now on the TLS channels of either side may say that they broke.
  void ExpectBrokenTls() {
    uint64_t now = recording().last_sequence();
    for (const char* error : {"Cannot read from TLS channel: Input/output error",
                              "Cannot write to TLS channel: ", "Cannot uncork TLS output: "}) {
      ExpectErrorLine(error, "", now);
    }
  }
  MigrationAddress Another() const { return MigrationAddress::Unix(scratch().File("recovery")); }
};

// E1: the operator pauses the migration in mid-postcopy; it goes on over another TLS connection.
TANDEM_COVERS(TlsRecoveryTest, RecoversFromAPause, "E1");
TEST_P(TlsRecoveryTest, RecoversFromAPause) {
  TANDEM_REQUIRE_OK(StartMachinesFor(GetParam().transport));
  TANDEM_REQUIRE_OK(GivePskToBoth());
  TANDEM_REQUIRE_OK(StartPostcopyThroughRelay());
  ExpectBrokenTls();
  TANDEM_ASSERT_OK(PauseMigration());
  ExpectMemoryIsMissing();
  TANDEM_ASSERT_OK(Recover(Another()));
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectGuestMoved();
}

// E1: the connection breaks under TLS without a word; likewise.
TANDEM_COVERS(TlsRecoveryTest, RecoversFromABrokenConnection, "E1");
TEST_P(TlsRecoveryTest, RecoversFromABrokenConnection) {
  TANDEM_REQUIRE_OK(StartMachinesFor(GetParam().transport));
  TANDEM_REQUIRE_OK(GivePskToBoth());
  TANDEM_REQUIRE_OK(StartPostcopyThroughRelay());
  ExpectBrokenTls();
  ExpectPause();
  BreakConnection();
  TANDEM_ASSERT_OK(WaitUntilPaused());
  ExpectMemoryIsMissing();
  TANDEM_ASSERT_OK(Recover(Another()));
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Tls, TlsRecoveryTest,
                         Values(PostcopyVariant{"OneChannel", kUnix, false},
                                PostcopyVariant{"Preempt", kUnix, true},
                                PostcopyVariant{"Multifd", kMultifdTcp, false},
                                PostcopyVariant{"MultifdPreempt", kMultifdTcp, true}),
                         NameOfParameter());

}  // namespace
}  // namespace tandem
