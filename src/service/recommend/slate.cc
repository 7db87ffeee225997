#include "service/recommend/slate.h"

namespace vitrine::recommend {

namespace {
constexpr double kCategoryPenalty = 0.95;
constexpr double kBrandPenalty = 0.6;
}  // namespace

std::uint32_t& Slate::count_of(std::vector<Count>& counts, catalog::Code code) {
  for (Count& count : counts) {
    if (count.code == code) return count.items;
  }
  return counts.emplace_back(Count{code, 0}).items;
}

// Items without a category (brand) are not alike for that.
bool Slate::over_limit(const Entry& entry, const SlateRules& rules) {
  if (rules.category_max != 0 && entry.category != catalog::kNoCode &&
      count_of(categories_, entry.category) >= rules.category_max) {
    return true;
  }
  return rules.brand_max != 0 && entry.brand != catalog::kNoCode &&
         count_of(brands_, entry.brand) >= rules.brand_max;
}

void Slate::take(std::size_t at, const SlateRules& rules, std::vector<std::uint32_t>& chosen) {
  Entry& taken = entries_[at];
  taken.chosen = true;
  chosen.push_back(static_cast<std::uint32_t>(at));
  if (taken.category != catalog::kNoCode) ++count_of(categories_, taken.category);
  if (taken.brand != catalog::kNoCode) ++count_of(brands_, taken.brand);
  if (rules.diversity == 0) return;
  for (Entry& entry : entries_) {
    if (entry.category == taken.category && entry.category != catalog::kNoCode) {
      entry.relevance *= 1 - kCategoryPenalty * rules.diversity;
    }
    if (entry.brand == taken.brand && entry.brand != catalog::kNoCode) {
      entry.relevance *= 1 - kBrandPenalty * rules.diversity;
    }
  }
}

// The most relevant one that is within the limits; entries_.size() if there is none.
std::size_t Slate::best(const SlateRules& rules) {
  std::size_t best = entries_.size();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].chosen) continue;
    if (best < entries_.size() && entries_[i].relevance <= entries_[best].relevance) continue;
    if (!over_limit(entries_[i], rules)) best = i;
  }
  return best;
}

SlateResult Slate::choose(std::span<const Ranked> pool, const SlateRules& rules,
                          const catalog::Catalog& catalog, std::vector<std::uint32_t>& chosen) {
  entries_.clear();
  categories_.clear();
  brands_.clear();
  chosen.clear();
  for (std::size_t rank = 0; rank < pool.size(); ++rank) {
    entries_.push_back({catalog.first_category(pool[rank].item), catalog.brand(pool[rank].item),
                        1.0 / (1.0 + static_cast<double>(rank) / rules.limit), false});
  }
  if (rules.diversity > 0) {
    for (std::size_t at; chosen.size() < rules.limit && (at = best(rules)) < entries_.size();) {
      take(at, rules, chosen);
    }
  } else {
    for (std::size_t at = 0; at < entries_.size() && chosen.size() < rules.limit; ++at) {
      if (!over_limit(entries_[at], rules)) take(at, rules, chosen);
    }
  }
  SlateResult result;
  result.within = static_cast<std::uint32_t>(chosen.size());
  for (std::size_t at = 0; at < entries_.size() && chosen.size() < rules.limit; ++at) {
    if (entries_[at].chosen) continue;
    entries_[at].chosen = true;
    chosen.push_back(static_cast<std::uint32_t>(at));
    result.relaxed = true;
  }
  std::uint32_t last = 0;
  for (const std::uint32_t at : chosen) last = std::max(last, at);
  for (std::uint32_t at = 0; at < last; ++at) {
    if (!entries_[at].chosen && over_limit(entries_[at], rules)) ++result.held_back;
  }
  return result;
}

}  // namespace vitrine::recommend
