// The restore drill: is the backup good for what it is for, and how long does that take?
//
// Restores into a scratch folder, starts a real server on it, asks it, and compares the state that
// comes out with the source's at the cut, by digest.
//   RTO  from the beginning of the restore to the first answer of the restored server
//   RPO  records that were acknowledged when the backup was asked for and are not in the restored
//        log; and the age of the newest restored record when the backup was asked for
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tool/backup/restore.h"

namespace vitrine::backup {

struct StateDigest {
  std::uint32_t partition = 0;
  std::uint32_t tenant = 0;
  eventlog::Position position = 0;  // of the tenant's last record
  Hash128 digest;
  friend auto operator<=>(const StateDigest&, const StateDigest&) = default;
};

// Of every tenant in a data directory, with the log up to `last` of each partition.
using LastPositions = std::map<std::uint32_t, eventlog::Position>;
using StateDigests = std::function<Result<std::vector<StateDigest>>(
    const std::string& data_directory, const LastPositions& last)>;

// A server that the drill started; its destructor ends it.
class DrillServer {
 public:
  virtual ~DrillServer() = default;
  // Asks for recommendations as a shop does; ok when every tenant asked for was answered with 200.
  virtual Status ask() = 0;
  virtual std::uint64_t replayed_records() const = 0;
  // Ends it in order.
  virtual Status stop() = 0;
};

struct DrillOptions {
  RestoreOptions restore;  // target: the scratch folder; removed at the end unless `keep`
  bool keep = false;
  // The data directory the backup was made of; empty: nothing to compare with.
  std::string source;
  StateDigests digests;
  // Starts a server on a free port of this machine; returns once it is ready.
  std::function<Result<std::unique_ptr<DrillServer>>(const std::string& data_directory)> start;
};

struct DrillReport {
  BackupManifest manifest;
  double restore_s = 0;
  double start_s = 0;   // until the server was ready
  double answer_s = 0;  // until its first answers
  double rto_s() const { return restore_s + start_s + answer_s; }
  std::uint64_t records = 0;   // in the restored logs
  std::uint64_t replayed = 0;  // of them, behind the snapshots
  std::uint64_t rpo_records = 0;
  double rpo_s = 0;
  std::uint64_t records_since = 0;  // durable in the source now, and not in the backup
  double since_s = 0;               // age of the cut
  std::size_t tenants_compared = 0;
  std::vector<std::string> differences;  // empty: all digests are equal
  std::string not_compared;              // why, where they were not
  double compare_s = 0;
  bool digest_equal() const { return not_compared.empty() && differences.empty(); }
};

// Errors: those of the restore, of starting the server, and of its answers. Different digests are
// in the report.
Result<DrillReport> run_drill(Repository& repository, const DrillOptions& options,
                              Progress& progress);

}  // namespace vitrine::backup
