// All row accesses of a superbatch, known before the first is made: what a plan is made from.
//
// A batch is the sorted list of the distinct rows it needs. Lists are kept as differences in
// varints: about 1.15 bytes for a row where a batch takes 100,000 of 6 million.
//
// Filled by one thread, then read only and safe for many.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/graph/memory_budget.h"

namespace vitrine::graph {

using RowId = std::uint32_t;

// A sorted list of ids, as varints of differences; the first as it is.
class IdList {
 public:
  void assign(std::span<const RowId> sorted);
  void append(RowId next);  // above all before it
  std::uint32_t size() const { return count_; }
  std::size_t bytes() const { return bytes_.capacity(); }
  void decode(std::vector<RowId>& out) const;

  // Walks the list once.
  class Cursor {
   public:
    explicit Cursor(const IdList& list) : at_(list.bytes_.data()), left_(list.count_) { next(); }
    bool done() const { return done_; }
    RowId id() const { return id_; }
    void next();

   private:
    const char* at_;
    std::uint32_t left_;
    RowId id_ = 0;
    bool done_ = false;
  };

 private:
  std::string bytes_;
  std::uint32_t count_ = 0;
  RowId last_ = 0;
};

class AccessTrace {
 public:
  // Batches are added in order of their number. `sorted`: ascending, distinct.
  void add_batch(std::span<const RowId> sorted);
  // Takes what the lists hold from the budget; call once, after the last batch.
  Status hold(MemoryBudget& budget);

  std::uint32_t batches() const { return static_cast<std::uint32_t>(lists_.size()); }
  std::uint32_t rows(std::uint32_t batch) const { return lists_[batch].size(); }
  std::uint32_t rows_max() const { return rows_max_; }
  std::uint64_t accesses() const { return accesses_; }
  std::uint64_t bytes() const;  // that the lists hold
  // 0 where there is no access.
  RowId largest() const { return largest_; }
  void decode(std::uint32_t batch, std::vector<RowId>& out) const { lists_[batch].decode(out); }

 private:
  std::vector<IdList> lists_;
  std::uint64_t accesses_ = 0;
  std::uint32_t rows_max_ = 0;
  RowId largest_ = 0;
  Reservation held_;
};

}  // namespace vitrine::graph
