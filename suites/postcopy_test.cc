// SPDX-License-Identifier: Apache-2.0
// Postcopy migration: the guest runs on the destination before its memory is there.
#include <algorithm>

#include "fixtures/defect_judge.h"
#include "fixtures/open_files.h"
#include "fixtures/parameter_name.h"
#include "fixtures/postcopy_delays.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsSupersetOf;

// How pages travel that the destination asks for: with all others, or on a channel of their own.
enum class PageRequests { kOneChannel, kPreempt };
std::string ParameterName(PageRequests requests) {
  return requests == PageRequests::kPreempt ? "Preempt" : "OneChannel";
}

// Sees on how many channels a migration really runs.
class PostcopyChannelsFixture : public PostcopyFixture {
 protected:
  // As PostcopyFixture's. Before the first migration.
  absl::Status StartMachines() {
    TANDEM_RETURN_IF_ERROR(PostcopyFixture::StartMachines());
    TANDEM_ASSIGN_OR_RETURN(idle_sockets_, CountSocketsOf(source().machine().pid()));
    return absl::OkStatus();
  }
  // Besides the sockets that the source has anyway. In mid-postcopy.
  void ExpectChannels(int channels) {
    TANDEM_ASSERT_OK_AND_ASSIGN(int sockets, CountSocketsOf(source().machine().pid()));
    EXPECT_EQ(sockets - idle_sockets_, channels);
  }

 private:
  int idle_sockets_ = 0;
};

class PostcopyTest : public PostcopyChannelsFixture,
                     public ::testing::WithParamInterface<PageRequests> {
 protected:
  void SetUp() override {
    PostcopyFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    if (GetParam() == PageRequests::kOneChannel) return;
    TANDEM_REQUIRE_OK(RequireCapability(capability::kPostcopyPreempt));
    setup().capabilities.Enable(capability::kPostcopyPreempt);
  }

  // The page requests that preempt have a channel of their own.
  void ExpectItsChannels() { ExpectChannels(GetParam() == PageRequests::kPreempt ? 2 : 1); }

  MigrationAddress Address(const std::string& name = "migration") const {
    return MigrationAddress::Unix(scratch().File(name));
  }
};

// C1, C2: the guest runs on the destination and asks the source for the memory that it lacks. The
// destination measures how long it waited for that.
TANDEM_COVERS_VARIANTS(PostcopyTest, GuestRunsBeforeItsMemoryIsThere, "OneChannel", "C1");
TANDEM_COVERS_VARIANTS(PostcopyTest, GuestRunsBeforeItsMemoryIsThere, "Preempt", "C2");
TEST_P(PostcopyTest, GuestRunsBeforeItsMemoryIsThere) {
  setup().capabilities.Enable(capability::kPostcopyBlocktime);
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(Address()));
  ExpectMemoryIsMissing();
  ExpectItsChannels();
  TANDEM_ASSERT_OK(FinishPostcopy());
  EXPECT_GT(statistics().postcopy_requests.value_or(0), 0);
  ExpectBlocktime();
  ExpectGuestMoved();
}

// C4, C5: the connection breaks in mid-postcopy, and the migration goes on over another one.
TANDEM_COVERS_VARIANTS(PostcopyTest, RecoversOnAnotherSocket, "OneChannel", "C4");
TANDEM_COVERS_VARIANTS(PostcopyTest, RecoversOnAnotherSocket, "Preempt", "C5");
TEST_P(PostcopyTest, RecoversOnAnotherSocket) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(Address()));
  TANDEM_ASSERT_OK(PauseMigration());
  ExpectMemoryIsMissing();
  TANDEM_ASSERT_OK(Recover(Address("recovery")));
  ExpectItsChannels();
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectGuestMoved();
}

// C6: the first recovery meets peers that fall silent, on either side; a second one succeeds.
TANDEM_COVERS(PostcopyTest, RecoversAfterPeersFellSilent, "C6");
TEST_P(PostcopyTest, RecoversAfterPeersFellSilent) {
  TANDEM_REQUIRE_OK(RequirePauseInRecovery());
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(Address()));
  TANDEM_ASSERT_OK(PauseMigration());
  TANDEM_ASSERT_OK(RecoverWithSilentPeers(/*first_bytes_pass=*/true));
  TANDEM_ASSERT_OK(PauseBoth());
  EXPECT_THAT(postcopy().SourceStatuses(), ElementsAreArray(FailedRecovery()));
  EXPECT_THAT(postcopy().DestinationStatuses(), IsSupersetOf({MigrationStatus::kPostcopyRecover}));
  TANDEM_ASSERT_OK(Recover(Address("recovery")));
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectGuestMoved();
}

// C6: the same when the destination's peer never says a word.
TANDEM_COVERS(PostcopyTest, RecoversAfterSilence, "C6");
TEST_P(PostcopyTest, RecoversAfterSilence) {
  TANDEM_REQUIRE_OK(RequirePauseInRecovery());
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(Address()));
  TANDEM_ASSERT_OK(PauseMigration());
  TANDEM_ASSERT_OK(RecoverWithSilentPeers(/*first_bytes_pass=*/false));
  TANDEM_ASSERT_OK(PauseBoth());
  EXPECT_THAT(postcopy().SourceStatuses(), ElementsAreArray(FailedRecovery()));
  EXPECT_THAT(postcopy().DestinationStatuses(), IsSupersetOf({MigrationStatus::kPostcopyRecover}));
  TANDEM_ASSERT_OK(Recover(Address("recovery")));
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectGuestMoved();
}

// C7: the peer of a recovery hangs up; the source pauses again by itself, and another recovery
// succeeds.
TANDEM_COVERS(PostcopyTest, RecoversAfterPeerThatHangsUp, "C7");
TEST_P(PostcopyTest, RecoversAfterPeerThatHangsUp) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(Address()));
  TANDEM_ASSERT_OK(PauseMigration());
  TANDEM_ASSERT_OK(ResumeWithPeerThatHangsUp());
  EXPECT_THAT(postcopy().SourceStatuses(), ElementsAreArray(FailedRecovery()));
  TANDEM_ASSERT_OK(Recover(Address("recovery")));
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectGuestMoved();
}

// C7: nobody listens where the source wants to resume; likewise.
TANDEM_COVERS(PostcopyTest, RecoversAfterNobodyListened, "C7");
TEST_P(PostcopyTest, RecoversAfterNobodyListened) {
  TANDEM_REQUIRE_OK(RequireRecoverSetup());
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(Address()));
  TANDEM_ASSERT_OK(PauseMigration());
  TANDEM_ASSERT_OK(ResumeWithNobody());
  EXPECT_THAT(postcopy().SourceStatuses(), ElementsAre(MigrationStatus::kPostcopyRecoverSetup,
                                                       MigrationStatus::kPostcopyPaused));
  TANDEM_ASSERT_OK(Recover(Address("recovery")));
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectGuestMoved();
}

// C9: the source dies in mid-postcopy; the destination pauses, stays there and answers. It could
// not stop or quit: its processor waits for a page that will never come.
TANDEM_COVERS(PostcopyTest, DestinationOutlivesItsSource, "C9");
TEST_P(PostcopyTest, DestinationOutlivesItsSource) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(Address()));
  ExpectMemoryIsMissing();
  TANDEM_ASSERT_OK(KillSource());
  TANDEM_ASSERT_OK(postcopy().WaitForDestination(MigrationStatus::kPostcopyPaused, StepDeadline()));
  TANDEM_ASSERT_THAT(destination(), HasRunState("running"));
  ExpectEnd(destination());
}

INSTANTIATE_TEST_SUITE_P(Postcopy, PostcopyTest,
                         ::testing::Values(PageRequests::kOneChannel, PageRequests::kPreempt),
                         NameOfParameter());

// The same with a thread of the destination that is late.
class PostcopyDelayTest : public PostcopyDelays,
                          public ::testing::WithParamInterface<PageRequests> {
 protected:
  void SetUp() override {
    PostcopyDelays::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    if (GetParam() == PageRequests::kOneChannel) return;
    TANDEM_REQUIRE_OK(RequireCapability(capability::kPostcopyPreempt));
    setup().capabilities.Enable(capability::kPostcopyPreempt);
  }
};

// C10: in a recovery the destination asks for a page while the source still prepares to go on.
TANDEM_COVERS(PostcopyDelayTest, RecoversWithARequestAhead, "C10");
TEST_P(PostcopyDelayTest, RecoversWithARequestAhead) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(MigrationAddress::Unix(scratch().File("migration"))));
  TANDEM_ASSERT_OK(RecoverWithRequestAhead(MigrationAddress::Unix(scratch().File("recovery"))));
  ExpectMemoryIsMissing();
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Postcopy, PostcopyDelayTest,
                         ::testing::Values(PageRequests::kOneChannel, PageRequests::kPreempt),
                         NameOfParameter());

class PostcopyReceptionTest : public PostcopyDelays {};

// C10: the migration pauses before the destination's thread that receives urgent pages has begun.
TANDEM_COVERS(PostcopyReceptionTest, RecoversFromAnEarlyPause, "C10");
TEST_F(PostcopyReceptionTest, RecoversFromAnEarlyPause) {
  TANDEM_REQUIRE_OK(RequireCapability(capability::kPostcopyPreempt));
  setup().capabilities.Enable(capability::kPostcopyPreempt);
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(PauseBeforeReception(MigrationAddress::Unix(scratch().File("migration"))));
  TANDEM_ASSERT_OK(Recover(MigrationAddress::Unix(scratch().File("recovery"))));
  TANDEM_ASSERT_OK(destination().machine().Cont(StepDeadline()));
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectGuestMoved();
}

// By page requests and compression of precopy's channels.
class PostcopyMultifdTest
    : public PostcopyChannelsFixture,
      public ::testing::WithParamInterface<std::tuple<PageRequests, std::string>> {
 protected:
  void SetUp() override {
    PostcopyFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    const auto& [requests, compression] = GetParam();
    TANDEM_REQUIRE_OK(UseMultifd(compression));
    if (requests == PageRequests::kOneChannel) return;
    TANDEM_REQUIRE_OK(RequireCapability(capability::kPostcopyPreempt));
    setup().capabilities.Enable(capability::kPostcopyPreempt);
  }

  // Those of precopy stay open in postcopy.
  void ExpectItsChannels() {
    ExpectChannels(1 + kMultifdChannels +
                   (std::get<PageRequests>(GetParam()) == PageRequests::kPreempt ? 1 : 0));
  }

  absl::Status UseMultifd(const std::string& compression) {
    for (const BinaryFacts* facts : {config().source_facts, config().destination_facts}) {
      std::vector<std::string> known =
          facts->schema.ArgumentEnum("migrate-set-parameters", {"multifd-compression"});
      if (std::find(known.begin(), known.end(), compression) != known.end()) continue;
      return absl::FailedPreconditionError("QEMU " + facts->version +
                                           " has no multifd-compression " + compression);
    }
    setup().capabilities.Enable(capability::kMultifd);
    setup().parameters = {.multifd_channels = kMultifdChannels,
                          .others = Json::Object({{"multifd-compression", compression}})};
    return RequireCapability(capability::kMultifd);
  }
  static constexpr int kMultifdChannels = 4;
};

// C8: precopy over several channels, then postcopy.
TANDEM_COVERS(PostcopyMultifdTest, GuestRunsBeforeItsMemoryIsThere, "C8");
TEST_P(PostcopyMultifdTest, GuestRunsBeforeItsMemoryIsThere) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(MigrationAddress::Tcp("127.0.0.1", 0)));
  ExpectMemoryIsMissing();
  ExpectItsChannels();
  TANDEM_ASSERT_OK(FinishPostcopy(DefectJudge::Instance().PatienceOr(absl::Seconds(60))));
  EXPECT_GT(statistics().multifd_bytes.value_or(0), 0);
  EXPECT_GT(statistics().postcopy_requests.value_or(0), 0);
  ExpectGuestMoved();
}

// C8: the same enabled, and over before postcopy is needed.
TANDEM_COVERS(PostcopyMultifdTest, GuestMovesBeforePostcopy, "C8");
TEST_P(PostcopyMultifdTest, GuestMovesBeforePostcopy) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(MigrateBeforePostcopy(MigrationAddress::Tcp("127.0.0.1", 0)));
  EXPECT_GT(statistics().multifd_bytes.value_or(0), 0);
  EXPECT_EQ(statistics().postcopy_requests.value_or(0), 0);
  MigrationFixture::ExpectGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Postcopy, PostcopyMultifdTest,
                         ::testing::Combine(::testing::Values(PageRequests::kOneChannel,
                                                              PageRequests::kPreempt),
                                            ::testing::Values("none", "zstd")),
                         NameOfParameter());

class PostcopyDeviceTest : public PostcopyFixture {};

// M15: the destination cannot load the devices at the end of precopy; the source's guest runs on.
TANDEM_COVERS(PostcopyDeviceTest, SourceKeepsGuestInPrecopy, "M15");
TEST_F(PostcopyDeviceTest, SourceKeepsGuestInPrecopy) {
  setup().capabilities.Enable(capability::kReturnPath);
  LeaveOutDevice();
  TANDEM_ASSERT_OK(StartMachines());
  ExpectDestinationEndsWithoutDevice();
  TANDEM_REQUIRE_OK(StartHeldBackPrecopy(MigrationAddress::Unix(scratch().File("migration"))));
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(WaitForFailure());
  ExpectSourceKeepsGuest();
  ExpectDestinationNamedDevice();
}

// M15: the same right after the switch to postcopy.
TANDEM_COVERS(PostcopyDeviceTest, SourceKeepsGuestAfterSwitch, "M15");
TEST_F(PostcopyDeviceTest, SourceKeepsGuestAfterSwitch) {
  LeaveOutDevice();
  TANDEM_ASSERT_OK(StartMachines());
  ExpectDestinationEndsWithoutDevice();
  TANDEM_REQUIRE_OK(StartHeldBackPrecopy(MigrationAddress::Unix(scratch().File("migration"))));
  TANDEM_ASSERT_OK(SwitchInVain());
  ExpectSourceKeepsGuest();
  ExpectDestinationNamedDevice();
}

class PostcopyFileTest : public PostcopyFixture {};

// M10: fast loading of a snapshot: the guest runs before its memory has been read from the file. No
// QEMU up to 11.1 lets the two capabilities be set together.
TANDEM_COVERS(PostcopyFileTest, GuestRunsBeforeItsFileIsRead, "M10");
TEST_F(PostcopyFileTest, GuestRunsBeforeItsFileIsRead) {
  TANDEM_REQUIRE_OK(RequireCapability(capability::kMappedRam));
  setup().capabilities = {capability::kMappedRam};
  setup().destination.capabilities = {capability::kPostcopyRam};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(NegotiatePostcopy());
  MigrationAddress file = MigrationAddress::File(scratch().File("stream"));
  TANDEM_ASSERT_OK(SaveTo(file));
  TANDEM_ASSERT_OK(LoadFrom(file));
  ExpectGuestMoved();
}

}  // namespace
}  // namespace tandem
