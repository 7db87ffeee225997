// Which matches a facet is counted over, when the filter has a condition about its attribute.
//
// Whoever ticked "brand: Nika" wants to see how many there would be of the other brands, so a facet
// leaves the conditions about its own attribute out and keeps all others. Conditions are the terms
// that the filter joins by `and`; one belongs to an attribute if it names no other. FacetRequest::
// whole_filter counts over the whole filter instead.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "domain/filter/filter.h"
#include "service/search/search_request.h"

namespace vitrine::search {

struct FacetScopes {
  struct Own {
    std::string attribute;  // canonical
    filter::ParsedFilter conditions;
  };
  std::vector<Own> own;                      // each of some facet's attribute; empty: nothing to do
  std::optional<filter::ParsedFilter> rest;  // of the filter, without all of them

  // Index into `own` of the facet's attribute; own.size() where it has none.
  std::size_t find(const FacetRequest& facet) const;
};

FacetScopes split_filter(const filter::ParsedFilter& filter, std::span<const FacetRequest> facets);

}  // namespace vitrine::search
