#include "edge/api/search_body.h"

#include "domain/filter/filter.h"
#include "edge/api/json_fields.h"

namespace vitrine::api {
namespace {

using simdjson::dom::element;

Status take_bound(const element& value, const std::string& field, double& out) {
  if (value.is_null()) return ok_status();
  if (value.get(out) != simdjson::SUCCESS) return wrong_field(field, "a number or null");
  return ok_status();
}

Status take_ranges(const element& value, const std::string& field, search::FacetRequest& out) {
  simdjson::dom::array ranges;
  if (value.get(ranges) != simdjson::SUCCESS || ranges.size() > search::kFacetRangesMax) {
    return wrong_field(field, "an array of at most " + std::to_string(search::kFacetRangesMax) +
                                  " pairs [from, to], where null leaves a side open");
  }
  for (const element entry : ranges) {
    const std::string where = field + "[" + std::to_string(out.ranges.size()) + "]";
    simdjson::dom::array pair;
    if (entry.get(pair) != simdjson::SUCCESS || pair.size() != 2) {
      return wrong_field(where, "a pair [from, to], where null leaves a side open");
    }
    search::FacetRange& range = out.ranges.emplace_back();
    bool first = true;
    for (const element side : pair) {
      VITRINE_TRY(take_bound(side, where, first ? range.from : range.to));
      first = false;
    }
    if (!(range.from < range.to))
      return wrong_field(where, "a pair whose first is below its second");
  }
  return ok_status();
}

Status take_facet(const element& value, const std::string& field, search::FacetRequest& out) {
  if (value.is_string()) return take_string(value, field, kNameBytesMax, out.attribute);
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) {
    return wrong_field(field,
                       "the name of an attribute, or an object with attribute, limit and ranges");
  }
  for (const auto [key, part] : object) {
    if (key == "attribute") {
      VITRINE_TRY(take_string(part, field + ".attribute", kNameBytesMax, out.attribute));
    } else if (key == "limit") {
      VITRINE_TRY(take_count(part, field + ".limit", 1, search::kFacetValuesMax, out.limit));
    } else if (key == "ranges") {
      VITRINE_TRY(take_ranges(part, field + ".ranges", out));
    } else if (key == "whole_filter") {
      VITRINE_TRY(take_truth(part, field + ".whole_filter", out.whole_filter));
    } else {
      return wrong_field(field + "." + std::string(key.substr(0, kNameBytesMax)),
                         "absent: a facet knows attribute, limit, ranges and whole_filter");
    }
  }
  if (out.attribute.empty()) return wrong_field(field + ".attribute", "present");
  return ok_status();
}

Status take_facets(const element& value, SearchBody& out) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return wrong_field("facets", "an array");
  for (const element entry : array) {
    if (out.facets.size() == search::kFacetsMax) {
      return wrong_field("facets", "at most " + std::to_string(search::kFacetsMax) + " entries");
    }
    const std::string field = "facets[" + std::to_string(out.facets.size()) + "]";
    VITRINE_TRY(take_facet(entry, field, out.facets.emplace_back()));
  }
  return ok_status();
}

Status take_shown_fields(const element& value, SearchBody& out) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS || array.size() > kSearchFieldsMax) {
    return wrong_field("fields", "an array of at most " + std::to_string(kSearchFieldsMax) +
                                     " names of attributes");
  }
  for (const element entry : array) {
    const std::string field = "fields[" + std::to_string(out.fields.size()) + "]";
    VITRINE_TRY(take_string(entry, field, kNameBytesMax, out.fields.emplace_back()));
  }
  return ok_status();
}

Status take_sort(const element& value, SearchBody& out) {
  std::string_view name;
  if (value.get(name) != simdjson::SUCCESS || !search::find_sort(name)) {
    return wrong_field("sort", "relevance, price_asc, price_desc, newest or popularity");
  }
  out.sort = *search::find_sort(name);
  return ok_status();
}

Status take_field(std::string_view key, const element& value, SearchBody& out) {
  if (value.is_null()) return ok_status();
  if (key == "query") return take_string(value, key, search::kQueryTextBytesMax, out.query);
  if (key == "filter") return take_string(value, key, filter::kFilterBytesMax, out.filter);
  if (key == "facets") return take_facets(value, out);
  if (key == "fields") return take_shown_fields(value, out);
  if (key == "sort") return take_sort(value, out);
  if (key == "offset") return take_count(value, key, 0, 0xFFFFFFFFu, out.offset);
  if (key == "limit") return take_count(value, key, 1, search::kPageMax, out.limit);
  if (key == "user") return take_user(value, out.user_id, out.anonymous_id);
  if (key == "personal") return take_truth(value, key, out.personal);
  if (key == "as_you_type") return take_truth(value, key, out.as_you_type);
  if (key == "highlight") return take_truth(value, key, out.highlight);
  if (key == "explain") return take_truth(value, key, out.explain);
  if (key == "record") return take_truth(value, key, out.record);
  if (key == "min_profile_version") return take_version(value, key, out.min_profile_version);
  return wrong_field(
      key.substr(0, kNameBytesMax),
      "absent: the fields are query, user, filter, facets, sort, offset, limit, fields, "
      "personal, as_you_type, highlight, explain, record and min_profile_version");
}

}  // namespace

Result<SearchBody> parse_search_body(std::string_view body, std::size_t readable_behind) {
  SearchBody out;
  VITRINE_TRY(take_fields(body, readable_behind, [&](std::string_view key, const element& value) {
    return take_field(key, value, out);
  }));
  return out;
}

search::SearchRequest SearchBody::request(TimeUs now) const {
  search::SearchRequest out;
  out.text = query;
  out.filter = filter;
  out.facets = facets;
  out.sort = sort;
  out.offset = offset;
  out.limit = limit;
  out.user_id = user_id;
  out.anonymous_id = anonymous_id;
  out.personal = personal;
  out.as_you_type = as_you_type;
  out.highlight = highlight;
  out.explain = explain;
  out.now = now;
  return out;
}

}  // namespace vitrine::api
