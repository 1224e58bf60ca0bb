// SPDX-License-Identifier: Apache-2.0
#include "lib/process/io_thread.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <atomic>
#include <future>
#include <memory>

namespace tandem {
namespace {

// Far beyond what the tests take; a test that runs into it has failed.
constexpr auto kLongTime = std::chrono::seconds(60);

IoThread::WatchId Watch(int fd, IoThread::Handler handler) {
  return IoThread::Instance().Watch(fd, std::move(handler)).value();
}

UniqueFd MakeReadable() { return UniqueFd(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)); }

// A handler is called again as long as its descriptor stays readable, and not after it said no.
TEST(IoThreadTest, CallsTheHandlerUntilItSaysNo) {
  UniqueFd readable = MakeReadable();
  std::atomic<int> calls = 0;
  std::promise<void> third_call;
  auto watch = Watch(readable.get(), [&] {
    if (++calls == 3) third_call.set_value();
    return calls < 3;
  });
  ASSERT_EQ(third_call.get_future().wait_for(kLongTime), std::future_status::ready);
  IoThread::Instance().Unwatch(watch);
  EXPECT_EQ(calls, 3);
}

// A handler may end its own watch from inside; the watch of another descriptor as well.
TEST(IoThreadTest, AHandlerMayUnwatchItselfAndOthers) {
  UniqueFd first = MakeReadable(), second = MakeReadable(), third = MakeReadable();
  std::atomic<int> first_calls = 0, second_calls = 0;
  std::promise<IoThread::WatchId> own_id;
  auto id = own_id.get_future().share();
  UniqueFd never_readable(eventfd(0, EFD_CLOEXEC));
  auto other = Watch(never_readable.get(), [&] { return ++second_calls > 0; });
  auto watch = Watch(first.get(), [&] {
    ++first_calls;
    IoThread::Instance().Unwatch(other);
    IoThread::Instance().Unwatch(id.get());
    return true;
  });
  own_id.set_value(watch);
  std::promise<void> done;  // of a later watch: by then the first would have been called again
  auto last = Watch(third.get(), [&, turns = 0]() mutable {
    if (++turns == 3) done.set_value();
    return turns < 3;
  });
  ASSERT_EQ(done.get_future().wait_for(kLongTime), std::future_status::ready);
  IoThread::Instance().Unwatch(watch);
  IoThread::Instance().Unwatch(last);
  EXPECT_EQ(first_calls, 1);
  EXPECT_EQ(second_calls, 0);
}

// Unwatch from another thread returns only when a handler that is running has returned.
TEST(IoThreadTest, UnwatchAwaitsTheRunningHandler) {
  UniqueFd readable = MakeReadable();
  std::promise<void> entered, leave;
  std::atomic<bool> left = false;
  auto watch = Watch(readable.get(), [&] {
    entered.set_value();
    leave.get_future().wait();
    left = true;
    return false;
  });
  entered.get_future().wait();
  auto unwatched = std::async(std::launch::async, [&] {
    IoThread::Instance().Unwatch(watch);
    return left.load();
  });
  EXPECT_EQ(unwatched.wait_for(std::chrono::milliseconds(5)), std::future_status::timeout);
  leave.set_value();
  EXPECT_TRUE(unwatched.get());
}

// Ending a watch does not wait for the handler of another one.
TEST(IoThreadTest, UnwatchDoesNotAwaitTheHandlersOfOthers) {
  UniqueFd readable = MakeReadable(), idle(eventfd(0, EFD_CLOEXEC));
  std::promise<void> entered, leave;
  auto busy = Watch(readable.get(), [&] {
    entered.set_value();
    leave.get_future().wait();
    return false;
  });
  auto other = Watch(idle.get(), [] { return false; });
  entered.get_future().wait();
  auto unwatched = std::async(std::launch::async, [&] { IoThread::Instance().Unwatch(other); });
  EXPECT_EQ(unwatched.wait_for(kLongTime), std::future_status::ready);
  leave.set_value();
  IoThread::Instance().Unwatch(busy);
}

// A descriptor closed after Unwatch gives its number to another one, whose watch is not disturbed.
TEST(IoThreadTest, AReusedDescriptorNumberIsHeard) {
  for (int round = 0; round < 200; ++round) {
    UniqueFd readable = MakeReadable();
    std::promise<void> called;
    auto watch = Watch(readable.get(), [&] {
      called.set_value();
      return false;
    });
    ASSERT_EQ(called.get_future().wait_for(kLongTime), std::future_status::ready) << round;
    IoThread::Instance().Unwatch(watch);
    IoThread::Instance().Unwatch(watch);  // harmless
  }
}

// Whatever keeps its fellow handlers running cannot keep Unwatch from returning.
TEST(IoThreadTest, UnwatchReturnsWhileHandlersRunWithoutPause) {
  UniqueFd readable = MakeReadable();
  auto always = Watch(readable.get(), [] { return true; });
  for (int round = 0; round < 1000; ++round) {
    UniqueFd other = MakeReadable();
    IoThread::Instance().Unwatch(Watch(other.get(), [] { return true; }));
  }
  IoThread::Instance().Unwatch(always);
}

// A descriptor that cannot be watched is an error, not a wait for ever.
TEST(IoThreadTest, WhatCannotBeWatchedIsAnError) {
  absl::Status status = IoThread::Instance().Watch(9999, [] { return false; }).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status.ToString();
}

}  // namespace
}  // namespace tandem
