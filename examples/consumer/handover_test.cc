// SPDX-License-Identifier: Apache-2.0
// A guest with a device that this project cares for moves while it runs.
#include "fixtures/migration_fixture.h"

namespace {

class HandoverTest : public tandem::MigrationFixture {};

// The guest runs on where it was, with all its memory, on a machine with a random number generator.
TEST_F(HandoverTest, RunningGuestMovesWithItsDevice) {
  setup().arguments = {"-device", "virtio-rng-pci"};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Migrate(tandem::MigrationAddress::Tcp("127.0.0.1", 0)));
  TANDEM_ASSERT_THAT(source(), tandem::HasRunState("postmigrate"));
  TANDEM_ASSERT_THAT(destination(), tandem::HasConsistentState());
  TANDEM_ASSERT_THAT(destination(), tandem::MakesProgress());
}

}  // namespace
