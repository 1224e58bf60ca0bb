// SPDX-License-Identifier: Apache-2.0
#include "lib/process/tcp_intake.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "lib/base/unique_fd.h"

namespace tandem {
namespace {

// A TCP connection of this process with itself, and a listening socket.
class TcpIntakeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    listener_.reset(socket(AF_INET, SOCK_STREAM, 0));
    sender_.reset(socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(bind(listener_.get(), any, size), 0);
    ASSERT_EQ(listen(listener_.get(), 1), 0);
    ASSERT_EQ(getsockname(listener_.get(), any, &size), 0);
    ASSERT_EQ(connect(sender_.get(), any, size), 0);
    receiver_.reset(accept(listener_.get(), nullptr, nullptr));
    ASSERT_TRUE(receiver_.valid());
  }

  void Send(size_t size) {
    std::string bytes(size, 'x');
    ASSERT_EQ(send(sender_.get(), bytes.data(), size, 0), static_cast<ssize_t>(size));
  }
  void Take(size_t size) {
    std::string bytes(size, ' ');
    ASSERT_EQ(recv(receiver_.get(), bytes.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
  }

  UniqueFd listener_, sender_, receiver_;
};

// What was read and what waits are told apart.
TEST_F(TcpIntakeTest, TellsWhatWasTaken) {
  Send(100);
  Take(30);
  auto intakes = TcpIntakesOf(getpid());
  if (absl::IsPermissionDenied(intakes.status()) || absl::IsUnimplemented(intakes.status())) {
    GTEST_SKIP() << intakes.status();
  }
  ASSERT_TRUE(intakes.ok()) << intakes.status();
  auto found = [&](int fd) {
    return std::find_if(intakes->begin(), intakes->end(),
                        [&](const TcpIntake& intake) { return intake.fd == fd; });
  };
  ASSERT_NE(found(receiver_.get()), intakes->end());
  EXPECT_EQ(found(receiver_.get())->taken, 30U);
  EXPECT_EQ(found(receiver_.get())->waiting, 70U);
  ASSERT_NE(found(sender_.get()), intakes->end());
  EXPECT_EQ(found(sender_.get())->taken, 0U);
  EXPECT_EQ(found(listener_.get()), intakes->end());
}

TEST_F(TcpIntakeTest, SaysThatThereIsNoProcess) {
  constexpr pid_t kNobody = 0x3fffffff;  // above all limits
  EXPECT_EQ(TcpIntakesOf(kNobody).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tandem
