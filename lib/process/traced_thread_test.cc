// SPDX-License-Identifier: Apache-2.0
#include "lib/process/traced_thread.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "lib/process/symbol_address.h"

// What the child executes over and over.
extern "C" __attribute__((noinline, used)) uint64_t TandemTracedFunction(uint64_t argument) {
  asm volatile("" ::: "memory");
  return argument + 1;
}

namespace tandem {
namespace {

// A child that counts in memory that it shares with the test.
class TracedThreadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    count_ = static_cast<std::atomic<uint64_t>*>(memory);
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) *count_ = TandemTracedFunction(*count_);
    }
    auto traced = TracedThread::Stop(child_, "");
    if (absl::IsPermissionDenied(traced.status()) || absl::IsUnimplemented(traced.status())) {
      GTEST_SKIP() << traced.status();
    }
    ASSERT_TRUE(traced.ok()) << traced.status();
    traced_ = *std::move(traced);
  }
  void TearDown() override {
    traced_.reset();
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    munmap(count_, 4096);
  }
  uint64_t address() const { return reinterpret_cast<uint64_t>(count_); }

  const Deadline deadline_ = Deadline::After(absl::Seconds(20));
  std::atomic<uint64_t>* count_ = nullptr;
  pid_t child_ = 0;
  std::unique_ptr<TracedThread> traced_;
};

// It stands at a function's entry, after its return, and after a store; and then goes on.
TEST_F(TracedThreadTest, RunsFromPlaceToPlace) {
  auto function = FunctionAddress(child_, "TandemTracedFunction");
  ASSERT_TRUE(function.ok()) << function.status();
  EXPECT_EQ(*function, reinterpret_cast<uint64_t>(&TandemTracedFunction));
  using Happens = TracedThread::Happens;
  for (int i = 0; i < 3; ++i) {
    auto entered = traced_->RunUntil(Happens::kExecuted, *function, deadline_);
    ASSERT_TRUE(entered.ok()) << entered.status();
    uint64_t before = *count_;
    EXPECT_EQ(entered->first_argument, before);
    auto caller = traced_->ReadWord(entered->stack);
    ASSERT_TRUE(caller.ok()) << caller.status();
    auto returned = traced_->RunUntil(Happens::kExecuted, *caller, deadline_);
    ASSERT_TRUE(returned.ok()) << returned.status();
    EXPECT_EQ(returned->result, before + 1);
    EXPECT_EQ(*count_, before);
    ASSERT_TRUE(traced_->RunUntil(Happens::kWritten, address(), deadline_).ok());
    EXPECT_EQ(*count_, before + 1);
  }
  uint64_t before = *count_;
  traced_.reset();
  while (*count_ < before + 100 && !deadline_.expired()) usleep(1000);
  EXPECT_GE(*count_, before + 100);
}

// A thread that another makes: it is returned before it has done anything, and runs to a place of
// its own; the one that made it goes on.
TEST(NewThreadTest, StandsAtItsBirth) {
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) std::thread([] { TandemTracedFunction(42); }).join();
  }
  const Deadline deadline = Deadline::After(absl::Seconds(20));
  auto first = TracedThread::Stop(child, "");
  if (absl::IsPermissionDenied(first.status()) || absl::IsUnimplemented(first.status())) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    GTEST_SKIP() << first.status();
  }
  ASSERT_TRUE(first.ok()) << first.status();
  for (int i = 0; i < 3; ++i) {
    auto made = (*first)->RunUntilItMakesThread(deadline);
    ASSERT_TRUE(made.ok()) << made.status();
    auto entered = (*made)->RunUntil(TracedThread::Happens::kExecuted,
                                     reinterpret_cast<uint64_t>(&TandemTracedFunction), deadline);
    ASSERT_TRUE(entered.ok()) << entered.status();
    EXPECT_EQ(entered->first_argument, 42u);
  }
  first->reset();
  kill(child, SIGKILL);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}

// A place where it never comes.
TEST_F(TracedThreadTest, SaysThatItDidNotArrive) {
  auto arrived = traced_->RunUntil(TracedThread::Happens::kTouched, address() + 64,
                                   Deadline::After(absl::Milliseconds(100)));
  EXPECT_EQ(arrived.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(TracedThreadTest, SaysThatItEnded) {
  kill(child_, SIGKILL);
  auto arrived = traced_->RunUntil(TracedThread::Happens::kTouched, address() + 64, deadline_);
  EXPECT_FALSE(arrived.ok());
}

TEST(FunctionAddressTest, SaysThatThereIsNone) {
  EXPECT_EQ(FunctionAddress(getpid(), "NoSuchFunctionAnywhere").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tandem
