// io_uring and a file descriptor, closed on destruction.
#pragma once

#include <cerrno>
#include <memory>
#include <string>

#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

#include "base/result.h"

namespace vitrine::graph {

class Ring {
 public:
  // Null where the kernel refuses io_uring.
  static std::unique_ptr<Ring> open(unsigned depth) {
    auto ring = std::unique_ptr<Ring>(new Ring);
    const int refused = ::io_uring_queue_init(depth, &ring->ring_, 0);
    if (refused < 0) return nullptr;
    ring->open_ = true;
    return ring;
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    if (open_) ::io_uring_queue_exit(&ring_);
  }
  io_uring* get() { return &ring_; }

 private:
  Ring() = default;
  io_uring ring_{};
  bool open_ = false;
};

class DirectFd {
 public:
  // With O_DIRECT where the file system knows it.
  DirectFd(const std::string& path, int flags, unsigned permissions = 0640) {
    fd_ = ::open(path.c_str(), flags | O_DIRECT | O_CLOEXEC, permissions);
    direct_ = fd_ >= 0;
    if (fd_ < 0 && errno == EINVAL) fd_ = ::open(path.c_str(), flags | O_CLOEXEC, permissions);
  }
  DirectFd(DirectFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)), direct_(other.direct_) {}
  DirectFd& operator=(DirectFd&&) = delete;
  ~DirectFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool direct() const { return direct_; }

 private:
  int fd_ = -1;
  bool direct_ = false;
};

}  // namespace vitrine::graph
