// SPDX-License-Identifier: Apache-2.0
// Migration parameters do what they say: limits are kept, throttling comes and goes, the
// destination announces itself as often as it was told.
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>

#include "fixtures/parameter_name.h"
#include "fixtures/precopy_fixture.h"
#include "lib/base/unique_fd.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;
using ::testing::Values;

// A guest whose memory QEMU passes over several times a second (10 MiB).
constexpr uint32_t kSmallRegion = 2560;
// At this bandwidth a pass over it takes a third of a second, and the guest has written to all of
// it again by then.
constexpr int64_t kLowBandwidth = 30'000'000;
constexpr int64_t kHighBandwidth = 10'000'000'000;

class TuningTest : public PrecopyFixture {
 protected:
  void SetUp() override {
    setup().guest.workload.page_count = kSmallRegion;
    // Without it a small guest shows a defect of QEMU before 9.0 under TCG (guest_abi.h).
    setup().guest.workload.flags = TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS;
    PrecopyFixture::SetUp();
  }
  // Starts a live migration that these limits keep from ending.
  absl::Status StartEndlessMigration(int64_t downtime_limit_ms) {
    absl::Status limited = Limit(kLowBandwidth, downtime_limit_ms);
    return limited.ok() ? StartMigration(MigrationAddress::Unix(scratch().File("migration")))
                        : limited;
  }
  absl::Status SetOnSource(const Json& parameters) {
    return SetParameters(source().machine(), {.others = parameters}, StepDeadline());
  }
  MigrationStatistics Now() {
    absl::StatusOr<MigrationStatistics> now = QueryMigration(source().machine(), StepDeadline());
    TANDEM_EXPECT_OK(now);
    return now.value_or(MigrationStatistics());
  }
};

// How auto-converge is to throttle. With a slow tail a step is no longer than what brings the guest
// down to the threshold: this guest dirties about as much as was sent, so of what it has a tenth
// where the threshold is 90 %, half where it is 50 %, the default.
struct Throttling {
  const char* name;
  int initial, increment, max;
  Json others;
  int longest_step;
};

std::string ParameterName(const Throttling& throttling) { return throttling.name; }
void PrintTo(const Throttling& throttling, std::ostream* out) { *out << throttling.name; }

class AutoConvergeTest : public TuningTest, public ::testing::WithParamInterface<Throttling> {
 protected:
  void SetUp() override {
    TuningTest::SetUp();
    if (IsSkipped() || HasFailure()) return;
    for (const auto& [name, value] : GetParam().others.members()) {
      TANDEM_REQUIRE_OK(RequireArgument("migrate-set-parameters", name));
    }
    setup().capabilities = {"auto-converge", capability::kPauseBeforeSwitchover};
    setup().parameters.others = Json::Object({{"cpu-throttle-initial", GetParam().initial},
                                              {"cpu-throttle-increment", GetParam().increment},
                                              {"max-cpu-throttle", GetParam().max}})
                                    .MergedWith(GetParam().others);
  }

  // A guest is given one pass to converge by itself.
  void ExpectNoThrottleInFirstPass() {
    TANDEM_ASSERT_OK(WaitForPass(1));
    MigrationStatistics now = Now();
    if (now.passes.value_or(0) > 1) return;  // a busy host: it is over
    EXPECT_EQ(now.cpu_throttle_percent.value_or(0), 0);
  }

  // Awaits that throttling, which QEMU decides upon between two passes, has reached `percent`; each
  // value on the way must be one that was allowed.
  void AwaitThrottle(int64_t percent) {
    for (int64_t pass = 2, throttle = 0; throttle < percent; ++pass) {
      TANDEM_ASSERT_OK(WaitForPass(pass));
      throttle = Now().cpu_throttle_percent.value_or(0);
      if (throttle == 0) continue;
      ASSERT_THAT(throttle, AllOf(Ge(GetParam().initial), Le(GetParam().max)));
      highest_ = std::max(highest_, throttle);
    }
  }
  int64_t highest_ = 0;
};

// A7, M6: a guest that dirties its memory faster than it is sent is throttled from the second pass
// on, in steps, never beyond the maximum; then it converges and is no longer throttled where it
// arrives.
TANDEM_COVERS_VARIANTS(AutoConvergeTest, ThrottlesUntilItConverges, "Initial5*", "A7");
TANDEM_COVERS(AutoConvergeTest, ThrottlesUntilItConverges, "M6");
TEST_P(AutoConvergeTest, ThrottlesUntilItConverges) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(StartEndlessMigration(/*downtime_limit_ms=*/1));
  ExpectNoThrottleInFirstPass();
  AwaitThrottle(GetParam().initial);
  if (HasFatalFailure()) return;
  AwaitThrottle(std::min(GetParam().initial + 1, GetParam().max));
  if (HasFatalFailure()) return;
  EXPECT_LE(highest_, std::min(GetParam().initial + GetParam().longest_step, GetParam().max));
  Measure("cpu_throttle_percent", highest_);
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(WaitForStatus(MigrationStatus::kPreSwitchover));
  TANDEM_ASSERT_OK(
      Command(source(), "migrate-continue", Json::Object({{"state", "pre-switchover"}})));
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectGuestMoved();
}

// With another threshold, or without the slow tail, the last one's step would be 47 or 60.
INSTANTIATE_TEST_SUITE_P(Tuning, AutoConvergeTest,
                         Values(Throttling{"Initial5Increment25Max95", 5, 25, 95, {}, 25},
                                Throttling{"Max20", 5, 25, 20, {}, 25},
                                Throttling{"TailSlowTrigger90", 5, 60, 95,
                                           Json::Object({{"cpu-throttle-tailslow", true},
                                                         {"throttle-trigger-threshold", 90}}),
                                           35}),
                         NameOfParameter());

// M6: precopy goes on as long as the rest would keep the guest down for longer than allowed, and
// the guest is not down for longer.
TANDEM_COVERS(TuningTest, DowntimeLimitIsKept, "M6");
TEST_F(TuningTest, DowntimeLimitIsKept) {
  constexpr int64_t kLimitMs = 2000;
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(StartEndlessMigration(/*downtime_limit_ms=*/100));
  TANDEM_ASSERT_OK(WaitForPass(3));
  EXPECT_EQ(Now().status, MigrationStatus::kActive);
  TANDEM_ASSERT_OK(Limit(kLowBandwidth, kLimitMs));
  TANDEM_ASSERT_OK(WaitForCompletion());
  EXPECT_LE(statistics().downtime_ms.value_or(INT64_MAX), kLimitMs);
  ExpectGuestMoved();
}

// M6: the bandwidth of the switchover, where it is told, counts instead of that of precopy.
TANDEM_COVERS(TuningTest, SwitchoverBandwidthDecides, "M6");
TEST_F(TuningTest, SwitchoverBandwidthDecides) {
  TANDEM_REQUIRE_OK(RequireArgument("migrate-set-parameters", "avail-switchover-bandwidth"));
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(StartEndlessMigration(/*downtime_limit_ms=*/100));
  TANDEM_ASSERT_OK(WaitForPass(3));
  EXPECT_EQ(Now().status, MigrationStatus::kActive);
  TANDEM_ASSERT_OK(SetOnSource(Json::Object({{"avail-switchover-bandwidth", kHighBandwidth}})));
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectGuestMoved();
}

// M6: precopy sends no faster than allowed and, where nothing else takes the processors, hardly
// slower; a busy host slows it, but not by as much as if bits were taken for bytes.
TANDEM_COVERS(TuningTest, MaxBandwidthIsKept, "M6");
TEST_F(TuningTest, MaxBandwidthIsKept) {
  constexpr int64_t kLimit = 100'000'000;
  setup().guest.workload.page_count = TANDEM_GUEST_DEFAULT_PAGES;
  setup().parameters = {.max_bandwidth = kLimit, .downtime_limit_ms = 1};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Unix(scratch().File("migration"))));
  double seconds = static_cast<double>(statistics().total_time_ms.value_or(0)) / 1000;
  double rate = static_cast<double>(statistics().transferred_bytes.value_or(0)) / seconds;
  EXPECT_LE(rate, 1.1 * kLimit);
  EXPECT_GE(rate, kLimit / 4);
  double load = 0;
  if (getloadavg(&load, 1) == 1 && load < 0.5) {
    EXPECT_GE(rate, 0.9 * kLimit);
  }
  Measure("bytes_per_second", rate);
  ExpectStoppedGuestMoved();
}

// The far end of a network card's wire: QEMU sends each frame as a datagram.
class Wire {
 public:
  Wire() : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_.get(), generic, length), 0);
    EXPECT_EQ(getsockname(socket_.get(), generic, &length), 0);
    timespec none{};
    EXPECT_EQ(ioctl(socket_.get(), SIOCGSTAMPNS, &none), -1) << "this lets the kernel look";
    port_ = ntohs(address.sin_port);
  }
  int port() const { return port_; }

  // Whether an announcement (reverse ARP) comes in that time. `sent`, if given, is when the kernel
  // took it.
  bool HearAnnouncement(absl::Duration patience, absl::Time* sent = nullptr) {
    absl::Time end = absl::Now() + patience;
    for (;;) {
      pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
      auto left = static_cast<int>(absl::ToInt64Milliseconds(end - absl::Now()));
      if (left < 0 || poll(&entry, 1, left) != 1) return false;
      std::array<unsigned char, 2048> frame{};
      ssize_t size = recv(socket_.get(), frame.data(), frame.size(), 0);
      timespec taken{};
      EXPECT_EQ(ioctl(socket_.get(), SIOCGSTAMPNS, &taken), 0);
      if (sent != nullptr) *sent = absl::TimeFromTimespec(taken);
      if (size > 14 && frame[12] == 0x80 && frame[13] == 0x35) return true;
    }
  }

 private:
  UniqueFd socket_;
  int port_ = 0;
};

class AnnouncementTest : public TuningTest {
 protected:
  void SetUp() override {
    TuningTest::SetUp();
    setup().arguments = {"-device", "e1000,netdev=net,romfile="};
    auto wire_to = [](const Wire& wire) {
      return fmt::format("socket,id=net,udp=127.0.0.1:{},localaddr=127.0.0.1:0", wire.port());
    };
    setup().source.arguments = {"-netdev", wire_to(of_source_)};
    setup().destination.arguments = {"-netdev", wire_to(of_destination_)};
    setup().parameters.others = Json::Object({{"announce-initial", 20},
                                              {"announce-max", 100},
                                              {"announce-rounds", kGapsMs.size() + 1},
                                              {"announce-step", 60}});
  }

  // Hears all announcements and no more. A busy host can make a gap longer, never shorter than was
  // asked: the shortest ones are kept.
  void HearRounds() {
    std::array<absl::Time, kGapsMs.size() + 1> sent;
    for (absl::Time& each : sent) {
      ASSERT_TRUE(of_destination_.HearAnnouncement(absl::Seconds(10), &each));
    }
    EXPECT_FALSE(of_destination_.HearAnnouncement(absl::Milliseconds(300)));
    for (size_t i = 0; i < kGapsMs.size(); ++i) {
      absl::Duration gap = sent[i + 1] - sent[i];
      EXPECT_GE(gap, absl::Milliseconds(kGapsMs[i]) - kClockTick) << i;
      shortest_[i] = std::min(shortest_[i], gap);
    }
  }
  bool GapsAreAsAsked() const {
    for (size_t i = 0; i < kGapsMs.size(); ++i) {
      if (shortest_[i] > absl::Milliseconds(kGapsMs[i]) + kDelay) return false;
    }
    return true;
  }
  std::string Gaps() const {
    return fmt::format("{} {} {}", absl::FormatDuration(shortest_[0]),
                       absl::FormatDuration(shortest_[1]), absl::FormatDuration(shortest_[2]));
  }
  // The human monitor's command takes the parameters of migrations.
  absl::Status AnnounceAgain() {
    return destination().machine().HumanMonitor("announce_self", StepDeadline()).status();
  }
  bool SourceAnnounces() { return of_source_.HearAnnouncement(absl::ZeroDuration()); }

 private:
  // The initial one, one more step, and two steps would be above the maximum.
  static constexpr std::array<int, 3> kGapsMs = {20, 80, 100};
  static constexpr absl::Duration kClockTick = absl::Milliseconds(2);  // QEMU's timer has 1 ms
  static constexpr absl::Duration kDelay = absl::Milliseconds(35);
  Wire of_source_, of_destination_;
  std::array<absl::Duration, kGapsMs.size()> shortest_ = {
      absl::InfiniteDuration(), absl::InfiniteDuration(), absl::InfiniteDuration()};
};

// M6: where the guest arrives, its network card announces itself as often as it was told, and waits
// in between as long as it was told.
TANDEM_COVERS(AnnouncementTest, CardIsAnnouncedAsAsked, "M6");
TEST_F(AnnouncementTest, CardIsAnnouncedAsAsked) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Unix(scratch().File("migration"))));
  HearRounds();
  for (int again = 0; again < 10 && !GapsAreAsAsked() && !HasFailure(); ++again) {
    TANDEM_ASSERT_OK(AnnounceAgain());
    HearRounds();
  }
  EXPECT_TRUE(GapsAreAsAsked()) << "the shortest gaps: " << Gaps();
  EXPECT_FALSE(SourceAnnounces());
  ExpectGuestMoved();
}

}  // namespace
}  // namespace tandem
