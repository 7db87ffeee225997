// Rows that outgrow memory, kept by number in a RocksDB database of their own.
//
// The event log is the truth and a snapshot the restart point, so this store needs no log of
// its own (RocksDB's WAL is off) and its working folder means nothing after a crash: a restart
// throws it away and starts again from the checkpoint that belongs to the snapshot, or empty.
//
// Memory is bounded by the options: about cache_bytes + 3 * memtable_bytes.
// Threads: get() and scan() from any number of threads, also beside one writer; writes and
// checkpoint() from one thread at a time. RocksDB flushes and compacts on threads of its own,
// so a forked child must not touch a ColdRows at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vitrine::kv {

struct ColdRowsOptions {
  std::string directory = {};                  // the working folder, owned by this store alone
  std::uint64_t cache_bytes = 32ull << 20;     // blocks, indexes and filters together
  std::uint64_t memtable_bytes = 16ull << 20;  // one memtable; at most three exist
};

// Rows of one space lie together, ordered by row. The store does not interpret either number.
struct RowKey {
  std::uint32_t space = 0;
  std::uint64_t row = 0;
};

// Writes that happen together or not at all.
class ColdBatch {
 public:
  ColdBatch();
  ~ColdBatch();
  ColdBatch(ColdBatch&&) noexcept;
  ColdBatch& operator=(ColdBatch&&) noexcept;

  void put(RowKey key, std::string_view value);
  void erase(RowKey key);
  void clear();
  std::size_t size() const;  // operations

 private:
  friend class ColdRows;
  struct State;
  std::unique_ptr<State> state_;
};

// Walks the rows of one space in order, as they were when scan() was called.
class ColdCursor {
 public:
  explicit ColdCursor(std::unique_ptr<struct ColdCursorState> state);
  ~ColdCursor();
  ColdCursor(ColdCursor&&) noexcept;

  bool valid() const;              // false at the end and after an error: then look at status()
  std::uint64_t row() const;       // requires valid()
  std::string_view value() const;  // requires valid(); until the next move
  void next();
  void seek(std::uint64_t row);  // to the first row >= `row`
  Status status() const;

 private:
  std::unique_ptr<ColdCursorState> state_;
};

// Errors: kCorrupt names the file, kExhausted is a full disk, kIo the rest of what a disk does.
class ColdRows {
 public:
  // Starts empty: whatever was in the working folder is removed.
  static Result<std::unique_ptr<ColdRows>> create(ColdRowsOptions options);
  // Opens what a checkpoint() wrote as the new contents of the working folder. The checkpoint
  // stays as it is; table files are hard-linked where the file system allows it, else copied.
  static Result<std::unique_ptr<ColdRows>> open_from_checkpoint(const std::string& checkpoint,
                                                                ColdRowsOptions options);
  ~ColdRows();
  ColdRows(const ColdRows&) = delete;
  ColdRows& operator=(const ColdRows&) = delete;

  // False, with `out` empty, if there is no such row.
  Result<bool> get(RowKey key, std::string& out) const;
  Status put(RowKey key, std::string_view value);
  Status erase(RowKey key);
  Status write(ColdBatch& batch);
  // Removes every row of a space.
  Status erase_space(std::uint32_t space);
  ColdCursor scan(std::uint32_t space) const;

  // Writes all rows as they are now, and `position` with them, to the new folder `directory`
  // (its parent must exist, it must not). Table files are hard links: the cost is one flush of
  // the memtable. Survives power loss once it has returned.
  Status checkpoint(const std::string& directory, std::uint64_t position);
  // The position given to the checkpoint this store was opened from; 0 if it was created empty.
  std::uint64_t position() const;

  std::uint64_t memory_bytes() const;

 private:
  struct State;
  explicit ColdRows(std::unique_ptr<State> state);
  static Result<std::unique_ptr<ColdRows>> open(ColdRowsOptions options);
  std::unique_ptr<State> state_;
};

}  // namespace vitrine::kv
