// SPDX-License-Identifier: Apache-2.0
// Migrations with TLS that are disturbed: by damage on the wire, or by being cancelled.
#include "fixtures/parameter_name.h"
#include "fixtures/tls_fixture.h"

namespace tandem {
namespace {

using ::testing::_;
using ::testing::Combine;
using ::testing::Values;
using enum TlsTransport;

// By transport and the byte of the last channel in which a bit is flipped: in the handshake, in the
// first records and amid the memory.
class TlsFlipTest : public TlsFixture,
                    public ::testing::WithParamInterface<std::tuple<TlsTransport, int>> {
 protected:
  static TlsTransport transport() { return std::get<TlsTransport>(GetParam()); }
  static uint64_t byte() { return static_cast<uint64_t>(std::get<int>(GetParam())); }
  static bool in_handshake() { return byte() < 200; }
};

// H8: TLS notices each bit that is not as it was sent. Nothing arrives, nobody crashes, and the
// guest runs on at the source.
TANDEM_COVERS(TlsFlipTest, FlippedBitIsRefused, "H8");
TEST_P(TlsFlipTest, FlippedBitIsRefused) {
  TANDEM_REQUIRE_OK(StartMachinesFor(transport()));
  TANDEM_REQUIRE_OK(GivePskToBoth());
  TANDEM_ASSERT_OK(HoldBack());
  FlipBitOnTheWay({.channel = transport() == kMultifdTcp ? 2u : 0u, .byte = byte()});
  ExpectBrokenConnection();
  ExpectErrorsOfCutStream();
  DestinationWillEnd("TLS");
  TANDEM_ASSERT_OK(StartMigrationThroughRelay());
  ExpectSourceKeepsGuest(_);  // 7.2 gives no reason
  if (HasFatalFailure() || IsSkipped()) return;
  if (in_handshake() && transport() != kMultifdTcp) {
    TANDEM_ASSERT_THAT(destination(), HasRunState("inmigrate"));
  } else if (!in_handshake() || !destination().machine().process().running()) {
    ExpectDestinationEnded();
  }  // else it may wait for its other channels
}

INSTANTIATE_TEST_SUITE_P(Tls, TlsFlipTest,
                         Combine(Values(kTcp, kUnix, kMultifdTcp), Values(100, 1'000, 300'000)),
                         [](const auto& parameter) {
                           return fmt::format("{}Byte{}",
                                              tandem::ParameterName(std::get<0>(parameter.param)),
                                              std::get<1>(parameter.param));
                         });

class TlsCancelTest : public TlsFixture {
 protected:
  static constexpr int64_t kFast = 4'000'000'000;  // bytes a second, more than there are
};

// B5: a migration over many channels is cancelled while all of them send; the source outlives that.
TANDEM_COVERS(TlsCancelTest, SourceOutlivesCancellation, "B5");
TEST_F(TlsCancelTest, SourceOutlivesCancellation) {
  TANDEM_REQUIRE_OK(StartMachinesFor(kMultifdTcp));
  setup().parameters.multifd_channels = 16;
  TANDEM_REQUIRE_OK(GivePskToBoth());
  TANDEM_ASSERT_OK(HoldBack());
  setup().parameters.max_bandwidth = kFast;
  ExpectEnd(destination());
  ExpectErrorsOfCutStream();
  ExpectBrokenConnection();
  ExpectErrorLine("TLS", "destination");
  TANDEM_ASSERT_OK(StartMigration(Address()));
  TANDEM_ASSERT_OK(WaitUntilSentMemoryIsDirtyAgain());
  TANDEM_ASSERT_OK(Cancel());
  TANDEM_ASSERT_THAT(source(), HasConsistentState());
}

}  // namespace
}  // namespace tandem
