// SPDX-License-Identifier: Apache-2.0
// Incoming streams that are damaged. H8 of docs/scenarios.md: damage to the structure is refused;
// damage to the contents of a page is not noticed by QEMU, which has no checksum, but by the
// oracle.
#include <fstream>
#include <functional>
#include <random>

#include "fixtures/migration_fixture.h"
#include "fixtures/parameter_name.h"
#include "lib/stream/migration_stream.h"
#include "lib/stream/stream_file.h"

namespace tandem {
namespace {

using ::testing::Combine;
using ::testing::Eq;
using ::testing::Not;
using ::testing::Range;
using ::testing::Values;
using ::testing::ValuesIn;

// Loading a whole stream takes less than a second.
constexpr absl::Duration kRefusalTime = absl::Seconds(10);

class DamageFixture : public MigrationFixture {
 protected:
  // Saves a stopped guest and takes its stream apart.
  absl::Status Save() {
    TANDEM_RETURN_IF_ERROR(StartMachines());
    TANDEM_RETURN_IF_ERROR(source().machine().Stop(StepDeadline()));
    TANDEM_RETURN_IF_ERROR(SaveByCommand(path()));
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

  // The destination loads that, and ends with an error code and a line that says why, in time: with
  // any, or where the stream is only cut off, with one of those that tests of broken connections
  // take for granted. Its guest never runs.
  void ExpectRefusal(bool is_cut = false) {
    ExpectEnd(destination());
    if (is_cut) {
      ExpectErrorsOfCutStream();
    } else {
      ExpectErrorLine("", destination().role());
    }
    TANDEM_ASSERT_OK(LetDestinationLoad());
    ChildProcess& process = destination().machine().process();
    TANDEM_ASSERT_OK_AND_ASSIGN(ExitStatus end, process.WaitForExit(StepDeadline(kRefusalTime)));
    TANDEM_ASSERT_THAT(end.ToString(), Eq("exit code 1")) << process.last_stderr_line();
    EXPECT_NE(process.last_stderr_line(), "");
    EXPECT_FALSE(destination().machine().events().FindAfter(0, EventNamed("RESUME")));
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
    // What memory the firmware's tables take; the last but two of fw_cfg's numbers.
    {"FirmwareTableSize",
     [](const auto& stream) { return stream.FindDevice("fw_cfg")->payload.end() - 24; }},
    {"FooterId", [](const auto& stream) { return FirstDevice(stream).footer.offset + 1; }},
    {"EmptyStream", [](const auto&) { return uint64_t{0}; }, true},
    {"CutInHeader", [](const auto& stream) { return stream.header.offset + 5; }, true},
    {"CutInBlockLength", [](const auto& stream) { return stream.blocks.front().length.offset + 2; },
     true},
    {"CutInBlockName", [](const auto& stream) { return stream.blocks.front().entry.offset + 3; },
     true},
    {"CutInPage", [](const auto& stream) { return stream.pages.back().content.offset; }, true},
    {"CutInDevice", [](const auto& stream) { return FirstDevice(stream).payload.offset; }, true},
    {"CutInSectionName", [](const auto& stream) { return FirstDevice(stream).header.offset + 6; },
     true},
    {"CutBeforeFooter", [](const auto& stream) { return FirstDevice(stream).footer.offset; }, true},
    {"CutInFooter", [](const auto& stream) { return FirstDevice(stream).footer.offset + 2; }, true},
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
  ExpectRefusal(GetParam().truncates);
  if (HasFatalFailure() || IsSkipped()) return;
  TANDEM_ASSERT_OK(source().machine().Cont(StepDeadline()));
  TANDEM_ASSERT_THAT(source(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(Damage, StructureTest, ValuesIn(kDamages), NameOfParameter());

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

// From where on a stream is noise.
enum class NoiseBegins { kAtOnce, kBehindTheHeader, kBehindTheMachineType, kInDevices, kAnywhere };

std::string ParameterName(NoiseBegins place) {
  constexpr const char* kNames[] = {"AtOnce", "BehindTheHeader", "BehindTheMachineType",
                                    "InDevices", "Anywhere"};
  return kNames[static_cast<int>(place)];
}

// A share of the noises that begin there, by its number.
class NoiseTest : public DamageFixture,
                  public ::testing::WithParamInterface<std::tuple<NoiseBegins, int>> {
 protected:
  // A machine that is soon saved.
  void SetUp() override {
    setup().ram_mib = 32;
    setup().guest.workload.page_count = 1000;
    DamageFixture::SetUp();
  }

  // The valid stream up to a place, and then noise, by the seed and the number of the noise.
  std::vector<std::byte> Noise(const std::vector<std::byte>& valid, int number) {
    const auto& [begins, share] = GetParam();
    std::seed_seq seed{RandomSeed(), static_cast<int>(begins), share, number};
    std::mt19937_64 random(seed);
    constexpr size_t kSizes[] = {1, 2, 3, 4, 7, 8, 9, 64, 511, 4096, 32769, 1 << 20};
    std::vector<std::byte> noisy(valid.begin(), valid.begin() + Place(random));
    size_t size = kSizes[random() % std::size(kSizes)];
    for (size_t i = 0; i < size; ++i) noisy.push_back(static_cast<std::byte>(random()));
    return noisy;
  }

 private:
  std::ptrdiff_t Place(std::mt19937_64& random) const {
    auto between = [&random](uint64_t begin, uint64_t end) {
      return static_cast<std::ptrdiff_t>(begin + random() % (end - begin));
    };
    uint64_t header_end = stream().header.end(), devices = FirstDevice(stream()).header.offset;
    switch (std::get<NoiseBegins>(GetParam())) {
      case NoiseBegins::kAtOnce:
        return 0;
      case NoiseBegins::kBehindTheHeader:
        return static_cast<std::ptrdiff_t>(header_end);
      case NoiseBegins::kBehindTheMachineType:
        return static_cast<std::ptrdiff_t>(stream().configuration->whole.end());
      case NoiseBegins::kInDevices:
        return between(devices, stream().end_mark);
      case NoiseBegins::kAnywhere:
        return between(header_end, stream().end_mark);
    }
    return 0;
  }
};

constexpr int kNoises = 10;

// H8: whatever comes, the destination ends with an error; it neither crashes nor waits for ever.
TANDEM_COVERS(NoiseTest, EndsTheDestination, "H8");
TEST_P(NoiseTest, EndsTheDestination) {
  TANDEM_ASSERT_OK(Save());
  const std::vector<std::byte> valid = bytes();
  for (int number = 0; number < kNoises; ++number) {
    SCOPED_TRACE(fmt::format("noise {} of --gtest_random_seed={}", number, RandomSeed()));
    if (number > 0) {
      TANDEM_ASSERT_OK(ReplaceDestination());
    }
    bytes() = Noise(valid, number);
    ExpectRefusal();
    if (HasFatalFailure() || IsSkipped()) return;
  }
}

constexpr NoiseBegins kPlaces[] = {NoiseBegins::kAtOnce, NoiseBegins::kBehindTheHeader,
                                   NoiseBegins::kBehindTheMachineType, NoiseBegins::kInDevices,
                                   NoiseBegins::kAnywhere};

std::string NameOfNoises(const ::testing::TestParamInfo<NoiseTest::ParamType>& parameter) {
  const auto& [begins, share] = parameter.param;
  return fmt::format("{}{}", ParameterName(begins), share);
}

INSTANTIATE_TEST_SUITE_P(Damage, NoiseTest, Combine(ValuesIn(kPlaces), Values(0, 1)), NameOfNoises);
INSTANTIATE_TEST_SUITE_P(Slow, NoiseTest, Combine(ValuesIn(kPlaces), Range(2, 22)), NameOfNoises);

}  // namespace
}  // namespace tandem
