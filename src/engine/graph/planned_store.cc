// The cache that knows the future (min_plan.h), with misses read page by page or from a segment
// that was packed beforehand.
#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/graph/internal/packer.h"
#include "engine/graph/internal/row_fetch.h"
#include "engine/graph/internal/slot_table.h"
#include "engine/graph/internal/stores.h"
#include "engine/graph/min_plan.h"

namespace vitrine::graph {
namespace {

// A superbatch, ready to be gathered.
struct Planned {
  std::shared_ptr<const AccessTrace> trace;
  std::vector<RowId> carried_in;
  MinPlan plan;
  Reservation held;
  std::unique_ptr<SegmentStore> segments;  // null: misses are read directly
};

class PlannedStore final : public RowStore {
 public:
  PlannedStore(const StoreOptions& options, const RowFormat& format, std::uint64_t capacity)
      : options_(options),
        format_(format),
        capacity_(capacity),
        packer_(options, format),
        lists_(*options.budget, kIdBytes + kHitBytes + kMissingBytes + RowFetch::kListBytes) {}

  Status open() {
    VITRINE_TRY(fetch_, RowFetch::open(options_, format_));
    VITRINE_TRY(held_rows_, options_.budget->reserve("rows", capacity_ * format_.stride()));
    VITRINE_TRY(held_table_, options_.budget->reserve(
                                 "row table", SlotTable::bytes_for(capacity_) + capacity_ * 4));
    rows_ = AlignedBuffer(capacity_ * format_.stride());
    table_ = SlotTable(capacity_);
    free_.resize(capacity_);
    for (std::uint64_t i = 0; i < capacity_; ++i) {
      free_[i] = static_cast<std::uint32_t>(capacity_ - 1 - i);
    }
    if (options_.kind == StoreKind::kAuto) VITRINE_TRY(packer_.measure_rates());
    return ok_status();
  }

  const RowFormat& format() const override { return format_; }

  Status plan(std::shared_ptr<const AccessTrace> next) override {
    if (next->accesses() > 0 && next->largest() >= format_.count) {
      return Error(ErrorCode::kInvalidArgument, "row " + std::to_string(next->largest()) +
                                                    " is asked for, but the file has " +
                                                    std::to_string(format_.count));
    }
    VITRINE_CHECK_MSG(next_ == nullptr, "the superbatch planned before was not begun yet");
    VITRINE_TRY(lists_.hold(next->rows_max()));
    if (!std::exchange(begun_, true)) VITRINE_TRY(fill(*next));
    auto planned = std::make_unique<Planned>();
    planned->trace = std::move(next);
    planned->carried_in = carried_;
    VITRINE_TRY(make_plan(*planned));
    bool pack = options_.kind == StoreKind::kPacked;
    if (options_.kind == StoreKind::kAuto) pack = packer_.is_cheaper(planned->plan.misses);
    if (pack) {
      const std::int64_t before = options_.clock->steady_ns();
      VITRINE_TRY(planned->segments, packer_.pack(*planned->trace, planned->carried_in,
                                                  planned->plan, std::move(spare_)));
      plan_stats_.pack_s += seconds_since(before);
    }
    (pack ? plan_stats_.packed_superbatches : plan_stats_.direct_superbatches) += 1;
    carried_ = planned->plan.carried_out;
    next_ = std::move(planned);
    return ok_status();
  }

  Status advance() override {
    VITRINE_CHECK(next_ != nullptr);
    VITRINE_CHECK_MSG(current_ == nullptr || next_batch_ == current_->trace->batches(),
                      "batches of the superbatch before were not gathered");
    if (current_ != nullptr && current_->segments != nullptr) {
      read_back_ += current_->segments->bytes_read() - read_before_;
      spare_ = std::move(current_->segments);
    }
    current_ = std::move(next_);
    read_before_ = current_->segments == nullptr ? 0 : current_->segments->bytes_read();
    next_batch_ = 0;
    reserve_lists();
    for (std::size_t i = 0; i < current_->carried_in.size(); ++i) {
      if (!current_->plan.keeps_carried(i)) drop(current_->carried_in[i]);
    }
    return ok_status();
  }

  Status gather(std::uint32_t batch, std::span<char> out) override {
    VITRINE_CHECK(current_ != nullptr);
    VITRINE_CHECK(batch == next_batch_);
    ++next_batch_;
    current_->trace->decode(batch, ids_);
    VITRINE_CHECK(out.size() == ids_.size() * format_.stride());
    const std::uint64_t first = current_->plan.first_access[batch];
    find_rows(first);
    stats_.rows += ids_.size();
    stats_.hits += hits_.size();
    if (current_->segments == nullptr) return fetch_rows(first, out.data());
    while (copy_hits(first, out.data())) continue;
    VITRINE_TRY(read_segment_rows(batch, out.data()));
    for (std::size_t m = 0; m < missing_.size(); ++m) {
      keep_missed(first, m, out.data() + missing_at_[m] * format_.stride());
    }
    return ok_status();
  }

  StoreStats stats() const override {
    StoreStats all = stats_;
    all.requests += plan_stats_.requests + fetch_->stats().requests + packer_.stats().requests;
    all.bytes_read += plan_stats_.bytes_read + fetch_->stats().bytes + packer_.stats().bytes;
    all.bytes_read += read_back_;
    if (current_ != nullptr && current_->segments != nullptr) {
      all.bytes_read += current_->segments->bytes_read() - read_before_;
    }
    all.bytes_written = packer_.bytes_written();
    all.planned_accesses = plan_stats_.planned_accesses;
    all.plan_s = plan_stats_.plan_s;
    all.pack_s = plan_stats_.pack_s;
    all.packed_superbatches = plan_stats_.packed_superbatches;
    all.direct_superbatches = plan_stats_.direct_superbatches;
    return all;
  }

 private:
  double seconds_since(std::int64_t before_ns) const {
    return static_cast<double>(options_.clock->steady_ns() - before_ns) / 1e9;
  }

  // An empty cache misses every row once. The hottest rows are the file's first: where enough of
  // them will be asked for, one read of all is cheaper than a page for each.
  Status fill(const AccessTrace& first) {
    const std::size_t stride = format_.stride();
    {
      VITRINE_TRY(
          const Reservation held,
          options_.budget->reserve("filling", capacity_ / 8 + std::uint64_t{first.rows_max()} * 4));
      std::vector<bool> asked(capacity_);
      std::vector<RowId> ids;
      std::uint64_t rows = 0;
      for (std::uint32_t b = 0; b < first.batches(); ++b) {
        first.decode(b, ids);
        for (const RowId id : ids) {
          if (id >= capacity_) break;
          rows += asked[id] ? 0 : 1;
          asked[id] = true;
        }
      }
      if (!packer_.filling_pays(rows, capacity_)) return ok_status();
    }
    carried_.resize(capacity_);
    for (std::uint64_t i = 0; i < capacity_; ++i) {
      carried_[i] = static_cast<RowId>(i);
      table_.insert(static_cast<RowId>(i), static_cast<std::uint32_t>(i));
    }
    free_.clear();
    BulkStats read;
    const Status status = scan_rows(
        options_, format_, capacity_, read, [&](std::uint64_t row, std::span<const char> bytes) {
          const std::uint64_t at = row * stride;
          std::memcpy(rows_.data() + at, bytes.data(),
                      std::min<std::uint64_t>(bytes.size(), capacity_ * stride - at));
          return ok_status();
        });
    plan_stats_.requests += read.requests;
    plan_stats_.bytes_read += read.bytes;
    return status;
  }

  Status make_plan(Planned& planned) {
    const AccessTrace& trace = *planned.trace;
    if (trace.batches() >= 65535 || trace.accesses() >= (1u << 31)) {
      return Error(ErrorCode::kTooLarge, "a superbatch has at most 65534 batches and 2^31 rows");
    }
    {
      VITRINE_TRY(const Reservation working,
                  options_.budget->reserve(
                      "planning", min_plan_bytes(trace.accesses(), trace.batches(),
                                                 trace.rows_max(), capacity_, format_.count)));
      const std::int64_t before = options_.clock->steady_ns();
      planned.plan = plan_min(trace, planned.carried_in, capacity_, format_.count);
      plan_stats_.plan_s += seconds_since(before);
      plan_stats_.planned_accesses += trace.accesses();
    }
    VITRINE_TRY(planned.held, options_.budget->reserve(
                                  "plan", planned.plan.bytes() + planned.carried_in.size() * 4));
    return ok_status();
  }

  void reserve_lists() {
    fetch_->reserve_lists(lists_.rows());
    ids_.reserve(lists_.rows());
    hits_.reserve(lists_.rows());
    missing_.reserve(lists_.rows());
    missing_at_.reserve(lists_.rows());
  }

  void find_rows(std::uint64_t first) {
    constexpr std::size_t kAhead = 12;
    missing_.clear();
    missing_at_.clear();
    hits_.clear();
    copied_ = 0;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (i + kAhead < ids_.size()) table_.prefetch(ids_[i + kAhead]);
      const std::uint32_t slot = table_.find(ids_[i]);
      if (slot == SlotTable::kNone) {
        missing_.push_back(ids_[i]);
        missing_at_.push_back(static_cast<std::uint32_t>(i));
        continue;
      }
      hits_.push_back({static_cast<std::uint32_t>(i), slot});
      if (!current_->plan.keeps(first + i)) table_.erase(ids_[i]);
    }
  }

  // Copies some of the rows that find_rows() found; false when there are no more. A slot that is
  // not kept is free from then on.
  bool copy_hits(std::uint64_t first, char* out) {
    constexpr std::size_t kSome = 128, kAhead = 4;
    const std::size_t stride = format_.stride();
    const std::size_t end = std::min(hits_.size(), copied_ + kSome);
    for (; copied_ < end; ++copied_) {
      if (copied_ + kAhead < hits_.size()) {
        const char* row = rows_.data() + std::size_t{hits_[copied_ + kAhead].slot} * stride;
        for (std::size_t at = 0; at < stride; at += 64) __builtin_prefetch(row + at);
      }
      const Hit hit = hits_[copied_];
      std::memcpy(out + hit.at * stride, rows_.data() + std::size_t{hit.slot} * stride, stride);
      if (!current_->plan.keeps(first + hit.at)) free_.push_back(hit.slot);
    }
    return copied_ < hits_.size();
  }

  // Copies hits while misses are on their way.
  Status fetch_rows(std::uint64_t first, char* out) {
    const std::size_t stride = format_.stride();
    VITRINE_TRY(fetch_->fetch(
        missing_,
        [&](std::size_t m, const char* row) {
          std::memcpy(out + missing_at_[m] * stride, row, stride);
          // There is a slot for every row that is kept, but maybe one that is still to be copied.
          while (free_.empty() && copy_hits(first, out)) continue;
          keep_missed(first, m, row);
        },
        [&] { return copy_hits(first, out); }));
    while (copy_hits(first, out)) continue;
    return ok_status();
  }

  // The segment holds the missing rows, in order; pieces may end in the middle of a row.
  Status read_segment_rows(std::uint32_t batch, char* out) {
    const std::size_t stride = format_.stride();
    std::size_t row = 0;
    std::size_t within = 0;
    VITRINE_TRY(current_->segments->read(batch, [&](std::span<const char> bytes) -> Status {
      while (!bytes.empty()) {
        if (row == missing_.size()) break;
        const std::size_t part = std::min(bytes.size(), stride - within);
        std::memcpy(out + missing_at_[row] * stride + within, bytes.data(), part);
        within += part;
        if (within == stride) {
          within = 0;
          ++row;
        }
        bytes = bytes.subspan(part);
      }
      if (!bytes.empty()) return Error(ErrorCode::kInternal, "a packed segment has extra rows");
      return ok_status();
    }));
    if (row != missing_.size()) return Error(ErrorCode::kInternal, "a packed segment lacks rows");
    return ok_status();
  }

  void keep_missed(std::uint64_t first, std::size_t m, const char* row) {
    if (!current_->plan.keeps(first + missing_at_[m])) return;
    VITRINE_CHECK(!free_.empty());
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    std::memcpy(rows_.data() + std::size_t{slot} * format_.stride(), row, format_.stride());
    table_.insert(missing_[m], slot);
  }

  void drop(RowId row) {
    free_.push_back(table_.find(row));
    table_.erase(row);
  }

  StoreOptions options_;
  RowFormat format_;
  std::uint64_t capacity_;
  SlotTable table_{0};
  Reservation held_rows_;
  Reservation held_table_;
  AlignedBuffer rows_;
  std::vector<std::uint32_t> free_;
  std::unique_ptr<RowFetch> fetch_;
  Packer packer_;
  std::unique_ptr<SegmentStore> spare_;  // of the superbatch before, to be filled again

  bool begun_ = false;          // a superbatch was planned
  std::vector<RowId> carried_;  // what the cache holds after everything planned so far
  std::unique_ptr<Planned> next_;
  std::unique_ptr<Planned> current_;
  std::uint32_t next_batch_ = 0;
  BatchLists lists_;  // memory of the lists below
  std::vector<RowId> ids_;
  struct Hit {
    std::uint32_t at;  // index in the batch
    std::uint32_t slot;
  };
  static_assert(sizeof(Hit) == kHitBytes);
  std::vector<Hit> hits_;
  std::size_t copied_ = 0;  // of hits_
  std::vector<RowId> missing_;
  std::vector<std::uint32_t> missing_at_;  // index in the batch
  StoreStats stats_;                       // of gather()
  StoreStats plan_stats_;                  // of plan()
  std::uint64_t read_back_ = 0;
  std::uint64_t read_before_ = 0;
};

}  // namespace

Result<std::unique_ptr<RowStore>> open_planned_store(const StoreOptions& options,
                                                     const RowFormat& format) {
  const std::uint64_t capacity =
      std::min<std::uint64_t>(format.count, options.cache_bytes / format.stride());
  auto store = std::make_unique<PlannedStore>(options, format, capacity);
  VITRINE_TRY(store->open());
  return std::unique_ptr<RowStore>(std::move(store));
}

}  // namespace vitrine::graph
