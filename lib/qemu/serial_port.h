// SPDX-License-Identifier: Apache-2.0
// What a machine's first serial port printed.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "lib/base/recording.h"
#include "lib/base/unique_fd.h"
#include "lib/process/io_thread.h"

namespace tandem {

// Owns the connected socket of a serial chardev; the I/O thread reads it. Thread-safe.
class SerialPort {
 public:
  // `recording` must outlive the port. Fails when the socket cannot be watched.
  static absl::StatusOr<std::unique_ptr<SerialPort>> Open(std::string name, UniqueFd socket,
                                                          Recording& recording);
  SerialPort(const SerialPort&) = delete;
  SerialPort& operator=(const SerialPort&) = delete;
  ~SerialPort();

  // Bytes printed so far; a cursor.
  size_t size() const;
  // What was printed after `cursor` bytes.
  std::string TextAfter(size_t cursor) const;

 private:
  SerialPort(std::string name, UniqueFd socket, Recording& recording)
      : name_(std::move(name)), recording_(recording), socket_(std::move(socket)) {}
  bool OnReadable();

  const std::string name_;
  Recording& recording_;
  UniqueFd socket_;
  mutable std::mutex mutex_;
  std::string text_;
  IoThread::WatchId watch_ = 0;
};

}  // namespace tandem
