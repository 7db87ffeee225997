// A memory cgroup for a child process: the kernel's own limit, page cache included.
//
// Works with cgroup v2 and v1 where this process may make groups (root, usually). Where it may not,
// create() says why, and measurements that depend on a limit are left out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace vitrine::bench {

class MemoryCgroup {
 public:
  static Result<std::unique_ptr<MemoryCgroup>> create(std::uint64_t bytes);
  ~MemoryCgroup();  // the processes in it have ended
  MemoryCgroup(const MemoryCgroup&) = delete;
  MemoryCgroup& operator=(const MemoryCgroup&) = delete;

  // Moves the calling process (after a fork, before anything large).
  bool enter() const;
  std::uint64_t peak_bytes() const;
  // "cgroup v1" or "cgroup v2".
  std::string version() const { return v2_ ? "cgroup v2" : "cgroup v1"; }

 private:
  MemoryCgroup(std::string path, bool v2) : path_(std::move(path)), v2_(v2) {}
  std::string path_;
  bool v2_;
};

}  // namespace vitrine::bench
