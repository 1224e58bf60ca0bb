// SPDX-License-Identifier: Apache-2.0
// Processors and memory that were plugged into the running source come along to a destination that
// is started with them.
#include <spdlog/fmt/fmt.h>

#include <array>

#include "fixtures/parameter_name.h"
#include "fixtures/precopy_fixture.h"

namespace tandem {
namespace {

using ::testing::Values;

constexpr uint64_t kModuleBytes = 8 << 20;

class HotplugTest : public PrecopyFixture, public ::testing::WithParamInterface<MachineFamily> {
 protected:
  void SetUp() override {
    setup().family = GetParam();
    setup().arguments = {"-smp", "1,maxcpus=3", "-m",
                         fmt::format("{}M,slots=32,maxmem=2G", setup().ram_mib)};
    PrecopyFixture::SetUp();
  }

  // Adds a device to the source, and to the command line of the destination that starts next.
  absl::Status Plug(const Json& device) {
    setup().destination.arguments.insert(setup().destination.arguments.end(),
                                         {"-device", device.Dump()});
    return Command(source(), "device_add", device);
  }

  absl::Status PlugProcessor() {
    auto slots = source().qmp().Execute("query-hotpluggable-cpus", StepDeadline());
    if (!slots.ok()) return slots.status();
    for (const Json& slot : slots->elements()) {
      if (slot.Has("qom-path")) continue;
      return Plug(Json::Object({{"driver", slot["type"]}, {"id", "plugged-cpu"}})
                      .MergedWith(slot["props"]));
    }
    return absl::NotFoundError("no processor can be plugged: " + slots->Dump());
  }

  // A memory module, at the address that QEMU gives it.
  absl::Status PlugMemory(int number) {
    std::string backend = fmt::format("module{}", number);
    Json object =
        Json::Object({{"qom-type", "memory-backend-ram"}, {"id", backend}, {"size", kModuleBytes}});
    setup().destination.arguments.insert(setup().destination.arguments.end(),
                                         {"-object", object.Dump()});
    absl::Status added = Command(source(), "object-add", object);
    if (!added.ok()) return added;
    return Plug(Json::Object({{"driver", "pc-dimm"},
                              {"id", fmt::format("dimm{}", number)},
                              {"memdev", backend},
                              {"slot", number},
                              {"addr", AddressOf(number)}}));
  }
  // Above the hole below 4 GiB, one after the other.
  static uint64_t AddressOf(int module) { return (4ULL << 30) + module * kModuleBytes; }

  // What nothing but this test has written, so that it must have come by migration.
  static std::array<std::byte, 64> Mark(int module) {
    std::array<std::byte, 64> mark;
    mark.fill(std::byte(0xa0 + module));
    return mark;
  }
  // Writes it to the first and the last page of a module of the source.
  absl::Status MarkModule(int module) {
    for (uint64_t offset : {uint64_t{0}, kModuleBytes - 64}) {
      absl::Status written =
          source().memory().Write(AddressOf(module) + offset, Mark(module), StepDeadline());
      if (!written.ok()) return written;
    }
    return absl::OkStatus();
  }
  void ExpectMark(int module) {
    for (uint64_t offset : {uint64_t{0}, kModuleBytes - 64}) {
      std::array<std::byte, 64> found{};
      TANDEM_EXPECT_OK(
          destination().memory().Read(AddressOf(module) + offset, found, StepDeadline()));
      EXPECT_EQ(found, Mark(module)) << "module " << module << ", byte " << offset;
    }
  }
  size_t ProcessorsOf(GuestMachine& machine) {
    auto processors = machine.qmp().Execute("query-cpus-fast", StepDeadline());
    TANDEM_EXPECT_OK(processors);
    return processors.ok() ? processors->size() : 0;
  }
  // A destination with what was plugged, that compares memory before its guest runs.
  absl::Status StartDestination() {
    setup().destination.arguments.emplace_back("-S");
    return ReplaceDestination();
  }
};

// M13: a processor and a module of memory that the source got while it ran.
TANDEM_COVERS(HotplugTest, PluggedProcessorAndMemoryComeAlong, "M13");
TEST_P(HotplugTest, PluggedProcessorAndMemoryComeAlong) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(PlugProcessor());
  TANDEM_ASSERT_OK(PlugMemory(0));
  TANDEM_ASSERT_OK(MarkModule(0));
  TANDEM_ASSERT_OK(StartDestination());
  TANDEM_ASSERT_OK(MigrateLive(MigrationAddress::Tcp("127.0.0.1", 0)));
  EXPECT_EQ(ProcessorsOf(destination()), 2u);
  ExpectMark(0);
  ExpectStoppedGuestMoved();
}

// M14: many RAM blocks, each a module of its own.
TANDEM_COVERS(HotplugTest, ManyRamBlocksComeAlong, "M14");
TEST_P(HotplugTest, ManyRamBlocksComeAlong) {
  constexpr int kModules = 30;
  TANDEM_ASSERT_OK(StartMachines());
  for (int module = 0; module < kModules; ++module) {
    TANDEM_ASSERT_OK(PlugMemory(module));
    TANDEM_ASSERT_OK(MarkModule(module));
  }
  TANDEM_ASSERT_OK(StartDestination());
  TANDEM_ASSERT_OK(MigrateLive(MigrationAddress::Tcp("127.0.0.1", 0)));
  for (int module = 0; module < kModules; ++module) ExpectMark(module);
  ExpectStoppedGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Hotplug, HotplugTest, Values(MachineFamily::kPc, MachineFamily::kQ35),
                         NameOfParameter());

}  // namespace
}  // namespace tandem
