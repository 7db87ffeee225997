// The classes behind RowStore::open, and what they share.
#pragma once

#include <memory>

#include "engine/graph/row_store.h"

namespace vitrine::graph {

Result<std::unique_ptr<RowStore>> open_memory_store(const StoreOptions& options,
                                                    const RowFormat& format);
Result<std::unique_ptr<RowStore>> open_mmap_store(const StoreOptions& options,
                                                  const RowFormat& format);
Result<std::unique_ptr<RowStore>> open_lru_store(const StoreOptions& options,
                                                 const RowFormat& format);
Result<std::unique_ptr<RowStore>> open_static_store(const StoreOptions& options,
                                                    const RowFormat& format);
Result<std::unique_ptr<RowStore>> open_planned_store(const StoreOptions& options,
                                                     const RowFormat& format);

// The memory of the lists that a store makes for a batch, as large as the largest batch planned.
class BatchLists {
 public:
  BatchLists(MemoryBudget& budget, std::uint64_t bytes_per_row)
      : budget_(budget), bytes_per_row_(bytes_per_row) {}
  Status hold(std::uint32_t rows) {
    if (rows <= rows_) return ok_status();
    held_.release();
    VITRINE_TRY(held_, budget_.reserve("batch lists", rows * bytes_per_row_));
    rows_ = rows;
    return ok_status();
  }
  std::uint32_t rows() const { return rows_; }

 private:
  MemoryBudget& budget_;
  std::uint64_t bytes_per_row_;
  std::uint32_t rows_ = 0;
  Reservation held_;
};

// A row that is looked for, and one that must be read.
inline constexpr std::uint64_t kIdBytes = sizeof(RowId);
inline constexpr std::uint64_t kMissingBytes = sizeof(RowId) + sizeof(std::uint32_t);
inline constexpr std::uint64_t kHitBytes = 2 * sizeof(std::uint32_t);

// A store whose plan is nothing but the trace.
class UnplannedStore : public RowStore {
 public:
  // `list_bytes`: what gather_ids() takes for each row of a batch.
  UnplannedStore(const StoreOptions& options, const RowFormat& format, std::uint64_t list_bytes = 0)
      : format_(format), lists_(*options.budget, kIdBytes + list_bytes) {}
  const RowFormat& format() const override { return format_; }
  Status plan(std::shared_ptr<const AccessTrace> next) override {
    if (next->accesses() > 0 && next->largest() >= format_.count) {
      return Error(ErrorCode::kInvalidArgument, "row " + std::to_string(next->largest()) +
                                                    " is asked for, but the file has " +
                                                    std::to_string(format_.count));
    }
    VITRINE_TRY(lists_.hold(next->rows_max()));
    next_ = std::move(next);
    return ok_status();
  }
  Status advance() override {
    VITRINE_CHECK(next_ != nullptr);
    current_ = std::move(next_);
    reserve_lists(lists_.rows());
    ids_.reserve(lists_.rows());
    return ok_status();
  }
  Status gather(std::uint32_t batch, std::span<char> out) override {
    VITRINE_CHECK(current_ != nullptr);
    current_->decode(batch, ids_);
    VITRINE_CHECK(out.size() == ids_.size() * format_.stride());
    stats_.rows += ids_.size();
    return gather_ids(ids_, out.data());
  }
  StoreStats stats() const override { return stats_; }

 protected:
  virtual Status gather_ids(std::span<const RowId> ids, char* out) = 0;
  // Batches to come have at most so many rows; the memory for their lists is held.
  virtual void reserve_lists(std::uint32_t rows) { static_cast<void>(rows); }

  RowFormat format_;
  StoreStats stats_;

 private:
  std::shared_ptr<const AccessTrace> next_;
  std::shared_ptr<const AccessTrace> current_;
  BatchLists lists_;
  std::vector<RowId> ids_;
};

}  // namespace vitrine::graph
