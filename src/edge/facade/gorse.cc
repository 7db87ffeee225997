#include "edge/facade/gorse.h"

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "edge/facade/gorse_json.h"
#include "platform/codec/time_format.h"

namespace vitrine::facade {
namespace {

using codec::JsonWriter;
using event::EventType;

constexpr std::array kFeedbackTypes{
    FeedbackType{"read", EventType::kDetailPageView},
    FeedbackType{"view", EventType::kDetailPageView},
    FeedbackType{"watch", EventType::kDetailPageView},
    FeedbackType{"click", EventType::kItemClick},
    FeedbackType{"cart", EventType::kAddToCart},
    FeedbackType{"buy", EventType::kPurchaseComplete},
    FeedbackType{"order", EventType::kPurchaseComplete},
    FeedbackType{"like", EventType::kRating, 5},
    FeedbackType{"star", EventType::kRating, 5},
    FeedbackType{"favorite", EventType::kRating, 5},
    FeedbackType{"bookmark", EventType::kRating, 5},
    FeedbackType{"share", EventType::kRating, 5},
    FeedbackType{"exposure", EventType::kImpression},
};

// The item attribute that holds what has no other place.
constexpr std::string_view kTimestamp = "timestamp";

// The forms that Gorse's clients send, as RFC 3339: "2026-11-22", "2026-11-22 16:10:43". Empty for
// no time at all, which Go writes as year 1.
std::string time_text(std::string_view text) {
  if (text.empty() || text.starts_with("0001-01-01")) return {};
  std::string out(text);
  if (out.size() == 10) return out + "T00:00:00Z";
  if (out.size() < 11 || out[10] != ' ') return out;
  out[10] = 'T';
  const std::size_t blank = out.find(' ');  // "... +0000 UTC"
  if (blank != std::string::npos) out.resize(blank);
  if (out.back() != 'Z' && out.find_first_of("+-", 11) == std::string::npos) out += 'Z';
  return out;
}

std::string hex(const Hash128& hash) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint64_t half : {hash.high, hash.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[(half >> shift) & 15];
  }
  return out;
}

void write_feedback(const element& entry, const object& feedback, std::string& out) {
  std::string_view name;
  if (feedback.at_key("FeedbackType").get(name) != simdjson::SUCCESS) name = {};
  const auto known = std::ranges::find(kFeedbackTypes, name, &FeedbackType::name);
  JsonWriter json(out);
  json.begin_object();
  json.key("event_id").string("gorse-" + hex(hash128(simdjson::minify(entry))));
  std::optional<double> value = number_member(feedback, "Value");
  bool is_rating = name == "rating";
  if (known != kFeedbackTypes.end()) {
    json.key("type").string(event::event_type_name(known->type));
    if (known->value) value = known->value;
    is_rating = known->type == EventType::kRating;
  } else {
    json.key("type").string(name);
  }
  if (is_rating && value) json.key("value").number(*value);
  if (const auto time = member(feedback, "Timestamp")) {
    std::string_view text;
    if (time->get(text) != simdjson::SUCCESS) {
      json.key("event_time");
      copy_value(*time, json);
    } else if (const std::string as_sent = time_text(text); !as_sent.empty()) {
      json.key("event_time").string(as_sent);
    }
  }
  json.key("user").begin_object();
  write_gorse_id(feedback, "UserId", "user_id", json);
  json.end_object();
  json.key("items").begin_array().begin_object();
  write_gorse_id(feedback, "ItemId", "item_id", json);
  json.end_object().end_array();
  std::string_view comment;
  if (feedback.at_key("Comment").get(comment) == simdjson::SUCCESS && !comment.empty()) {
    json.key("properties").begin_object().key("comment").string(comment).end_object();
  }
  json.end_object();
  json.newline();
  json.finish();
}

// The attributes of an item; `is_patch` keeps what is not named as it is.
std::string item_json(const object& item, std::string_view known_id, bool is_patch) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  if (known_id.empty()) write_gorse_id(item, "ItemId", "item_id", json);
  if (const auto hidden = member(item, "IsHidden")) {
    bool is_hidden = false;
    if (hidden->get(is_hidden) != simdjson::SUCCESS) {
      json.key("stock");
      copy_value(*hidden, json);
    } else if (is_hidden) {
      json.key("stock").number(0);
    } else if (is_patch) {
      json.key("stock").null();
    }
  }
  if (const auto categories = member(item, "Categories")) {
    json.key("categories");
    copy_value(*categories, json);
  }
  std::string_view text;
  if (item.at_key("Comment").get(text) == simdjson::SUCCESS && (is_patch || !text.empty())) {
    json.key("title").string(text);
  }
  if (item.at_key("Timestamp").get(text) == simdjson::SUCCESS) {
    if (const std::string time = time_text(text); !time.empty()) {
      json.key(kTimestamp).begin_object().key("$time").string(time).end_object();
    }
  }
  if (const auto labels = member(item, "Labels")) write_gorse_labels(*labels, is_patch, json);
  json.end_object();
  json.finish();
  return out;
}

}  // namespace

std::span<const FeedbackType> gorse_feedback_types() { return kFeedbackTypes; }

Result<Translation> translate_gorse_feedback(std::string_view body, std::size_t readable_behind) {
  VITRINE_TRY(const element document, parse_gorse_body(body, readable_behind));
  Translation out;
  VITRINE_TRY(for_each_gorse_entry(document, [&](const element& entry) {
    const std::uint32_t index = out.messages++;
    object feedback;
    if (entry.get(feedback) == simdjson::SUCCESS) {
      write_feedback(entry, feedback, out.events);
      out.origin.push_back(index);
    } else {
      out.ignored.push_back({index, "feedback is a JSON object"});
    }
  }));
  return out;
}

Result<std::vector<catalog::Checked<catalog::Item>>> translate_gorse_items(
    std::string_view body, std::size_t readable_behind) {
  VITRINE_TRY(const element document, parse_gorse_body(body, readable_behind));
  std::vector<catalog::Checked<catalog::Item>> out;
  VITRINE_TRY(for_each_gorse_entry(document, [&](const element& entry) {
    object item;
    if (entry.get(item) == simdjson::SUCCESS) {
      out.push_back(catalog::parse_item(item_json(item, {}, false)));
    } else {
      out.emplace_back().errors.push_back({"", "an item is a JSON object"});
    }
  }));
  return out;
}

Result<catalog::Checked<catalog::ItemPatch>> translate_gorse_patch(std::string_view item_id,
                                                                   std::string_view body,
                                                                   std::size_t readable_behind) {
  VITRINE_TRY(const element document, parse_gorse_body(body, readable_behind));
  object item;
  if (document.get(item) != simdjson::SUCCESS)
    return wrong_gorse_body("the body must be an object");
  return catalog::parse_patch(item_json(item, item_id, true), item_id);
}

void append_gorse_item(const catalog::Item& item, bool in_stock, TimeUs created, std::string& out) {
  const auto text_of = [&](std::string_view name) -> std::string_view {
    const auto* value = item.find(name);
    const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
    return text == nullptr ? std::string_view() : std::string_view(*text);
  };
  JsonWriter json(out);
  json.begin_object();
  json.key("ItemId").string(item.id);
  json.key("IsHidden").boolean(!in_stock);
  json.key("Categories");
  append_gorse_list(item.find("categories"), json);
  const auto* own_time = item.find(kTimestamp);
  const auto* time = own_time == nullptr ? nullptr : std::get_if<catalog::Time>(own_time);
  json.key("Timestamp").string(codec::format_rfc3339(time == nullptr ? created : time->us));
  json.key("Labels");
  append_gorse_labels(item.find(kGorseRawLabels), item.find(kGorseLabels), json);
  json.key("Comment").string(text_of("title"));
  json.end_object();
  json.finish();
}

}  // namespace vitrine::facade
