// SPDX-License-Identifier: Apache-2.0
// Precopy migration: the guest's memory is copied while the guest may still write to it.
// The guest boots from Tandem's flat ROM, which is the fastest, unless a test needs firmware.
#include <algorithm>

#include "fixtures/parameter_name.h"
#include "fixtures/precopy_fixture.h"
#include "fixtures/return_path.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Values;

// Pages of a guest that QEMU passes over many times a second (10 MiB).
constexpr uint32_t kSmallRegion = 2560;

class PrecopyTest : public PrecopyFixture, public ::testing::WithParamInterface<MachineFamily> {
 protected:
  void SetUp() override {
    setup().family = GetParam();
    PrecopyFixture::SetUp();
  }

  // Firmware and video RAM besides main memory, and a destination that does not run what arrives.
  absl::Status StartMachinesWithManyBlocks() {
    setup().guest.boot = GuestBoot::kDisk;
    setup().arguments = {"-device", "VGA"};
    setup().destination.arguments = {"-S"};
    return StartMachines();
  }
};

// A1: the guest runs and writes to memory that was already sent, over a unix socket.
TANDEM_COVERS(PrecopyTest, LiveGuestMovesOverUnixSocket, "A1");
TEST_P(PrecopyTest, LiveGuestMovesOverUnixSocket) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive(MigrationAddress::Unix(scratch().File("migration"))));
  ExpectGuestMoved();
}

// A2: the guest is stopped and moves over TCP, to a port that the destination chose.
TANDEM_COVERS(PrecopyTest, StoppedGuestMovesOverTcp, "A2");
TEST_P(PrecopyTest, StoppedGuestMovesOverTcp) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  ExpectStoppedGuestMoved();
}

// A3: over TCP, live, the destination says itself when it is ready for the switchover. (QEMU 10.0
// does so on the way back in any case; 11.1 does not when there is no device that needs to.)
TANDEM_COVERS(PrecopyTest, DestinationAcknowledgesTheSwitchover, "A3");
TEST_P(PrecopyTest, DestinationAcknowledgesTheSwitchover) {
  TANDEM_REQUIRE_OK(RequireCapability("switchover-ack"));
  setup().capabilities = {capability::kReturnPath, "switchover-ack"};
  MigrationAddress address = MigrationAddress::Unix(scratch().File("migration"));
  TANDEM_ASSERT_OK_AND_ASSIGN(auto relay,
                              Relay::Start(MigrationAddress::Tcp("127.0.0.1", 0), address,
                                           {.recorded_bytes = 1 << 20}, recording()));
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive(address, relay->address()));
  TANDEM_ASSERT_OK_AND_ASSIGN(std::vector<std::string> heard,
                              HearReturnPath(*relay, StepDeadline()));
  EXPECT_THAT(heard, Contains("shut")) << "there was a way back";
  bool acknowledged = std::find(heard.begin(), heard.end(), "switchover-ack") != heard.end();
  Measure("switchover_acknowledged", acknowledged);
  for (GuestMachine* machine : {&source(), &destination()}) {
    TANDEM_ASSERT_OK_AND_ASSIGN(bool enabled, IsEnabled(*machine, "switchover-ack"));
    EXPECT_TRUE(enabled);
  }
  ExpectGuestMoved();
}

// A16: the guest arrives on a destination that was started with -S, and all RAM blocks of both are
// compared before either runs again.
TANDEM_COVERS(PrecopyTest, AllRamBlocksArrive, "A16");
TEST_P(PrecopyTest, AllRamBlocksArrive) {
  TANDEM_ASSERT_OK(StartMachinesWithManyBlocks());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  ExpectStoppedGuestMoved();
}

// A16: the same for a guest that wrote to its memory until the switchover.
TANDEM_COVERS(PrecopyTest, AllRamBlocksOfALiveGuestArrive, "A16");
TEST_P(PrecopyTest, AllRamBlocksOfALiveGuestArrive) {
  TANDEM_ASSERT_OK(StartMachinesWithManyBlocks());
  TANDEM_ASSERT_OK(MigrateLive(MigrationAddress::Unix(scratch().File("migration"))));
  ExpectStoppedGuestMoved();
}

// A8, A16: pages that were sent before travel as differences from what was sent, and all memory is
// the source's in the end.
TANDEM_COVERS(PrecopyTest, XbzrleSendsDifferences, "A8", "A16");
TEST_P(PrecopyTest, XbzrleSendsDifferences) {
  setup().guest.workload.page_count = kSmallRegion;
  setup().guest.workload.flags = TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS;
  setup().capabilities = {"xbzrle"};
  setup().parameters.others = Json::Object({{"xbzrle-cache-size", 32 << 20}});
  setup().destination.arguments = {"-S"};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Limit(/*max_bandwidth=*/30'000'000, /*downtime_limit_ms=*/1));
  TANDEM_ASSERT_OK(StartMigration(MigrationAddress::Unix(scratch().File("migration"))));
  TANDEM_ASSERT_OK(WaitForPass(3)) << "the second pass filled the cache";
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(FinishLiveMigration());
  EXPECT_GE(statistics().xbzrle_pages.value_or(0), kSmallRegion / 2);
  ExpectStoppedGuestMoved();
}

// A16: threads compress pages (capability compress, up to QEMU 9.0), and all memory is the source's
// in the end.
TANDEM_COVERS(PrecopyTest, CompressedPagesArrive, "A16");
TEST_P(PrecopyTest, CompressedPagesArrive) {
  TANDEM_REQUIRE_OK(RequireCapability("compress"));
  setup().guest.workload.page_count = kSmallRegion;
  setup().guest.workload.flags = TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS;
  setup().capabilities = {"compress"};
  setup().parameters.others =
      Json::Object({{"compress-level", 9}, {"compress-threads", 3}, {"decompress-threads", 3}});
  setup().destination.arguments = {"-S"};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive(MigrationAddress::Unix(scratch().File("migration"))));
  EXPECT_GE(statistics().compressed_pages.value_or(0), kSmallRegion);
  EXPECT_LT(statistics().compressed_bytes.value_or(INT64_MAX),
            statistics().compressed_pages.value_or(0) * TANDEM_GUEST_PAGE_BYTES);
  ExpectStoppedGuestMoved();
}

// The comparison itself: one byte that differs in main memory, in video memory or in the firmware
// is seen, and the block is named.
TANDEM_COVERS(PrecopyTest, ComparisonNamesTheDamagedBlock, "A16");
TEST_P(PrecopyTest, ComparisonNamesTheDamagedBlock) {
  TANDEM_ASSERT_OK(StartMachinesWithManyBlocks());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  for (const char* block : {"pc.ram", "vga.vram", "pc.bios"}) {
    TANDEM_ASSERT_THAT(destination(), HasSameRamAs(source()));
    TANDEM_ASSERT_OK(FlipByte(destination(), block, 0x1234));
    TANDEM_ASSERT_OK_AND_ASSIGN(std::vector<std::string> differences, CompareRam());
    EXPECT_THAT(differences,
                ElementsAre(AllOf(HasSubstr(block), EndsWith("1 pages differ, at 0x1000"))));
    EXPECT_THAT(destination(), Not(HasSameRamAs(source())));
    TANDEM_ASSERT_OK(FlipByte(destination(), block, 0x1234));
  }
}

INSTANTIATE_TEST_SUITE_P(Precopy, PrecopyTest, Values(MachineFamily::kPc, MachineFamily::kQ35),
                         NameOfParameter());

}  // namespace
}  // namespace tandem
