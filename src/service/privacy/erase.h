// Erasing persons from the files of a data directory, for good.
//
// What asks for it is a record of the log itself (kUserErase, hashes only): from the moment it is
// applied the state has forgotten the person. What is left then is on disk, and goes in four
// steps, which nobody may disturb by writing (the server is stopped):
//   1. the person's records before the order become kErased, zeros of the same length; in events
//      that others did on the person's devices the device's id is overwritten
//   2. the recommendation log: the person's answers become zeros
//   3. snapshots, cold store and id files are removed and the state is made anew by replaying the
//      rewritten log. Where retention has dropped the log's beginning, the newest state, which has
//      applied the order, is kept instead
//   4. a new snapshot
// Each step can be repeated, and a crash at any point is repaired by doing it all again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/result.h"
#include "engine/eventlog/rewrite.h"
#include "platform/io/file_system.h"
#include "service/apply/partition_state.h"
#include "service/privacy/erasure_list.h"
#include "service/privacy/person_match.h"

namespace vitrine::privacy {

// An order to erase, as the log has it.
struct ErasureOrder {
  TenantId tenant;
  eventlog::Position position = 0;
  TimeUs time = 0;
  std::vector<Hash128> keys;
};

// What is still to be found of those who were ordered to be erased.
struct ErasureStatus {
  std::vector<ErasureOrder> orders;
  std::uint64_t records_left = 0;    // in the event log
  std::uint64_t answers_left = 0;    // in the recommendation log
  std::uint64_t snapshots_left = 0;  // older than the newest order
  bool done() const { return records_left == 0 && answers_left == 0 && snapshots_left == 0; }
};

struct ErasureReport {
  std::size_t orders = 0;
  std::size_t added = 0;  // of them, by apply_erasures()
  eventlog::RewriteReport log;
  eventlog::RewriteReport answers;
  bool replayed = false;  // the state was made anew from the first record on
  eventlog::Position snapshot = 0;
};

// One partition and the recommendation log of the data directory it is in.
struct ErasureTarget {
  io::FileSystem* files = nullptr;
  apply::PartitionStateOptions state;  // its directory is the partition's
  std::string answers_directory;  // absent, as after a restore without answers: nothing to do there
};

Result<std::vector<ErasureOrder>> find_orders(const ErasureTarget& target);

// Reads both logs. A server may be running.
Result<ErasureStatus> erasure_status(const ErasureTarget& target);

// kConflict while a server runs on the directory. Does nothing without orders.
Result<ErasureReport> run_erasure(const ErasureTarget& target, Progress& progress);

// For a log that was restored: puts the orders that are not in it behind its end, in order, each
// with the time it was given (or that of the record before it, where that is later), and erases as
// run_erasure(). Nothing is done where the log has them all. One sync an order.
Result<ErasureReport> apply_erasures(const ErasureTarget& target, const ErasureList& orders,
                                     Progress& progress);

}  // namespace vitrine::privacy
