// Fetches memory ahead of the applier.
//
// Applying an event touches a dozen places that lie anywhere in gigabytes: the user's number, the
// history, the item's counters and neighbours. One after the other these misses are most of the
// cost. Records come in batches, so while one is applied, the places of the next ones are fetched,
// in four steps, because each step needs to read what the one before fetched.
//
// Hints only: nothing here changes state, and a wrong guess costs a wasted fetch.
// Used by the one thread that applies.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "domain/event/event.h"
#include "engine/eventlog/types.h"
#include "service/apply/tenant_state.h"

namespace vitrine::apply {

class Lookahead {
 public:
  // `coming` will be applied next, in this order; its payloads stay where they are meanwhile.
  void begin(std::span<const eventlog::RecordView> coming) {
    coming_ = coming;
    applied_ = keys_ = numbers_ = rows_ = neighbours_ = 0;
  }

  // One more of them is about to be applied. `state_of(record)`: its tenant's state, or null.
  template <class StateOf>
  void advance(StateOf&& state_of) {
    if (applied_ >= coming_.size()) return;
    const auto within = [this](std::size_t ahead) {
      return std::min(coming_.size(), applied_ + 1 + ahead);
    };
    for (; keys_ < within(kKeysAhead); ++keys_) {
      Guess& guess = at(keys_);
      guess.state = state_of(coming_[keys_]);
      look_up_keys(coming_[keys_], guess);
    }
    for (; numbers_ < within(kNumbersAhead); ++numbers_) find_numbers(at(numbers_));
    for (; rows_ < within(kRowsAhead); ++rows_) fetch_rows(at(rows_));
    for (; neighbours_ < within(kNeighboursAhead); ++neighbours_) fetch_neighbours(at(neighbours_));
    ++applied_;
  }

 private:
  // How many records ahead each step is taken.
  static constexpr std::size_t kKeysAhead = 12, kNumbersAhead = 8, kRowsAhead = 5,
                               kNeighboursAhead = 2;
  static constexpr std::size_t kGuesses = 16;   // more than kKeysAhead
  static constexpr std::size_t kItemsMost = 4;  // of an event; the others are not fetched

  struct Guess {
    const TenantState* state = nullptr;  // null: nothing to fetch
    event::Event event;
    Hash128 user_key;
    Hash128 visitor_key;  // of a user's event that also names an anonymous visitor
    bool has_visitor = false;
    UserIndex user = kNoUser;
    std::array<ItemIndex, kItemsMost> items;
    std::size_t item_count = 0;
  };

  Guess& at(std::size_t record) { return guesses_[record % kGuesses]; }
  static void look_up_keys(const eventlog::RecordView& record, Guess& guess);
  static void find_numbers(Guess& guess);
  static void fetch_rows(const Guess& guess);
  static void fetch_neighbours(const Guess& guess);

  std::span<const eventlog::RecordView> coming_;
  // Of coming_: how many are applied, and have had each step taken.
  std::size_t applied_ = 0, keys_ = 0, numbers_ = 0, rows_ = 0, neighbours_ = 0;
  std::array<Guess, kGuesses> guesses_;
};

}  // namespace vitrine::apply
