// Opening a log for writing: look at everything, decide, then cut what was torn.
#pragma once

#include "engine/eventlog/internal/head.h"
#include "engine/eventlog/internal/segment.h"
#include "engine/eventlog/internal/tail_scan.h"
#include "engine/eventlog/writer.h"

namespace vitrine::eventlog::internal {

inline constexpr std::size_t kTornFilesMax = 8;

struct SegmentInfo {
  Position first = 0;
  std::uint64_t bytes = 0;
  TimeUs created_us = 0;
};

struct Recovered {
  std::vector<SegmentInfo> segments;  // empty: a new log
  Segment last;                       // open for writing; only where there are segments
  TailScan tail;
  std::uint64_t generation = 0;  // the highest seen anywhere
  OpenReport report;
};

// Changes nothing on disk but leftovers of segments that were being prepared.
Result<Recovered> examine_log(io::FileSystem& files, const std::string& directory,
                              const Head& head);

// Saves the torn bytes to a side file, zeroes them, and makes the last intact frame durable for
// certain: it may be one whose sync failed, so that the kernel believes it clean.
Status repair_tail(io::FileSystem& files, const std::string& directory, Recovered& recovered,
                   unsigned permissions);

}  // namespace vitrine::eventlog::internal
