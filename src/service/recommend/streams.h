// Candidates of one link, best first, made only as far as they are asked for.
//
// next() gives items in an order that is nearly the order of their keys; bound() says how good
// those not yet given can still be. Whoever keeps the given ones until bound() has fallen
// below their key has them in exact order without having scored the rest (the threshold
// algorithm of Fagin, Lotem and Naor, PODS 2001). Every stream ends after a bounded number of
// steps; bound() is then minus infinity.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "engine/counters/counters.h"
#include "service/recommend/filter_gate.h"
#include "service/recommend/item_table.h"
#include "service/recommend/scorer.h"

namespace vitrine::recommend {

// How far rankings are walked for one answer. A walk that ends here leaves its link early and
// the next one goes on: answers stay full, but may miss a better item further down.
struct WalkLimits {
  std::uint32_t category_steps = 512;  // of the rankings, looking for members of the categories
  std::uint32_t posting_steps = 256;   // members tried straight from the catalog
  std::uint32_t ranked_steps = 16384;
  std::uint32_t newest_steps = 16384;
};

inline constexpr double kNothingLeft = -std::numeric_limits<double>::infinity();

class CandidateStream {
 public:
  virtual ~CandidateStream() = default;
  // An item that passes the filter and that no stream of this answer gave before, kNoItem at the
  // end.
  virtual ItemIndex next() = 0;
  // Not below the key of any item that next() still gives.
  virtual double bound() const = 0;
  // Only for items that next() gave.
  virtual double key(ItemIndex item) const = 0;
};

// kPrimary: the table's entries by evidence. Sorted piece by piece, since most answers are
// full after a fraction of them. The filter is tested first where its matches are known, else
// only on what is given.
class EvidenceStream final : public CandidateStream {
 public:
  struct Entry {
    double evidence;
    ItemIndex item;
  };
  // `order` is working memory.
  EvidenceStream(const Context& context, const Scorer& scorer, const ItemTable& table,
                 FilterGate& gate, std::vector<Entry>& order);
  ItemIndex next() override;
  double bound() const override;
  double key(ItemIndex item) const override;
  std::size_t size() const { return order_.size(); }
  // What was given so far, and what did not pass on the way.
  std::span<const Entry> given() const { return {order_.data(), given_}; }

 private:
  void sort_more();
  const Scorer& scorer_;
  const ItemTable& table_;
  FilterGate& gate_;
  bool tested_;  // all of order_ pass
  std::vector<Entry>& order_;
  std::size_t sorted_ = 0;  // order_[0 .. sorted_) are in place, and before all others
  std::size_t given_ = 0;
};

// Items by trending and popular weight together, over both rankings at once: those alike to the
// context with their similarity (kCategory), or all that no earlier link gave (kRanked).
class RankingStream final : public CandidateStream {
 public:
  RankingStream(const Scorer& scorer, ItemTable& table, FilterGate& gate, bool only_similar,
                std::uint32_t steps);
  ItemIndex next() override;
  double bound() const override;
  double key(ItemIndex item) const override;

 private:
  struct Walk {
    Walk(const Ranking& r) : ranking(r), top(r.counters()) {}
    // Those to come are weighted no more.
    double bound() const {
      return started ? ranking.weighted_stored(top.stored()) : ranking.weighted_max();
    }
    const Ranking& ranking;
    counters::TopWalk top;
    double ahead = 0;  // about the square of bound()
    bool started = false;
    bool done = false;
  };
  void start();
  Walk* choose();
  const Scorer& scorer_;
  ItemTable& table_;
  FilterGate& gate_;
  bool only_similar_;
  std::uint32_t steps_left_;
  bool started_ = false;
  std::optional<Walk> trending_, popular_;
};

// kCategory from the catalog's postings of the context's categories and brands: all of it where
// they are few, so that a shop without any event has something alike to show; else what
// RankingStream leaves, in item order.
class PostingStream final : public CandidateStream {
 public:
  PostingStream(const Context& context, const Scorer& scorer, ItemTable& table, FilterGate& gate,
                std::vector<std::uint32_t>& members, std::uint32_t steps);
  // How many members there are at most; a member of two postings counts twice.
  std::uint64_t size() const;
  ItemIndex next() override;
  double bound() const override;
  double key(ItemIndex item) const override;

 private:
  template <class Fn>
  void for_each_posting(Fn&& fn) const;
  void start();
  const Context& context_;
  const Scorer& scorer_;
  ItemTable& table_;
  FilterGate& gate_;
  std::vector<std::uint32_t>& members_;
  std::uint32_t steps_;
  std::size_t given_ = 0;
  bool started_ = false;
};

// kNewest: listed items, latest first listing first.
class NewestStream final : public CandidateStream {
 public:
  // `steps` counts items looked at; without_limit() lifts it.
  NewestStream(const Context& context, const Scorer& scorer, ItemTable& table, FilterGate& gate,
               std::uint32_t steps);
  ItemIndex next() override;
  double bound() const override;
  double key(ItemIndex item) const override { return scorer_.newest_key(item); }
  void without_limit() { steps_left_ = std::numeric_limits<std::size_t>::max(); }
  // True if the walk ended, and not because there was nothing more.
  bool reached_limit() const { return steps_left_ == 0 && to_come_ > 0; }

 private:
  const Context& context_;
  const Scorer& scorer_;
  ItemTable& table_;
  FilterGate& gate_;
  std::size_t steps_left_;
  std::size_t to_come_;  // of the catalog's listing order, from its begin
  ItemIndex last_ = kNoItem;
};

}  // namespace vitrine::recommend
