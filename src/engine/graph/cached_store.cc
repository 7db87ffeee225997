// Stores without a plan that keep some rows and read the others page by page.
#include <algorithm>
#include <cstring>

#include "engine/graph/internal/row_fetch.h"
#include "engine/graph/internal/slot_table.h"
#include "engine/graph/internal/stores.h"

namespace vitrine::graph {
namespace {

// Counts what the reads of misses cost.
class FetchingStore : public UnplannedStore {
 public:
  FetchingStore(const StoreOptions& options, const RowFormat& format)
      : UnplannedStore(options, format, kMissingBytes + RowFetch::kListBytes) {}
  StoreStats stats() const override {
    StoreStats all = stats_;
    all.requests += fetch_->stats().requests;
    all.bytes_read += fetch_->stats().bytes;
    return all;
  }

 protected:
  void reserve_lists(std::uint32_t rows) override {
    fetch_->reserve_lists(rows);
    missing_.reserve(rows);
    missing_at_.reserve(rows);
  }

  std::unique_ptr<RowFetch> fetch_;
  std::vector<RowId> missing_;
  std::vector<std::uint32_t> missing_at_;  // index in the batch
};

class StaticStore final : public FetchingStore {
 public:
  using FetchingStore::FetchingStore;
  Status load(const StoreOptions& options) {
    VITRINE_TRY(fetch_, RowFetch::open(options, format_));
    hot_ = std::min<std::uint64_t>(format_.count, options.cache_bytes / format_.stride());
    VITRINE_TRY(held_, options.budget->reserve("rows", hot_ * format_.stride()));
    rows_ = AlignedBuffer(hot_ * format_.stride());
    BulkStats read;
    const auto status = scan_rows(
        options, format_, hot_, read, [this](std::uint64_t first, std::span<const char> part) {
          const std::uint64_t bytes =
              std::min<std::uint64_t>(part.size(), rows_.size() - first * format_.stride());
          std::memcpy(rows_.data() + first * format_.stride(), part.data(), bytes);
          return ok_status();
        });
    stats_.requests = read.requests;
    stats_.bytes_read = read.bytes;
    return status;
  }

 protected:
  Status gather_ids(std::span<const RowId> ids, char* out) override {
    const std::size_t stride = format_.stride();
    const auto cold = std::lower_bound(ids.begin(), ids.end(), hot_);
    const auto hits = static_cast<std::size_t>(cold - ids.begin());
    for (std::size_t i = 0; i < hits; ++i) {
      std::memcpy(out + i * stride, rows_.data() + std::size_t{ids[i]} * stride, stride);
    }
    stats_.hits += hits;
    return fetch_->fetch(ids.subspan(hits), [&](std::size_t i, const char* row) {
      std::memcpy(out + (hits + i) * stride, row, stride);
    });
  }

 private:
  std::uint64_t hot_ = 0;
  Reservation held_;
  AlignedBuffer rows_;
};

// Slots form a ring of links from the most to the least recently used.
class LruStore final : public FetchingStore {
 public:
  using FetchingStore::FetchingStore;

  Status load(const StoreOptions& options) {
    VITRINE_TRY(fetch_, RowFetch::open(options, format_));
    const std::uint64_t slots =
        std::min<std::uint64_t>(format_.count, options.cache_bytes / format_.stride());
    VITRINE_TRY(held_, options.budget->reserve("rows", slots * format_.stride()));
    VITRINE_TRY(held_tables_,
                options.budget->reserve("row table", SlotTable::bytes_for(slots) + slots * 12));
    rows_ = AlignedBuffer(slots * format_.stride());
    table_ = SlotTable(slots);
    links_.resize(slots);
    row_of_.resize(slots);
    return ok_status();
  }

 protected:
  Status gather_ids(std::span<const RowId> ids, char* out) override {
    const std::size_t stride = format_.stride();
    missing_.clear();
    missing_at_.clear();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::uint32_t slot = links_.empty() ? SlotTable::kNone : table_.find(ids[i]);
      if (slot == SlotTable::kNone) {
        missing_.push_back(ids[i]);
        missing_at_.push_back(static_cast<std::uint32_t>(i));
        continue;
      }
      std::memcpy(out + i * stride, rows_.data() + std::size_t{slot} * stride, stride);
      unlink(slot);
      link_first(slot);
    }
    stats_.hits += ids.size() - missing_.size();
    VITRINE_TRY(fetch_->fetch(missing_, [&](std::size_t i, const char* row) {
      std::memcpy(out + missing_at_[i] * stride, row, stride);
    }));
    if (links_.empty()) return ok_status();
    for (std::size_t i = 0; i < missing_.size(); ++i) {
      const std::uint32_t slot = take_slot();
      std::memcpy(rows_.data() + std::size_t{slot} * stride, out + missing_at_[i] * stride, stride);
      table_.insert(missing_[i], slot);
      row_of_[slot] = missing_[i];
      link_first(slot);
    }
    return ok_status();
  }

 private:
  static constexpr std::uint32_t kEnd = 0xFFFFFFFFu;
  struct Link {
    std::uint32_t newer = kEnd;
    std::uint32_t older = kEnd;
  };

  std::uint32_t take_slot() {
    if (used_ < links_.size()) return used_++;
    const std::uint32_t slot = oldest_;
    unlink(slot);
    table_.erase(row_of_[slot]);
    return slot;
  }
  void unlink(std::uint32_t slot) {
    const Link link = links_[slot];
    (link.newer == kEnd ? newest_ : links_[link.newer].older) = link.older;
    (link.older == kEnd ? oldest_ : links_[link.older].newer) = link.newer;
  }
  void link_first(std::uint32_t slot) {
    links_[slot] = {kEnd, newest_};
    (newest_ == kEnd ? oldest_ : links_[newest_].newer) = slot;
    newest_ = slot;
  }

  Reservation held_;
  Reservation held_tables_;
  SlotTable table_{0};
  std::vector<Link> links_;
  std::vector<RowId> row_of_;
  AlignedBuffer rows_;
  std::uint32_t newest_ = kEnd;
  std::uint32_t oldest_ = kEnd;
  std::uint32_t used_ = 0;
};

}  // namespace

Result<std::unique_ptr<RowStore>> open_static_store(const StoreOptions& options,
                                                    const RowFormat& format) {
  auto store = std::make_unique<StaticStore>(options, format);
  VITRINE_TRY(store->load(options));
  return std::unique_ptr<RowStore>(std::move(store));
}

Result<std::unique_ptr<RowStore>> open_lru_store(const StoreOptions& options,
                                                 const RowFormat& format) {
  auto store = std::make_unique<LruStore>(options, format);
  VITRINE_TRY(store->load(options));
  return std::unique_ptr<RowStore>(std::move(store));
}

}  // namespace vitrine::graph
