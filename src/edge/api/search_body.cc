#include "edge/api/search_body.h"

#include "domain/filter/filter.h"
#include "platform/codec/json_parse.h"

namespace vitrine::api {
namespace {

using simdjson::dom::element;

constexpr std::size_t kIdBytesMax = 256;
constexpr std::size_t kNameBytesMax = 64;

Error wrong(std::string_view field, std::string_view must) {
  return Error(ErrorCode::kInvalidArgument, std::string(field) + ": must be " + std::string(must))
      .with_reason("invalid_request");
}

Status take_string(const element& value, std::string_view field, std::size_t bytes_max,
                   std::string& out) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return wrong(field, "a string");
  if (text.size() > bytes_max) {
    return wrong(field, "at most " + std::to_string(bytes_max) + " bytes, got " +
                            std::to_string(text.size()));
  }
  out = text;
  return ok_status();
}

Status take_truth(const element& value, std::string_view field, bool& out) {
  if (value.get(out) != simdjson::SUCCESS) return wrong(field, "true or false");
  return ok_status();
}

Status take_count(const element& value, std::string_view field, std::uint64_t least,
                  std::uint64_t most, std::uint32_t& out) {
  std::uint64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number < least || number > most) {
    return wrong(field,
                 "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  out = static_cast<std::uint32_t>(number);
  return ok_status();
}

Status take_user(const element& value, SearchBody& out) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return wrong("user", "an object");
  for (const auto [key, field] : object) {
    if (key == "user_id") {
      VITRINE_TRY(take_string(field, "user.user_id", kIdBytesMax, out.user_id));
    } else if (key == "anonymous_id") {
      VITRINE_TRY(take_string(field, "user.anonymous_id", kIdBytesMax, out.anonymous_id));
    } else if (key != "session_id") {
      return wrong("user." + std::string(key.substr(0, kNameBytesMax)),
                   "absent: user knows user_id, anonymous_id and session_id");
    }
  }
  return ok_status();
}

Status take_bound(const element& value, const std::string& field, double& out) {
  if (value.is_null()) return ok_status();
  if (value.get(out) != simdjson::SUCCESS) return wrong(field, "a number or null");
  return ok_status();
}

Status take_ranges(const element& value, const std::string& field, search::FacetRequest& out) {
  simdjson::dom::array ranges;
  if (value.get(ranges) != simdjson::SUCCESS || ranges.size() > search::kFacetRangesMax) {
    return wrong(field, "an array of at most " + std::to_string(search::kFacetRangesMax) +
                            " pairs [from, to], where null leaves a side open");
  }
  for (const element entry : ranges) {
    const std::string where = field + "[" + std::to_string(out.ranges.size()) + "]";
    simdjson::dom::array pair;
    if (entry.get(pair) != simdjson::SUCCESS || pair.size() != 2) {
      return wrong(where, "a pair [from, to], where null leaves a side open");
    }
    search::FacetRange& range = out.ranges.emplace_back();
    bool first = true;
    for (const element side : pair) {
      VITRINE_TRY(take_bound(side, where, first ? range.from : range.to));
      first = false;
    }
    if (!(range.from < range.to)) return wrong(where, "a pair whose first is below its second");
  }
  return ok_status();
}

Status take_facet(const element& value, const std::string& field, search::FacetRequest& out) {
  if (value.is_string()) return take_string(value, field, kNameBytesMax, out.attribute);
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) {
    return wrong(field, "the name of an attribute, or an object with attribute, limit and ranges");
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
      return wrong(field + "." + std::string(key.substr(0, kNameBytesMax)),
                   "absent: a facet knows attribute, limit, ranges and whole_filter");
    }
  }
  if (out.attribute.empty()) return wrong(field + ".attribute", "present");
  return ok_status();
}

Status take_facets(const element& value, SearchBody& out) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return wrong("facets", "an array");
  for (const element entry : array) {
    if (out.facets.size() == search::kFacetsMax) {
      return wrong("facets", "at most " + std::to_string(search::kFacetsMax) + " entries");
    }
    const std::string field = "facets[" + std::to_string(out.facets.size()) + "]";
    VITRINE_TRY(take_facet(entry, field, out.facets.emplace_back()));
  }
  return ok_status();
}

Status take_fields(const element& value, SearchBody& out) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS || array.size() > kSearchFieldsMax) {
    return wrong("fields", "an array of at most " + std::to_string(kSearchFieldsMax) +
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
    return wrong("sort", "relevance, price_asc, price_desc, newest or popularity");
  }
  out.sort = *search::find_sort(name);
  return ok_status();
}

Status take_field(std::string_view key, const element& value, SearchBody& out) {
  if (value.is_null()) return ok_status();
  if (key == "query") return take_string(value, key, search::kQueryTextBytesMax, out.query);
  if (key == "filter") return take_string(value, key, filter::kFilterBytesMax, out.filter);
  if (key == "facets") return take_facets(value, out);
  if (key == "fields") return take_fields(value, out);
  if (key == "sort") return take_sort(value, out);
  if (key == "offset") return take_count(value, key, 0, 0xFFFFFFFFu, out.offset);
  if (key == "limit") return take_count(value, key, 1, search::kPageMax, out.limit);
  if (key == "user") return take_user(value, out);
  if (key == "personal") return take_truth(value, key, out.personal);
  if (key == "as_you_type") return take_truth(value, key, out.as_you_type);
  if (key == "highlight") return take_truth(value, key, out.highlight);
  if (key == "explain") return take_truth(value, key, out.explain);
  if (key == "record") return take_truth(value, key, out.record);
  return wrong(key.substr(0, kNameBytesMax),
               "absent: the fields are query, user, filter, facets, sort, offset, limit, fields, "
               "personal, as_you_type, highlight, explain and record");
}

}  // namespace

Result<SearchBody> parse_search_body(std::string_view body, std::size_t readable_behind) {
  SearchBody out;
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return out;
  thread_local codec::JsonParser parser;
  VITRINE_TRY(const element document, parser.parse(body, readable_behind));
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return wrong("the body", "a JSON object");
  for (const auto [key, value] : object) VITRINE_TRY(take_field(key, value, out));
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
