// What a backup consists of: its files as lists of chunks, and the cut they were taken at.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "engine/eventlog/types.h"
#include "service/privacy/erasure_list.h"

namespace vitrine::backup {

// Chunks begin at multiples of this in their file: what an append-only file had before is found
// again, chunk for chunk. Smaller: less is written again for a changed byte; more objects.
inline constexpr std::uint64_t kChunkBytes = 4u << 20;

struct Chunk {
  std::array<unsigned char, 32> id{};  // keyed BLAKE2b of its bytes
  std::uint32_t bytes = 0;             // 1..kChunkBytes
  friend bool operator==(const Chunk&, const Chunk&) = default;
};

enum class FileKind : std::uint8_t {  // on disk: never renumber
  kSegment = 1,                       // of a log, sealed
  kLogEnd = 2,                        // the segment that was being written
  kSnapshot = 3,                      // any file that belongs to a snapshot
  kControl = 4,
  kSmall = 5,  // settings, generation numbers
};

struct BackupFile {
  std::string path;  // relative, within the data directory
  FileKind kind = FileKind::kSmall;
  std::uint16_t permissions = 0640;
  std::uint64_t file_bytes = 0;  // its length; zeros follow what the chunks hold
  Hash128 identity;              // CutSegment::identity of a sealed segment
  std::vector<Chunk> chunks;
  std::uint64_t data_bytes() const;
  friend bool operator==(const BackupFile&, const BackupFile&) = default;
};

// Where one log was cut.
struct LogEntry {
  std::string directory;  // relative: "partition-0"
  bool has_state = true;  // an event log with snapshots; false: recorded answers
  eventlog::Position oldest = 0;
  eventlog::Position durable_before = 0;  // durable when the backup was asked for
  eventlog::Position last = 0;            // last record in the backup
  TimeUs last_time_us = 0;                // its append time
  eventlog::Position snapshot = 0;        // 0: none, everything is replayed
  friend bool operator==(const LogEntry&, const LogEntry&) = default;
};

struct TenantEntry {
  std::uint32_t id = 0;
  std::string name;
  std::uint32_t partition = 0;
  friend bool operator==(const TenantEntry&, const TenantEntry&) = default;
};

struct BackupManifest {
  std::string id;       // "20261122T190000Z-0000": names in order of making
  std::string parent;   // the backup before it, whose segments were not read again; may be empty
  std::string version;  // of the program that made it
  std::string source;   // the data directory, for people
  TimeUs begun_us = 0;
  TimeUs cut_us = 0;  // when the cut was made
  TimeUs ended_us = 0;
  std::uint64_t control_version = 0;
  std::string settings;  // TOML: those that are part of the state's meaning
  std::vector<LogEntry> logs;
  std::vector<TenantEntry> tenants;
  std::vector<BackupFile> files;  // by path
  // Every order to erase that may be newer than the cut of some backup in the repository: what a
  // restore of an older one carries out. Not known in backups of format 1.
  bool erasures_known = true;
  privacy::ErasureList erasures;
  std::uint64_t data_bytes() const;
  friend bool operator==(const BackupManifest&, const BackupManifest&) = default;
};

inline constexpr std::uint64_t kManifestBytesMax = 1ull << 30;

std::string encode_backup_manifest(const BackupManifest& manifest);
// kCorrupt for anything but what was encoded, kUnsupported for a later version. What it gives has
// sound paths: relative, without "..", each once.
Result<BackupManifest> decode_backup_manifest(std::string_view bytes);

}  // namespace vitrine::backup
