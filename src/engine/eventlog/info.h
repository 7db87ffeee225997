// What lies in a log directory, for people and tools. Read only; a writer may be running.
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "engine/eventlog/types.h"
#include "platform/io/file_system.h"

namespace vitrine::eventlog {

struct SegmentReport {
  std::string file;
  Position first = 0;
  Position last = 0;  // first - 1 where it holds no record
  std::uint64_t generation = 0;
  TimeUs created_us = 0;
  TimeUs last_time_us = 0;       // append time of its last frame; 0 where not looked at
  std::uint64_t frames = 0;      // 0 where not looked at
  std::uint64_t bytes_used = 0;  // header and frames; the file's size where not looked at
  std::uint64_t file_bytes = 0;
};

struct Problem {
  std::string file;
  std::uint64_t offset = 0;
  std::string what;
};

struct LogReport {
  std::vector<SegmentReport> segments;
  Position oldest = 0;
  Position last = 0;     // of the last whole frame
  Position durable = 0;  // as the writer said last; 0 where nobody has since the machine started
  std::uint64_t generation = 0;
  std::uint64_t torn_bytes = 0;  // at the end: a write that was never finished, or is going on now
  std::vector<std::string> torn_files;  // side files of earlier cuts
  std::vector<Problem> problems;        // at most kProblemsMax
  std::uint64_t bytes_checked = 0;
};

inline constexpr std::size_t kProblemsMax = 100;

// Headers and the last segment: fast at any size.
Result<LogReport> log_info(io::FileSystem& files, const std::string& directory);

// Every checksum of every frame of every segment, and the order of positions, times and
// generations. Damage is listed in `problems` and checking goes on with the next segment.
Result<LogReport> log_verify(io::FileSystem& files, const std::string& directory,
                             Progress& progress);

}  // namespace vitrine::eventlog
