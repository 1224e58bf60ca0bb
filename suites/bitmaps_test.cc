// SPDX-License-Identifier: Apache-2.0
// Dirty bitmaps of block devices, by which incremental backups go on after a migration.
#include <filesystem>
#include <fstream>
#include <set>

#include "fixtures/migration_fixture.h"
#include "fixtures/parameter_name.h"

namespace tandem {
namespace {

using ::testing::Values;

// How the destination finds out which bitmap belongs where.
enum class BitmapNames { kSame, kMapped };

std::string ParameterName(BitmapNames names) {
  return names == BitmapNames::kSame ? "SameNames" : "MappedNames";
}
void PrintTo(BitmapNames names, std::ostream* out) { *out << ParameterName(names); }

// A bitmap by its place.
struct Bitmap {
  std::string node, name;
};

constexpr std::string_view kCapability = "dirty-bitmaps";
constexpr std::string_view kHashCommand = "x-debug-block-dirty-bitmap-sha256";
constexpr uintmax_t kDiskBytes = 16 << 20;
constexpr const char* kBitmaps[] = {"first", "second", "clean"};

// Each machine has a disk of its own, which no device uses. Where names are mapped, node and
// bitmaps have other names on the destination.
class BitmapsTest : public MigrationFixture, public ::testing::WithParamInterface<BitmapNames> {
 protected:
  void SetUp() override {
    MigrationFixture::SetUp();
    if (IsSkipped() || HasFailure()) return;
    TANDEM_REQUIRE_OK(RequireCapability(kCapability));
    setup().capabilities.Enable(kCapability);
    setup().source.arguments = MakeDisk("source-disk", Here("").node);
    setup().destination.arguments = MakeDisk("destination-disk", There("").node);
    if (GetParam() == BitmapNames::kSame) return;
    setup().source.parameters.others = Mapping(Here);
    setup().destination.parameters.others = Mapping(There);
  }

  static Bitmap Here(const std::string& name) { return {"disk", name}; }
  static Bitmap There(const std::string& name) {
    if (GetParam() == BitmapNames::kSame) return Here(name);
    return {"other-disk", "other-" + name};
  }

  absl::Status AddBitmap(const std::string& name) {
    Json arguments = Arguments(Here(name));
    return source().qmp().Execute("block-dirty-bitmap-add", arguments, StepDeadline()).status();
  }
  // Sets bits in the bitmaps that the source's disk has.
  absl::Status Write(const std::string& place) {
    std::string line = fmt::format("qemu-io {} \"write {}\"", Here("").node, place);
    return source().machine().HumanMonitor(line, StepDeadline()).status();
  }
  absl::StatusOr<std::string> Hash(GuestMachine& machine, const Bitmap& bitmap) {
    TANDEM_ASSIGN_OR_RETURN(Json reply,
                            machine.qmp().Execute(kHashCommand, Arguments(bitmap), StepDeadline()));
    return reply["sha256"].Text();
  }
  // Of all bitmaps, in the order of kBitmaps.
  absl::StatusOr<std::vector<std::string>> Hashes(GuestMachine& machine,
                                                  Bitmap (*place)(const std::string&)) {
    std::vector<std::string> hashes;
    for (const char* name : kBitmaps) {
      TANDEM_ASSIGN_OR_RETURN(std::string hash, Hash(machine, place(name)));
      hashes.push_back(hash);
    }
    return hashes;
  }

 private:
  static Json Arguments(const Bitmap& bitmap) {
    return Json::Object({{"node", bitmap.node}, {"name", bitmap.name}});
  }

  // -blockdev for an empty disk.
  std::vector<std::string> MakeDisk(const std::string& file, const std::string& node) {
    std::string path = scratch().File(file);
    std::ofstream(path).flush();
    std::filesystem::resize_file(path, kDiskBytes);
    return {"-blockdev",
            fmt::format("driver=file,node-name={},filename={}", node, EscapeOption(path))};
  }

  // Parameter block-bitmap-mapping: from one side's names to those on the wire.
  static Json Mapping(Bitmap (*place)(const std::string&)) {
    std::vector<Json> bitmaps;
    for (const char* name : kBitmaps) {
      bitmaps.push_back(
          Json::Object({{"name", place(name).name}, {"alias", fmt::format("wire-{}", name)}}));
    }
    Json node = Json::Object(
        {{"node-name", place("").node}, {"alias", "wire-disk"}, {"bitmaps", Json::Array(bitmaps)}});
    return Json::Object({{"block-bitmap-mapping", Json::Array({node})}});
  }
};

// M4: three bitmaps of different contents arrive, under the same names and under others.
TANDEM_COVERS(BitmapsTest, BitmapsArrive, "M4");
TEST_P(BitmapsTest, BitmapsArrive) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(AddBitmap("first"));
  TANDEM_ASSERT_OK(Write("0 64k"));
  TANDEM_ASSERT_OK(AddBitmap("second"));
  TANDEM_ASSERT_OK(Write("5M 300k"));
  TANDEM_ASSERT_OK(AddBitmap("clean"));
  TANDEM_ASSERT_OK_AND_ASSIGN(std::vector<std::string> sent, Hashes(source(), Here));
  ASSERT_EQ(std::set<std::string>(sent.begin(), sent.end()).size(), sent.size());
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  TANDEM_ASSERT_OK_AND_ASSIGN(std::vector<std::string> arrived, Hashes(destination(), There));
  EXPECT_EQ(arrived, sent);
  TANDEM_ASSERT_THAT(destination(), HasConsistentState());
  TANDEM_ASSERT_THAT(destination(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(Bitmaps, BitmapsTest, Values(BitmapNames::kSame, BitmapNames::kMapped),
                         NameOfParameter());

}  // namespace
}  // namespace tandem
