#include "bench/support/memory_cgroup.h"

#include <cerrno>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

namespace vitrine::bench {
namespace {

bool write_text(const std::string& path, const std::string& text) {
  std::ofstream out(path);
  out << text << std::flush;
  return out.good();
}

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::string text;
  std::getline(in, text);
  return text;
}

}  // namespace

Result<std::unique_ptr<MemoryCgroup>> MemoryCgroup::create(std::uint64_t bytes) {
  const std::string name = "/vitrine-bench-" + std::to_string(::getpid());
  const bool v2 =
      read_text("/sys/fs/cgroup/cgroup.controllers").find("memory") != std::string::npos;
  if (v2) write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
  const std::string path = (v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory") + name;
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
    return io_error("make cgroup", path, errno);
  }
  auto group = std::unique_ptr<MemoryCgroup>(new MemoryCgroup(path, v2));
  if (!write_text(path + (v2 ? "/memory.max" : "/memory.limit_in_bytes"), std::to_string(bytes))) {
    return Error(ErrorCode::kIo, path + " takes no memory limit");
  }
  if (v2) write_text(path + "/memory.swap.max", "0");
  return group;
}

MemoryCgroup::~MemoryCgroup() { ::rmdir(path_.c_str()); }

bool MemoryCgroup::enter() const { return write_text(path_ + "/cgroup.procs", "0"); }

std::uint64_t MemoryCgroup::peak_bytes() const {
  const std::string text = read_text(path_ + (v2_ ? "/memory.peak" : "/memory.max_usage_in_bytes"));
  return text.empty() ? 0 : std::stoull(text);
}

}  // namespace vitrine::bench
