// SPDX-License-Identifier: Apache-2.0
// Postcopy migration: the guest runs on the destination before its memory is there.
#include "fixtures/parameter_name.h"
#include "fixtures/postcopy_fixture.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;

// How pages travel that the destination asks for: with all others, or on a channel of their own.
enum class PageRequests { kOneChannel, kPreempt };
std::string ParameterName(PageRequests requests) {
  return requests == PageRequests::kPreempt ? "Preempt" : "OneChannel";
}

class PostcopyTest : public PostcopyFixture, public ::testing::WithParamInterface<PageRequests> {
 protected:
  void SetUp() override {
    PostcopyFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    if (GetParam() == PageRequests::kOneChannel) return;
    TANDEM_REQUIRE_OK(RequireCapability(capability::kPostcopyPreempt));
    setup().capabilities.Enable(capability::kPostcopyPreempt);
  }
  MigrationAddress Address(const std::string& name = "migration") const {
    return MigrationAddress::Unix(scratch().File(name));
  }
};

// C1, C2: the guest runs on the destination and asks the source for the memory that it lacks.
TANDEM_COVERS(PostcopyTest, GuestRunsBeforeItsMemoryIsThere, "C1", "C2");
TEST_P(PostcopyTest, GuestRunsBeforeItsMemoryIsThere) {
  setup().capabilities.Enable(capability::kPostcopyBlocktime);
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(Address()));
  ExpectMemoryIsMissing();
  TANDEM_ASSERT_THAT(destination(), HasRunState("running"));
  TANDEM_ASSERT_OK(FinishPostcopy());
  EXPECT_GT(statistics().postcopy_requests.value_or(0), 0);
  ExpectGuestMoved();
}

// C4, C5: the connection breaks in mid-postcopy, and the migration goes on over another one.
TANDEM_COVERS(PostcopyTest, RecoversOnAnotherSocket, "C4", "C5");
TEST_P(PostcopyTest, RecoversOnAnotherSocket) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(Address()));
  TANDEM_ASSERT_OK(PauseMigration());
  ExpectMemoryIsMissing();
  TANDEM_ASSERT_OK(Recover(Address("recovery")));
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Postcopy, PostcopyTest,
                         ::testing::Values(PageRequests::kOneChannel, PageRequests::kPreempt),
                         NameOfParameter());

}  // namespace
}  // namespace tandem
