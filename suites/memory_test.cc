// SPDX-License-Identifier: Apache-2.0
// Machines whose memory is not one small block of anonymous memory.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "fixtures/precopy_fixture.h"

namespace tandem {
namespace {

constexpr int64_t kMib = 1 << 20;
constexpr int64_t kSweptMib = 100;  // by the guest

class MemoryTest : public PrecopyFixture {
 protected:
  // The machines' main memory is a backend of that kind.
  void UseBackend(const std::string& backend) {
    setup().arguments = {"-object",
                         fmt::format("{},id=main-memory,size={}M", backend, setup().ram_mib),
                         "-machine", "memory-backend=main-memory"};
  }
};

// A12: both machines share their RAM through a file, so it does not travel.
TANDEM_COVERS(MemoryTest, SharedMemoryStaysWhereItIs, "A12");
TEST_F(MemoryTest, SharedMemoryStaysWhereItIs) {
  TANDEM_REQUIRE_OK(RequireCapability("x-ignore-shared"));
  setup().capabilities = {"x-ignore-shared"};
  UseBackend("memory-backend-file,share=on,mem-path=" + scratch().File("ram"));
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Unix(scratch().File("migration"))));
  EXPECT_LT(statistics().transferred_bytes.value_or(INT64_MAX), 4 * kMib);
  ExpectGuestMoved();
}

// A14, M5: pages leave the source without being copied in between. The kernel copies them all the
// same where the network stays on one machine, and counts that: so they did take this way.
TANDEM_COVERS(MemoryTest, ZeroCopySendsFromTheGuestsMemory, "A14", "M5");
TEST_F(MemoryTest, ZeroCopySendsFromTheGuestsMemory) {
  TANDEM_REQUIRE_OK(RequireCapability("zero-copy-send"));
  setup().capabilities = {capability::kMultifd};
  setup().source.capabilities = {"zero-copy-send"};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(LackIf("can't lock enough memory for using MSG_ZEROCOPY",
                           MigrateLive(MigrationAddress::Tcp("127.0.0.1", 0))));
  EXPECT_GT(statistics().zero_copy_misses.value_or(0), 0);
  ExpectGuestMoved();
}

// M14: a large machine costs what its guest wrote to, on the wire and in the destination's memory.
TANDEM_COVERS(MemoryTest, UntouchedMemoryCostsNothing, "M14");
TEST_F(MemoryTest, UntouchedMemoryCostsNothing) {
  setup().ram_mib = 2048;
  setup().destination.arguments = {"-S"};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  EXPECT_LT(statistics().transferred_bytes.value_or(INT64_MAX), 110 * kMib);
  TANDEM_ASSERT_OK_AND_ASSIGN(int64_t held, PrivateBytes(destination()));
  EXPECT_LT(held, 300 * kMib);
  ExpectStoppedGuestMoved();
}

class DirtiedMemoryTest : public MemoryTest, public ::testing::WithParamInterface<uint32_t> {
 protected:
  // Of the passes but the first, by QEMU's own clock.
  std::vector<absl::Duration> PassTimes() {
    std::vector<absl::Time> begins;
    for (const QmpEvent& event :
         source().machine().events().EventsAfter(migration().source_cursor())) {
      if (event.name == "MIGRATION_PASS") begins.push_back(event.qemu_time);
    }
    std::vector<absl::Duration> times;
    for (size_t i = 2; i < begins.size(); ++i) times.push_back(begins[i] - begins[i - 1]);
    return times;
  }
};

// M14: on a large machine a pass takes as long as it takes to send what its guest wrote to. (A busy
// host makes some passes longer, or the guest write to less.)
TANDEM_COVERS(DirtiedMemoryTest, PassTakesTheTimeOfWhatWasWritten, "M14");
TEST_P(DirtiedMemoryTest, PassTakesTheTimeOfWhatWasWritten) {
  constexpr int64_t kBandwidth = 30'000'000;
  setup().ram_mib = 2048;
  setup().guest.workload.page_count = GetParam();
  setup().guest.workload.flags = TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS;
  absl::Duration sending = absl::Seconds(double{TANDEM_GUEST_PAGE_BYTES} * GetParam() / kBandwidth);
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Limit(kBandwidth, /*downtime_limit_ms=*/1));
  TANDEM_ASSERT_OK(StartMigration(MigrationAddress::Unix(scratch().File("migration"))));
  TANDEM_ASSERT_OK(WaitForPass(5));
  std::vector<absl::Duration> times = PassTimes();
  ASSERT_THAT(times, ::testing::Not(::testing::IsEmpty()));
  EXPECT_LT(*std::min_element(times.begin(), times.end()), 1.5 * sending);
  EXPECT_GT(*std::max_element(times.begin(), times.end()), 0.75 * sending);
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(FinishLiveMigration());
  ExpectGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Memory, DirtiedMemoryTest, ::testing::Values(2560, 7680),
                         ::testing::PrintToStringParamName());

// Of 2 MiB, that no program holds; 0 where the kernel has none of this size.
int64_t FreeHugePages() {
  int64_t free = 0;
  std::ifstream("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") >> free;
  return free;
}

// M14: memory in huge pages, on both sides.
TANDEM_COVERS(MemoryTest, HugePagesArrive, "M14");
TEST_F(MemoryTest, HugePagesArrive) {
  const int64_t free = FreeHugePages();
  if (free * 2 < 2 * setup().ram_mib) {
    GTEST_SKIP() << "two machines need " << setup().ram_mib << " huge pages of 2 MiB, and " << free
                 << " are free (/proc/sys/vm/nr_hugepages)";
  }
  UseBackend("memory-backend-memfd,hugetlb=on,hugetlbsize=2M");
  setup().destination.arguments = {"-S"};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive(MigrationAddress::Tcp("127.0.0.1", 0)));
  EXPECT_GE(free - FreeHugePages(), 2 * kSweptMib / 2) << "both guests swept these MiB";
  ExpectStoppedGuestMoved();
}

}  // namespace
}  // namespace tandem
