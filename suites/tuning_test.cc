// SPDX-License-Identifier: Apache-2.0
// Migration parameters do what they say: limits are kept, throttling comes and goes, the
// destination announces itself as often as it was told.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <spdlog/fmt/fmt.h>
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

// How auto-converge is to throttle.
struct Throttling {
  const char* name;
  int initial, increment, max;
  Json others;
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
  EXPECT_LE(highest_, std::min(GetParam().initial + GetParam().increment, GetParam().max));
  Measure("cpu_throttle_percent", highest_);
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(WaitForStatus(MigrationStatus::kPreSwitchover));
  TANDEM_ASSERT_OK(
      Command(source(), "migrate-continue", Json::Object({{"state", "pre-switchover"}})));
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Tuning, AutoConvergeTest,
                         Values(Throttling{"Initial5Increment25Max95", 5, 25, 95, {}}),
                         NameOfParameter());
INSTANTIATE_TEST_SUITE_P(
    Slow, AutoConvergeTest,
    Values(Throttling{"Max20", 5, 25, 20, {}},
           Throttling{"TailSlow", 5, 25, 95, Json::Object({{"cpu-throttle-tailslow", true}})},
           Throttling{"Trigger10", 5, 25, 95, Json::Object({{"throttle-trigger-threshold", 10}})}),
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
// slower.
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
    port_ = ntohs(address.sin_port);
  }
  int port() const { return port_; }

  // Whether an announcement (reverse ARP) comes in that time.
  bool HearAnnouncement(absl::Duration patience) {
    absl::Time end = absl::Now() + patience;
    for (;;) {
      pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
      auto left = static_cast<int>(absl::ToInt64Milliseconds(end - absl::Now()));
      if (left < 0 || poll(&entry, 1, left) != 1) return false;
      std::array<unsigned char, 2048> frame{};
      ssize_t size = recv(socket_.get(), frame.data(), frame.size(), 0);
      if (size > 14 && frame[12] == 0x80 && frame[13] == 0x35) return true;
    }
  }

 private:
  UniqueFd socket_;
  int port_ = 0;
};

// M6: where the guest arrives, its network card announces itself as often as it was told.
TANDEM_COVERS(TuningTest, CardIsAnnouncedAsOftenAsAsked, "M6");
TEST_F(TuningTest, CardIsAnnouncedAsOftenAsAsked) {
  constexpr int kRounds = 4, kMaxMs = 100;
  Wire wire, unused;
  setup().arguments = {"-device", "e1000,netdev=net,romfile="};
  auto wire_to = [](int port) {
    return fmt::format("socket,id=net,udp=127.0.0.1:{},localaddr=127.0.0.1:0", port);
  };
  setup().source.arguments = {"-netdev", wire_to(unused.port())};
  setup().destination.arguments = {"-netdev", wire_to(wire.port())};
  setup().parameters.others = Json::Object({{"announce-initial", 20},
                                            {"announce-max", kMaxMs},
                                            {"announce-rounds", kRounds},
                                            {"announce-step", 30}});
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Unix(scratch().File("migration"))));
  for (int i = 0; i < kRounds; ++i) EXPECT_TRUE(wire.HearAnnouncement(absl::Seconds(10))) << i;
  EXPECT_FALSE(wire.HearAnnouncement(absl::Milliseconds(3 * kMaxMs)));
  EXPECT_FALSE(unused.HearAnnouncement(absl::ZeroDuration())) << "the source announces nothing";
  ExpectGuestMoved();
}

}  // namespace
}  // namespace tandem
