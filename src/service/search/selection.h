// Which items a query finds: all of them, and the best by text.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/text/search.h"
#include "service/search/catalog_index.h"
#include "service/search/search_request.h"

namespace vitrine::search {

struct Selection {
  text::IdSet matches;        // every item found
  text::SearchResult result;  // its hits: the best by text
  text::Query query;          // what found them
  Match match = Match::kAll;
  std::uint32_t words = 0;
  std::uint32_t words_needed = 0;
  std::string searched;
  std::string did_you_mean;
};

// Tries the queries from the strictest to the widest until one finds something: all words; all
// words with near ones for those that no document has; some of them. `allowed`: items that may be
// found; `k`: hits wanted; `rows`: items of the catalog. Not for a blank text.
Status select(const IndexView& view, const query::SearchSettings& settings,
              const SearchRequest& request, const text::IdSet& allowed, std::uint32_t k,
              std::uint32_t rows, text::Searcher& searcher, Selection& out);

}  // namespace vitrine::search
