// Where a copy of a log may end while its writer goes on: for backups.
//
// Segments that have a successor don't change any more (retention may remove them, oldest first),
// and of the last one the bytes before the end of a durable frame don't. So a copy is the whole of
// the sealed segments and the beginning of the last one; a writer that opens the copy goes on
// behind the cut.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "engine/eventlog/types.h"
#include "platform/io/file_system.h"

namespace vitrine::eventlog {

struct CutSegment {
  std::string file;  // its name in the directory
  PositionRange range;
  std::uint64_t data_bytes = 0;  // of the file, from its start, that belong to the copy
  std::uint64_t file_bytes = 0;  // what the file is to be long, zeros behind the data
  bool sealed = false;           // has a successor: complete, never changes
  // Of its header, which has a random number made with the segment: equal hashes of sealed
  // segments mean equal contents. Whoever rewrites a sealed segment must give it another one.
  Hash128 identity;
};

struct LogCut {
  std::vector<CutSegment> segments;  // ascending; empty where nothing was ever written
  Position oldest = 0;               // first record in it
  Position last = 0;                 // last record in it
  TimeUs last_time_us = 0;           // append time of the last frame; 0 without one
  // Contents of the file that keeps the writer's generation; empty where there is none.
  std::string generation;
};

inline constexpr std::string_view kGenerationFile = "generation";

// How far the log is durable as its writer says; 0 where nobody has said so since the machine
// started. Reads one page.
Result<Position> durable_now(io::FileSystem& files, const std::string& directory);

// The cut at what is durable now, or where no writer runs at the last whole frame. Reads headers
// and the last segment. kCorrupt with file and offset where these are damaged; kNotFound where
// retention removes segments at the same moment: try again.
Result<LogCut> cut_log(io::FileSystem& files, const std::string& directory);

// Reads all frames of the segment that belong to the copy. kCorrupt with file and offset. Calls
// `visit`, if there is one, with each record; its error ends it.
using VisitRecord = std::function<Status(const RecordView&)>;
Status check_cut_segment(io::FileSystem& files, const std::string& directory,
                         const CutSegment& segment, const VisitRecord& visit = {});

}  // namespace vitrine::eventlog
