#include "engine/graph/min_plan.h"

#include <algorithm>

namespace vitrine::graph {
namespace {

void set_bit(std::vector<std::uint64_t>& bits, std::uint64_t i) {
  bits[i / 64] |= std::uint64_t{1} << (i % 64);
}

// Where an interval begins: an access, or (top bit) a row that was in the cache before.
using Start = std::uint32_t;
constexpr Start kCarried = 0x80000000u;

// Batch is the smallest type that holds every batch number and "never".
template <class Batch>
class Planner {
 public:
  Planner(const AccessTrace& trace, std::span<const RowId> carried, std::uint64_t capacity,
          std::uint64_t rows)
      : trace_(trace),
        carried_(carried),
        capacity_(capacity),
        next_of_row_(rows, kNever),
        next_use_(trace.accesses()),
        ends_(trace.batches()),
        endless_(kEndlessBuckets),
        endless_shift_(0) {
    while ((rows >> endless_shift_) >= kEndlessBuckets) ++endless_shift_;
    plan_.keep.resize(trace.accesses() / 64 + 1);
    plan_.keep_carried.resize(carried.size() / 64 + 1);
    plan_.first_access.resize(trace.batches() + 1);
  }

  MinPlan run() {
    find_next_uses();
    begin_with_carried();
    for (std::uint32_t b = 0; b < trace_.batches(); ++b) step(b);
    finish();
    return std::move(plan_);
  }

 private:
  static constexpr Batch kNever = static_cast<Batch>(~Batch{0});
  static constexpr std::size_t kEndlessBuckets = 1024;
  struct Endless {
    Start start;
    RowId row;
  };

  // Backwards: when a row is met, the table knows the batch that uses it next. Afterwards the table
  // holds each row's first use, which is what a row that is in the cache already waits for.
  void find_next_uses() {
    std::uint64_t at = 0;
    for (std::uint32_t b = 0; b < trace_.batches(); ++b) {
      plan_.first_access[b] = at;
      at += trace_.rows(b);
    }
    plan_.first_access[trace_.batches()] = at;
    for (std::uint32_t b = trace_.batches(); b-- > 0;) {
      trace_.decode(b, ids_);
      Batch* next = next_use_.data() + plan_.first_access[b];
      for (const RowId id : ids_) {
        *next++ = next_of_row_[id];
        next_of_row_[id] = static_cast<Batch>(b);
      }
    }
  }

  void begin_with_carried() {
    for (std::size_t i = 0; i < carried_.size(); ++i) {
      add(kCarried | static_cast<Start>(i), carried_[i], next_of_row_[carried_[i]]);
    }
    drop_down_to_capacity();
  }

  void add(Start start, RowId row, Batch end) {
    ++held_;
    if (end == kNever) {
      const std::size_t bucket = row >> endless_shift_;
      endless_[bucket].push_back({start, row});
      coldest_ = std::max(coldest_, bucket);
    } else {
      ends_[end].push_back(start);
      farthest_ = std::max<std::size_t>(farthest_, end);
    }
  }

  void step(std::uint32_t b) {
    const auto& ending = ends_[b];  // kept up to here: these are the hits
    for (const Start start : ending) mark(start);
    plan_.hits += ending.size();
    held_ -= ending.size();
    std::vector<Start>().swap(ends_[b]);

    trace_.decode(b, ids_);
    const std::uint64_t first = plan_.first_access[b];
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      add(static_cast<Start>(first + i), ids_[i], next_use_[first + i]);
    }
    drop_down_to_capacity();
  }

  void drop_down_to_capacity() {
    while (held_ > capacity_) {
      while (coldest_ > 0 && endless_[coldest_].empty()) --coldest_;
      if (!endless_[coldest_].empty()) {
        drop_from(endless_[coldest_]);
        continue;
      }
      while (ends_[farthest_].empty()) --farthest_;
      drop_from(ends_[farthest_]);
    }
  }

  template <class Bucket>
  void drop_from(Bucket& bucket) {
    const std::size_t dropped = std::min<std::uint64_t>(bucket.size(), held_ - capacity_);
    bucket.resize(bucket.size() - dropped);
    held_ -= dropped;
  }

  void mark(Start start) {
    if ((start & kCarried) != 0) {
      set_bit(plan_.keep_carried, start & ~kCarried);
    } else {
      set_bit(plan_.keep, start);
    }
  }

  void finish() {
    for (const auto& bucket : endless_) {
      for (const Endless& kept : bucket) {
        mark(kept.start);
        plan_.carried_out.push_back(kept.row);
      }
    }
    std::sort(plan_.carried_out.begin(), plan_.carried_out.end());
    plan_.misses = trace_.accesses() - plan_.hits;
  }

  const AccessTrace& trace_;
  std::span<const RowId> carried_;
  std::uint64_t capacity_;
  std::vector<Batch> next_of_row_;
  std::vector<Batch> next_use_;
  std::vector<std::vector<Start>> ends_;
  std::vector<std::vector<Endless>> endless_;
  int endless_shift_;
  std::vector<RowId> ids_;
  std::uint64_t held_ = 0;
  std::size_t farthest_ = 0;
  std::size_t coldest_ = 0;
  MinPlan plan_;
};

std::uint64_t batch_bytes(std::uint32_t batches) { return batches < 255 ? 1 : 2; }

}  // namespace

std::uint64_t MinPlan::bytes() const {
  return (keep.size() + first_access.size() + keep_carried.size()) * 8 + carried_out.size() * 4;
}

MinPlan plan_min(const AccessTrace& trace, std::span<const RowId> carried_in,
                 std::uint64_t capacity, std::uint64_t rows) {
  VITRINE_CHECK(trace.batches() < 65535);
  VITRINE_CHECK(trace.accesses() < kCarried);
  VITRINE_CHECK(carried_in.size() <= capacity);
  VITRINE_CHECK(trace.accesses() == 0 || trace.largest() < rows);
  if (batch_bytes(trace.batches()) == 1) {
    return Planner<std::uint8_t>(trace, carried_in, capacity, rows).run();
  }
  return Planner<std::uint16_t>(trace, carried_in, capacity, rows).run();
}

std::uint64_t min_plan_bytes(std::uint64_t accesses, std::uint32_t batches, std::uint32_t rows_max,
                             std::uint64_t capacity, std::uint64_t rows) {
  const std::uint64_t tables = (rows + accesses) * batch_bytes(batches);
  const std::uint64_t bits = accesses / 8 + capacity / 8 + std::uint64_t{batches} * 8;
  // Buckets grow by doubling; endless entries have 8 bytes; at the end the kept ids.
  const std::uint64_t buckets = (capacity + rows_max) * 16 + capacity * 4;
  return tables + bits + buckets + std::uint64_t{rows_max} * 4 + 64 * 1024;
}

}  // namespace vitrine::graph
