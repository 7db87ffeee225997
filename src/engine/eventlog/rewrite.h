// Replaces what records say, without moving anything: for what has to be erased from a log that
// is otherwise append-only.
//
// A record keeps its position, its time and its length; kind and payload may change. Frames keep
// their places, so that indexes, snapshots and readers' positions stay right; only checksums are
// new. A segment is written anew beside the old one, synced, and renamed over it: a crash at any
// step leaves each segment either as it was or rewritten, and doing it all again ends the same.
#pragma once

#include <functional>
#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "engine/eventlog/types.h"
#include "platform/io/file_system.h"

namespace vitrine::eventlog {

struct RewriteReport {
  std::uint64_t records = 0;    // looked at
  std::uint64_t changed = 0;    // rewritten
  std::uint64_t segments = 0;   // written anew
  std::uint64_t bytes = 0;      // of those
  std::uint64_t leftovers = 0;  // side files of torn writes that were removed
};

// Says whether a record changes; `kind` and `payload` are its own, to be changed in place. The
// payload must keep its length. Called twice for records of segments that change: the answer must
// depend on the record alone.
using Redact = std::function<Result<bool>(const RecordView& record, std::uint16_t& kind,
                                          std::string& payload)>;

// Goes over the whole log. Nobody may write it meanwhile: kConflict where a writer holds it.
// kCorrupt (with file and offset) where a frame is damaged; a log that ended in a crash is opened
// by a writer first. Side files of torn writes are removed: they may hold anything.
// Memory: one frame and 1 MiB.
Result<RewriteReport> rewrite_log(io::FileSystem& files, const std::string& directory,
                                  const Redact& redact, Progress& progress);

}  // namespace vitrine::eventlog
