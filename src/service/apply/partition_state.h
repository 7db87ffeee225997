// The states of all tenants of one partition, at one position of its log.
//
// Loaded from a snapshot, moved on record by record, written as a snapshot: everything about
// state but threads and the log itself, so that start-up, `vitrine state digest` and the
// tests use the very same code.
//
// Threads: apply(), ensure_tenant(), begin_snapshot() from one thread (the applier). tenant()
// and tenants() from any. What a TenantRuntime holds is read under its lock.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/progress.h"
#include "engine/eventlog/reader.h"
#include "engine/kv/cold_rows.h"
#include "platform/io/file_system.h"
#include "service/apply/lookahead.h"
#include "service/apply/read_write_lock.h"
#include "service/apply/snapshots.h"
#include "service/apply/tenant_state.h"

namespace vitrine::apply {

// A tenant's state with the lock around it.
class TenantRuntime {
 public:
  TenantRuntime(TenantId id, const TenantOptions& options, const TenantStores& stores)
      : state_(id, options, stores) {}

  // Holds the state still, at a position between two records.
  class Read {
   public:
    explicit Read(const TenantRuntime& runtime) : lock_(runtime.lock_), state_(&runtime.state_) {}
    const TenantState& operator*() const { return *state_; }
    const TenantState* operator->() const { return state_; }

   private:
    std::shared_lock<ReadWriteLock> lock_;
    const TenantState* state_;
  };
  Read read() const { return Read(*this); }
  // Users and visitors as of the last release of the lock, without taking it.
  std::uint64_t user_count() const { return user_count_.load(std::memory_order_relaxed); }
  // Visitors that are kept out of what is counted, and their events so far. As above.
  std::uint64_t flagged_count() const { return flagged_count_.load(std::memory_order_relaxed); }
  std::uint64_t events_kept_out() const { return events_kept_out_.load(std::memory_order_relaxed); }

 private:
  friend class PartitionState;
  void note_counts() {
    user_count_.store(state_.profiles().user_count(), std::memory_order_relaxed);
    flagged_count_.store(state_.conduct().flagged_count(), std::memory_order_relaxed);
    events_kept_out_.store(state_.conduct().counts().events_kept_out, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> user_count_{0};
  std::atomic<std::uint64_t> flagged_count_{0};
  std::atomic<std::uint64_t> events_kept_out_{0};
  mutable ReadWriteLock lock_;
  TenantState state_;
};

struct PartitionStateOptions {
  std::string directory;  // holds snapshots/, cold/ and ids/
  TenantOptions tenant;
  kv::ColdRowsOptions cold;  // its directory is set by the partition
  // Snapshots of later positions are not looked at: for the state at an earlier one.
  eventlog::Position snapshot_max = ~eventlog::Position{0};
};

// What start-up found; for the log and the metrics.
struct LoadReport {
  eventlog::Position snapshot_position = 0;
  std::size_t tenants = 0;
  double seconds = 0;
  std::vector<std::string> skipped;  // snapshots that could not be used, and why
};

class PartitionState {
 public:
  // The newest snapshot that passes its checksums, or an empty state. `scratch` true works on
  // private copies and leaves the directory as it is, for tools beside a running server.
  static Result<std::unique_ptr<PartitionState>> load(io::FileSystem& files,
                                                      PartitionStateOptions options, bool scratch,
                                                      LoadReport& report);
  ~PartitionState();

  eventlog::Position position() const { return position_; }
  TimeUs append_time() const { return append_time_; }  // of the last record applied; 0 before one

  // Applies the record under its tenant's lock. Records come in order without gaps. An error
  // means that the state can't go on (unknown kind, corrupt payload, a failing store).
  Result<ApplyOutcome> apply(const eventlog::RecordView& record);

  // Tells which records apply() will be given next, in order; their payloads stay where they are
  // until then. Only makes it faster (lookahead.h).
  void expect(std::span<const eventlog::RecordView> coming) { lookahead_.begin(coming); }

  // Holds one tenant's lock over several records; dropped by release() or by another tenant.
  // Without it apply() locks and unlocks each time.
  void hold_locks(bool on);
  void release();

  std::shared_ptr<TenantRuntime> tenant(TenantId id) const;  // null if it has no state yet
  std::vector<TenantId> tenants() const;                     // ascending
  std::shared_ptr<TenantRuntime> ensure_tenant(TenantId id);

  // Writes a snapshot of the present position from a forked child, so that records go on being
  // applied meanwhile. begin_snapshot() returns after the fork; poll_snapshot() tells when the
  // child has ended: nullopt while it runs, then its position once or its error once.
  Status begin_snapshot();
  std::optional<Result<eventlog::Position>> poll_snapshot();
  // The same, waiting for the end.
  Result<eventlog::Position> write_snapshot();
  bool snapshot_running() const { return child_ != 0; }

  // Keeps the newest `keep` snapshots and the files they refer to. Gives the position from which
  // on the log is needed.
  Result<eventlog::Position> prune_snapshots(std::size_t keep);

  // One line per tenant: what `vitrine state digest` prints and tests compare.
  struct Digest {
    TenantId tenant;
    eventlog::Position position;
    Hash128 digest;
  };
  Result<std::vector<Digest>> digest() const;

  std::uint64_t memory_bytes() const;

 private:
  PartitionState(io::FileSystem& files, PartitionStateOptions options, SnapshotDirectory snapshots);
  // The state that the record is for, if it can be told without a search.
  const TenantState* state_for(const eventlog::RecordView& record) const;
  Status load_snapshot(eventlog::Position position);
  Status open_cold(const std::string& checkpoint);
  std::string ids_directory(TenantId tenant) const;
  SnapshotManifest make_manifest() const;
  Result<eventlog::Position> write_snapshot_here();
  Status write_tenant_files(const std::string& folder);
  Status verify_tenant_files(const std::string& folder) const;
  Status remove_unused_id_files();

  io::FileSystem& files_;
  PartitionStateOptions options_;
  SnapshotDirectory snapshots_;
  bool scratch_ = false;
  std::unique_ptr<kv::ColdRows> cold_;
  eventlog::Position position_ = 0;
  TimeUs append_time_ = 0;

  mutable std::mutex tenants_mutex_;
  std::map<TenantId, std::shared_ptr<TenantRuntime>> tenants_;  // guarded by tenants_mutex_

  Lookahead lookahead_;
  bool hold_locks_ = false;
  TenantRuntime* held_ = nullptr;  // locked exclusively by the applier
  TenantRuntime* last_ = nullptr;  // the tenant of the last record: usually also of the next

  int child_ = 0;        // pid of the snapshot writer, 0 if none
  int child_pipe_ = -1;  // the child's error text
  SnapshotManifest child_manifest_;
  std::map<TenantId, std::uint64_t> state_bytes_written_;  // by write_tenant_files()
};

}  // namespace vitrine::apply
