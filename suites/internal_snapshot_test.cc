// SPDX-License-Identifier: Apache-2.0
// Internal snapshots, which write the migration stream into an image, beside capabilities that were
// made for migration.
#include "fixtures/parameter_name.h"
#include "fixtures/snapshot_fixture.h"

namespace tandem {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// By capability; those that a binary does not know, or that need others, are skipped with QEMU's
// reason.
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

INSTANTIATE_TEST_SUITE_P(InternalSnapshot, InternalSnapshotTest,
                         ::testing::Values("events", "xbzrle", "auto-converge", "zero-blocks",
                                           "compress", "postcopy-ram", "release-ram", "block",
                                           "return-path", "pause-before-switchover", "multifd",
                                           "dirty-bitmaps", "late-block-activate",
                                           "x-ignore-shared", "validate-uuid",
                                           "background-snapshot", "mapped-ram"),
                         NameOfParameter());

}  // namespace
}  // namespace tandem
