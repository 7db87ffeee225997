// The one writer of an event log.
//
// append() copies records into the group that is being filled and returns; a committer thread
// writes one group at a time as one checksummed frame, fdatasyncs, and then tells each append.
// While it syncs, the next group fills: the busier the log, the larger the groups.
//
// Guarantees
//   1. A record whose OnDurable got ok survives kill -9 and power loss, once, in order.
//   2. An append is all or nothing, also over a crash: its records lie in one frame.
//   3. After a failed write or sync nothing is acknowledged any more: the writer has failed for
//      good, everything pending and later gets the error, and `on_fatal` is called. A sync is
//      never retried: the kernel may have dropped the data and say ok the second time.
//   4. A full disk refuses appends with kExhausted, before anything is half written (space is
//      taken a whole segment ahead); reading goes on, and appending when there is space again.
//   5. One writer: a lock file keeps a second one out, and a generation number, written into
//      every frame and checked at each commit, stops one that was replaced (kFenced).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "engine/eventlog/metrics.h"
#include "engine/eventlog/on_durable.h"
#include "engine/eventlog/types.h"
#include "platform/io/file_system.h"

namespace vitrine::eventlog {

enum class SyncMode {
  kEachGroup,  // sync as soon as the committer is free
  kInterval,   // gather for sync_interval_us (or until a group is full) first
};

struct WriterOptions {
  // Required.
  std::string directory;  // created where absent
  io::FileSystem* files = nullptr;
  const Clock* clock = nullptr;
  Executor* executor = nullptr;

  // Size of a segment file. Space is taken in these steps, and retention drops them whole.
  std::uint64_t segment_bytes = 64u << 20;
  // Upper bound of one append, hence of one group. At most a quarter of segment_bytes.
  std::uint64_t group_bytes_max = 8u << 20;
  // A group that has reached this takes no further append. Larger: fewer syncs, but a busy log
  // acknowledges later, and memory, disk and copying take turns instead of working side by side.
  std::uint64_t group_bytes_target = 1u << 20;
  // Upper bound of what waits or is being written; above it append() refuses.
  std::uint64_t queue_bytes_max = 32u << 20;
  SyncMode sync_mode = SyncMode::kEachGroup;
  TimeUs sync_interval_us = kSecondUs;  // with kInterval: what a crash may lose
  // After so long without work an empty frame is written behind the last one: damage to a frame
  // with something behind it can be told from a torn write. 0: only when closing.
  TimeUs seal_after_us = 50'000;
  // Segments are dropped when their last record is older, or when all are larger, than this; 0:
  // never.
  TimeUs retention_us = 0;
  std::uint64_t retention_bytes = 0;
  // Positions from here on are kept whatever the retention says; see Writer::retain_from.
  Position retain_from = 0;
  unsigned file_permissions = 0640;
  // How long to wait for the lock of another writer before giving up with kConflict.
  TimeUs lock_wait_us = 0;
  // Tell the writer that holds the lock to stop (it fails with kFenced) and wait lock_wait_us for
  // it.
  bool take_over = false;
  // How often a full disk is looked at again.
  TimeUs disk_probe_us = 500'000;
  // Prepare segments and apply retention on a thread of their own (else the committer does it,
  // in an order that a test can repeat).
  bool background = true;
  // Called once, on the committer's or background thread, after pending appends got the error.
  std::function<void(const Error&)> on_fatal;
};

// What open() found and did.
struct OpenReport {
  std::uint64_t generation = 0;
  Position oldest = 0;  // first record still kept; last + 1 while there is none
  Position last = 0;    // last record recovered
  std::uint64_t segments = 0;
  std::uint64_t bytes_scanned = 0;  // of the last segment
  std::uint64_t torn_bytes = 0;     // cut from the end of the last segment; never acknowledged
  std::string torn_file;            // the segment, empty where nothing was cut
  std::uint64_t torn_offset = 0;
  std::string torn_saved_as;  // side file with the cut bytes
};

// Whether an append rouses a sleeping committer. Who appends several times in a row does so once,
// with flush() after the last: one group and one sync instead of two.
enum class Wake { kNow, kAtFlush };

class Writer {
 public:
  // Recovers the log and becomes its writer. Reads segment headers and the last segment only.
  // kCorrupt (with file and offset) where anything but the tail of the last segment is damaged
  // or missing; kConflict where another writer holds the log.
  static Result<std::unique_ptr<Writer>> open(WriterOptions options);
  // Closes.
  ~Writer();

  // Appends all of `records` (at least one) or nothing, at consecutive positions. `done` is called
  // on the committer thread, in order of positions, with ok once all are durable, or with the
  // error; an error leaves open whether they will be found after a restart. Never blocks for I/O.
  // kExhausted: queue or disk is full, try later. kTooLarge: a payload above kRecordPayloadMax or
  // more than group_bytes_max in all. Thread-safe; also from within a `done`.
  Result<PositionRange> append(std::span<const RecordRef> records, OnDurable done,
                               Wake wake = Wake::kNow);
  // Must follow appends with kAtFlush; without it they wait for seal_after_us or up to 0.25 s.
  // Costs a load where there is nothing to do. Thread-safe.
  void flush();

  Position durable() const;   // everything up to here is synced
  Position appended() const;  // the last position given out
  // True when `position` is durable within `timeout_us`; the error where the writer has failed.
  Result<bool> wait_durable(Position position, TimeUs timeout_us) const;

  // Nothing at or above `position` is dropped by retention. May only rise.
  void retain_from(Position position);
  Position oldest() const;

  LogMetrics metrics() const;
  const OpenReport& open_report() const;

  // Refuses new appends, makes everything pending durable, seals, frees the lock. The error that
  // stopped the writer where it has failed. Idempotent.
  Status close();

 private:
  class Impl;
  explicit Writer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::eventlog
