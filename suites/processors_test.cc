// SPDX-License-Identifier: Apache-2.0
// Several vCPUs that sweep the guest's memory in step, each a range of its own with registers of
// its own. First that each damage to one of them is seen and its vCPU named, then that all of them
// come along in each kind of migration, and in COLO.
#include <spdlog/fmt/fmt.h>

#include <array>

#include "fixtures/busy_vcpus.h"
#include "fixtures/gdb_client.h"
#include "fixtures/held_vcpu.h"
#include "fixtures/multifd_fixture.h"
#include "fixtures/parameter_name.h"
#include "fixtures/postcopy_fixture.h"
#include "fixtures/precopy_fixture.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Values;

constexpr uint32_t kSweepers = 4;
constexpr size_t kThird = 2;  // the vCPU to which something happens

// Whom two sweeps of the guest are awaited from, in vain.
std::string AwaitedInVain(const GuestMachine& machine) {
  return std::string(machine.WaitForSweeps(2, Deadline::After(absl::Milliseconds(600))).message());
}

class ProcessorsGuestTest : public MigrationFixture {
 protected:
  ProcessorsGuestTest() : MigrationFixture("machine") {
    setup().guest.workload.sweepers = kSweepers;
  }

  // Stops the machine where the registers of this vCPU count.
  absl::Status StopInRegisterWindowOf(uint64_t vcpu) {
    Deadline deadline = StepDeadline();
    for (;;) {
      if (absl::Status stopped = source().machine().Stop(deadline); !stopped.ok()) return stopped;
      absl::StatusOr<TandemGuestState> state = source().ReadGuestState(deadline);
      if (!state.ok()) return state.status();
      if (state->others[vcpu - 1].in_register_window) return absl::OkStatus();
      if (absl::Status ran = source().machine().Cont(deadline); !ran.ok()) return ran;
    }
  }

  static uint64_t FirstPageOf(uint64_t vcpu) {
    TandemGuestOptions options = TandemGuestDefaultOptions();
    TandemGuestLayout layout = TandemGuestLayoutOf(&options);
    return TandemGuestSlice(&layout, TANDEM_GUEST_BAND_ORDINARY, vcpu, kSweepers).first;
  }
  // Overwrites a word in the body of a page, or in its first stamp.
  absl::Status Damage(uint64_t page, uint64_t word) {
    std::array<std::byte, 8> damaged;
    damaged.fill(std::byte{0x5a});
    uint64_t address =
        TANDEM_GUEST_REGION_OFFSET + page * TANDEM_GUEST_PAGE_BYTES + word * sizeof(uint64_t);
    return source().memory().Write(address, damaged, StepDeadline());
  }
  // Lets the stopped guest run until it reports a failed self-check; what it reports.
  std::string FailureAfterCont() {
    TANDEM_EXPECT_OK(source().machine().Cont(StepDeadline()));
    return std::string(source().WaitForSweeps(1'000'000, StepDeadline()).message());
  }
};
TANDEM_BUSY_VCPUS(ProcessorsGuestTest, 4);

// M13: the judge sees a page that is damaged in the range of another vCPU than the first.
TANDEM_COVERS(ProcessorsGuestTest, OracleNamesTheVcpuOfADamagedPage, "M13");
TEST_F(ProcessorsGuestTest, OracleNamesTheVcpuOfADamagedPage) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  ASSERT_THAT(source(), HasConsistentState());
  TANDEM_ASSERT_OK(Damage(FirstPageOf(kThird) + 7, 100));
  TANDEM_ASSERT_OK_AND_ASSIGN(OracleReport report, source().VerifyRam(StepDeadline()));
  EXPECT_EQ(report.finding_count, 1u);
  EXPECT_THAT(report.diagnosis, HasSubstr("in the ordinary band, swept by vCPU 2"));
  EXPECT_THAT(source(), Not(HasConsistentState()));
}

// M13: a vCPU finds a damaged page of its range itself.
TANDEM_COVERS(ProcessorsGuestTest, VcpuReportsALostPage, "M13");
TEST_F(ProcessorsGuestTest, VcpuReportsALostPage) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Damage(FirstPageOf(kThird) + 7, 0));
  std::string failure = FailureAfterCont();
  EXPECT_THAT(failure, HasSubstr(fmt::format("page {}:0", FirstPageOf(kThird) + 7)));
  EXPECT_THAT(failure, HasSubstr("vcpu 2"));
}

// M13: each vCPU has register windows of its own.
TANDEM_COVERS(ProcessorsGuestTest, VcpuReportsALostRegister, "M13");
TEST_F(ProcessorsGuestTest, VcpuReportsALostRegister) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(StopInRegisterWindowOf(kThird));
  TANDEM_ASSERT_OK_AND_ASSIGN(auto gdb,
                              GdbClient::Attach(source().machine(), scratch(), StepDeadline()));
  TANDEM_ASSERT_OK(gdb->SelectVcpu(kThird));
  TANDEM_ASSERT_OK(gdb->WriteRegister(kGdbR12, "efbeadde00000000"));
  std::string failure = FailureAfterCont();
  EXPECT_THAT(failure, HasSubstr("register r12"));
  EXPECT_THAT(failure, HasSubstr("vcpu 2"));
}

// M13: a vCPU that stands still is no guest that runs, however busy the others are.
TANDEM_COVERS(ProcessorsGuestTest, StandingVcpuIsNamed, "M13");
TEST_F(ProcessorsGuestTest, StandingVcpuIsNamed) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK_AND_ASSIGN(auto held, HoldSweepingVcpu(source(), kThird, StepDeadline()));
  EXPECT_THAT(AwaitedInVain(source()), HasSubstr("vCPU 2 (at page "));
  held.reset();
  EXPECT_THAT(source(), MakesProgress());
}

struct BootVariant {
  MachineFamily family;
  GuestBoot boot;
};

std::string ParameterName(const BootVariant& variant) {
  return tandem::ParameterName(variant.family) + (variant.boot == GuestBoot::kRom ? "Rom" : "Disk");
}

class ProcessorsBootTest : public ProcessorsGuestTest,
                           public ::testing::WithParamInterface<BootVariant> {
 protected:
  void SetUp() override {
    setup().family = GetParam().family;
    setup().guest.boot = GetParam().boot;
    ProcessorsGuestTest::SetUp();
  }
};
TANDEM_BUSY_VCPUS(ProcessorsBootTest, 4);

// M13: with and without a firmware that has started the vCPUs before: wherever the guest is
// stopped, every byte of its memory is what its own account says, and all of them run.
TANDEM_COVERS(ProcessorsBootTest, IsConsistentAtAnyMoment, "M13");
TEST_P(ProcessorsBootTest, IsConsistentAtAnyMoment) {
  TANDEM_ASSERT_OK(StartSource());
  for (int i = 0; i < 5; ++i) TANDEM_ASSERT_THAT(source(), HasConsistentState());
}

INSTANTIATE_TEST_SUITE_P(Processors, ProcessorsBootTest,
                         Values(BootVariant{MachineFamily::kPc, GuestBoot::kRom},
                                BootVariant{MachineFamily::kPc, GuestBoot::kDisk},
                                BootVariant{MachineFamily::kQ35, GuestBoot::kRom},
                                BootVariant{MachineFamily::kQ35, GuestBoot::kDisk}),
                         NameOfParameter());

// How TCG emulates several vCPUs: each in a thread of its own, or all in one, by turns.
enum class TcgThreads { kMulti, kSingle };
std::string ParameterName(TcgThreads threads) {
  return threads == TcgThreads::kMulti ? "ThreadForEach" : "OneThread";
}

class ProcessorsPrecopyTest : public PrecopyFixture,
                              public ::testing::WithParamInterface<TcgThreads> {
 protected:
  void SetUp() override {
    setup().guest.workload.sweepers = kSweepers;
    PrecopyFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    if (config().accelerator != "tcg") GTEST_SKIP() << "only TCG has a choice of threads";
  }
  void ConfigureMachine(MigrationSide /*side*/, MachineOptions& options) override {
    options.accelerator += GetParam() == TcgThreads::kMulti ? ",thread=multi" : ",thread=single";
  }
  MigrationAddress Address() const { return MigrationAddress::Unix(scratch().File("migration")); }
};
TANDEM_BUSY_VCPUS(ProcessorsPrecopyTest, 4);

// M13: four vCPUs write to memory while it is copied, and go on with it on the destination.
TANDEM_COVERS(ProcessorsPrecopyTest, AllComeAlongLive, "M13");
TEST_P(ProcessorsPrecopyTest, AllComeAlongLive) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive(Address()));
  ExpectGuestMoved();
}

// M13: the same for vCPUs that stand still; all memory is compared.
TANDEM_COVERS(ProcessorsPrecopyTest, AllComeAlongStopped, "M13");
TEST_P(ProcessorsPrecopyTest, AllComeAlongStopped) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Migrate(Address()));
  ExpectStoppedGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Processors, ProcessorsPrecopyTest,
                         Values(TcgThreads::kMulti, TcgThreads::kSingle), NameOfParameter());

class ProcessorsStandstillTest : public PrecopyFixture {
 protected:
  ProcessorsStandstillTest() { setup().guest.workload.sweepers = kSweepers; }
};
TANDEM_BUSY_VCPUS(ProcessorsStandstillTest, 4);

// M13: of four vCPUs that have moved one stands still, and the check of the tests above says which.
TANDEM_COVERS(ProcessorsStandstillTest, VcpuThatStandsStillOnTheDestinationIsNamed, "M13");
TEST_F(ProcessorsStandstillTest, VcpuThatStandsStillOnTheDestinationIsNamed) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive(MigrationAddress::Unix(scratch().File("migration"))));
  TANDEM_ASSERT_OK_AND_ASSIGN(auto held, HoldSweepingVcpu(destination(), kThird, StepDeadline()));
  EXPECT_THAT(AwaitedInVain(destination()), HasSubstr("vCPU 2 (at page "));
  held.reset();
  ExpectGuestMoved();
}

class ProcessorsMultifdTest : public MultifdFixture {
 protected:
  ProcessorsMultifdTest() { setup().guest.workload.sweepers = kSweepers; }
};
TANDEM_BUSY_VCPUS(ProcessorsMultifdTest, 4);

// M13: four vCPUs, four channels.
TANDEM_COVERS(ProcessorsMultifdTest, AllComeAlongLive, "M13");
TEST_F(ProcessorsMultifdTest, AllComeAlongLive) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive());
  ExpectGuestMoved();
}

class ProcessorsPostcopyTest : public PostcopyFixture {
 protected:
  void SetUp() override {
    setup().guest.workload.sweepers = kSweepers;
    PostcopyFixture::SetUp();
  }
};
TANDEM_BUSY_VCPUS(ProcessorsPostcopyTest, 4);

// M13: four vCPUs run on the destination, each asks for the memory that it lacks.
TANDEM_COVERS(ProcessorsPostcopyTest, AllRunBeforeTheirMemoryIsThere, "M13");
TEST_F(ProcessorsPostcopyTest, AllRunBeforeTheirMemoryIsThere) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StartPostcopy(MigrationAddress::Unix(scratch().File("migration"))));
  ExpectMemoryIsMissing();
  TANDEM_ASSERT_OK(FinishPostcopy());
  EXPECT_GT(statistics().postcopy_requests.value_or(0), 0);
  ExpectGuestMoved();
}

}  // namespace
}  // namespace tandem
