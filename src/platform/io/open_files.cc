#include "platform/io/open_files.h"

#include <algorithm>

#include <sys/resource.h>

namespace vitrine::io {

std::uint64_t raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

std::uint64_t connections_within(std::uint64_t open_files_max, std::uint64_t wanted) {
  constexpr std::uint64_t kForFiles = 1024;
  const std::uint64_t room = open_files_max - std::min(open_files_max / 2, kForFiles);
  return std::max<std::uint64_t>(1, std::min(wanted, room));
}

}  // namespace vitrine::io
