#include "domain/conduct/settings.h"

#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"

namespace vitrine::conduct {
namespace {

using simdjson::dom::element;

struct Bound {
  std::string_view name;
  std::uint32_t Settings::*value;
  std::uint32_t most;  // what the counters behind it can reach
};

constexpr std::array kBounds{
    Bound{"views_per_minute", &Settings::views_per_minute, 30'000},
    Bound{"views_per_hour", &Settings::views_per_hour, 30'000},
    Bound{"views_per_day", &Settings::views_per_day, 30'000},
    Bound{"events_per_minute", &Settings::events_per_minute, 30'000},
    Bound{"events_per_day", &Settings::events_per_day, 1'000'000},
    Bound{"quick_views", &Settings::quick_views, 30'000},
    Bound{"quick_percent", &Settings::quick_percent, 100},
    Bound{"regular_views", &Settings::regular_views, 30'000},
    Bound{"items_per_day", &Settings::items_per_day, 2'500},
    Bound{"one_item_per_day", &Settings::one_item_per_day, 30'000},
    Bound{"dead_clicks_per_day", &Settings::dead_clicks_per_day, 30'000},
    Bound{"orders_per_day", &Settings::orders_per_day, 30'000},
    Bound{"orders_times_usual", &Settings::orders_times_usual, 10'000},
    Bound{"push_visitors", &Settings::push_visitors, 10'000},
    Bound{"push_percent", &Settings::push_percent, 100},
    Bound{"flag_days", &Settings::flag_days, 3'650},
};

Error wrong(std::string_view field, const std::string& must) {
  return Error(ErrorCode::kInvalidArgument, std::string(field) + ": must be " + must)
      .with_reason("invalid_request");
}

Status take_field(std::string_view key, const element& value, Settings& out) {
  if (key == "detect") {
    if (value.get(out.detect) != simdjson::SUCCESS) return wrong(key, "true or false");
    return ok_status();
  }
  for (const Bound& bound : kBounds) {
    if (bound.name != key) continue;
    std::uint64_t number = 0;
    if (value.get(number) != simdjson::SUCCESS || number > bound.most) {
      return wrong(key, "a whole number from 0 (off) to " + std::to_string(bound.most));
    }
    out.*bound.value = static_cast<std::uint32_t>(number);
    return ok_status();
  }
  std::string fields = "detect";
  for (const Bound& bound : kBounds) fields += ", " + std::string(bound.name);
  return wrong(key.substr(0, 64), "absent: the fields are " + fields);
}

}  // namespace

Result<Settings> parse_settings(std::string_view json, std::size_t readable_behind) {
  if (json.size() > kSettingsBytesMax) {
    return Error(ErrorCode::kTooLarge,
                 "abuse settings may have " + std::to_string(kSettingsBytesMax) + " bytes");
  }
  thread_local codec::JsonParser parser;
  VITRINE_TRY(const element document, parser.parse(json, readable_behind));
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return wrong("the body", "a JSON object");
  Settings out;
  for (const auto [key, value] : object) VITRINE_TRY(take_field(key, value, out));
  return out;
}

std::string print_settings(const Settings& settings) {
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  json.key("detect").boolean(settings.detect);
  for (const Bound& bound : kBounds) json.key(bound.name).number(settings.*bound.value);
  json.end_object();
  json.finish();
  return text;
}

}  // namespace vitrine::conduct
