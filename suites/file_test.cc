// SPDX-License-Identifier: Apache-2.0
// Migration through a file: the source writes it, and the destination reads it afterwards.
#include <fcntl.h>

#include <fstream>
#include <random>

#include "fixtures/file_fixture.h"
#include "fixtures/open_files.h"
#include "fixtures/parameter_name.h"
#include "fixtures/small_disk.h"
#include "lib/stream/migration_stream.h"
#include "lib/stream/stream_file.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr uint64_t kOffset = 0x1000;
constexpr uint64_t kDiskBytes = 16 << 20;  // the guest's memory is larger
constexpr int kRandomDamages = 60;

constexpr const char* kUuid = "3f0e1b5a-8d41-4c0f-9a55-6f2b7c1de004";

std::string Without(char separator, std::string text) {
  std::erase(text, separator);
  return text;
}

// A parser's error that says where and what was expected.
auto IsRefused() {
  return StatusIs(absl::StatusCode::kDataLoss,
                  AllOf(HasSubstr("at offset 0x"), HasSubstr("expected")));
}

// Bytes whose change no stream survives: of the header, and of some sections' types, ids and
// footers.
std::vector<uint64_t> PlacesOfStructure(const MigrationStream& stream) {
  std::vector<uint64_t> places = {0,
                                  7,
                                  stream.configuration->length.offset,
                                  stream.end_mark,
                                  stream.description.offset,
                                  stream.description.offset + 4};
  for (size_t i = 0; i < stream.sections.size(); i += 5) {
    const StreamSection& section = stream.sections[i];
    for (uint64_t place : {section.header.offset, section.header.offset + 4, section.footer.offset,
                           section.footer.end() - 1}) {
      places.push_back(place);
    }
  }
  for (size_t i = 0; i < stream.pages.size(); i += stream.pages.size() / 8 + 1) {
    if (stream.pages[i].header.size > 0) places.push_back(stream.pages[i].header.offset);
  }
  return places;
}

class FileTest : public FileFixture,
                 public ::testing::WithParamInterface<std::tuple<FileFormat, GuestActivity>> {
 protected:
  FileFormat format() const { return std::get<FileFormat>(GetParam()); }
  GuestActivity activity() const { return std::get<GuestActivity>(GetParam()); }
};

// A16, D1, D5, D6: the guest moves through a file, as a stream and with its pages at fixed places.
TANDEM_COVERS(FileTest, GuestMoves, "A16");
TANDEM_COVERS_VARIANTS(FileTest, GuestMoves, "Stream*", "D1");
TANDEM_COVERS_VARIANTS(FileTest, GuestMoves, "MappedRamStopped", "D5");
TANDEM_COVERS_VARIANTS(FileTest, GuestMoves, "MappedRamLive", "D5");
TANDEM_COVERS_VARIANTS(FileTest, GuestMoves, "MappedRamMultifd*", "D6");
TEST_P(FileTest, GuestMoves) {
  TANDEM_REQUIRE_OK(Use(format()));
  TANDEM_ASSERT_OK(StartWith(activity()));
  TANDEM_ASSERT_OK(Save(activity(), MigrationAddress::File(file())));
  TANDEM_ASSERT_OK(LoadFrom(MigrationAddress::File(file())));
  ExpectGuestMoved(activity());
}

// D9: RAM that both machines share is left out of the file.
TANDEM_COVERS_VARIANTS(FileTest, SharedRamIsLeftOut, "Stream*", "D1");
TANDEM_COVERS_VARIANTS(FileTest, SharedRamIsLeftOut, "MappedRam*", "D9");
TEST_P(FileTest, SharedRamIsLeftOut) {
  TANDEM_REQUIRE_OK(Use(format()));
  TANDEM_REQUIRE_OK(ShareRam());
  TANDEM_ASSERT_OK(StartWith(activity()));
  TANDEM_ASSERT_OK(SaveWithoutRam(activity(), MigrationAddress::File(file())));
  TANDEM_ASSERT_OK(LoadFrom(MigrationAddress::File(file())));
  ExpectGuestMoved(activity());
  TANDEM_ASSERT_OK_AND_ASSIGN(StreamFile saved, StreamFile::Open(file()));
  TANDEM_ASSERT_OK_AND_ASSIGN(MigrationStream stream, ParseStream(saved.bytes()));
  ASSERT_NE(stream.FindBlock("mem"), nullptr);
  EXPECT_EQ(stream.FindBlock("mem")->normal_pages, 0U);
  EXPECT_EQ(stream.FindBlock("mem")->zero_pages, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    File, FileTest,
    ::testing::Combine(::testing::Values(FileFormat::kStream, FileFormat::kMappedRam,
                                         FileFormat::kMappedRamMultifd),
                       ::testing::Values(GuestActivity::kStopped, GuestActivity::kLive)),
    NameOfParameter());

class OffsetFixture : public FileFixture {
 protected:
  // A file of the marker alone, longer than the offset.
  void WriteMarker() { std::ofstream(file(), std::ios::binary) << std::string(2 * kOffset, '#'); }
  void ExpectStreamAtOffset() {
    TANDEM_ASSERT_OK_AND_ASSIGN(StreamFile saved, StreamFile::Open(file()));
    std::string_view bytes(reinterpret_cast<const char*>(saved.bytes().data()),
                           saved.bytes().size());
    EXPECT_EQ(bytes.find_first_not_of('#'), kOffset) << "the marker was overwritten";
    EXPECT_EQ(bytes.substr(kOffset, 4), "QEVM");
    TANDEM_EXPECT_OK(ParseStream(saved.bytes(), kOffset));
  }
};

class FileOffsetTest : public OffsetFixture {};

// D2: the stream begins at the offset, and what is before it stays as it was.
TANDEM_COVERS(FileOffsetTest, BytesBeforeTheOffsetStay, "D2");
TEST_F(FileOffsetTest, BytesBeforeTheOffsetStay) {
  WriteMarker();
  TANDEM_ASSERT_OK(StartWith(GuestActivity::kStopped));
  TANDEM_ASSERT_OK(SaveTo(MigrationAddress::File(file(), kOffset)));
  ExpectStreamAtOffset();
  TANDEM_ASSERT_OK(LoadFrom(MigrationAddress::File(file(), kOffset)));
  ExpectGuestMoved();
}

// D3: the same in a file that QEMU gets as a descriptor.
TANDEM_COVERS(FileOffsetTest, BytesBeforeTheOffsetStayInAnFdSet, "D3");
TEST_F(FileOffsetTest, BytesBeforeTheOffsetStayInAnFdSet) {
  WriteMarker();
  MigrationAddress address = FdSetAddress(kOffset);
  TANDEM_ASSERT_OK(StartWith(GuestActivity::kStopped));
  TANDEM_ASSERT_OK(AddFdSet(source(), file(), {O_WRONLY}));
  TANDEM_ASSERT_OK(AddFdSet(destination(), file(), {O_RDONLY}));
  TANDEM_ASSERT_OK(SaveTo(address));
  ExpectStreamAtOffset();
  TANDEM_ASSERT_OK(LoadFrom(address));
  ExpectGuestMoved();
}

// D4: an offset that is no number is refused; the guest runs on, and can be migrated after that.
TANDEM_COVERS(FileOffsetTest, BadOffsetIsRefused, "D4");
TEST_F(FileOffsetTest, BadOffsetIsRefused) {
  TANDEM_ASSERT_OK(StartMachines());
  Json arguments = Json::Object({{"uri", "file:" + file() + ",offset=0x20M"}});
  EXPECT_THAT(source().qmp().Execute("migrate", arguments, StepDeadline()),
              QmpErrorIs("GenericError", HasSubstr("offset")));
  TANDEM_ASSERT_THAT(source(), HasRunState("running"));
  TANDEM_ASSERT_THAT(source(), MakesProgress());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(SaveTo(MigrationAddress::File(file())));
  TANDEM_ASSERT_OK(LoadFrom(MigrationAddress::File(file())));
  ExpectGuestMoved();
}

// Saves so slowly that one sees how the file is written.
class DirectIoFixture : public OffsetFixture {
 protected:
  absl::Status BeginSave(const MigrationAddress& address) {
    TANDEM_RETURN_IF_ERROR(HoldBack());
    TANDEM_RETURN_IF_ERROR(Negotiate());
    TANDEM_RETURN_IF_ERROR(StartMigrationTo(address));
    return migration().WaitForStatus(MigrationStatus::kActive, StepDeadline());
  }
  absl::Status EndSave() {
    TANDEM_RETURN_IF_ERROR(Converge());
    return WaitForSaved();
  }
  // The source's descriptors for direct I/O to the file. The main channel, whose parts have any
  // length, is not among them.
  void ExpectDirectDescriptors(int expected) {
    TANDEM_ASSERT_OK_AND_ASSIGN(int found, CountDirectFilesOf(source().machine().pid(), file()));
    EXPECT_EQ(found, expected);
  }
  static constexpr int kChannels = 2;  // of multifd, when nobody says how many
};

class DirectIoTest : public DirectIoFixture, public ::testing::WithParamInterface<GuestActivity> {};

// A16, D7: multifd writes and reads pages past the page cache.
TANDEM_COVERS(DirectIoTest, GuestMovesPastThePageCache, "A16", "D7");
TEST_P(DirectIoTest, GuestMovesPastThePageCache) {
  TANDEM_REQUIRE_OK(Use(FileFormat::kMappedRamMultifd));
  TANDEM_REQUIRE_OK(UseDirectIo());
  TANDEM_ASSERT_OK(StartWith(GetParam()));
  TANDEM_ASSERT_OK(BeginSave(MigrationAddress::File(file())));
  ExpectDirectDescriptors(kChannels);
  if (GetParam() == GuestActivity::kLive) {
    TANDEM_ASSERT_OK(WaitUntilSentMemoryIsDirtyAgain());
  }
  TANDEM_ASSERT_OK(EndSave());
  TANDEM_ASSERT_OK(LoadFrom(MigrationAddress::File(file())));
  ExpectGuestMoved(GetParam());
}

INSTANTIATE_TEST_SUITE_P(File, DirectIoTest,
                         ::testing::Values(GuestActivity::kStopped, GuestActivity::kLive),
                         NameOfParameter());

class FdSetTest : public DirectIoFixture {
 protected:
  void ExpectGuestMovesThroughFdSets(int flags_of_second) {
    TANDEM_REQUIRE_OK(Use(FileFormat::kMappedRamMultifd));
    WriteMarker();
    TANDEM_ASSERT_OK(StartWith(GuestActivity::kStopped));
    TANDEM_ASSERT_OK(AddFdSet(source(), file(), {O_WRONLY, O_WRONLY | flags_of_second}));
    TANDEM_ASSERT_OK(AddFdSet(destination(), file(), {O_RDONLY, O_RDONLY | flags_of_second}));
    TANDEM_ASSERT_OK(BeginSave(FdSetAddress(kOffset)));
    ExpectDirectDescriptors(flags_of_second == O_DIRECT ? 1 + kChannels : 0);  // 1 is in the set
    TANDEM_ASSERT_OK(EndSave());
    ExpectStreamAtOffset();
    TANDEM_ASSERT_OK(LoadFrom(FdSetAddress(kOffset)));
    ExpectGuestMoved();
    TANDEM_ASSERT_OK_AND_ASSIGN(size_t left_on_source, RemoveFdSet(source()));
    TANDEM_ASSERT_OK_AND_ASSIGN(size_t left_on_destination, RemoveFdSet(destination()));
    EXPECT_EQ(left_on_source + left_on_destination, 0U);
  }
};

// A16, D8: multifd and mapped-ram behind an offset in a file of which QEMU gets two descriptors;
// none is left behind.
TANDEM_COVERS(FdSetTest, GuestMovesAndNoSetIsLeft, "A16", "D8");
TEST_F(FdSetTest, GuestMovesAndNoSetIsLeft) { ExpectGuestMovesThroughFdSets(0); }

// D8: the same, with one of the descriptors for direct-io.
TANDEM_COVERS(FdSetTest, GuestMovesByDirectIoAndNoSetIsLeft, "D8");
TEST_F(FdSetTest, GuestMovesByDirectIoAndNoSetIsLeft) {
  TANDEM_REQUIRE_OK(UseDirectIo());
  ExpectGuestMovesThroughFdSets(O_DIRECT);
}

class StreamReaderTest
    : public FileFixture,
      public ::testing::WithParamInterface<std::tuple<FileFormat, MachineFamily>> {
 protected:
  // pc has one vCPU and boots from the ROM, q35 has three and boots by its firmware from a disk.
  void SetUp() override {
    setup().family = family();
    if (family() == MachineFamily::kQ35) {
      setup().guest.boot = GuestBoot::kDisk;
      setup().arguments = {"-smp", "3"};
    }
    MigrationFixture::SetUp();  // without file:, which a stream does not need
  }

  MachineFamily family() const { return std::get<MachineFamily>(GetParam()); }
  FileFormat format() const { return std::get<FileFormat>(GetParam()); }
  uint32_t vcpus() const { return family() == MachineFamily::kQ35 ? 3 : 1; }

  absl::Status AgreeAbout(std::string_view capability) {
    setup().capabilities.Enable(capability);
    return RequireCapability(capability);
  }

  absl::Status SaveStoppedGuest() {
    absl::Status started = StartWith(GuestActivity::kStopped);
    if (!started.ok()) return started;
    if (format() == FileFormat::kStream) return SaveByCommand(file());
    return SaveTo(MigrationAddress::File(file()));
  }

  void ExpectParts(const MigrationStream& stream) {
    ASSERT_TRUE(stream.configuration);
    EXPECT_THAT(stream.configuration->machine_type, HasSubstr(MachineFamilyName(family())));
    EXPECT_NE(stream.FindSection("ram", SectionType::kEnd), nullptr);
    EXPECT_NE(stream.FindDevice("timer"), nullptr);
    EXPECT_NE(stream.FindDevice("cpu", vcpus() - 1), nullptr);
    EXPECT_EQ(stream.FindDevice("cpu", vcpus()), nullptr);
    uint64_t bytes = 0;
    for (const StreamBlock& block : stream.blocks) bytes += block.used_bytes;
    EXPECT_EQ(bytes, statistics().total_bytes);
  }

  // By the source's account. Mapped pages of zeros are not in the file.
  void ExpectPageCounts(const MigrationStream& stream) {
    EXPECT_EQ(stream.CountPages(PageKind::kNormal), statistics().normal_pages);
    uint64_t zero_pages = static_cast<uint64_t>(statistics().zero_pages.value_or(0));
    EXPECT_EQ(stream.CountPages(PageKind::kZero), format() == FileFormat::kStream ? zero_pages : 0);
  }
};

// D10: the file tells its devices, RAM blocks and pages, as many as the source has sent and each
// with what is in the guest's memory.
TANDEM_COVERS(StreamReaderTest, FileHoldsTheMachine, "D10");
TEST_P(StreamReaderTest, FileHoldsTheMachine) {
  TANDEM_REQUIRE_OK(Use(format()));
  TANDEM_ASSERT_OK(SaveStoppedGuest());
  TANDEM_ASSERT_OK_AND_ASSIGN(StreamFile saved, StreamFile::Open(file()));
  TANDEM_ASSERT_OK_AND_ASSIGN(MigrationStream stream, ParseStream(saved.bytes()));
  ExpectParts(stream);
  ExpectPageCounts(stream);
  TANDEM_EXPECT_OK(CompareRegion(source(), stream, saved));
}

// D10: the head of the stream names what both sides must agree about.
TANDEM_COVERS(StreamReaderTest, ConfigurationIsReadable, "D10");
TEST_P(StreamReaderTest, ConfigurationIsReadable) {
  TANDEM_REQUIRE_OK(Use(format()));
  TANDEM_REQUIRE_OK(AgreeAbout("x-ignore-shared"));
  TANDEM_REQUIRE_OK(AgreeAbout("validate-uuid"));
  setup().arguments.insert(setup().arguments.end(), {"-uuid", kUuid});
  TANDEM_ASSERT_OK(SaveStoppedGuest());
  TANDEM_ASSERT_OK_AND_ASSIGN(StreamFile saved, StreamFile::Open(file()));
  TANDEM_ASSERT_OK_AND_ASSIGN(MigrationStream stream, ParseStream(saved.bytes()));
  ASSERT_TRUE(stream.configuration);
  EXPECT_EQ(stream.configuration->uuid, Without('-', kUuid));
  EXPECT_THAT(stream.configuration->capabilities, Contains("x-ignore-shared"));
  ExpectParts(stream);
}

// D10: a truncated or damaged file is refused, with the offset and what was expected there.
TANDEM_COVERS(StreamReaderTest, DamagedFileIsRefused, "D10");
TEST_P(StreamReaderTest, DamagedFileIsRefused) {
  TANDEM_REQUIRE_OK(Use(format()));
  TANDEM_ASSERT_OK(SaveStoppedGuest());
  TANDEM_ASSERT_OK_AND_ASSIGN(StreamFile saved, StreamFile::Open(file()));
  TANDEM_ASSERT_OK_AND_ASSIGN(MigrationStream stream, ParseStream(saved.bytes()));
  std::vector<std::byte> bytes(saved.bytes().begin(), saved.bytes().end());
  for (uint64_t offset : PlacesOfStructure(stream)) {
    std::span<const std::byte> whole(bytes);
    EXPECT_THAT(ParseStream(whole.first(offset)), IsRefused()) << "truncated to " << offset;
    std::byte before = std::exchange(bytes[offset], ~bytes[offset]);
    EXPECT_THAT(ParseStream(bytes), IsRefused()) << "damaged at " << offset;
    bytes[offset] = before;
  }
  TANDEM_EXPECT_OK(ParseStream(bytes));
}

// D10: damage anywhere, also in the description that all sizes come from, is refused or does no
// harm.
TANDEM_COVERS(StreamReaderTest, RandomDamageDoesNoHarm, "D10");
TEST_P(StreamReaderTest, RandomDamageDoesNoHarm) {
  TANDEM_REQUIRE_OK(Use(format()));
  TANDEM_ASSERT_OK(SaveStoppedGuest());
  TANDEM_ASSERT_OK_AND_ASSIGN(StreamFile saved, StreamFile::Open(file()));
  TANDEM_ASSERT_OK_AND_ASSIGN(MigrationStream stream, ParseStream(saved.bytes()));
  std::vector<std::byte> bytes(saved.bytes().begin(), saved.bytes().end());
  std::mt19937_64 random(static_cast<uint64_t>(RandomSeed()));
  const uint64_t devices = stream.FindDevice("timer")->header.offset;
  for (int i = 0; i < kRandomDamages; ++i) {
    uint64_t first = i % 2 == 0 ? 0 : devices;
    uint64_t offset = first + random() % (bytes.size() - first);
    std::byte before = std::exchange(bytes[offset], static_cast<std::byte>(random()));
    EXPECT_THAT(ParseStream(bytes), AnyOf(IsOk(), IsRefused())) << "damaged at " << offset;
    bytes[offset] = before;
  }
}

INSTANTIATE_TEST_SUITE_P(
    File, StreamReaderTest,
    ::testing::Combine(::testing::Values(FileFormat::kStream, FileFormat::kMappedRam,
                                         FileFormat::kMappedRamMultifd),
                       ::testing::Values(MachineFamily::kPc, MachineFamily::kQ35)),
    NameOfParameter());

class FullDiskTest : public FileFixture, public ::testing::WithParamInterface<FileFormat> {};

// D11: the disk gets full while the guest is saved: the migration fails and says why, and the guest
// runs on.
TANDEM_COVERS(FullDiskTest, GuestRunsOnAtSource, "D11");
TEST_P(FullDiskTest, GuestRunsOnAtSource) {
  TANDEM_REQUIRE_OK(Use(GetParam()));
  absl::StatusOr<UniqueFd> disk = OpenFileOnSmallDisk(scratch().path(), kDiskBytes);
  TANDEM_REQUIRE_OK(disk.status());
  ExpectErrorLine("No space left on device", "source");
  ExpectErrorLine("failed to save SaveStateEntry with id(name): 1(ram)", "source");
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(AddFd(source(), disk->get()));
  TANDEM_ASSERT_OK(Negotiate());
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(StartMigrationTo(FdSetAddress()));
  TANDEM_ASSERT_OK_AND_ASSIGN(std::string error, WaitForFailure());
  EXPECT_THAT(error, HasSubstr("No space left on device"));
  // QEMU 10.0 announces the failure before the guest runs again.
  TANDEM_ASSERT_OK(source().machine().PollRunState("running", StepDeadline()));
  TANDEM_ASSERT_THAT(source(), HasConsistentState());
  TANDEM_ASSERT_THAT(source(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(File, FullDiskTest,
                         ::testing::Values(FileFormat::kStream, FileFormat::kMappedRam,
                                           FileFormat::kMappedRamMultifd),
                         NameOfParameter());

}  // namespace
}  // namespace tandem
