// SPDX-License-Identifier: Apache-2.0
// What pages hold, and how it changes, through everything that looks at it on the way: pages that
// are all zero now and then, and pages that nothing shortens.
#include "fixtures/multifd_fixture.h"
#include "fixtures/parameter_name.h"

namespace tandem {
namespace {

using ::testing::ValuesIn;

// How pages travel.
struct PageTransport {
  std::string_view name;
  std::string_view capability = {};  // besides those below
  MultifdCompression compression{};  // of multifd; none of it when empty
  bool mapped_ram = false;           // through a file
  std::string_view zero_pages = {};  // zero-page-detection, when it is not the default
};

std::string ParameterName(const PageTransport& transport) { return std::string(transport.name); }
void PrintTo(const PageTransport& transport, std::ostream* out) { *out << transport.name; }

constexpr PageTransport kTransports[] = {
    {.name = "Plain"},
    {.name = "Xbzrle", .capability = "xbzrle"},
    {.name = "Compress", .capability = "compress"},
    {.name = "Multifd", .compression = {"none"}},
    {.name = "MultifdLegacyZeroPages", .compression = {"none"}, .zero_pages = "legacy"},
    {.name = "MultifdNoZeroPages", .compression = {"none"}, .zero_pages = "none"},
    {.name = "MultifdZlib", .compression = {"zlib"}},
    {.name = "MultifdZstd", .compression = {"zstd"}},
    {.name = "MultifdQatzip", .compression = {"qatzip"}},
    {.name = "MultifdQpl", .compression = {"qpl"}},
    {.name = "MultifdUadk", .compression = {"uadk"}},
    {.name = "MappedRam", .mapped_ram = true},
    {.name = "MappedRamMultifd", .compression = {"none"}, .mapped_ram = true},
};

// QEMU keeps to a bandwidth in steps of 100 ms: so that the guest writes all of its pages again in
// each pass, a pass takes several.
constexpr int64_t kBandwidth = 20'000'000;
constexpr uint32_t kPages = 4000;
constexpr int kRamMib = 32;
constexpr int64_t kXbzrleCache = 32 << 20;
constexpr int64_t kPasses = 4;

class PagesTest : public MultifdFixture, public ::testing::WithParamInterface<PageTransport> {
 protected:
  // Not MultifdFixture's, which skips without multifd.
  void SetUp() override {
    setup().ram_mib = kRamMib;
    setup().destination.arguments = {"-S"};  // so that all RAM can be compared
    MigrationFixture::SetUp();
  }

  absl::Status UseTransport() {
    const PageTransport& transport = GetParam();
    if (!transport.capability.empty()) TANDEM_RETURN_IF_ERROR(Use(transport.capability));
    if (transport.capability == "xbzrle") SetParameter("xbzrle-cache-size", kXbzrleCache);
    if (transport.mapped_ram) TANDEM_RETURN_IF_ERROR(Use(capability::kMappedRam));
    if (!transport.zero_pages.empty()) {
      TANDEM_RETURN_IF_ERROR(RequireValue("zero-page-detection", transport.zero_pages));
      SetParameter("zero-page-detection", transport.zero_pages);
    }
    if (transport.compression.name.empty()) return absl::OkStatus();
    TANDEM_RETURN_IF_ERROR(Use(capability::kMultifd));
    return UseCompression(transport.compression);
  }

  // With translations flushed, because pages are the subject here, not QEMU's log of writes to
  // them: that of TCG misses some (docs/known-defects.md), the more the smaller the region is.
  void UseWorkload(TandemGuestOptions workload) {
    workload.flags = TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS;
    workload.page_count = kPages;
    setup().guest.workload = workload;
  }

  // Migrates the running guest; passes over its memory go on until there were a few, and the last
  // one takes what is left.
  absl::Status MigrateInPasses() {
    setup().source.parameters = {.max_bandwidth = kBandwidth, .downtime_limit_ms = 1};
    TANDEM_RETURN_IF_ERROR(GetParam().mapped_ram ? StartToFile() : StartToDestination());
    TANDEM_RETURN_IF_ERROR(WaitForPass(2));
    TANDEM_RETURN_IF_ERROR(WaitUntilPagesChangedTwice());
    TANDEM_RETURN_IF_ERROR(WaitForPass(kPasses));
    TANDEM_RETURN_IF_ERROR(Converge());
    if (!GetParam().mapped_ram) return WaitForCompletion();
    TANDEM_RETURN_IF_ERROR(WaitForSaved());
    return LoadFrom(file());
  }

  // By the source's account, pages went the way that was asked for. Noise that replaces noise is
  // longer as a difference than by itself, which QEMU counts as an overflow.
  void ExpectTransportWasUsed() {
    TANDEM_ASSERT_OK_AND_ASSIGN(Json told, source().qmp().Execute("query-migrate", StepDeadline()));
    bool uses_multifd = !GetParam().compression.name.empty();
    EXPECT_EQ(statistics().multifd_bytes.value_or(0) > 0, uses_multifd);
    const Json xbzrle = told["xbzrle-cache"];
    int64_t tried =
        xbzrle["pages"].Integer().value_or(0) + xbzrle["overflow"].Integer().value_or(0);
    EXPECT_EQ(tried > 0, GetParam().capability == "xbzrle");
    if (GetParam().zero_pages.empty()) return;
    TANDEM_ASSERT_OK_AND_ASSIGN(std::string finder, WhoFoundZeroPages());
    EXPECT_EQ(finder, GetParam().zero_pages);
  }

 private:
  MigrationAddress file() const { return MigrationAddress::File(scratch().File("stream")); }

  absl::Status Use(std::string_view capability) {
    setup().capabilities.Enable(capability);
    return RequireCapability(capability);
  }
  absl::Status StartToFile() {
    TANDEM_RETURN_IF_ERROR(Negotiate());
    return StartMigrationTo(file());
  }
  absl::Status StartToDestination() {
    return StartMigration(MigrationAddress::Tcp("127.0.0.1", 0));
  }
  // So that what was sent in one pass is not what the next ones send. Sweeps that ended before may
  // be told of only now, so they are not counted.
  absl::Status WaitUntilPagesChangedTwice() {
    Deadline deadline = StepDeadline();
    TANDEM_ASSIGN_OR_RETURN(TandemGuestState before, source().ReadGuestState(deadline));
    for (TandemGuestState now = before; now.generation < before.generation + 2;) {
      TANDEM_RETURN_IF_ERROR(source().WaitForSweeps(1, deadline));
      TANDEM_ASSIGN_OR_RETURN(now, source().ReadGuestState(deadline));
    }
    return absl::OkStatus();
  }
};

// A16, M1: every page is full, all zero and full again while the guest runs and is migrated; none
// arrives as it was before.
TANDEM_COVERS(PagesTest, NoPageIsStaleAfterZeros, "A16", "M1");
TEST_P(PagesTest, NoPageIsStaleAfterZeros) {
  TANDEM_REQUIRE_OK(UseTransport());
  // Noise beside it, since passes over zeros alone would be too short for the guest to change much.
  UseWorkload({.zero_share_percent = 50, .incompressible_share_percent = 50});
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateInPasses());
  EXPECT_GE(statistics().passes.value_or(0), kPasses);
  ExpectTransportWasUsed();
  ExpectStoppedGuestMoved();
}

// A16, M2: pages of noise, new in each sweep, which make no compressor's output shorter than its
// input.
TANDEM_COVERS(PagesTest, IncompressiblePagesArrive, "A16", "M2");
TEST_P(PagesTest, IncompressiblePagesArrive) {
  TANDEM_REQUIRE_OK(UseTransport());
  UseWorkload({.incompressible_share_percent = 100});
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateInPasses());
  EXPECT_GE(statistics().passes.value_or(0), kPasses);
  ExpectTransportWasUsed();
  ExpectStoppedGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Pages, PagesTest, ValuesIn(kTransports), NameOfParameter());

}  // namespace
}  // namespace tandem
