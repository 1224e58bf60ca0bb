// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/serial_port.h"

#include <sys/socket.h>

#include <cerrno>

#include "lib/base/status.h"

namespace tandem {

absl::StatusOr<std::unique_ptr<SerialPort>> SerialPort::Open(std::string name, UniqueFd socket,
                                                             Recording& recording) {
  std::unique_ptr<SerialPort> port(new SerialPort(std::move(name), std::move(socket), recording));
  TANDEM_ASSIGN_OR_RETURN(
      port->watch_, IoThread::Instance().Watch(port->socket_.get(),
                                               [port = port.get()] { return port->OnReadable(); }));
  return port;
}

SerialPort::~SerialPort() {
  if (watch_ != 0) IoThread::Instance().Unwatch(watch_);
}

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
