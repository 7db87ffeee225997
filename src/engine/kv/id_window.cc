#include "engine/kv/id_window.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace vitrine::kv {

using internal::IdEntry;
using internal::IdRun;

namespace {

constexpr TimeUs kNever = std::numeric_limits<TimeUs>::max();
constexpr std::uint64_t kRunGenerations = 1 << 16;  // what an entry's 16 bits can tell apart

// Spread evenly as hashes are, entries are nearly sorted once they lie in buckets by their top
// bits; what is left to do is within a bucket of about 8. (1.6 M entries: a third of the time
// of std::sort.)
std::vector<IdEntry> sorted_by_hash(const std::vector<IdEntry>& entries) {
  int bits = 1;
  while (bits < 24 && (std::size_t{8} << bits) < entries.size()) ++bits;
  const auto bucket = [bits](const IdEntry& entry) { return entry.low >> (64 - bits); };
  std::vector<std::uint32_t> ends(std::size_t{1} << bits, 0);
  for (const IdEntry& entry : entries) ++ends[bucket(entry)];
  std::uint32_t sum = 0;
  for (std::uint32_t& end : ends) end = std::exchange(sum, sum + end);  // starts, for now
  std::vector<IdEntry> out(entries.size());
  for (const IdEntry& entry : entries) out[ends[bucket(entry)]++] = entry;
  std::uint32_t start = 0;
  for (const std::uint32_t end : ends) {
    std::sort(out.begin() + start, out.begin() + end, [](const IdEntry& a, const IdEntry& b) {
      return a.low != b.low ? a.low < b.low
                            : (a.high & IdEntry::kHighMask) < (b.high & IdEntry::kHighMask);
    });
    start = end;
  }
  return out;
}

}  // namespace

IdWindow::IdWindow(IdWindowOptions options) : options_(std::move(options)), next_expiry_(kNever) {
  VITRINE_CHECK(options_.keep > 0);
  VITRINE_CHECK(options_.generation_ids > 0);
}

IdWindow::~IdWindow() = default;

Result<IdVerdict> IdWindow::find(const Hash128& id, std::uint64_t body) const {
  const auto verdict = [body](const IdEntry& entry) {
    return entry.body == body ? IdVerdict::kDuplicate : IdVerdict::kConflict;
  };
  const IdEntry* known = nullptr;
  const bool found = table_.find(id, [&](std::uint32_t number) {
    known = &log_.at(number);
    return known->is(id);
  });
  if (found) return verdict(*known);
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    if (!(*run)->may_contain(id)) continue;
    IdEntry entry;
    VITRINE_TRY(const bool in_run, (*run)->find(id, entry));
    if (!in_run) continue;
    const std::uint64_t generation =
        (*run)->reference().first_generation + (entry.high >> IdEntry::kGenerationShift);
    if (generation >= first_generation_) return verdict(entry);
  }
  return IdVerdict::kNew;
}

void IdWindow::prefetch(const Hash128& id) const {
  table_.prefetch(id.low);
  for (const auto& run : runs_) run->prefetch(id);
}

Status IdWindow::insert(const Hash128& id, std::uint64_t body, TimeUs append_time) {
  expire(append_time);
  if (log_.size() >= options_.memory_ids && options_.files != nullptr) VITRINE_TRY(spill());
  Generation& generation = generation_for(append_time);
  generation.newest = std::max(generation.newest, append_time);
  ++generation.count;
  table_.insert(id.low, log_.number(log_.size()));
  log_.push({id.low, id.high & IdEntry::kHighMask, body});
  if (generations_.size() == 1) update_next_expiry();
  return ok_status();
}

IdWindow::Generation& IdWindow::generation_for(TimeUs append_time) {
  if (generations_.size() > spilled_) {
    Generation& current = generations_.back();
    if (current.count < options_.generation_ids &&
        append_time - current.first < options_.generation_span) {
      return current;
    }
  }
  return generations_.emplace_back(Generation{append_time, append_time, 0});
}

void IdWindow::update_next_expiry() {
  next_expiry_ = generations_.empty() ? kNever : generations_.front().newest + options_.keep;
}

void IdWindow::forget(TimeUs append_time) {
  while (!generations_.empty() && append_time > generations_.front().newest + options_.keep) {
    forget_oldest();
  }
  update_next_expiry();
}

void IdWindow::forget_oldest() {
  if (spilled_ > 0) {
    --spilled_;
    if (runs_.front()->last_generation() == first_generation_) runs_.pop_front();
  } else {
    drop_from_memory(generations_.front().count);
  }
  generations_.pop_front();
  ++first_generation_;
}

void IdWindow::drop_from_memory(std::uint64_t count) {
  if (count == log_.size()) {
    table_.clear();
  } else {
    constexpr std::uint64_t kAhead = 16;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i + kAhead < count) table_.prefetch(log_.nth(i + kAhead).low);
      table_.erase(log_.nth(i).low, log_.number(i));
    }
  }
  log_.drop_oldest(count);
}

// The older half of what is in memory, in whole generations and never the one being filled, so
// that generations end at the same ids whatever the budget is.
Status IdWindow::spill() {
  std::uint64_t count = 0;
  std::size_t last = spilled_;
  for (; last + 1 < generations_.size() && last - spilled_ < kRunGenerations; ++last) {
    if (count > 0 && count + generations_[last].count > log_.size() / 2) break;
    count += generations_[last].count;
  }
  if (count == 0) return ok_status();
  std::vector<IdEntry> entries;
  entries.reserve(count);
  for (std::size_t g = spilled_; g < last; ++g) {
    const std::uint64_t mark = static_cast<std::uint64_t>(g - spilled_)
                               << IdEntry::kGenerationShift;
    for (std::uint64_t i = 0; i < generations_[g].count; ++i) {
      IdEntry entry = log_.nth(entries.size());
      entry.high |= mark;
      entries.push_back(entry);
    }
  }
  VITRINE_TRY(options_.files->create_directories(options_.directory));
  const internal::IdRunReference name{.number = next_run_,
                                      .first_generation = first_generation_ + spilled_,
                                      .generations = last - spilled_};
  VITRINE_TRY(auto run,
              IdRun::write(*options_.files, options_.directory, name, sorted_by_hash(entries)));
  runs_.push_back(std::move(run));
  ++next_run_;
  drop_from_memory(count);
  spilled_ = last;
  return ok_status();
}

std::uint64_t IdWindow::size() const {
  std::uint64_t ids = 0;
  for (const Generation& generation : generations_) ids += generation.count;
  return ids;
}

std::uint64_t IdWindow::memory_bytes() const {
  std::uint64_t bytes = sizeof(*this) + log_.memory_bytes() + table_.memory_bytes() +
                        generations_.size() * sizeof(Generation);
  for (const auto& run : runs_) bytes += run->memory_bytes();
  return bytes;
}

}  // namespace vitrine::kv
