// Copies a log's records into an object store, each exactly once, as compressed NDJSON.
//
// Work is done in batches. A batch's range of positions is written down first (its plan), then its
// objects, then its manifest. All are put only if absent, and an object's bytes follow from the
// records alone: so a run that was killed at any point is taken up by the next one, which makes the
// same objects under the same names; and of two that run at the same time each makes what the
// other left out. What has a manifest is archived; readers look at manifests, not at objects.
//
// A line is {"tenant":7,"position":1234,"time":"...","kind":1, ...} and what the printer adds.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "base/progress.h"
#include "engine/eventlog/reader.h"
#include "platform/codec/json_writer.h"
#include "service/archive/archive_manifest.h"

namespace vitrine::archive {

// Adds the meaning of a record to the JSON object that is open. kUnsupported for a kind it does not
// know: then nothing of the batch is archived, rather than something unreadable.
using RecordPrinter = std::function<Status(const eventlog::RecordView&, codec::JsonWriter&)>;

struct ArchiveOptions {
  blob::ObjectStore* store = nullptr;
  io::FileSystem* files = nullptr;
  std::string log;            // its name in the archive: "partition-0"
  std::string log_directory;  // where it lies
  RecordPrinter print;
  // A batch ends at either. Memory: about batch_bytes, and as much again while it is compressed.
  std::uint64_t batch_records = 500'000;
  std::uint64_t batch_bytes = 64u << 20;    // of NDJSON
  int level = 3;                            // of zstd
  const std::atomic<bool>* stop = nullptr;  // set: ends behind the present batch
};

struct ArchiveReport {
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t objects = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t bytes = 0;
  eventlog::Position archived = 0;  // all up to here has a manifest
};

// Archives everything that is durable now. kGone where retention has dropped records that were not
// archived; kCorrupt where an object that is there has other contents than the log; else the errors
// of log and store. After an error it may be called again.
Result<ArchiveReport> archive_log(const ArchiveOptions& options, Progress& progress);

// The NDJSON of the records `range` of the log by tenant and date, as objects without hashes and
// sizes of their stored form; for archive_log and for comparing an archive with its log. With
// `range.last` 0 it ends where a batch does, or at the end of the log (no object if there is none).
struct Rendered {
  eventlog::PositionRange range;
  struct Part {
    ArchivedObject object;
    std::string text;
  };
  std::vector<Part> parts;  // by tenant, then date
};
Result<Rendered> render_batch(const ArchiveOptions& options, eventlog::PositionRange range);

}  // namespace vitrine::archive
