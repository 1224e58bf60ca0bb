// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/serial_port.h"

#include <sys/socket.h>

#include <cerrno>

namespace tandem {

SerialPort::SerialPort(std::string name, UniqueFd socket, Recording& recording)
    : name_(std::move(name)), recording_(recording), socket_(std::move(socket)) {
  watch_ = IoThread::Instance().Watch(socket_.get(), [this] { return OnReadable(); });
}

SerialPort::~SerialPort() { IoThread::Instance().Unwatch(watch_); }

bool SerialPort::OnReadable() {
  char buffer[4096];
  ssize_t size = recv(socket_.get(), buffer, sizeof buffer, 0);
  if (size <= 0) return size < 0 && (errno == EAGAIN || errno == EINTR);
  std::string_view bytes(buffer, static_cast<size_t>(size));
  {
    std::lock_guard lock(mutex_);
    text_.append(bytes);
  }
  recording_.Append(name_, EntryKind::kSerial, bytes);
  return true;
}

size_t SerialPort::size() const {
  std::lock_guard lock(mutex_);
  return text_.size();
}

std::string SerialPort::TextAfter(size_t cursor) const {
  std::lock_guard lock(mutex_);
  return cursor < text_.size() ? text_.substr(cursor) : std::string();
}

}  // namespace tandem
