// Remembers the ids of accepted events for 73 hours, so that a retry is never applied twice.
//
// An id is a 128-bit hash of its text (112 bits are kept: among 10^9 ids a new one is mistaken
// for an old one with probability 10^9 / 2^112 < 10^-24); beside it lies a 64-bit hash of the
// body, which tells a retry from another event that was given the same id.
//
// Ids live in generations of up to 65,536 ids and at most an hour of append time; a generation
// is forgotten as a whole once its youngest id is older than `keep`. The newest ids are in
// memory (about 38 bytes each): a hash table over a log of entries. When more than `memory_ids`
// are, the older half goes to one immutable file, sorted by hash, with a Bloom filter of 16
// bits an id in memory; a lookup that passes the filter (all old ids, 1 in 1000 others) reads
// one 4 KiB page. What is remembered depends on the calls alone, not on where it lies.
//
// Threads: find() and prefetch() from any number at a time; everything else exclusively.
//
// Errors: a run file that can't be read or fails its checksum makes find() fail (kIo, kCorrupt
// with file and page) and never say kNew. insert() fails only if a run can't be written; it
// has then remembered nothing and may be tried again.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "base/stream.h"
#include "engine/kv/internal/id_entry.h"
#include "engine/kv/internal/id_run.h"
#include "engine/kv/internal/id_table.h"
#include "platform/io/file_system.h"

namespace vitrine::kv {

enum class IdVerdict {
  kNew,
  kDuplicate,  // known with the same body: a retry
  kConflict,   // known with another body
};

struct IdWindowOptions {
  io::FileSystem* files = nullptr;  // without it everything stays in memory
  std::string directory = {};       // of the run files, this window's alone; created if absent
  std::uint64_t memory_ids = 8 << 20;
  TimeUs keep = 73 * kHourUs;
  // Part of the meaning of the state, not tuning: a replay must use the same.
  TimeUs generation_span = kHourUs;
  std::uint32_t generation_ids = 1 << 16;
};

class IdWindow {
 public:
  explicit IdWindow(IdWindowOptions options);
  ~IdWindow();
  IdWindow(const IdWindow&) = delete;
  IdWindow& operator=(const IdWindow&) = delete;

  // What is known of the id as of the last insert() or expire(). O(1) in memory, plus one
  // filter test for each run.
  Result<IdVerdict> find(const Hash128& id, std::uint64_t body) const;
  // Remembers an id of which find() said kNew. `append_time` does not go back.
  Status insert(const Hash128& id, std::uint64_t body, TimeUs append_time);
  // Forgets generations that are too old at `append_time`. To be called with the time of each
  // record before find(), so that a replay forgets at the same records; it is one comparison
  // unless something expires.
  void expire(TimeUs append_time) {
    if (append_time > next_expiry_) forget(append_time);
  }
  // Fetches what find() and insert() of this id will touch.
  void prefetch(const Hash128& id) const;

  std::uint64_t size() const;  // ids remembered
  std::uint64_t memory_ids() const { return log_.size(); }
  std::uint64_t memory_bytes() const;
  std::size_t run_count() const { return runs_.size(); }

  // For a snapshot: the ids in memory, and the runs by name, size and checksum. Run files must
  // be durable before the snapshot counts: call sync_runs() before or after (it needs no lock
  // and may be called in a forked child). They must exist as long as the snapshot does.
  void save(Sink& sink) const;
  Status sync_runs() const;
  // Reads what save() wrote and opens its runs. kCorrupt if a run is missing or another one.
  // After an error the window is empty.
  Status load(Source& source);
  // What is remembered, wherever it lies: equal for equal content. Reads every run.
  Status digest(Sink& sink) const;

  // Names, within the directory, of the runs in use: what a snapshot taken now refers to.
  std::vector<std::string> live_files() const;
  // Removes run files that are neither in use nor among `keep` (names that snapshots refer to).
  Status remove_unused_files(const std::vector<std::string>& keep) const;

 private:
  struct Generation {
    TimeUs first = 0;  // append times
    TimeUs newest = 0;
    std::uint64_t count = 0;
  };

  void forget(TimeUs append_time);
  void forget_oldest();
  void drop_from_memory(std::uint64_t count);
  void update_next_expiry();
  Status spill();
  Generation& generation_for(TimeUs append_time);
  Status load_parts(Source& source);
  Status load_generations(Source& source);
  Status load_runs(Source& source);
  Status load_memory(Source& source);
  void clear();

  IdWindowOptions options_;
  // Generations first_generation_ .. first_generation_ + generations_.size() - 1 are alive; the
  // first spilled_ of them lie in runs, the others in memory.
  std::deque<Generation> generations_;
  std::uint64_t first_generation_ = 0;
  std::size_t spilled_ = 0;
  TimeUs next_expiry_;
  internal::IdLog log_;      // of the generations in memory, in order of insertion
  internal::IdTable table_;  // finds entries of log_
  std::deque<std::unique_ptr<internal::IdRun>> runs_;  // oldest first
  std::uint64_t next_run_ = 1;
};

}  // namespace vitrine::kv
