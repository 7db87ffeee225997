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

// A store whose plan is nothing but the trace.
class UnplannedStore : public RowStore {
 public:
  explicit UnplannedStore(const RowFormat& format) : format_(format) {}
  const RowFormat& format() const override { return format_; }
  Status plan(std::shared_ptr<const AccessTrace> next) override {
    if (next->accesses() > 0 && next->largest() >= format_.count) {
      return Error(ErrorCode::kInvalidArgument, "row " + std::to_string(next->largest()) +
                                                    " is asked for, but the file has " +
                                                    std::to_string(format_.count));
    }
    next_ = std::move(next);
    return ok_status();
  }
  Status advance() override {
    VITRINE_CHECK(next_ != nullptr);
    current_ = std::move(next_);
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

  RowFormat format_;
  StoreStats stats_;

 private:
  std::shared_ptr<const AccessTrace> next_;
  std::shared_ptr<const AccessTrace> current_;
  std::vector<RowId> ids_;
};

}  // namespace vitrine::graph
