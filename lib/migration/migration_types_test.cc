// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/migration/address.h"
#include "lib/migration/capabilities.h"
#include "lib/migration/parameters.h"
#include "lib/migration/statistics.h"
#include "lib/migration/status.h"

namespace tandem {
namespace {

// Each transport has the spelling of QEMU's documentation, as uri and as channel.
TEST(MigrationAddressTest, SpellsUriAndChannels) {
  EXPECT_EQ(MigrationAddress::Tcp("127.0.0.1", 0).WithPort(4444).Uri(), "tcp:127.0.0.1:4444");
  EXPECT_EQ(MigrationAddress::Tcp("::1", 5).Uri(), "tcp:[::1]:5");
  EXPECT_EQ(MigrationAddress::Unix("/t/s").Uri(), "unix:/t/s");
  EXPECT_EQ(MigrationAddress::Fd("mig").Uri(), "fd:mig");
  EXPECT_EQ(MigrationAddress::Exec("cat >f").Uri(), "exec:cat >f");
  EXPECT_EQ(MigrationAddress::File("/t/f").Uri(), "file:/t/f");
  EXPECT_EQ(MigrationAddress::File("/t/f", 4096).Uri(), "file:/t/f,offset=0x1000");
  EXPECT_EQ(MigrationAddress::Vsock("2", 7).Uri(), "vsock:2:7");
  EXPECT_EQ(MigrationAddress::Rdma("192.0.2.1", 7).Uri(), "rdma:192.0.2.1:7");
  EXPECT_EQ(MigrationAddress::Rdma("2001:db8::1", 7).Uri(), "rdma:[2001:db8::1]:7");
  EXPECT_EQ(MigrationAddress::AbstractUnix("n").ToJson().Dump(),
            R"({"transport":"socket","type":"unix","path":"n","abstract":true})");
  EXPECT_EQ(MigrationAddress::File("/t/f", 4096).ToJson().Dump(),
            R"({"transport":"file","filename":"/t/f","offset":4096})");
  EXPECT_EQ(MigrationAddress::Exec("cat").ToJson().Dump(),
            R"({"transport":"exec","args":["/bin/sh","-c","cat"]})");
  EXPECT_EQ(MigrationAddress::Tcp("127.0.0.1", 7).Channels().Dump(),
            R"([{"channel-type":"main","addr":{"transport":"socket","type":"inet",)"
            R"("host":"127.0.0.1","port":"7"}}])");
}

// Only a TCP address without a port needs one from the destination.
TEST(MigrationAddressTest, KnowsWhetherItAsksForAPort) {
  EXPECT_TRUE(MigrationAddress::Tcp("::1", 0).asks_for_port());
  EXPECT_FALSE(MigrationAddress::Tcp("::1", 9).asks_for_port());
  EXPECT_FALSE(MigrationAddress::Unix("/t/s").asks_for_port());
}

// What was not set is not sent; what has no member of its own can be sent all the same.
TEST(MigrationParametersTest, SendsWhatWasSet) {
  MigrationParameters parameters{.max_bandwidth = 3'000'000,
                                 .others = Json::Object({{"tls-creds", "tls0"}})};
  EXPECT_EQ(parameters.ToJson().Dump(), R"({"max-bandwidth":3000000,"tls-creds":"tls0"})");
}

TEST(MigrationCapabilitiesTest, AreSentAsEnabled) {
  EXPECT_EQ(MigrationCapabilities({capability::kMultifd}).ToJson().Dump(),
            R"({"capabilities":[{"capability":"multifd","state":true}]})");
}

// Every name goes there and back; a name from the future is unknown, not an error.
TEST(MigrationStatusTest, NamesAndParsesEachStatus) {
  for (int i = 0; i < static_cast<int>(MigrationStatus::kUnknown); ++i) {
    auto status = static_cast<MigrationStatus>(i);
    EXPECT_EQ(ParseMigrationStatus(MigrationStatusName(status)), status) << i;
  }
  EXPECT_EQ(ParseMigrationStatus("from-the-future"), MigrationStatus::kUnknown);
}

TEST(MigrationStatisticsTest, ReadsWhatQueryMigrateTells) {
  auto statistics = MigrationStatistics::FromQueryMigrate(
      Json::Parse(R"({"status":"completed","downtime":45,"ram":{"transferred":7,"mbps":1.5}})")
          .value());
  EXPECT_EQ(statistics.status, MigrationStatus::kCompleted);
  EXPECT_EQ(statistics.downtime_ms, 45);
  EXPECT_EQ(statistics.transferred_bytes, 7);
  EXPECT_EQ(statistics.total_time_ms, std::nullopt);
}

}  // namespace
}  // namespace tandem
