// SPDX-License-Identifier: Apache-2.0
// Multifd: RAM goes over several channels side by side, compressed or not.
#include "fixtures/multifd_fixture.h"
#include "fixtures/parameter_name.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Values;
using ::testing::ValuesIn;

class MultifdTest : public MultifdFixture {
 protected:
  void ExpectLiveGuestMoved() {
    EXPECT_GE(statistics().passes.value_or(0), 2);
    EXPECT_GT(statistics().multifd_bytes.value_or(0), 0);
    ExpectGuestMoved();
  }
};

class MultifdSpellingTest : public MultifdTest,
                            public ::testing::WithParamInterface<AddressSpelling> {
 protected:
  MultifdSpellingTest() { setup().spelling = GetParam(); }
};

// B1, B2: the guest runs and moves over four channels, to an address spelled in either way.
TANDEM_COVERS_VARIANTS(MultifdSpellingTest, LiveGuestMovesOverFourChannels, "Uri", "B1");
TANDEM_COVERS_VARIANTS(MultifdSpellingTest, LiveGuestMovesOverFourChannels, "Channels", "B2");
TEST_P(MultifdSpellingTest, LiveGuestMovesOverFourChannels) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive());
  ExpectLiveGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Multifd, MultifdSpellingTest,
                         Values(AddressSpelling::kUri, AddressSpelling::kChannels),
                         NameOfParameter());

class ZeroPageDetectionTest : public MultifdTest,
                              public ::testing::WithParamInterface<const char*> {};

// B3: the guest runs and moves, whoever finds pages of zeros: the migration thread, the threads of
// the channels, or nobody.
TANDEM_COVERS(ZeroPageDetectionTest, LiveGuestMoves, "B3");
TEST_P(ZeroPageDetectionTest, LiveGuestMoves) {
  TANDEM_REQUIRE_OK(RequireValue("zero-page-detection", GetParam()));
  SetParameter("zero-page-detection", GetParam());
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive());
  ExpectLiveGuestMoved();
  TANDEM_ASSERT_OK_AND_ASSIGN(std::string finder, WhoFoundZeroPages());
  EXPECT_EQ(finder, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Multifd, ZeroPageDetectionTest, Values("legacy", "none", "multifd"),
                         NameOfParameter());

class MultifdCompressionTest : public MultifdTest,
                               public ::testing::WithParamInterface<MultifdCompression> {
 protected:
  void SetUp() override {
    setup().guest.workload.page_count = 6000;  // zlib takes its time
    MultifdTest::SetUp();
  }
};

// B4: the guest runs and moves through every compressor that the binary has.
TANDEM_COVERS(MultifdCompressionTest, LiveGuestMoves, "B4");
TEST_P(MultifdCompressionTest, LiveGuestMoves) {
  TANDEM_REQUIRE_OK(UseCompression(GetParam()));
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive());
  ExpectLiveGuestMoved();
}

// B4, A16: the guest arrives stopped on a destination that was started with -S, and all RAM blocks
// of both are compared before either runs again.
TANDEM_COVERS(MultifdCompressionTest, AllRamBlocksArrive, "A16", "B4");
TEST_P(MultifdCompressionTest, AllRamBlocksArrive) {
  TANDEM_REQUIRE_OK(UseCompression(GetParam()));
  setup().guest.boot = GuestBoot::kDisk;
  setup().arguments = {"-device", "VGA"};
  setup().destination.arguments = {"-S"};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  TANDEM_ASSERT_THAT(destination(), HasSameRamAs(source()));
  TANDEM_ASSERT_OK(destination().machine().Cont(StepDeadline()));
  ExpectGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Multifd, MultifdCompressionTest, ValuesIn(kMultifdCompressions),
                         NameOfParameter());

// What is cancelled, and what then becomes of the destination.
struct Cancellation {
  const char* name;
  bool postcopy_enabled, exit_on_error;
};

std::string ParameterName(const Cancellation& cancellation) { return cancellation.name; }
void PrintTo(const Cancellation& cancellation, std::ostream* out) { *out << cancellation.name; }

class MultifdCancelTest : public MultifdTest, public ::testing::WithParamInterface<Cancellation> {
 protected:
  absl::Status UseParameter() {
    setup().exit_on_error = GetParam().exit_on_error;
    if (!GetParam().exit_on_error) {
      TANDEM_RETURN_IF_ERROR(RequireArgument("migrate-incoming", "exit-on-error"));
    }
    if (!GetParam().postcopy_enabled) return absl::OkStatus();
    setup().capabilities.Enable(capability::kPostcopyRam);
    return RequireCapability(capability::kPostcopyRam);
  }

  // Ends by itself, or stays in `failed` and can be told to quit.
  void ExpectDestinationFailed() {
    if (!GetParam().exit_on_error) {
      TANDEM_ASSERT_OK(WaitForMigrationStatus(destination().machine(),
                                              migration().destination_cursor(),
                                              MigrationStatus::kFailed, StepDeadline()));
      TANDEM_ASSERT_THAT(destination(), HasRunState("inmigrate"));
      TANDEM_ASSERT_OK(destination().machine().Quit(StepDeadline()));
      return;
    }
    TANDEM_ASSERT_OK_AND_ASSIGN(ExitStatus end, WaitForEnd(destination()));
    EXPECT_EQ(end.ToString(), "exit code 1");
  }
};

// B5, B6: a live migration over sixteen channels is cancelled; its destination fails, and the guest
// moves to a fresh one. With and without postcopy enabled.
TANDEM_COVERS_VARIANTS(MultifdCancelTest, GuestMovesToAFreshDestination, "Precopy", "B5");
TANDEM_COVERS_VARIANTS(MultifdCancelTest, GuestMovesToAFreshDestination, "DestinationStays", "B5");
TANDEM_COVERS_VARIANTS(MultifdCancelTest, GuestMovesToAFreshDestination, "PostcopyEnabled*", "B6");
TEST_P(MultifdCancelTest, GuestMovesToAFreshDestination) {
  TANDEM_REQUIRE_OK(UseParameter());
  UseChannels(16);
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(LackIf("not yet compatible with multifd", StartLiveMigration()));
  ExpectEnd(destination());
  ExpectErrorsOfCutStream();
  TANDEM_ASSERT_OK(Cancel());
  ExpectDestinationFailed();
  TANDEM_ASSERT_THAT(source(), HasConsistentState());
  TANDEM_ASSERT_OK(ReplaceDestination());
  TANDEM_ASSERT_OK(MigrateLive());
  ExpectLiveGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Multifd, MultifdCancelTest,
                         Values(Cancellation{"Precopy", false, true},
                                Cancellation{"PostcopyEnabled", true, true},
                                Cancellation{"DestinationStays", false, false},
                                Cancellation{"PostcopyEnabledDestinationStays", true, false}),
                         NameOfParameter());

class MultifdChannelsTest : public MultifdTest, public ::testing::WithParamInterface<int> {};

// B7: the guest runs and moves over one channel, and over as many as QEMU allows.
TANDEM_COVERS(MultifdChannelsTest, LiveGuestMoves, "B7");
TEST_P(MultifdChannelsTest, LiveGuestMoves) {
  UseChannels(GetParam());
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(StartLiveMigration());
  TANDEM_ASSERT_OK_AND_ASSIGN(int connections, CountConnections());
  EXPECT_EQ(connections, GetParam() + 1) << "the channels, and the main one";
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectLiveGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Multifd, MultifdChannelsTest, Values(1, 2, 4, 16, 255),
                         ::testing::PrintToStringParamName());

// What becomes of a migration that cannot complete.
enum class Ending { kFails, kStandsStill };

class MultifdStandstillTest : public MultifdTest {
 protected:
  // Fast, but no switchover: in a sweep the guest dirties more than goes in 1 ms. So a source that
  // stands still goes on running its guest, and answers.
  absl::Status NeverConverge() { return Limit(kBandwidth, 1); }

  // Awaits that it fails by itself, or that no byte leaves the source while its guest makes
  // kPatience sweeps. Internal when the migration completes, or goes on and on.
  absl::StatusOr<Ending> AwaitEnding() {
    Deadline deadline = StepDeadline();
    MigrationStatistics now;
    for (size_t quiet = 0; quiet < kPatience && !deadline.expired();) {
      TANDEM_ASSIGN_OR_RETURN(int64_t sent, BytesSentDuring(kStep));
      TANDEM_ASSIGN_OR_RETURN(now, QueryMigration(source().machine(), StepDeadline()));
      if (now.status == MigrationStatus::kFailed) return Ending::kFails;
      if (IsFinal(now.status)) break;
      quiet = sent == 0 && now.status != MigrationStatus::kFailing ? quiet + kStep : 0;
      if (quiet >= kPatience) return Ending::kStandsStill;
    }
    return absl::InternalError(
        fmt::format("the migration neither failed nor stood still, but is {} after {} bytes",
                    MigrationStatusName(now.status), now.transferred_bytes.value_or(0)));
  }

  // A standstill ends when it is yanked: out of band, as management has to do it that cannot know
  // whether the source still answers.
  absl::Status Yank() {
    Json instances = Json::Array({Json::Object({{"type", "migration"}})});
    TANDEM_RETURN_IF_ERROR(
        source()
            .qmp()
            .ExecuteOob("yank", Json::Object({{"instances", instances}}), StepDeadline())
            .status());
    return WaitForStatus(MigrationStatus::kFailed);
  }

  static constexpr int64_t kBandwidth = 100'000'000;
  // QEMU sends each tenth of a second what the bandwidth allows in it. No host makes so many sweeps
  // over 100 MB in that time.
  static constexpr size_t kPatience = 50, kStep = 5;
};

// B8: a migration stands still as long as its destination does, and no longer: the guest runs on at
// the source meanwhile, and moves.
TANDEM_COVERS(MultifdStandstillTest, EndsWithThatOfTheDestination, "B8");
TEST_F(MultifdStandstillTest, EndsWithThatOfTheDestination) {
  setup().guest.workload.flags = TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS;
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(NeverConverge());
  TANDEM_ASSERT_OK(StartMigration(MigrationAddress::Tcp("127.0.0.1", 0)));
  TANDEM_ASSERT_OK(WaitForStatus(MigrationStatus::kActive));
  TANDEM_ASSERT_OK(destination().machine().Freeze());
  TANDEM_ASSERT_OK_AND_ASSIGN(Ending ending, AwaitEnding());
  EXPECT_EQ(ending, Ending::kStandsStill);
  TANDEM_ASSERT_OK(destination().machine().Thaw());
  TANDEM_ASSERT_OK_AND_ASSIGN(int64_t sent, BytesSentDuring(kPatience));
  EXPECT_GT(sent, 0);
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectLiveGuestMoved();
}

// What source and destination do not agree about.
struct Disagreement {
  const char* name;
  int source_channels, destination_channels;
  MultifdCompression source_compression, destination_compression;
};

std::string ParameterName(const Disagreement& disagreement) { return disagreement.name; }
void PrintTo(const Disagreement& disagreement, std::ostream* out) { *out << disagreement.name; }

class MultifdDisagreementTest : public MultifdStandstillTest,
                                public ::testing::WithParamInterface<Disagreement> {
 protected:
  absl::Status Disagree() {
    setup().source.parameters =
        Parameters(GetParam().source_channels, GetParam().source_compression);
    setup().destination.parameters =
        Parameters(GetParam().destination_channels, GetParam().destination_compression);
    TANDEM_RETURN_IF_ERROR(NeverConverge());
    ExpectEnd(destination());
    ExpectErrorsOfCutStream();
    ExpectErrorLine("Failed to connect to ", "source");
    for (const char* error :
         {" flags expected ", "Extra incoming migration connection; ignoring",
          "failed to receive packet via multifd channel ", "multifd: received id "}) {
      ExpectErrorLine(error, "destination");
    }
    return StartMigration(MigrationAddress::Tcp("127.0.0.1", 0));
  }

  // It fails by itself, or stands still and fails when it is yanked.
  absl::Status AwaitFailure() {
    TANDEM_ASSIGN_OR_RETURN(Ending ending, AwaitEnding());
    bool stands_still = ending == Ending::kStandsStill;
    Measure("disagreement", stands_still ? "stands still until it is yanked" : "fails");
    return stands_still ? Yank() : absl::OkStatus();
  }

  void Agree() { setup().destination.parameters = setup().source.parameters; }

 private:
  static MigrationParameters Parameters(int channels, const MultifdCompression& compression) {
    return {.multifd_channels = channels,
            .others = Json::Object({{"multifd-compression", compression.name}})};
  }
};

// B8, B9: source and destination disagree on the number of channels or on the compressor. Nothing
// completes; the guest runs on at the source, and moves once they agree.
TANDEM_COVERS_VARIANTS(MultifdDisagreementTest, GuestStaysAtSource, "*Channels*", "B8");
TANDEM_COVERS_VARIANTS(MultifdDisagreementTest, GuestStaysAtSource, "*Compression*", "B9");
TEST_P(MultifdDisagreementTest, GuestStaysAtSource) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Disagree());
  TANDEM_ASSERT_OK(AwaitFailure());
  TANDEM_ASSERT_THAT(source(), HasRunState("running"));
  TANDEM_ASSERT_THAT(source(), HasConsistentState());
  TANDEM_ASSERT_OK(ReplaceDestination());
  Agree();
  TANDEM_ASSERT_OK(MigrateLive());
  ExpectLiveGuestMoved();
}

constexpr MultifdCompression kNone{"none"}, kZlib{"zlib"}, kZstd{"zstd"};
INSTANTIATE_TEST_SUITE_P(Multifd, MultifdDisagreementTest,
                         Values(Disagreement{"MoreChannelsAtSource", 16, 2, kNone, kNone},
                                Disagreement{"FewerChannelsAtSource", 2, 4, kNone, kNone},
                                Disagreement{"OtherCompression", 2, 2, kZstd, kZlib},
                                Disagreement{"NoCompressionAtSource", 2, 2, kNone, kZlib}),
                         NameOfParameter());

}  // namespace
}  // namespace tandem
