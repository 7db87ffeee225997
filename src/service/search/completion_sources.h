// What suggest() knows: queries of the log, categories, brands and titles.
#pragma once

#include <vector>

#include "service/search/catalog_index.h"
#include "service/search/completions.h"
#include "service/search/search_state.h"

namespace vitrine::search {

// Queries that enough visitors made and whose words items have, weighted 4 log2(1 + searches);
// categories log2(1 + items), brands 0.8 log2(1 + items); titles of the most popular and then
// the newest items in stock, at most 0.5. Holds the state's lock for a piece at a time.
std::vector<Completion> gather_completions(const StateSource& source, const IndexView& view,
                                           std::size_t titles_max);

}  // namespace vitrine::search
