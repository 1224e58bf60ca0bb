// SPDX-License-Identifier: Apache-2.0
// Incoming streams that are damaged. H8 of docs/scenarios.md: damage to the structure is refused;
// damage to the contents of a page is not noticed by QEMU, which has no checksum, but by the
// oracle.
#include <fstream>
#include <functional>

#include "fixtures/migration_fixture.h"
#include "fixtures/parameter_name.h"
#include "lib/stream/migration_stream.h"
#include "lib/stream/stream_file.h"

namespace tandem {
namespace {

using ::testing::Eq;
using ::testing::Not;
using ::testing::Values;

// Loading a whole stream takes less than a second.
constexpr absl::Duration kRefusalTime = absl::Seconds(10);

class DamageFixture : public MigrationFixture {
 protected:
  // Saves a stopped guest and takes its stream apart.
  absl::Status Save() {
    TANDEM_RETURN_IF_ERROR(StartMachines());
    TANDEM_RETURN_IF_ERROR(source().machine().Stop(StepDeadline()));
    TANDEM_RETURN_IF_ERROR(SaveTo(MigrationAddress::Exec("cat > " + path())));
    TANDEM_ASSIGN_OR_RETURN(StreamFile saved, StreamFile::Open(path()));
    TANDEM_ASSIGN_OR_RETURN(stream_, ParseStream(saved.bytes()));
    bytes_.assign(saved.bytes().begin(), saved.bytes().end());
    return absl::OkStatus();
  }
  // The stream as `bytes()` has it now comes to the destination.
  absl::Status LetDestinationLoad() {
    std::string damaged = scratch().File("damaged");
    std::ofstream(damaged, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes_.data()),
               static_cast<std::streamsize>(bytes_.size()));
    return Listen(MigrationAddress::Exec("cat " + damaged)).status();
  }

  const MigrationStream& stream() const { return stream_; }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::string path() const { return scratch().File("stream"); }

  MigrationStream stream_;
  std::vector<std::byte> bytes_;
};

// Where the structure of a stream is damaged, and whether it ends there or has other bytes.
struct Damage {
  const char* name;
  std::function<uint64_t(const MigrationStream&)> place;
  bool truncates = false;
};

std::string ParameterName(const Damage& damage) { return damage.name; }
void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

const StreamSection& FirstDevice(const MigrationStream& stream) {
  return *stream.FindDevice("timer");
}

const Damage kDamages[] = {
    {"Magic", [](const auto& stream) { return stream.header.offset; }},
    {"Version", [](const auto& stream) { return stream.header.offset + 4; }},
    {"MachineTypeLength", [](const auto& stream) { return stream.configuration->length.offset; }},
    {"BlockLength", [](const auto& stream) { return stream.blocks.front().length.offset; }},
    {"BlockName", [](const auto& stream) { return stream.blocks.front().entry.offset + 1; }},
    {"PageFlags", [](const auto& stream) { return stream.pages.front().header.offset + 7; }},
    {"PageAddress", [](const auto& stream) { return stream.pages.front().header.offset; }},
    {"SectionType", [](const auto& stream) { return FirstDevice(stream).header.offset; }},
    {"SectionName", [](const auto& stream) { return FirstDevice(stream).header.offset + 6; }},
    {"SectionFooter", [](const auto& stream) { return FirstDevice(stream).footer.offset; }},
    {"FooterId", [](const auto& stream) { return FirstDevice(stream).footer.offset + 1; }},
    {"EmptyStream", [](const auto&) { return uint64_t{0}; }, true},
    {"CutInHeader", [](const auto& stream) { return stream.header.offset + 5; }, true},
    {"CutInPage", [](const auto& stream) { return stream.pages.back().content.offset; }, true},
    {"CutInDevice", [](const auto& stream) { return FirstDevice(stream).payload.offset; }, true},
    {"CutBeforeEndMark", [](const auto& stream) { return stream.end_mark; }, true},
};

class StructureTest : public DamageFixture, public ::testing::WithParamInterface<Damage> {};

// H8: the destination ends with an error, within the deadline; the guest never runs there.
TANDEM_COVERS(StructureTest, DamageEndsTheDestination, "H8");
TEST_P(StructureTest, DamageEndsTheDestination) {
  TANDEM_ASSERT_OK(Save());
  uint64_t place = GetParam().place(stream());
  if (GetParam().truncates) {
    bytes().resize(place);
  } else {
    bytes()[place] = ~bytes()[place];
  }
  ExpectEnd(destination());
  ExpectErrorLine("", "destination");
  TANDEM_ASSERT_OK(LetDestinationLoad());
  ChildProcess& process = destination().machine().process();
  TANDEM_ASSERT_OK_AND_ASSIGN(ExitStatus end, process.WaitForExit(StepDeadline(kRefusalTime)));
  TANDEM_ASSERT_THAT(end.ToString(), Eq("exit code 1")) << process.last_stderr_line();
  EXPECT_NE(process.last_stderr_line(), "");
  EXPECT_FALSE(destination().machine().events().FindAfter(0, EventNamed("RESUME")));
  TANDEM_ASSERT_OK(source().machine().Cont(StepDeadline()));
  TANDEM_ASSERT_THAT(source(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(Damage, StructureTest, ::testing::ValuesIn(kDamages), NameOfParameter());

class PayloadTest : public DamageFixture, public ::testing::WithParamInterface<int> {};

// H8: one flipped bit in a page's contents is loaded as if all were well; the oracle names the
// page.
TANDEM_COVERS(PayloadTest, OracleNamesTheDamagedPage, "H8");
TEST_P(PayloadTest, OracleNamesTheDamagedPage) {
  const uint64_t index = static_cast<uint64_t>(GetParam());
  TANDEM_ASSERT_OK(Save());
  const StreamPage* page =
      stream().FindPage("pc.ram", TANDEM_GUEST_REGION_OFFSET + index * TANDEM_GUEST_PAGE_BYTES);
  ASSERT_NE(page, nullptr);
  ASSERT_EQ(page->kind, PageKind::kNormal);
  bytes()[page->content.offset + 777] ^= std::byte{0x10};
  TANDEM_ASSERT_OK(LetDestinationLoad());
  TANDEM_ASSERT_OK(migration().WaitForDestinationCompletion(false, StepDeadline()));
  TANDEM_ASSERT_OK_AND_ASSIGN(OracleReport report, destination().VerifyRam(StepDeadline()));
  ASSERT_EQ(report.finding_count, 1u) << report.Summary();
  EXPECT_EQ(report.findings[0].page, index);
  EXPECT_EQ(report.findings[0].byte_offset, 777u);
  EXPECT_THAT(destination(), Not(HasConsistentState()));
}

INSTANTIATE_TEST_SUITE_P(Damage, PayloadTest, Values(0, 1234, 23000), [](const auto& parameter) {
  return fmt::format("Page{}", parameter.param);
});

}  // namespace
}  // namespace tandem
