// The body of a search, read and checked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/record/profile_version.h"
#include "service/search/search_request.h"

namespace vitrine::api {

inline constexpr std::size_t kSearchFieldsMax = 50;

// Owns what SearchRequest points to.
struct SearchBody {
  std::string query, filter, user_id, anonymous_id;
  std::vector<search::FacetRequest> facets;
  std::vector<std::string> fields;  // attributes to give with each item
  search::Sort sort = search::Sort::kRelevance;
  std::uint32_t offset = 0;
  std::uint32_t limit = 20;
  bool personal = true;
  bool as_you_type = false;
  bool highlight = true;
  bool explain = false;
  std::optional<record::ProfileVersion> min_profile_version;
  bool record = true;  // the search becomes an event of the visitor

  search::SearchRequest request(TimeUs now) const;
};

// kInvalidArgument names the field and what it must be; unknown fields are refused. An empty body
// asks for everything.
Result<SearchBody> parse_search_body(std::string_view body, std::size_t readable_behind);

}  // namespace vitrine::api
