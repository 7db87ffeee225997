// The score of any item for one context: which link of the chain it belongs to, its key there,
// and what each source gave. docs/decisions/ranking-formula.md has the formula and its reasons.
//
// A pure function of state, policy, request and evidence: never of other candidates. So a
// candidate found in rank order and the same one found by enumeration score alike, and a
// replay gives the same bits.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>

#include "engine/counters/counters.h"
#include "service/recommend/context.h"
#include "service/recommend/item_table.h"

namespace vitrine::recommend {

// A ranking that is the same for everyone, scaled to [0, 1] by its first item.
class Ranking {
 public:
  Ranking(const counters::Counters& counters, TimeUs now, double weight);

  double weight() const { return weight_; }
  // sqrt(score / score of the first), 0 for scores of 0 and below.
  double value(ItemIndex item) const {
    const double score = score_(item);
    return score > 0 ? std::sqrt(score / top_) : 0;
  }
  // weighted() of an item with the value `stored` in counters(); weight() is not 0.
  double weighted_stored(double stored) const {
    const double score = score_.of_stored(stored);
    return score > 0 ? weight_ * std::sqrt(score / top_) : 0;
  }
  // Times a stored value about the square of weighted(): for deciding between two rankings.
  double square_scale() const { return square_scale_; }
  // weight() * value(), without looking anything up where the weight is 0.
  double weighted(ItemIndex item) const { return weight_ > 0 ? weight_ * value(item) : 0; }
  // The largest that weighted() can be: 0 for an empty ranking.
  double weighted_max() const { return weight_ > 0 && top_ > 0 ? weight_ : 0; }
  const counters::Counters& counters() const { return *counters_; }

 private:
  const counters::Counters* counters_;
  counters::ScoreAt score_;
  double weight_;
  double top_ = 0;
  double square_scale_ = 0;
};

struct Ranked {
  Link link = Link::kNewest;
  // Orders items of one link, times `boost`: largest first, ties by ItemIndex.
  double key = 0;
  ItemIndex item = kNoItem;
  double boost = 1;

  // True if *this stands before `other`.
  bool before(const Ranked& other) const {
    if (link != other.link) return link < other.link;
    const double mine = key * boost;
    const double others = other.key * other.boost;
    if (mine != others) return mine > others;
    return item < other.item;
  }
};

class Scorer {
 public:
  Scorer(const Context& context, const ItemTable& table);

  // The item's place; nothing if no link that the policy allows knows it.
  std::optional<Ranked> rank(ItemIndex item) const;

  // Starts the cache misses of a coming rank() and of the eligibility test.
  void prefetch(ItemIndex item) const {
    context_.catalog().prefetch(item);
    trending_.counters().prefetch_score(item);
    popular_.counters().prefetch_score(item);
  }

  // Weighted evidence of an entry of the table: above 0 makes its item one of kPrimary.
  double evidence(const ItemEntry& entry) const {
    double sum = 0;
    for (std::size_t i = 0; i < kEvidenceSources; ++i) {
      sum += weights_[i] * static_cast<double>(entry.evidence[i]);
    }
    return entry.looks == 0 ? sum : sum * fade_of(entry.looks);
  }
  // What is left of the score of an item that was shown and not opened: 1 / (1 + looks *
  // rotation_percent / 100), 1 for all others.
  double fade(ItemIndex item) const {
    if (!context_.shown_before) return 1;
    const ItemEntry* entry = table_.find(item);
    return entry == nullptr ? 1 : fade_of(entry->looks);
  }
  // Key of kPrimary: evidence * (1 + bonus), where bonus is at most bonus_max().
  double primary_key(ItemIndex item, double evidence) const {
    return evidence * (1 + weighted_similarity(item) + wanted(item));
  }
  double bonus_max() const { return bonus_max_; }

  // How alike an item is to the context's taste, in [0, 1]: 0.5 times the share of its category,
  // 0.3 times that of its brand, and if either is liked up to 0.2 for a price near the liked one.
  double similarity(ItemIndex item) const;
  double weighted_similarity(ItemIndex item) const {
    return similarity_weight_ > 0 ? similarity_weight_ * similarity(item) : 0;
  }
  double similarity_max() const { return similarity_weight_; }  // 0 where nothing can be alike
  // Trending and popular together.
  double wanted(ItemIndex item) const { return trending_.weighted(item) + popular_.weighted(item); }

  const Ranking& trending() const { return trending_; }
  const Ranking& popular() const { return popular_; }
  // The chain ends with the newest items unless the policy only has sources of the visitor's own.
  bool ends_with_newest() const { return ends_with_newest_; }
  // Key of kNewest: the time of first listing.
  double newest_key(ItemIndex item) const {
    return static_cast<double>(context_.catalog().created(item));
  }

  // What each source gave; their sum is the score without boosts.
  std::array<float, kSources> contributions(const Ranked& ranked) const;
  // The product of the factors of all boosts that match.
  double boost(ItemIndex item) const;

 private:
  double fade_of(std::uint16_t looks) const {
    return 1 / (1 + rotation_ * static_cast<double>(looks));
  }

  const Context& context_;
  const ItemTable& table_;
  double rotation_ = 0;  // of one unit of looks
  std::array<double, kEvidenceSources> weights_{};
  double similarity_weight_ = 0;
  Ranking trending_;
  Ranking popular_;
  double bonus_max_ = 0;
  bool ends_with_newest_ = false;
};

}  // namespace vitrine::recommend
