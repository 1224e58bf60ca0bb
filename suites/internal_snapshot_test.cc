// SPDX-License-Identifier: Apache-2.0
// Internal snapshots, which write the migration stream into an image, beside capabilities that were
// made for migration.
#include "fixtures/parameter_name.h"
#include "fixtures/snapshot_fixture.h"

namespace tandem {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

constexpr const char* kCapabilities[] = {"events",
                                         "xbzrle",
                                         "rdma-pin-all",
                                         "auto-converge",
                                         "zero-blocks",
                                         "compress",
                                         "postcopy-ram",
                                         "postcopy-blocktime",
                                         "postcopy-preempt",
                                         "release-ram",
                                         "block",
                                         "return-path",
                                         "switchover-ack",
                                         "pause-before-switchover",
                                         "multifd",
                                         "zero-copy-send",
                                         "dirty-bitmaps",
                                         "dirty-limit",
                                         "late-block-activate",
                                         "x-ignore-shared",
                                         "validate-uuid",
                                         "background-snapshot",
                                         "mapped-ram",
                                         "x-colo"};

// By capability; those that a binary does not know or does not take are skipped with QEMU's reason.
class InternalSnapshotTest : public SnapshotFixture,
                             public ::testing::WithParamInterface<const char*> {};

// M9: the guest is taken back to the snapshot, or QEMU refuses the snapshot in words.
TANDEM_COVERS(InternalSnapshotTest, GuestIsTakenBackOrSnapshotRefused, "M9");
TEST_P(InternalSnapshotTest, GuestIsTakenBackOrSnapshotRefused) {
  ExpectErrorLine(GetParam() + std::string(" capability is deprecated"));
  TANDEM_ASSERT_OK(StartWithImage());
  TANDEM_REQUIRE_OK(Use(GetParam()));
  absl::Status saved = SaveSnapshot();
  if (absl::IsAborted(saved)) {
    TANDEM_ASSERT_THAT(Message(saved),
                       AnyOf(HasSubstr("not compatible"), HasSubstr("incompatible")));
    TANDEM_ASSERT_THAT(source(), MakesProgress());
    return;
  }
  TANDEM_ASSERT_OK(saved);
  TANDEM_ASSERT_OK(WaitUntilMemoryDiffers());
  TANDEM_ASSERT_OK(LoadSnapshot());
  ExpectGuestIsBack();
}

INSTANTIATE_TEST_SUITE_P(InternalSnapshot, InternalSnapshotTest, ::testing::ValuesIn(kCapabilities),
                         NameOfParameter());

class SnapshotCapabilitiesTest : public SnapshotFixture {};

// M9: no capability of this QEMU is left out above.
TANDEM_COVERS(SnapshotCapabilitiesTest, AllAreTried, "M9");
TEST_F(SnapshotCapabilitiesTest, AllAreTried) {
  std::vector<std::string> tried(std::begin(kCapabilities), std::end(kCapabilities));
  EXPECT_THAT(tried, IsSupersetOf(config().source_facts->schema.ArgumentEnum(
                         "migrate-set-capabilities", {"capabilities", "capability"})));
}

}  // namespace
}  // namespace tandem
