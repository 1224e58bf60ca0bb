// SPDX-License-Identifier: Apache-2.0
// Precopy over every transport: where the stream goes must not matter to what arrives.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "fixtures/parameter_name.h"
#include "fixtures/precopy_fixture.h"
#include "lib/base/unique_fd.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Values;

// QEMU's words for a transport that the binary does not have.
constexpr std::string_view kUnknownProtocol = "migration protocol";

// No other port is known before the destination listens where QEMU cannot be asked for it.
int PortOfThisProcess() { return 20'000 + getpid() % 10'000; }

// Whether the kernel carries a stream to this address and back to this machine.
absl::Status ProbeVsockLoopback() {
  UniqueFd listener(socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0));
  UniqueFd client(socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = VMADDR_CID_LOCAL;
  address.svm_port = static_cast<unsigned>(PortOfThisProcess());
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener.get(), generic, sizeof address) == 0 && listen(listener.get(), 1) == 0 &&
      connect(client.get(), generic, sizeof address) == 0) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   "this kernel has no vsock loopback (module vsock_loopback): {}",
                   std::strerror(errno));
}

// An address of that family (AF_INET, AF_INET6) on an RDMA link of this machine: links list their
// addresses as GIDs, IPv4 ones mapped into IPv6.
absl::StatusOr<std::string> AddressOfRdmaLink(int family) {
  std::error_code none;
  for (const auto& link : std::filesystem::directory_iterator("/sys/class/infiniband", none)) {
    for (const auto& gid :
         std::filesystem::directory_iterator(link.path() / "ports/1/gids", none)) {
      std::string text;
      in6_addr address{};
      if (!(std::ifstream(gid.path()) >> text)) continue;
      if (inet_pton(AF_INET6, text.c_str(), &address) != 1) continue;
      if (IN6_IS_ADDR_UNSPECIFIED(&address) || IN6_IS_ADDR_LINKLOCAL(&address)) continue;
      bool is_ipv4 = IN6_IS_ADDR_V4MAPPED(&address);
      if (is_ipv4 != (family == AF_INET)) continue;
      std::array<char, INET6_ADDRSTRLEN> number{};
      const void* bytes = is_ipv4 ? &address.s6_addr[12] : &address.s6_addr[0];
      return std::string(inet_ntop(family, bytes, number.data(), number.size()));
    }
  }
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   "no RDMA link of this machine has an {} address (rdma link add NAME type rxe "
                   "netdev DEVICE makes one)",
                   family == AF_INET ? "IPv4" : "IPv6");
}

class TransportTest : public PrecopyFixture, public ::testing::WithParamInterface<AddressSpelling> {
 protected:
  void SetUp() override {
    setup().spelling = GetParam();
    PrecopyFixture::SetUp();
  }

  // The live guest moves, and all of its memory is the source's before it runs on.
  void ExpectLiveGuestMovesOver(const MigrationAddress& incoming,
                                const MigrationAddress& outgoing) {
    TANDEM_ASSERT_OK(MigrateLive(incoming, outgoing));
    ExpectStoppedGuestMoved();
  }
  void ExpectLiveGuestMovesOver(const MigrationAddress& address) {
    ExpectLiveGuestMovesOver(address, address);
  }
  // Opens the file and puts it into set 1 of the machine.
  absl::Status AddToSet(GuestMachine& machine, const std::string& file, int flags) {
    UniqueFd fd(open(file.c_str(), flags | O_CLOEXEC, 0600));
    Json set = Json::Object({{"fdset-id", 1}});
    return machine.qmp().Execute("add-fd", set, StepDeadline(), {fd.get()}).status();
  }
  absl::Status StartMachinesToCompare() {
    setup().destination.arguments = {"-S"};
    return StartMachines();
  }
};

// A4, A16: a pair of connected sockets that both sides were handed, and that neither keeps.
TANDEM_COVERS(TransportTest, SocketPairIsUsedUp, "A4", "A16");
TEST_P(TransportTest, SocketPairIsUsedUp) {
  TANDEM_ASSERT_OK(StartMachinesToCompare());
  {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    UniqueFd one(ends[0]), other(ends[1]);
    TANDEM_ASSERT_OK(HandOver(source(), "stream", one.get()));
    TANDEM_ASSERT_OK(HandOver(destination(), "stream", other.get()));
  }
  ExpectLiveGuestMovesOver(MigrationAddress::Fd("stream"));
  for (GuestMachine* machine : {&source(), &destination()}) {
    EXPECT_THAT(Command(*machine, "closefd", Json::Object({{"fdname", "stream"}})),
                QmpErrorIs("GenericError", HasSubstr("not found")))
        << "on the " << machine->role();
  }
}

// A5, M8, A16: a pipe between two commands, one started by each side.
TANDEM_COVERS(TransportTest, PipeOfCommands, "A5", "M8", "A16");
TEST_P(TransportTest, PipeOfCommands) {
  std::string pipe = scratch().File("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  TANDEM_ASSERT_OK(StartMachinesToCompare());
  ExpectLiveGuestMovesOver(MigrationAddress::Exec("cat " + pipe),
                           MigrationAddress::Exec("cat >" + pipe));
}

// M8: IPv6, by its number.
TANDEM_COVERS(TransportTest, Ipv6, "M8");
TEST_P(TransportTest, Ipv6) {
  TANDEM_ASSERT_OK(StartMachinesToCompare());
  TANDEM_REQUIRE_OK(LackIf("Address family", MigrateLive(MigrationAddress::Tcp("::1", 0))));
  ExpectStoppedGuestMoved();
}

// M8: a host by its name, which may stand for several addresses.
TANDEM_COVERS(TransportTest, HostName, "M8");
TEST_P(TransportTest, HostName) {
  TANDEM_ASSERT_OK(StartMachinesToCompare());
  ExpectLiveGuestMovesOver(MigrationAddress::Tcp("localhost", 0));
}

// M8: a VM socket that stays on this machine.
TANDEM_COVERS(TransportTest, VmSocket, "M8");
TEST_P(TransportTest, VmSocket) {
  TANDEM_REQUIRE_OK(ProbeVsockLoopback());
  TANDEM_ASSERT_OK(StartMachinesToCompare());
  ExpectLiveGuestMovesOver(
      MigrationAddress::Vsock(std::to_string(VMADDR_CID_LOCAL), PortOfThisProcess() + 1));
}

// M8: a file that both sides were handed in a set of descriptors.
TANDEM_COVERS(TransportTest, SetOfDescriptors, "M8");
TEST_P(TransportTest, SetOfDescriptors) {
  TANDEM_ASSERT_OK(StartMachinesToCompare());
  std::string file = scratch().File("stream");
  TANDEM_ASSERT_OK(AddToSet(source(), file, O_WRONLY | O_CREAT));
  TANDEM_ASSERT_OK(AddToSet(destination(), file, O_RDONLY));
  MigrationAddress address = MigrationAddress::File("/dev/fdset/1");
  TANDEM_REQUIRE_OK(LackIf(kUnknownProtocol, SaveTo(address)));
  TANDEM_ASSERT_OK(LoadFrom(address));
  ExpectStoppedGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Transport, TransportTest,
                         Values(AddressSpelling::kUri, AddressSpelling::kChannels),
                         NameOfParameter());

class AbstractSocketTest : public PrecopyFixture {};

// M8, A16: a socket in the abstract namespace, which no file stands for and no URI names.
TANDEM_COVERS(AbstractSocketTest, LiveGuestMoves, "M8", "A16");
TEST_F(AbstractSocketTest, LiveGuestMoves) {
  TANDEM_REQUIRE_OK(RequireArgument("migrate", "channels"));
  setup().spelling = AddressSpelling::kChannels;
  setup().destination.arguments = {"-S"};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MigrateLive(MigrationAddress::AbstractUnix(scratch().File("abstract"))));
  ExpectStoppedGuestMoved();
}

class RdmaTest : public PrecopyFixture, public ::testing::WithParamInterface<int> {
 protected:
  // The live guest moves over a link of this machine; skips where there is none.
  void ExpectLiveGuestMoves() {
    absl::StatusOr<std::string> host = AddressOfRdmaLink(GetParam());
    TANDEM_REQUIRE_OK(host.status());
    TANDEM_ASSERT_OK(StartMachines());
    // RDMA_CM_EVENT_DISCONNECTED: the source hangs up when it has sent all, and a destination that
    // has not ended by then calls that an error.
    ExpectErrorLine("receive cm event, cm event is 10", "destination");
    TANDEM_REQUIRE_OK(
        LackIf(kUnknownProtocol, MigrateLive(MigrationAddress::Rdma(*host, PortOfThisProcess()))));
    ExpectGuestMoved();
  }
};

std::string FamilyName(const ::testing::TestParamInfo<int>& family) {
  return family.param == AF_INET ? "Ipv4" : "Ipv6";
}

// A13: remote direct memory access over a link of this machine.
TANDEM_COVERS(RdmaTest, LiveGuestMoves, "A13");
TEST_P(RdmaTest, LiveGuestMoves) { ExpectLiveGuestMoves(); }

// A13: all memory of both sides is pinned before the first page is sent.
TANDEM_COVERS(RdmaTest, PinnedGuestMoves, "A13");
TEST_P(RdmaTest, PinnedGuestMoves) {
  TANDEM_REQUIRE_OK(RequireCapability("rdma-pin-all"));
  setup().capabilities = {"rdma-pin-all"};
  ExpectLiveGuestMoves();
}

INSTANTIATE_TEST_SUITE_P(Transport, RdmaTest, Values(AF_INET, AF_INET6), FamilyName);

}  // namespace
}  // namespace tandem
