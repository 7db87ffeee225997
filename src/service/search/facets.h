// How often each value of an attribute stands among the matches: exact, over all of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "domain/catalog/catalog.h"
#include "service/search/search_request.h"

namespace vitrine::search {

// Kept from request to request: a count for each value of the largest dictionary met.
struct FacetScratch {
  std::vector<std::uint32_t> counts;
  std::vector<catalog::Code> touched;
};

// kInvalidArgument "facet_unknown_attribute" or "facet_type": names facets[i] and what would be
// right.
Status check_facets(const catalog::Catalog& catalog, std::span<const FacetRequest> requests);

// Appends one answer for each request, which passed check_facets(). `matches`: bit item % 64 of
// word item / 64. One step a match for each facet. Under the catalog's shared lock.
void count_facets(const catalog::Catalog& catalog, std::span<const std::uint64_t> matches,
                  std::span<const FacetRequest> requests, FacetScratch& scratch,
                  std::vector<FacetAnswer>& out);

}  // namespace vitrine::search
