// `vitrine log info|verify|dump`: what lies in a log directory, for people (tables) and programs
// (JSON). Read only; a writer may be running.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "engine/eventlog/types.h"
#include "platform/io/file_system.h"

namespace vitrine::inspect {

struct LogOptions {
  io::FileSystem* files = nullptr;  // required
  std::string directory;
  bool json = false;
};

// Segments, positions, times, sizes; reads headers and the last segment.
Status run_log_info(const LogOptions& options, std::ostream& out);

// Checks every checksum. kCorrupt (after the whole report) where something is damaged.
Status run_log_verify(const LogOptions& options, Progress& progress, std::ostream& out);

// Writes the payload of a record as one JSON value. Without one it is a string of hexadecimal
// digits.
using PayloadPrinter = std::function<void(const eventlog::RecordView&, std::ostream&)>;

struct DumpOptions {
  LogOptions log;
  eventlog::Position from = 0;  // 0: the oldest
  std::uint64_t limit = 0;      // records; 0: all
  int kind = -1;                // only records of this kind; -1: all
  PayloadPrinter payload;       // may be empty
};

// One JSON object a line: position, time, kind, key_id, size, payload. kCorrupt (with file and
// offset) at the first damage, after everything before it was written.
Status run_log_dump(const DumpOptions& options, std::ostream& out);

// "2026-11-22T16:10:41.000123Z".
std::string format_time_us(TimeUs time_us);

}  // namespace vitrine::inspect
