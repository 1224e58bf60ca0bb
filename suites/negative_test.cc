// SPDX-License-Identifier: Apache-2.0
// Addresses that cannot work are refused, or fail, in words that say why; the guest runs on, and
// the next migration is as good as any. H1–H3, H5 and H6 of docs/scenarios.md.
#include <netinet/in.h>
#include <sys/socket.h>

#include "fixtures/migration_fixture.h"
#include "fixtures/parameter_name.h"
#include "lib/base/unique_fd.h"

namespace tandem {
namespace {

using ::testing::AnyOf;
using ::testing::Combine;
using ::testing::HasSubstr;
using ::testing::Values;

class NegativeFixture : public MigrationFixture {
 protected:
  MigrationAddress Socket() const { return MigrationAddress::Unix(scratch().File("migration")); }

  // To be called in SetUp; skips where the binary has but one spelling.
  void UseSpelling(AddressSpelling spelling) {
    setup().spelling = spelling;
    if (spelling == AddressSpelling::kUri) return;
    TANDEM_REQUIRE_OK(RequireArgument("migrate", "channels"));
  }

  // QEMU's refusal of a command.
  absl::Status Refusal(GuestMachine& machine, std::string_view command, const Json& arguments) {
    return machine.qmp().Execute(command, arguments, StepDeadline()).status();
  }

  // The guest was not disturbed, and moves at once.
  void ExpectSourceStillMigrates() {
    TANDEM_ASSERT_THAT(source(), HasRunState("running"));
    TANDEM_ASSERT_THAT(destination(), HasRunState("inmigrate"));
    TANDEM_ASSERT_OK(Migrate(Socket()));
    TANDEM_ASSERT_THAT(source(), HasRunState("postmigrate"));
    TANDEM_ASSERT_THAT(destination(), HasConsistentState());
    TANDEM_ASSERT_THAT(destination(), MakesProgress());
  }
};

class AddressArgumentsTest : public NegativeFixture,
                             public ::testing::WithParamInterface<AddressSpelling> {
 protected:
  void SetUp() override {
    NegativeFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    UseSpelling(GetParam());
  }
};

// H1: both spellings of the address at once, on either side; then one of them works.
TANDEM_COVERS(AddressArgumentsTest, BothAreRefused, "H1");
TEST_P(AddressArgumentsTest, BothAreRefused) {
  TANDEM_ASSERT_OK(StartMachines());
  Json both = Json::Object({{"uri", Socket().Uri()}, {"channels", Socket().Channels()}});
  EXPECT_THAT(Refusal(source(), "migrate", both),
              QmpErrorIs("GenericError", HasSubstr("'channels'")));
  EXPECT_THAT(Refusal(destination(), "migrate-incoming", both),
              QmpErrorIs("GenericError", HasSubstr("'channels'")));
  ExpectSourceStillMigrates();
}

// H2: no address at all, on either side.
TANDEM_COVERS(AddressArgumentsTest, NoneIsRefused, "H2");
TEST_P(AddressArgumentsTest, NoneIsRefused) {
  TANDEM_ASSERT_OK(StartMachines());
  EXPECT_THAT(Refusal(source(), "migrate", Json()), QmpErrorIs("GenericError", HasSubstr("'uri'")));
  EXPECT_THAT(Refusal(destination(), "migrate-incoming", Json()),
              QmpErrorIs("GenericError", HasSubstr("'uri'")));
  ExpectSourceStillMigrates();
}

INSTANTIATE_TEST_SUITE_P(Negative, AddressArgumentsTest,
                         Values(AddressSpelling::kUri, AddressSpelling::kChannels),
                         NameOfParameter());

class ChannelsTest : public NegativeFixture {
 protected:
  void SetUp() override {
    NegativeFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    UseSpelling(AddressSpelling::kChannels);
  }
};

// H6: `channels` is all that both commands are given, for TCP with a port of the destination's
// choice.
TANDEM_COVERS(ChannelsTest, AreEnough, "H6");
TEST_F(ChannelsTest, AreEnough) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  TANDEM_ASSERT_THAT(source(), HasRunState("postmigrate"));
  TANDEM_ASSERT_THAT(destination(), HasConsistentState());
  TANDEM_ASSERT_THAT(destination(), MakesProgress());
}

// Where nobody listens.
enum class Nobody { kUnix, kTcp };

std::string ParameterName(Nobody nobody) { return nobody == Nobody::kUnix ? "Unix" : "Tcp"; }

class NobodyListensTest
    : public NegativeFixture,
      public ::testing::WithParamInterface<std::tuple<Nobody, AddressSpelling>> {
 protected:
  void SetUp() override {
    NegativeFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    UseSpelling(std::get<AddressSpelling>(GetParam()));
  }

  // A port that is taken, so that nobody else comes to listen on it.
  MigrationAddress DeafAddress() {
    if (std::get<Nobody>(GetParam()) == Nobody::kUnix) {
      return MigrationAddress::Unix(scratch().File("nobody"));
    }
    deaf_.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(bind(deaf_.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(getsockname(deaf_.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    return MigrationAddress::Tcp("127.0.0.1", ntohs(name.sin_port));
  }

 private:
  UniqueFd deaf_;
};

// H3: the migration fails with a reason, and the source runs on.
TANDEM_COVERS(NobodyListensTest, MigrationFailsAndSourceRunsOn, "H3");
TEST_P(NobodyListensTest, MigrationFailsAndSourceRunsOn) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Negotiate());
  ExpectErrorLine("Failed to connect to ", "source");
  TANDEM_ASSERT_OK(StartMigrationTo(DeafAddress()));
  TANDEM_ASSERT_OK_AND_ASSIGN(std::string reason, WaitForFailure());
  EXPECT_THAT(reason, HasSubstr("Failed to connect to "));
  ExpectSourceStillMigrates();
}

INSTANTIATE_TEST_SUITE_P(Negative, NobodyListensTest,
                         Combine(Values(Nobody::kUnix, Nobody::kTcp),
                                 Values(AddressSpelling::kUri, AddressSpelling::kChannels)),
                         NameOfParameter());

// A value of `channels` that makes no sense.
struct MalformedChannels {
  const char* name;
  Json channels;
  const char* complaint;  // is part of QEMU's refusal
};

std::string ParameterName(const MalformedChannels& malformed) { return malformed.name; }
void PrintTo(const MalformedChannels& malformed, std::ostream* out) {
  *out << malformed.channels.Dump();
}

Json Channel(const char* type, const std::vector<Json::Member>& address) {
  return Json::Object({{"channel-type", type}, {"addr", Json::Object(address)}});
}

std::vector<MalformedChannels> AllMalformedChannels() {
  const Json::Member socket{"transport", "socket"}, unix{"type", "unix"}, inet{"type", "inet"};
  const Json::Member path{"path", "/nowhere"}, host{"host", "127.0.0.1"};
  const Json sound = Channel("main", {socket, unix, path});
  auto one = [](const Json& channel) { return Json::Array({channel}); };
  return {
      {"UnknownTransport", one(Channel("main", {{"transport", "pigeon"}, unix, path})),
       "'transport'"},
      {"UnknownSocketType", one(Channel("main", {socket, {"type", "drawer"}, path})), "'type'"},
      {"UnknownChannelType", one(Channel("side", {socket, unix, path})), "'channel-type'"},
      {"MissingHost", one(Channel("main", {socket, inet, {"port", "1"}})), "addr.host'"},
      {"SurplusMember", one(Channel("main", {socket, unix, path, host})), "addr.host'"},
      {"PortAsNumber", one(Channel("main", {socket, inet, host, {"port", 1}})), "addr.port'"},
      {"TwoMains", Json::Array({sound, sound}), "main"},
      {"EmptyList", Json::Array({}), "'channels'"},
      {"NoMain", one(Channel("cpr", {socket, unix, path})), "main"},
      {"ExecOfNothing", one(Channel("main", {{"transport", "exec"}, {"args", Json::Array({})}})),
       "args"},
  };
}

class MalformedChannelsTest : public NegativeFixture,
                              public ::testing::WithParamInterface<MalformedChannels> {
 protected:
  void SetUp() override {
    NegativeFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    UseSpelling(AddressSpelling::kChannels);
  }
};

// H5: both sides refuse it and say what is wrong; then both take an address that is sound.
TANDEM_COVERS(MalformedChannelsTest, AreRefused, "H5");
TEST_P(MalformedChannelsTest, AreRefused) {
  TANDEM_ASSERT_OK(StartMachines());
  Json malformed = Json::Object({{"channels", GetParam().channels}});
  TANDEM_ASSERT_THAT(Refusal(source(), "migrate", malformed),
                     QmpErrorIs("GenericError", HasSubstr(GetParam().complaint)));
  TANDEM_ASSERT_THAT(Refusal(destination(), "migrate-incoming", malformed),
                     QmpErrorIs("GenericError", HasSubstr(GetParam().complaint)));
  ExpectSourceStillMigrates();
}

INSTANTIATE_TEST_SUITE_P(Negative, MalformedChannelsTest,
                         ::testing::ValuesIn(AllMalformedChannels()), NameOfParameter());

class MalformedUriTest : public NegativeFixture,
                         public ::testing::WithParamInterface<const char*> {};

// H5: the same of the other spelling.
TANDEM_COVERS(MalformedUriTest, IsRefused, "H5");
TEST_P(MalformedUriTest, IsRefused) {
  TANDEM_ASSERT_OK(StartMachines());
  Json malformed = Json::Object({{"uri", GetParam()}});
  for (auto [machine, command] :
       {std::pair{&source(), "migrate"}, std::pair{&destination(), "migrate-incoming"}}) {
    EXPECT_THAT(Refusal(*machine, command, malformed),
                QmpErrorIs("GenericError",
                           AnyOf(HasSubstr("migration protocol"), HasSubstr("error parsing "),
                                 HasSubstr("invalid Unix socket address"))));
  }
  ExpectSourceStillMigrates();
}

INSTANTIATE_TEST_SUITE_P(
    Negative, MalformedUriTest,
    Values("", "pigeon", "pigeon:x", "tcp:127.0.0.1", "tcp:[::1", "unix:", "vsock:2"),
    [](const auto& parameter) {
      return fmt::format("{}Number{}", tandem::ParameterName(std::string_view(parameter.param)),
                         parameter.index);
    });

class PortTest : public NegativeFixture {
 protected:
  // Migrates to a port; whether it was refused, or failed, as it must be.
  absl::Status FailToMigrateTo(int port) {
    absl::Status started = StartMigrationTo(MigrationAddress::Tcp("127.0.0.1", port));
    if (QmpErrorOf(started)) return absl::OkStatus();
    TANDEM_RETURN_IF_ERROR(started);
    return WithContext(WaitForFailure().status(), fmt::format("migrating to port {}", port));
  }
};

// H5: a word where a port must be. The source finds out when it looks the name up.
TANDEM_COVERS(PortTest, WordFailsTheMigration, "H5");
TEST_F(PortTest, WordFailsTheMigration) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Negotiate());
  ExpectErrorLine("address resolution failed for ", "source");
  TANDEM_ASSERT_OK(source().qmp().Execute(
      "migrate", Json::Object({{"uri", "tcp:127.0.0.1:nothing"}}), StepDeadline()));
  TANDEM_ASSERT_OK(
      WaitForMigrationStatus(source().machine(), 0, MigrationStatus::kFailed, StepDeadline()));
  TANDEM_ASSERT_OK_AND_ASSIGN(MigrationStatistics failed,
                              QueryMigration(source().machine(), StepDeadline()));
  EXPECT_THAT(failed.error, HasSubstr("127.0.0.1:nothing"));
  ExpectSourceStillMigrates();
}

// H5: a destination that cannot listen where it shall says so, and can be told a better place.
TANDEM_COVERS(PortTest, DestinationThatCannotListenTakesAnotherAddress, "H5");
TEST_F(PortTest, DestinationThatCannotListenTakesAnotherAddress) {
  TANDEM_ASSERT_OK(StartMachines());
  EXPECT_THAT(
      Refusal(destination(), "migrate-incoming", Json::Object({{"uri", "tcp:127.0.0.1:nothing"}})),
      QmpErrorIs("GenericError", HasSubstr("127.0.0.1:nothing")));
  ExpectSourceStillMigrates();
}

// H5: a number above 65535 is no port, and never another one.
TANDEM_COVERS(PortTest, NumberAboveAllPortsIsNoPort, "H5");
TEST_F(PortTest, NumberAboveAllPortsIsNoPort) {
  constexpr int kPorts = 1 << 16;
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(Negotiate());
  TANDEM_ASSERT_OK_AND_ASSIGN(MigrationAddress address,
                              Listen(MigrationAddress::Tcp("127.0.0.1", 0)));
  TANDEM_ASSERT_OK(FailToMigrateTo(address.port() + kPorts));
  TANDEM_ASSERT_THAT(source(), HasRunState("running"));
  TANDEM_ASSERT_OK(StartMigrationTo(address));
  TANDEM_ASSERT_OK(WaitForCompletion());
}

}  // namespace
}  // namespace tandem
