// Items like another by what is written about them: for items without any event, where nothing else
// speaks.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "domain/catalog/catalog.h"
#include "engine/text/search.h"
#include "service/search/catalog_index.h"

namespace vitrine::search {

struct Neighbour {
  ItemIndex item;
  double likeness = 0;  // (0, 1]
};

struct NeighbourScratch {
  text::Searcher searcher;
  text::SearchResult result;
};

// Terms of an item that its neighbours are looked up by: the most telling ones.
inline constexpr std::size_t kNeighbourTerms = 12;

// Replaces `out` by the at most `limit` listed items most like `item`, best first, ties by
// ItemIndex; `item` itself left out. Only items of `allowed`, if it is not null.
//
// likeness = min(1, t) * p. t: the text score of a query of the item's kNeighbourTerms rarest terms
// (of title, brand, categories and description, each with the weight of its field), divided by
// the item's own; p = 0.7 + 0.3 * smaller price / larger price, 0.85 where a price is missing.
// Under the catalog's shared lock; a function of item, view and catalog alone.
void find_neighbours(const IndexView& view, const catalog::Catalog& catalog, ItemIndex item,
                     std::size_t limit, const text::IdSet* allowed, NeighbourScratch& scratch,
                     std::vector<Neighbour>& out);

}  // namespace vitrine::search
