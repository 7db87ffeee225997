// The order of what was found. The formula is in search_request.h (ScoreParts), its reasons in
// docs/search.md.
//
// By relevance: a pool of the best by text, and of those among the matches that the visitor's
// taste, popularity or earlier clicks speak for, is scored in full; the rest follows by text (or,
// where there is none, newest first). The other orders are exact over all matches.
//
// A function of state, settings, request and selection alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "domain/query/query_log.h"
#include "service/search/catalog_index.h"
#include "service/search/search_request.h"
#include "service/search/search_state.h"
#include "service/search/selection.h"
#include "service/search/taste.h"

namespace vitrine::search {

inline constexpr std::uint32_t kTextPool = 200;  // best by text
inline constexpr std::size_t kTastePool = 100;   // with the most evidence
inline constexpr std::size_t kNearPool = 100;  // nearest to the visitor that match, without a text
inline constexpr std::size_t kPopularPool = 50;       // first of the ranking that match
inline constexpr std::uint32_t kPopularSteps = 1000;  // of the ranking that are looked at

class Ranking {
 public:
  // All arguments outlive it. `chosen`: what the query log knows of this query, or null.
  Ranking(const SearchState& state, const SearchRequest& request, const Selection& selection,
          Taste& taste, const query::QueryLog::Query* chosen);

  // Appends the page's items. `view`, `searcher`: for the text scores of pooled items; `view` may
  // be null if there was no text.
  Status page(const IndexView* view, text::Searcher& searcher, SearchAnswer& answer);
  // Instead of matches: popular items that are allowed and in stock, then the newest.
  void fallback(const text::IdSet& allowed, SearchAnswer& answer) const;

  // The parts of an item whose text score is known, and their blend.
  FoundItem score(ItemIndex item, double text) const;

 private:
  void make_pool();
  void add_tasted();
  void add_near();
  void add_popular();
  Status score_pool(const IndexView* view, text::Searcher& searcher);
  void page_of_pool(SearchAnswer& answer);
  void page_of_rest(std::uint32_t skip, std::uint32_t left, SearchAnswer& answer);
  void sorted_page(SearchAnswer& answer) const;
  double chosen_weight(ItemIndex item) const;
  bool browsing() const { return selection_.match == Match::kAll; }

  const SearchState& state_;
  const SearchRequest& request_;
  const Selection& selection_;
  Taste& taste_;
  const query::QueryLog::Query* chosen_;
  recommend::Ranking popular_;
  double best_text_ = 1;
  std::vector<ItemIndex> extras_;  // beside the best by text
  std::vector<FoundItem> pool_;    // best first once scored
  text::IdSet pooled_;
};

}  // namespace vitrine::search
