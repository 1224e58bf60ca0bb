// SPDX-License-Identifier: Apache-2.0
// The judge before the court: on a real QEMU, the guest and the oracle agree when all is well, and
// each kind of damage to memory, registers and devices is seen and named. No test here migrates.
//
// Both flavours of the guest are used: the flat ROM, which all other suites boot, and the disk
// image, which goes through the firmware.
#include <spdlog/fmt/fmt.h>

#include <array>
#include <cstring>

#include "fixtures/gdb_client.h"
#include "fixtures/migration_fixture.h"
#include "fixtures/parameter_name.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Values;

using Page = std::array<std::byte, TANDEM_GUEST_PAGE_BYTES>;

class GuestFixture : public MigrationFixture {
 protected:
  GuestFixture() : MigrationFixture("machine") {}

  // Stops the machine inside one of the guest's register windows, where every register counts.
  absl::Status StopInRegisterWindow() {
    Deadline deadline = StepDeadline();
    for (;;) {
      if (absl::Status stopped = source().machine().Stop(deadline); !stopped.ok()) return stopped;
      absl::StatusOr<TandemGuestState> state = source().ReadGuestState(deadline);
      if (!state.ok()) return state.status();
      if (state->in_register_window) return absl::OkStatus();
      if (absl::Status ran = source().machine().Cont(deadline); !ran.ok()) return ran;
    }
  }

  static uint64_t AddressOf(uint64_t page) {
    return TANDEM_GUEST_REGION_OFFSET + page * TANDEM_GUEST_PAGE_BYTES;
  }
  Page ReadPage(uint64_t page) {
    Page contents;
    TANDEM_EXPECT_OK(source().memory().Read(AddressOf(page), contents, StepDeadline()));
    return contents;
  }
  void WritePage(uint64_t page, const Page& contents) {
    TANDEM_EXPECT_OK(source().memory().Write(AddressOf(page), contents, StepDeadline()));
  }
  OracleReport Verify() {
    absl::StatusOr<OracleReport> report = source().VerifyRam(StepDeadline());
    TANDEM_EXPECT_OK(report);
    return report.ok() ? *report : OracleReport();
  }
  std::string Monitor(const std::string& line) {
    absl::StatusOr<std::string> answer = source().machine().HumanMonitor(line, StepDeadline());
    TANDEM_EXPECT_OK(answer);
    return answer.value_or("");
  }
  // Lets the stopped guest run until it reports a failed self-check; what it reports.
  std::string FailureAfterCont() {
    TANDEM_EXPECT_OK(source().machine().Cont(StepDeadline()));
    return NextFailure();
  }
  std::string NextFailure() {
    return std::string(source().WaitForSweeps(1'000'000, StepDeadline()).message());
  }
};

struct BootVariant {
  MachineFamily family;
  GuestBoot boot;
};

std::string ParameterName(const BootVariant& variant) {
  return tandem::ParameterName(variant.family) + (variant.boot == GuestBoot::kRom ? "Rom" : "Disk");
}

class GuestBootTest : public GuestFixture, public ::testing::WithParamInterface<BootVariant> {
 protected:
  void SetUp() override {
    setup().family = GetParam().family;
    setup().guest.boot = GetParam().boot;
    GuestFixture::SetUp();
  }
};

// Wherever the guest is stopped, every byte of its memory is what its own account says.
TEST_P(GuestBootTest, IsConsistentAtAnyMoment) {
  TANDEM_ASSERT_OK(StartSource());
  for (int i = 0; i < 10; ++i) EXPECT_THAT(source(), HasConsistentState());
  EXPECT_THAT(source(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(Guest, GuestBootTest,
                         Values(BootVariant{MachineFamily::kPc, GuestBoot::kRom},
                                BootVariant{MachineFamily::kPc, GuestBoot::kDisk},
                                BootVariant{MachineFamily::kQ35, GuestBoot::kRom},
                                BootVariant{MachineFamily::kQ35, GuestBoot::kDisk}),
                         NameOfParameter());

class GuestTest : public GuestFixture {};

// Reading through QEMU, where the kernel forbids process_vm_readv, comes to the same verdict.
TEST_F(GuestTest, PmemsaveSeesTheSame) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  source().memory().set_method(MachineMemory::Method::kPmemsave);
  EXPECT_THAT(source(), HasConsistentState());
  Page page = ReadPage(7);
  source().memory().set_method(MachineMemory::Method::kProcessVm);
  EXPECT_EQ(ReadPage(7), page);
}

// The shares of the bands are the host's choice, up to a guest that only writes noise.
TEST_F(GuestTest, TakesSharesFromTheHost) {
  setup().guest.workload = {
      .zero_share_percent = 10, .incompressible_share_percent = 90, .page_count = 1000};
  TANDEM_ASSERT_OK(StartSource());
  EXPECT_THAT(source(), HasConsistentState());
  EXPECT_EQ(Verify().layout.ordinary_end, 0u);
  EXPECT_EQ(Verify().pages_checked, 1000u);
}

// One flipped bit among 100 MiB.
TEST_F(GuestTest, OracleSeesAFlippedBit) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  Page page = ReadPage(1234);
  page[777] ^= std::byte{0x10};
  WritePage(1234, page);
  OracleReport report = Verify();
  ASSERT_EQ(report.finding_count, 1u) << report.Summary();
  EXPECT_EQ(report.findings[0].kind, FindingKind::kDamaged);
  EXPECT_EQ(report.findings[0].page, 1234u);
  EXPECT_EQ(report.findings[0].byte_offset, 777u);
  EXPECT_THAT(source(), Not(HasConsistentState()));
}

// A page that comes back with what it held some sweeps ago.
TEST_F(GuestTest, OracleSeesAStalePage) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  Page before = ReadPage(99);
  TANDEM_ASSERT_OK(source().machine().Cont(StepDeadline()));
  TANDEM_ASSERT_OK(source().WaitForSweeps(3, StepDeadline()));
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  WritePage(99, before);
  OracleReport report = Verify();
  ASSERT_EQ(report.finding_count, 1u) << report.Summary();
  EXPECT_EQ(report.findings[0].kind, FindingKind::kStale);
  EXPECT_GE(report.findings[0].stale_by, 2u);
}

// Two pages that changed places: each is a healthy page, only not here.
TEST_F(GuestTest, OracleSeesSwappedPages) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  Page one = ReadPage(500);
  WritePage(500, ReadPage(501));
  WritePage(501, one);
  OracleReport report = Verify();
  EXPECT_GE(report.count(FindingKind::kSwapped), 1u) << report.Summary();
  EXPECT_THAT(report.Summary(), HasSubstr("swapped"));
}

// Half a page that is zero, as when a page is sent in two pieces and one is lost.
TEST_F(GuestTest, OracleSeesAHalfZeroedPage) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  Page page = ReadPage(4321);
  std::memset(page.data() + 1024, 0, 1024);
  WritePage(4321, page);
  OracleReport report = Verify();
  ASSERT_EQ(report.finding_count, 1u) << report.Summary();
  EXPECT_EQ(report.findings[0].byte_offset & ~7u, 1024u);
}

// A running guest finds a lost page itself, before its next sweep wipes the trace.
TEST_F(GuestTest, GuestReportsALostPage) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  WritePage(250, Page{});
  EXPECT_THAT(FailureAfterCont(), HasSubstr("page 250:"));
}

// A general register and half of a vector register, lost while the machine was stopped.
TEST_F(GuestTest, GuestReportsALostRegister) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(StopInRegisterWindow());
  TANDEM_ASSERT_OK_AND_ASSIGN(auto gdb,
                              GdbClient::Attach(source().machine(), scratch(), StepDeadline()));
  TANDEM_ASSERT_OK(gdb->WriteRegister(kGdbR12, "efbeadde00000000"));
  EXPECT_THAT(FailureAfterCont(), HasSubstr("register r12"));
}

TEST_F(GuestTest, GuestReportsALostVectorRegister) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(StopInRegisterWindow());
  TANDEM_ASSERT_OK_AND_ASSIGN(auto gdb,
                              GdbClient::Attach(source().machine(), scratch(), StepDeadline()));
  TANDEM_ASSERT_OK(gdb->WriteRegister(kGdbXmm3, "00112233445566778899aabbccddeeff"));
  EXPECT_THAT(FailureAfterCont(), HasSubstr("register xmm3"));
}

// A reset under the guest is no progress, even though it boots and sweeps again.
TEST_F(GuestTest, GuestReportsAReset) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(source().WaitForSweeps(1, StepDeadline()));
  Monitor("system_reset");
  EXPECT_THAT(NextFailure(), HasSubstr("restart"));
}

// A device register of the PC: which port, and what the guest calls it.
struct DeviceRegister {
  const char* name;
  int index_port;  // 0 when the register has a port of its own
  int index;
  int port;
  const char* reported_as;
};

std::string ParameterName(const DeviceRegister& device_register) { return device_register.name; }
void PrintTo(const DeviceRegister& device_register, std::ostream* out) {
  *out << device_register.name;
}

class GuestDeviceTest : public GuestFixture,
                        public ::testing::WithParamInterface<DeviceRegister> {};

// Another value in a device register than the guest set, written through the human monitor's port
// commands while the machine is stopped.
TEST_P(GuestDeviceTest, GuestReportsALostDeviceRegister) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(StopInRegisterWindow());
  const DeviceRegister& lost = GetParam();
  if (lost.index_port != 0) Monitor(fmt::format("o /b {:#x} {:#x}", lost.index_port, lost.index));
  std::string read = Monitor(fmt::format("i /b {:#x}", lost.port));
  int value = std::stoi(read.substr(read.find("= ") + 2), nullptr, 16);
  Monitor(fmt::format("o /b {:#x} {:#x}", lost.port, ~value & 0xff));
  EXPECT_THAT(FailureAfterCont(), HasSubstr(lost.reported_as));
}

INSTANTIATE_TEST_SUITE_P(Guest, GuestDeviceTest,
                         Values(DeviceRegister{"UartScratch", 0, 0, 0x3ff, "device uart.scr"},
                                DeviceRegister{"CmosRam", 0x70, 0x62, 0x71, "device cmos"},
                                DeviceRegister{"PrimaryPicMask", 0, 0, 0x21, "device pic0.imr"},
                                DeviceRegister{"SecondaryPicMask", 0, 0, 0xa1, "device pic1.imr"}),
                         NameOfParameter());

// The timer has no register that reads back as written: a new control word changes its mode.
TEST_F(GuestTest, GuestReportsALostTimerMode) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(StopInRegisterWindow());
  Monitor("o /b 0x43 0xb8");
  EXPECT_THAT(FailureAfterCont(), HasSubstr("device pit"));
}

}  // namespace
}  // namespace tandem
