#include "edge/api/recommend_request.h"

#include "domain/filter/filter.h"
#include "edge/api/json_fields.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {
namespace {

using simdjson::dom::element;

Status take_ids(const element& value, std::string_view field, std::vector<std::string>& out,
                std::size_t most = recommend::kRequestItemsMax) {
  if (value.is_null()) return ok_status();
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return wrong_field(field, "an array of item ids");
  for (const element id : array) {
    if (out.size() == most)
      return wrong_field(field, "at most " + std::to_string(most) + " item ids");
    VITRINE_TRY(take_string(id, field, kIdBytesMax, out.emplace_back()));
    if (out.back().empty()) return wrong_field(field, "an array of item ids that are not empty");
  }
  return ok_status();
}

Status take_boosts(const element& value, RecommendBody& out) {
  if (value.is_null()) return ok_status();
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS)
    return wrong_field("boost", "an array of {filter, factor}");
  for (const element entry : array) {
    if (out.boost_filters.size() == recommend::kRequestBoostsMax) {
      return wrong_field("boost",
                         "at most " + std::to_string(recommend::kRequestBoostsMax) + " entries");
    }
    simdjson::dom::object object;
    if (entry.get(object) != simdjson::SUCCESS)
      return wrong_field("boost", "an array of {filter, factor}");
    std::string& filter = out.boost_filters.emplace_back();
    double& factor = out.boost_factors.emplace_back(1.0);
    for (const auto [key, field] : object) {
      if (key == "filter") {
        VITRINE_TRY(take_string(field, "boost.filter", filter::kFilterBytesMax, filter));
      } else if (key == "factor") {
        VITRINE_TRY(take_number(field, "boost.factor", 0.01, 100, factor));
      } else {
        return wrong_field("boost." + std::string(key), "absent: a boost knows filter and factor");
      }
    }
    if (filter.empty()) return wrong_field("boost.filter", "present");
  }
  return ok_status();
}

std::string known_fields(BodyShape shape) {
  std::string_view own;
  switch (shape) {
    case BodyShape::kWindow: own = "limit, cursor, "; break;
    case BodyShape::kRank: own = "items, "; break;
    case BodyShape::kBatchEntry: own = "placement, limit, "; break;
  }
  return "absent: the fields are user, item_ids, cart, category, filter, boost, diversity, " +
         std::string(own) + "min_profile_version and explain";
}

Status take_own_field(std::string_view key, const element& value, BodyShape shape,
                      RecommendBody& out) {
  if (key == "limit" && shape != BodyShape::kRank) {
    if (value.is_null()) return ok_status();
    return take_count(value, "limit", 1, recommend::kRequestLimitMax, out.limit.emplace());
  }
  if (key == "cursor" && shape == BodyShape::kWindow) {
    if (value.is_null()) return ok_status();
    // Base64 of at most five bytes an item.
    return take_string(value, "cursor", 8 * recommend::kPagedItemsMax, out.cursor.emplace());
  }
  if (key == "items" && shape == BodyShape::kRank) {
    return take_ids(value, "items", out.to_rank, recommend::kRankItemsMax);
  }
  return wrong_field(key.substr(0, kNameBytesMax), known_fields(shape));
}

Status take_field(std::string_view key, const element& value, BodyShape shape, RecommendBody& out) {
  if (key == "user") return take_user(value, out.user_id, out.anonymous_id);
  if (key == "item_ids") return take_ids(value, "item_ids", out.item_ids);
  if (key == "cart") return take_ids(value, "cart", out.cart);
  if (key == "filter") return take_string(value, "filter", filter::kFilterBytesMax, out.filter);
  if (key == "boost") return take_boosts(value, out);
  if (key == "category") return take_string(value, "category", kIdBytesMax, out.category);
  if (key == "diversity") {
    if (value.is_null()) return ok_status();
    return take_number(value, key, 0, 1, out.diversity.emplace());
  }
  if (key == "explain") return take_truth(value, key, out.explain);
  if (key == "min_profile_version") return take_version(value, key, out.min_profile_version);
  return take_own_field(key, value, shape, out);
}

// The category is one more condition of the filter.
Status join_category(RecommendBody& body) {
  if (body.category.empty()) return ok_status();
  std::string joined = "category = ";
  {
    codec::JsonWriter json(joined);  // text is quoted alike in both languages
    json.string(body.category);
  }
  if (!body.filter.empty()) joined += " and (" + body.filter + ")";
  if (joined.size() > filter::kFilterBytesMax) {
    return wrong_field("filter", "at most " + std::to_string(filter::kFilterBytesMax) +
                                     " bytes together with the category");
  }
  body.filter = std::move(joined);
  return ok_status();
}

Status check_whole(RecommendBody& body, BodyShape shape) {
  if (shape == BodyShape::kRank && body.to_rank.empty()) {
    return wrong_field("items", "present: the ids of the items to be ordered");
  }
  return join_category(body);
}

Status take_entry(const element& value, BatchEntry& out) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return wrong_field("an entry", "an object");
  for (const auto [key, field] : object) {
    if (key == "placement") {
      VITRINE_TRY(take_string(field, "placement", kIdBytesMax, out.placement));
    } else if (key == "min_profile_version") {
      return wrong_field(key, "absent: it belongs beside requests");
    } else {
      VITRINE_TRY(take_field(key, field, BodyShape::kBatchEntry, out.body));
    }
  }
  if (out.placement.empty()) return wrong_field("placement", "present");
  return check_whole(out.body, BodyShape::kBatchEntry);
}

}  // namespace

Result<RecommendBody> parse_recommend_body(std::string_view body, std::size_t readable_behind,
                                           BodyShape shape) {
  RecommendBody out;
  VITRINE_TRY(take_fields(body, readable_behind, [&](std::string_view key, const element& value) {
    return take_field(key, value, shape, out);
  }));
  VITRINE_TRY(check_whole(out, shape));
  return out;
}

Result<std::vector<BatchEntry>> parse_batch_body(std::string_view body,
                                                 std::size_t readable_behind) {
  thread_local codec::JsonParser parser;
  auto document = parser.parse(body, readable_behind);
  if (!document.ok()) return std::move(document).error().with_reason("invalid_json");
  simdjson::dom::object object;
  if (document->get(object) != simdjson::SUCCESS) return wrong_field("the body", "a JSON object");
  std::vector<BatchEntry> out;
  for (const auto [key, value] : object) {
    simdjson::dom::array entries;
    if (key != "requests") {
      return wrong_field(key.substr(0, kNameBytesMax), "absent: the only field is requests");
    }
    if (value.get(entries) != simdjson::SUCCESS)
      return wrong_field("requests", "an array of objects");
    for (const element entry : entries) {
      const std::string place = "requests[" + std::to_string(out.size()) + "]";
      if (out.size() == kBatchMost) {
        return wrong_field("requests", "at most " + std::to_string(kBatchMost) + " entries");
      }
      const Status taken = take_entry(entry, out.emplace_back());
      if (!taken.ok()) return Error(taken.error()).context(place);
    }
  }
  if (out.empty()) return wrong_field("requests", "an array of at least one object");
  return out;
}

RequestViews::RequestViews(const RecommendBody& body, std::string_view placement, TimeUs now)
    : item_ids_(body.item_ids.begin(), body.item_ids.end()),
      cart_(body.cart.begin(), body.cart.end()),
      to_rank_(body.to_rank.begin(), body.to_rank.end()) {
  for (std::size_t i = 0; i < body.boost_filters.size(); ++i) {
    boosts_.push_back({body.boost_filters[i], body.boost_factors[i]});
  }
  request_.placement = placement;
  request_.user_id = body.user_id;
  request_.anonymous_id = body.anonymous_id;
  request_.item_ids = item_ids_;
  request_.cart = cart_;
  request_.limit = body.limit;
  request_.filter = body.filter;
  request_.diversity = body.diversity;
  request_.boosts = boosts_;
  request_.explain = body.explain;
  request_.to_rank = to_rank_;
  request_.now = now;
}

}  // namespace vitrine::api
