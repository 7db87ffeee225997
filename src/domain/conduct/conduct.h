// Who of a tenant's visitors is no customer, and what each counted for lately, so that it can be
// taken back out.
//
// For every visitor of the last day there is a row: habits (habits.h) and contributions, what its
// events added to the counts that all visitors share. The owner (service/apply) calls note() for
// each event, does to the shared counts what the decision says, and add()s what the event counted
// for. Rows of flagged and trusted visitors stay; others go after a day without an event, or, past
// the bounds, those first that were quiet for longest, in an order that is the log's.
//
// Memory: 4 bytes a user number, about 270 a row, 24 a contribution, at most kContributionsMost of
// them a row. With the default bounds at most 54 + 27 + 48 MB beside the 4 bytes.
//
// Deterministic: no clock, no dice, whole numbers. Threads: const functions from any number of
// threads at a time; the others from one thread while no other is inside.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "base/huge_pages.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/stream.h"
#include "domain/conduct/habits.h"
#include "domain/conduct/push_guard.h"
#include "domain/conduct/settings.h"
#include "domain/conduct/standing.h"

namespace vitrine::conduct {

// What one item of an event, or one search, adds to what is counted for all.
struct Contribution {
  TimeUs at = 0;
  ItemIndex item = kNoItem;  // kNoItem: a search
  float change = 0;          // of the item's counters
  event::EventType type = event::EventType::kCustom;
  std::uint8_t bits = 0;    // kPositive ...
  std::uint8_t repeat = 0;  // kNoRepeat, kFirstPurchase, or kAgain + the gap's bucket
  std::uint8_t query = 0;   // place in the row's queries + 1: the query it names; 0: none
  std::uint32_t zero = 0;   // no padding

  // kNewSearch: a search that is counted (one person's same search again is not).
  static constexpr std::uint8_t kPositive = 1, kBought = 2, kNewSearch = 4;
  static constexpr std::uint8_t kNoRepeat = 0, kFirstPurchase = 1, kAgain = 2;
  bool positive() const { return (bits & kPositive) != 0; }
  bool bought() const { return (bits & kBought) != 0; }
  friend bool operator==(const Contribution&, const Contribution&) = default;
};
static_assert(sizeof(Contribution) == 24);
static_assert(std::is_trivially_copyable_v<Contribution>);

// Why and since when a visitor is flagged or trusted.
struct Flag {
  Reason reason = Reason::kNone;
  std::uint32_t found = 0;  // by the rule, and what it allows
  std::uint32_t bound = 0;
  std::uint64_t position = 0;  // of the record in the log
  TimeUs since = 0;            // its append time
  std::uint64_t events = 0;    // kept out since then
  bool anonymous = false;      // what kind of id it is
  std::string id{};
  std::string note{};
};

struct ConductOptions {
  std::uint32_t visitors_max = 200'000;  // rows of visitors who are neither flagged nor trusted
  std::uint32_t kept_max = 100'000;      // rows of those who are, by a rule and by an operator each
  std::uint64_t contributions_max = 2'000'000;
};

struct ConductCounts {
  std::uint64_t flagged = 0;  // by rules, in all
  std::uint64_t waiting = 0;  // visitors that began with a pushed item
  std::uint64_t events_kept_out = 0;
  std::uint64_t taken_back = 0;     // contributions
  std::uint64_t counted_again = 0;  // contributions, after a wait or by an operator
};

class Conduct {
 public:
  static constexpr std::size_t kContributionsMost = 1'024;
  static constexpr std::size_t kQueriesMost = 64;

  explicit Conduct(ConductOptions options = {}) : options_(options) {}

  enum class Decision : std::uint8_t {
    kCount,
    kKeepOut,
    kFlag,     // a rule was broken just now: take back, flag(), keep out
    kRelease,  // it waited and did something else: count what it did, set_standing(), count
  };
  // `fresh`: nothing was known of the visitor before. Afterwards: suspects().
  Decision note(UserIndex user, bool fresh, const Act& act);
  // Visitors that began with an item that was just found to be pushed: take back, set_standing().
  // Only those who did nothing else.
  const std::vector<UserIndex>& suspects() const { return suspects_; }
  // What kFlag was decided on.
  const Verdict& verdict() const { return verdict_; }

  Standing standing(UserIndex user) const;
  bool watches(UserIndex user) const { return find(user) != nullptr; }
  // Null unless it is flagged or trusted. Valid until the next change.
  const Flag* flag(UserIndex user) const;
  // Since the visitor's row began, in order of arrival. Valid until the next change.
  std::span<const Contribution> contributions(UserIndex user) const;
  // Notes whether the n-th of them, a search, is counted now.
  void set_new_search(UserIndex user, std::size_t n, bool counted);
  // The query it names, empty for none.
  std::string_view query(UserIndex user, const Contribution& contribution) const;

  // Remembers what an event counted for, or would have. Nothing for a visitor without a row.
  void add(UserIndex user, Contribution contribution, std::string_view query = {});
  // As `flag` says; its events start from 0.
  void flag(UserIndex user, Standing standing, Flag flag);
  // kCounted and kWaiting. Counted again, a visitor that was flagged begins with fresh habits.
  void set_standing(UserIndex user, Standing standing);
  // `from` is `into` from now on. Both stand the same: the owner sees to it before.
  void merge(UserIndex from, UserIndex into);
  void forget(UserIndex user);
  void kept_out(UserIndex user);
  ConductCounts& counts() { return counts_; }
  const ConductCounts& counts() const { return counts_; }

  const Settings& settings() const { return settings_; }
  void set_settings(const Settings& settings) { settings_ = settings; }

  // Hints, as Profiles has them.
  void prefetch_user(UserIndex user) const {
    if (user.value < row_of_.size()) __builtin_prefetch(&row_of_[user.value]);
  }
  void prefetch_row(UserIndex user) const;
  void prefetch_contributions(UserIndex user) const;  // where its next one goes

  // Flagged and trusted visitors: those of operators, then those of rules; of each the newest
  // first.
  struct Kept {
    UserIndex user;
    Standing standing;
    TimeUs last;  // append time of the newest event, to the second; 0: none
    const Flag* flag;
  };
  // Up to `limit` of them after skipping `skip`. O(skip + limit).
  std::vector<Kept> kept(std::size_t skip, std::size_t limit) const;
  std::uint32_t kept_count() const { return lists_[kByRule].rows + lists_[kByOperator].rows; }
  std::uint32_t flagged_count() const { return flagged_; }
  std::uint32_t watched_count() const { return lists_[kGoing].rows; }

  // Canonical. `users`, `items`: numbers from there on are kCorrupt. After an error empty.
  void save(Sink& sink) const;
  Status load(Source& source, std::uint32_t users, std::uint32_t items);
  std::uint64_t memory_bytes() const;

 private:
  static constexpr std::uint32_t kNoRow = 0xFFFFFFFFu;
  struct Details {
    std::vector<std::string> queries;
    Flag flag;
  };
  struct Row {
    Habits habits;
    std::vector<Contribution> contributions;
    std::unique_ptr<Details> details;  // of who searches, is flagged or trusted
    UserIndex user = kNoUser;
    std::uint32_t older = kNoRow;  // in its list
    std::uint32_t newer = kNoRow;
    std::uint32_t last = 0;         // append time of the newest event, seconds since 1970
    std::uint32_t linked = 0;       // the same when it was put at the newer end of its list
    ItemIndex only_item = kNoItem;  // of a fresh visitor, as long as it did nothing else
    Standing standing = Standing::kCounted;
  };
  // In the order in which rows were put there. An event does not move its row, that would touch
  // three rows; one that is found at the older end and was at work since then goes to the newer end
  // again.
  struct List {
    std::uint32_t oldest = kNoRow;
    std::uint32_t newest = kNoRow;
    std::uint32_t rows = 0;
  };

  static bool stays(Standing standing) {
    return standing == Standing::kFlagged || standing == Standing::kTrusted;
  }
  // Rows that go after a day; that stay, flagged by a rule; that stay because somebody said so.
  enum ListName : std::uint8_t { kGoing, kByRule, kByOperator, kLists };
  List& list_of(const Row& row) {
    if (!stays(row.standing)) return lists_[kGoing];
    return lists_[row.details->flag.reason == Reason::kOperator ? kByOperator : kByRule];
  }
  Row* find(UserIndex user);
  const Row* find(UserIndex user) const;
  Row& ensure(UserIndex user);
  static Details& details_of(Row& row);
  void link_newest(std::uint32_t at);
  void unlink(std::uint32_t at);
  void drop(std::uint32_t at);
  void change_standing(Row& row, Standing standing);
  void retire(std::uint32_t now);
  void trim(Row& row);
  void note_begin(Row& row, const Act& act);
  void save_row(Sink& sink, const Row& row) const;
  Status load_all(Source& source, std::uint32_t users, std::uint32_t items);
  Status load_row(Source& source, std::uint32_t users, std::uint32_t items);
  void clear();

  ConductOptions options_;
  Settings settings_;
  Usual usual_;
  PushGuard pushes_;
  ConductCounts counts_;
  HugeVector<std::uint32_t> row_of_;  // by user: row + 1, 0: none
  std::deque<Row> rows_;              // rows don't move
  std::vector<std::uint32_t> free_;
  List lists_[kLists];
  std::uint32_t flagged_ = 0;
  std::uint64_t contributions_ = 0;
  std::vector<UserIndex> suspects_;
  Verdict verdict_;
};

}  // namespace vitrine::conduct
