// SPDX-License-Identifier: Apache-2.0
// Capabilities that change what happens around the switchover: who says when, what the destination
// may touch before its guest runs, and what becomes of the source's memory.
#include <fcntl.h>

#include <filesystem>
#include <fstream>

#include "fixtures/precopy_fixture.h"
#include "fixtures/return_path.h"
#include "lib/base/unique_fd.h"

namespace tandem {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;

constexpr int64_t kMib = 1 << 20;

class SwitchoverTest : public PrecopyFixture {
 protected:
  // QEMU guards an image that it may write by locks on bytes 100 to 299 (file-posix.c of QEMU).
  static bool IsLocked(const std::string& image) {
    UniqueFd fd(open(image.c_str(), O_RDWR | O_CLOEXEC));
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 100;
    lock.l_len = 200;
    EXPECT_EQ(fcntl(fd.get(), F_OFD_GETLK, &lock), 0);
    return lock.l_type != F_UNLCK;
  }
  // Both machines have a disk on this image.
  std::string ShareDisk() {
    std::string image = scratch().File("disk");
    std::ofstream(image).close();
    std::filesystem::resize_file(image, 2 * kMib);
    setup().arguments = {"-blockdev", "file,node-name=disk,filename=" + image, "-device",
                         "ide-hd,drive=disk"};
    return image;
  }
  absl::Status Continue(const char* state) {
    return Command(source(), "migrate-continue", Json::Object({{"state", state}}));
  }
};

// M5: the way back alone, without anything that needs it.
TANDEM_COVERS(SwitchoverTest, ReturnPathAlone, "M5");
TEST_F(SwitchoverTest, ReturnPathAlone) {
  setup().capabilities = {capability::kReturnPath};
  MigrationAddress address = MigrationAddress::Unix(scratch().File("migration"));
  TANDEM_ASSERT_OK_AND_ASSIGN(auto relay,
                              Relay::Start(MigrationAddress::Tcp("127.0.0.1", 0), address,
                                           {.recorded_bytes = 1 << 20}, recording()));
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive(address, relay->address()));
  TANDEM_ASSERT_OK_AND_ASSIGN(std::vector<std::string> heard,
                              HearReturnPath(*relay, StepDeadline()));
  EXPECT_THAT(heard, Contains("shut"));
  EXPECT_THAT(heard, Each(AnyOf("pong", "shut")));
  ExpectGuestMoved();
}

// M5: the switchover waits until it is allowed, with the guest stopped and nothing run yet on the
// destination; a word for another state is refused.
TANDEM_COVERS(SwitchoverTest, WaitsForPermission, "M5");
TEST_F(SwitchoverTest, WaitsForPermission) {
  setup().capabilities = {capability::kPauseBeforeSwitchover};
  MigrationAddress address = MigrationAddress::Unix(scratch().File("migration"));
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(StartLiveMigration(address, address));
  TANDEM_ASSERT_OK(WaitForStatus(MigrationStatus::kPreSwitchover));
  TANDEM_ASSERT_THAT(source(), HasConsistentState()) << "stopped";
  EXPECT_THAT(destination(), HasRunState("inmigrate"));
  EXPECT_THAT(Continue("device"), QmpErrorIs("GenericError", HasSubstr("pre-switchover")));
  EXPECT_THAT(destination(), HasRunState("inmigrate"));
  TANDEM_ASSERT_OK(Continue("pre-switchover"));
  TANDEM_ASSERT_OK(FinishLiveMigration());
  ExpectGuestMoved();
}

// M5: the destination leaves its disk alone until its guest is let run. (Since QEMU 10.0 it does so
// without the capability, too, so that nothing but the list of capabilities shows it there; 7.2
// takes the disk at once then.)
TANDEM_COVERS(SwitchoverTest, DiskIsTakenWhenTheGuestRuns, "M5");
TEST_F(SwitchoverTest, DiskIsTakenWhenTheGuestRuns) {
  setup().capabilities = {"late-block-activate"};
  setup().destination.arguments = {"-S"};
  std::string image = ShareDisk();
  TANDEM_ASSERT_OK(StartMachines());
  EXPECT_TRUE(IsLocked(image)) << "by the source";
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Unix(scratch().File("migration"))));
  EXPECT_FALSE(IsLocked(image)) << "by the destination, which waits";
  TANDEM_ASSERT_OK_AND_ASSIGN(bool enabled, IsEnabled(destination(), "late-block-activate"));
  EXPECT_TRUE(enabled);
  ExpectStoppedGuestMoved();
  EXPECT_TRUE(IsLocked(image)) << "by the destination, which runs";
}

// M5: the source gives its memory back to the host page by page while the destination takes it.
TANDEM_COVERS(SwitchoverTest, SourceReleasesItsMemory, "M5");
TEST_F(SwitchoverTest, SourceReleasesItsMemory) {
  TANDEM_REQUIRE_OK(RequireCapability("release-ram"));
  setup().capabilities = {capability::kPostcopyRam};
  // Else QEMU 11.1 under TCG loses hot pages in postcopy (docs/known-defects.md), whatever
  // releases.
  setup().guest.workload.flags = TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS;
  setup().source.capabilities = {"release-ram"};
  MigrationAddress address = MigrationAddress::Unix(scratch().File("migration"));
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK_AND_ASSIGN(int64_t held, PrivateBytes(source()));
  TANDEM_ASSERT_OK(HoldBack());
  TANDEM_REQUIRE_OK(LackIf("ostcopy is not supported", StartMigration(address)));
  TANDEM_ASSERT_OK(WaitUntilSentMemoryIsDirtyAgain());
  TANDEM_ASSERT_OK(Command(source(), "migrate-start-postcopy"));
  TANDEM_ASSERT_OK(WaitForCompletion());
  TANDEM_ASSERT_OK_AND_ASSIGN(int64_t left, PrivateBytes(source()));
  EXPECT_LT(left, held - 60 * kMib);
  ExpectGuestMoved();
}

}  // namespace
}  // namespace tandem
