// What the archive of one log consists of, batch by batch, and how its objects are named.
//
//   events/tenant=7/date=2026-11-22/partition-0-<first>-<last>.ndjson.zst
//   plans/partition-0/<first>                  which records the batch from <first> on has
//   manifests/partition-0/<first>-<last>.json  the batch is complete; its objects and checksums
//
// Positions have 20 digits, so names are in order. The date is that of append_time, in UTC. A batch
// is a range of positions of the log; it has one object for each tenant and date in it, named by
// the first and last record in it, and a record is in exactly one object.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/blob/object_store.h"
#include "engine/eventlog/types.h"

namespace vitrine::archive {

struct ArchivedObject {
  std::uint32_t tenant = 0;
  std::string date;               // "2026-11-22"
  eventlog::PositionRange range;  // of its own records
  std::uint64_t records = 0;
  std::uint64_t raw_bytes = 0;  // NDJSON
  std::uint64_t bytes = 0;      // as stored
  std::string raw_hash;         // BLAKE2b-256, hexadecimal
  std::string hash;
  friend bool operator==(const ArchivedObject&, const ArchivedObject&) = default;
};

struct ArchiveManifest {
  std::string log;  // "partition-0"
  eventlog::PositionRange range;
  std::string previous;  // hash of the manifest before it; empty in the first
  std::vector<ArchivedObject> objects;
  friend bool operator==(const ArchiveManifest&, const ArchiveManifest&) = default;
};

inline constexpr std::uint64_t kArchiveManifestBytesMax = 256ull << 20;

std::string object_key(const std::string& log, const ArchivedObject& object);
std::string plan_key(const std::string& log, eventlog::Position first);
std::string manifest_prefix(const std::string& log);
std::string manifest_key(const ArchiveManifest& manifest);
// The range in a manifest's key; kCorrupt for another name.
Result<eventlog::PositionRange> parse_manifest_key(std::string_view key);

// One JSON document. The reverse takes exactly what was written: kCorrupt otherwise.
std::string encode_archive_manifest(const ArchiveManifest& manifest);
Result<ArchiveManifest> decode_archive_manifest(std::string_view text);

std::string encode_plan(eventlog::PositionRange range);
Result<eventlog::PositionRange> decode_plan(std::string_view text);

// BLAKE2b-256 as 64 hexadecimal digits.
std::string content_hash(std::string_view bytes);

// Position of the last record in a complete batch; 0 without one.
Result<eventlog::Position> archived_position(blob::ObjectStore& store, const std::string& log);

}  // namespace vitrine::archive
