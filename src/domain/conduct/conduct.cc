#include "domain/conduct/conduct.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace vitrine::conduct {
namespace {

constexpr std::uint32_t kDaySeconds = 86'400;
// Rows that are looked at in one event: more than one, so that they can't pile up.
constexpr int kLookedAt = 4;
// Of a full row's contributions so many go at once.
constexpr std::size_t kTrimmed = Conduct::kContributionsMost / 4;
// Room in a new row: a visit has a few, and growing from one takes three allocations.
constexpr std::size_t kFirstContributions = 4;

std::uint32_t second_of(TimeUs at) {
  return static_cast<std::uint32_t>(
      std::clamp<TimeUs>(at / kSecondUs, 0, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

Conduct::Row* Conduct::find(UserIndex user) {
  return const_cast<Row*>(std::as_const(*this).find(user));  // NOLINT: the row is ours
}

const Conduct::Row* Conduct::find(UserIndex user) const {
  if (user.value >= row_of_.size() || row_of_[user.value] == 0) return nullptr;
  return &rows_[row_of_[user.value] - 1];
}

void Conduct::prefetch_row(UserIndex user) const {
  const Row* row = find(user);
  if (row == nullptr) return;
  const char* bytes = reinterpret_cast<const char*>(row);
  for (std::size_t at = 0; at < sizeof(Row); at += 64) __builtin_prefetch(bytes + at);
}

void Conduct::prefetch_contributions(UserIndex user) const {
  const Row* row = find(user);
  if (row == nullptr || row->contributions.empty()) return;
  __builtin_prefetch(row->contributions.data() + row->contributions.size());
}

void Conduct::unlink(std::uint32_t at) {
  const Row& row = rows_[at];
  List& list = list_of(row);
  (row.older == kNoRow ? list.oldest : rows_[row.older].newer) = row.newer;
  (row.newer == kNoRow ? list.newest : rows_[row.newer].older) = row.older;
  --list.rows;
}

void Conduct::link_newest(std::uint32_t at) {
  Row& row = rows_[at];
  List& list = list_of(row);
  row.older = list.newest;
  row.newer = kNoRow;
  row.linked = row.last;
  (list.newest == kNoRow ? list.oldest : rows_[list.newest].newer) = at;
  list.newest = at;
  ++list.rows;
}

Conduct::Row& Conduct::ensure(UserIndex user) {
  VITRINE_CHECK(user != kNoUser);
  if (Row* known = find(user)) return *known;
  std::uint32_t at = 0;
  if (free_.empty()) {
    at = static_cast<std::uint32_t>(rows_.size());
    rows_.emplace_back();
  } else {
    at = free_.back();
    free_.pop_back();
  }
  if (user.value >= row_of_.size()) {
    if (user.value >= row_of_.capacity()) {
      row_of_.reserve(std::max<std::size_t>(user.value + 1, row_of_.capacity() * 3 / 2));
    }
    row_of_.resize(user.value + 1, 0);
  }
  row_of_[user.value] = at + 1;
  rows_[at].user = user;
  link_newest(at);
  return rows_[at];
}

Conduct::Details& Conduct::details_of(Row& row) {
  if (!row.details) row.details = std::make_unique<Details>();
  return *row.details;
}

void Conduct::drop(std::uint32_t at) {
  unlink(at);
  Row& row = rows_[at];
  contributions_ -= row.contributions.size();
  if (row.standing == Standing::kFlagged) --flagged_;
  row_of_[row.user.value] = 0;
  row = Row{};
  free_.push_back(at);
}

void Conduct::change_standing(Row& row, Standing standing) {
  if (row.standing == standing) return;
  const auto at = row_of_[row.user.value] - 1;
  unlink(at);
  if (row.standing == Standing::kFlagged) --flagged_;
  row.standing = standing;
  if (row.standing == Standing::kFlagged) ++flagged_;
  link_newest(at);
}

void Conduct::retire(std::uint32_t now) {
  const List& going = lists_[kGoing];
  for (int n = 0; n < kLookedAt && going.rows > 0; ++n) {
    const std::uint32_t at = going.oldest;
    const Row& row = rows_[at];
    const bool full =
        going.rows > options_.visitors_max || contributions_ > options_.contributions_max;
    if (!full && std::uint64_t{row.linked} + kDaySeconds >= now) break;
    const bool used = full ? row.last > row.linked : std::uint64_t{row.last} + kDaySeconds >= now;
    const bool must_go = full && n + 1 == kLookedAt;
    if (used && !must_go) {
      unlink(at);
      link_newest(at);
    } else {
      drop(at);
    }
  }
  const List& by_rule = lists_[kByRule];
  const std::uint64_t days = std::uint64_t{settings_.flag_days} * kDaySeconds;
  if (by_rule.rows > options_.kept_max) {
    drop(by_rule.oldest);
  } else if (by_rule.rows > 0 && days != 0 && rows_[by_rule.oldest].linked + days < now) {
    const std::uint32_t at = by_rule.oldest;
    if (rows_[at].last + days < now) {
      drop(at);
    } else {
      unlink(at);
      link_newest(at);
    }
  }
  if (lists_[kByOperator].rows > options_.kept_max) drop(lists_[kByOperator].oldest);
}

Conduct::Decision Conduct::note(UserIndex user, bool fresh, const Act& act) {
  suspects_.clear();
  const std::uint32_t now = second_of(act.arrived);
  retire(now);
  const bool first = find(user) == nullptr;
  Row& row = ensure(user);
  row.last = std::max(row.last, now);
  if (first) row.linked = row.last;
  Usual unused;
  const bool usual = row.standing != Standing::kFlagged && row.standing != Standing::kWaiting;
  row.habits.note(act, usual ? usual_ : unused);
  if (row.standing == Standing::kTrusted) return Decision::kCount;
  if (row.standing == Standing::kFlagged) return Decision::kKeepOut;
  if (!settings_.detect) {
    return row.standing == Standing::kWaiting ? Decision::kRelease : Decision::kCount;
  }
  verdict_ = row.habits.judge(settings_, usual_);
  if (verdict_.reason != Reason::kNone) {
    ++counts_.flagged;
    return Decision::kFlag;
  }
  if (first && fresh && !act.items.empty()) {
    note_begin(row, act);
  } else if (row.only_item != kNoItem) {
    const bool strayed = act.items.empty() || act.items.front() != row.only_item ||
                         act.items.back() != row.only_item;
    if (strayed) row.only_item = kNoItem;
    if (strayed && row.standing == Standing::kWaiting) return Decision::kRelease;
  }
  return row.standing == Standing::kWaiting ? Decision::kKeepOut : Decision::kCount;
}

void Conduct::note_begin(Row& row, const Act& act) {
  row.only_item = act.items.front();
  if (act.items.front() != act.items.back()) {
    row.only_item = kNoItem;
    return;
  }
  if (pushes_.begins(row.user, row.only_item, act.arrived, settings_)) {
    change_standing(row, Standing::kWaiting);
    ++counts_.waiting;
  }
  for (const UserIndex suspect : pushes_.suspects()) {
    const Row* other = find(suspect);
    if (other != nullptr && other->standing == Standing::kCounted &&
        other->only_item == row.only_item) {
      suspects_.push_back(suspect);
    }
  }
}

Standing Conduct::standing(UserIndex user) const {
  const Row* row = find(user);
  return row == nullptr ? Standing::kCounted : row->standing;
}

const Flag* Conduct::flag(UserIndex user) const {
  const Row* row = find(user);
  return row == nullptr || !stays(row->standing) ? nullptr : &row->details->flag;
}

std::span<const Contribution> Conduct::contributions(UserIndex user) const {
  const Row* row = find(user);
  if (row == nullptr) return {};
  return row->contributions;
}

void Conduct::set_new_search(UserIndex user, std::size_t n, bool counted) {
  Row* row = find(user);
  VITRINE_CHECK(row != nullptr && n < row->contributions.size());
  std::uint8_t& bits = row->contributions[n].bits;
  bits = static_cast<std::uint8_t>(counted ? bits | Contribution::kNewSearch
                                           : bits & ~Contribution::kNewSearch);
}

std::string_view Conduct::query(UserIndex user, const Contribution& contribution) const {
  const Row* row = find(user);
  if (row == nullptr || contribution.query == 0) return {};
  return row->details->queries[contribution.query - 1u];
}

void Conduct::trim(Row& row) {
  if (row.contributions.size() < kContributionsMost) return;
  row.contributions.erase(row.contributions.begin(),
                          row.contributions.begin() + static_cast<std::ptrdiff_t>(kTrimmed));
  contributions_ -= kTrimmed;
}

void Conduct::add(UserIndex user, Contribution contribution, std::string_view query) {
  Row* row = find(user);
  if (row == nullptr) return;
  contribution.query = 0;
  if (!query.empty()) {
    auto& known = details_of(*row).queries;
    auto place = std::find(known.begin(), known.end(), query);
    if (place == known.end() && known.size() < kQueriesMost) {
      place = known.insert(known.end(), std::string(query));
    }
    if (place != known.end()) {
      contribution.query = static_cast<std::uint8_t>(place - known.begin() + 1);
    } else if (contribution.item == kNoItem) {
      return;
    }
  }
  trim(*row);
  if (row->contributions.empty()) row->contributions.reserve(kFirstContributions);
  row->contributions.push_back(contribution);
  ++contributions_;
}

void Conduct::flag(UserIndex user, Standing standing, Flag flag) {
  VITRINE_CHECK(stays(standing));
  Row& row = ensure(user);
  if (stays(row.standing)) change_standing(row, Standing::kCounted);  // out of its list
  details_of(row).flag = std::move(flag);
  row.details->flag.events = 0;
  change_standing(row, standing);
}

void Conduct::set_standing(UserIndex user, Standing standing) {
  VITRINE_CHECK(!stays(standing));
  Row* row = find(user);
  if (row == nullptr) return;
  if (standing == Standing::kWaiting && row->standing != standing) ++counts_.waiting;
  const bool stayed = stays(row->standing);
  change_standing(*row, standing);
  if (!stayed) return;
  row->habits = Habits{};
  row->details->flag = Flag{};
}

void Conduct::merge(UserIndex from, UserIndex into) {
  Row* source = find(from);
  if (source == nullptr || from == into) return;
  Row moved = std::move(*source);
  source->contributions.clear();
  if (moved.details) {  // the list it stands in is known by these
    source->details = std::make_unique<Details>();
    source->details->flag.reason = moved.details->flag.reason;
  }
  contributions_ -= moved.contributions.size();
  drop(row_of_[from.value] - 1);
  const bool known = find(into) != nullptr;
  Row& row = ensure(into);
  if (!known) {
    row.habits = moved.habits;
    row.last = moved.last;
    if (stays(moved.standing)) details_of(row).flag = moved.details->flag;
    change_standing(row, moved.standing);
  }
  row.last = std::max(row.last, moved.last);
  row.only_item = kNoItem;
  std::vector<Contribution> own;
  own.swap(row.contributions);
  contributions_ -= own.size();
  const auto take = [&](const Contribution& c, const Details* details) {
    add(into, c, c.query == 0 ? std::string_view{} : details->queries[c.query - 1u]);
  };
  // The row's own queries are known already; add() finds them where they are.
  const std::unique_ptr<Details> theirs = std::move(moved.details);
  auto a = own.begin();
  for (const Contribution& c : moved.contributions) {
    for (; a != own.end() && a->at <= c.at; ++a) take(*a, row.details.get());
    take(c, theirs.get());
  }
  for (; a != own.end(); ++a) take(*a, row.details.get());
}

void Conduct::forget(UserIndex user) {
  if (find(user) != nullptr) drop(row_of_[user.value] - 1);
}

void Conduct::kept_out(UserIndex user) {
  ++counts_.events_kept_out;
  Row* row = find(user);
  if (row != nullptr && row->standing == Standing::kFlagged) ++row->details->flag.events;
}

std::vector<Conduct::Kept> Conduct::kept(std::size_t skip, std::size_t limit) const {
  std::vector<Kept> out;
  for (const ListName name : {kByOperator, kByRule}) {
    for (std::uint32_t at = lists_[name].newest; at != kNoRow && out.size() < limit;
         at = rows_[at].older) {
      if (skip > 0) {
        --skip;
        continue;
      }
      const Row& row = rows_[at];
      out.push_back(
          {row.user, row.standing, static_cast<TimeUs>(row.last) * kSecondUs, &row.details->flag});
    }
  }
  return out;
}

std::uint64_t Conduct::memory_bytes() const {
  std::uint64_t bytes = sizeof(*this) + row_of_.capacity() * sizeof(std::uint32_t) +
                        rows_.size() * sizeof(Row) + free_.capacity() * sizeof(std::uint32_t) +
                        contributions_ * sizeof(Contribution) + pushes_.memory_bytes();
  bytes += kept_count() * (sizeof(Details) + 64);
  return bytes;
}

}  // namespace vitrine::conduct
