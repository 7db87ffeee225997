// The last choice: which of the eligible items stand together, and in what order.
//
// Input is a pool in rank order. The limits per category and brand are kept as long as the pool
// has other items; what they held back fills the end of the slate if it would stay short.
// With diversity d > 0 each place goes to the item with the largest
//   relevance(rank) * (1 - 0.95 d)^(items of its category so far) * (1 - 0.6 d)^(of its brand)
// where relevance(rank) = 1 / (1 + rank / limit), ties by rank. Ranks, not scores, so that one
// setting means the same in every placement and shop. Scores stay as they are.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "domain/catalog/catalog.h"
#include "service/recommend/scorer.h"

namespace vitrine::recommend {

struct SlateRules {
  std::uint32_t limit = 10;
  double diversity = 0;            // 0..1
  std::uint32_t category_max = 0;  // 0: any number
  std::uint32_t brand_max = 0;
};

struct SlateResult {
  std::uint32_t held_back = 0;  // items before the last chosen one that the limits kept out
  std::uint32_t within = 0;     // chosen without breaking category_max or brand_max
  bool relaxed = false;         // some are in although a limit was reached
};

// Reused: keeps its memory.
class Slate {
 public:
  // Sets `chosen` to positions in `pool`, in the order to show. O(limit * pool) with diversity,
  // else O(pool) times the distinct categories chosen so far.
  SlateResult choose(std::span<const Ranked> pool, const SlateRules& rules,
                     const catalog::Catalog& catalog, std::vector<std::uint32_t>& chosen);

 private:
  struct Count {
    catalog::Code code;
    std::uint32_t items;
  };
  struct Entry {
    catalog::Code category;
    catalog::Code brand;
    double relevance;  // falls with each item like it that is chosen
    bool chosen;
  };
  static std::uint32_t& count_of(std::vector<Count>& counts, catalog::Code code);
  bool over_limit(const Entry& entry, const SlateRules& rules);
  void take(std::size_t at, const SlateRules& rules, std::vector<std::uint32_t>& chosen);
  std::size_t best(const SlateRules& rules);

  std::vector<Entry> entries_;
  std::vector<Count> categories_, brands_;
};

}  // namespace vitrine::recommend
