#include "domain/profile/showings.h"

#include <algorithm>
#include <cmath>

#include "base/decay.h"

namespace vitrine::profile {

namespace {

std::uint32_t seconds_of(TimeUs at) {
  return static_cast<std::uint32_t>(std::clamp<TimeUs>(at / kSecondUs, 0, 0xFFFFFFFF));
}

std::uint32_t looks_of_place(std::int32_t place) {
  if (place <= 0) return kLook;
  return static_cast<std::uint32_t>(kLook / std::sqrt(1.0 + static_cast<double>(place)));
}

}  // namespace

std::uint32_t Showing::looks_at(TimeUs now) const {
  const TimeUs elapsed = now - static_cast<TimeUs>(time_s) * kSecondUs;
  if (elapsed <= 0) return looks;
  return static_cast<std::uint32_t>(static_cast<double>(looks) *
                                    decay_factor(elapsed, kLooksHalfLife));
}

std::uint32_t Showings::find(UserIndex user) const {
  if (index_.empty()) return kNoRow;
  const auto at = index_.find(user.value);
  return at == index_.end() ? kNoRow : at->second;
}

void Showings::unlink(std::uint32_t at) {
  const Row& row = rows_[at];
  (row.older == kNoRow ? oldest_ : rows_[row.older].newer) = row.newer;
  (row.newer == kNoRow ? newest_ : rows_[row.newer].older) = row.older;
}

void Showings::link_newest(std::uint32_t at) {
  rows_[at].older = newest_;
  rows_[at].newer = kNoRow;
  (newest_ == kNoRow ? oldest_ : rows_[newest_].newer) = at;
  newest_ = at;
}

// The user's row, now the newest.
std::uint32_t Showings::ensure(UserIndex user) {
  std::uint32_t at = find(user);
  if (at != kNoRow) {
    if (at == newest_) return at;
    unlink(at);
  } else {
    if (free_.empty()) {
      at = static_cast<std::uint32_t>(rows_.size());
      rows_.emplace_back();
    } else {
      at = free_.back();
      free_.pop_back();
    }
    rows_[at].user = user;
    index_.emplace(user.value, at);
  }
  link_newest(at);
  return at;
}

void Showings::drop(std::uint32_t at) {
  unlink(at);
  Row& row = rows_[at];
  entries_ -= row.items.size();
  index_.erase(row.user.value);
  row.items = {};
  row.user = kNoUser;
  free_.push_back(at);
}

void Showings::add(Row& row, const Showing& showing) {
  for (Showing& known : row.items) {
    if (known.item != showing.item) continue;
    const Showing& newer = known.time_s >= showing.time_s ? known : showing;
    const Showing& older = known.time_s >= showing.time_s ? showing : known;
    const std::uint32_t looks =
        newer.looks + older.looks_at(static_cast<TimeUs>(newer.time_s) * kSecondUs);
    known = {known.item, newer.time_s, std::min(looks, kLooksMost)};
    return;
  }
  if (row.items.size() < kItemsMost) {
    row.items.push_back(showing);
    ++entries_;
    return;
  }
  const auto oldest =
      std::min_element(row.items.begin(), row.items.end(),
                       [](const Showing& a, const Showing& b) { return a.time_s < b.time_s; });
  if (oldest->time_s <= showing.time_s) *oldest = showing;
}

// Never the newest: it is the one that just grew.
void Showings::shrink() {
  while (entries_ > entries_max_ && oldest_ != newest_) drop(oldest_);
}

void Showings::shown(UserIndex user, ItemIndex item, std::int32_t place, TimeUs at) {
  add(rows_[ensure(user)], {item, seconds_of(at), looks_of_place(place)});
  shrink();
}

void Showings::opened(UserIndex user, ItemIndex item) {
  const std::uint32_t at = find(user);
  if (at == kNoRow) return;
  std::vector<Showing>& items = rows_[at].items;
  const auto found = std::find_if(items.begin(), items.end(),
                                  [item](const Showing& showing) { return showing.item == item; });
  if (found == items.end()) return;
  items.erase(found);
  --entries_;
  if (items.empty()) drop(at);
}

void Showings::merge(UserIndex from, UserIndex into) {
  const std::uint32_t at = find(from);
  if (at == kNoRow || from == into) return;
  const std::vector<Showing> moved = rows_[at].items;
  drop(at);
  const std::uint32_t row = ensure(into);
  for (const Showing& showing : moved) add(rows_[row], showing);
  shrink();
}

void Showings::forget(UserIndex user) {
  const std::uint32_t at = find(user);
  if (at != kNoRow) drop(at);
}

std::span<const Showing> Showings::of(UserIndex user) const {
  const std::uint32_t at = find(user);
  if (at == kNoRow) return {};
  return rows_[at].items;
}

void Showings::save(Sink& sink) const {
  sink.value<std::uint64_t>(index_.size());
  for (std::uint32_t at = oldest_; at != kNoRow; at = rows_[at].newer) {
    sink.value(rows_[at].user.value);
    sink.array(std::span<const Showing>(rows_[at].items));
  }
}

Status Showings::load(Source& source, std::uint32_t users) {
  const auto corrupt = [](std::string_view what) {
    return Error(ErrorCode::kCorrupt, "showings: " + std::string(what));
  };
  *this = Showings(entries_max_);
  Showings loaded(entries_max_);
  std::uint64_t count = 0;
  VITRINE_TRY(source.value(count));
  std::vector<Showing> items;
  for (std::uint64_t i = 0; i < count; ++i) {
    UserIndex user;
    VITRINE_TRY(source.value(user.value));
    VITRINE_TRY(source.array(items));
    if (user.value >= users || loaded.find(user) != kNoRow) return corrupt("no such user");
    if (items.empty() || items.size() > kItemsMost) return corrupt("a row's size is out of range");
    for (const Showing& showing : items) {
      if (showing.looks > kLooksMost) return corrupt("looks are out of range");
    }
    loaded.entries_ += items.size();
    loaded.rows_[loaded.ensure(user)].items = items;
  }
  *this = std::move(loaded);
  shrink();
  return ok_status();
}

std::uint64_t Showings::memory_bytes() const {
  return sizeof(*this) + rows_.capacity() * sizeof(Row) + entries_ * sizeof(Showing) +
         index_.size() * 48;
}

}  // namespace vitrine::profile
