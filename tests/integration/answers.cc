#include "tests/integration/answers.h"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"
#include "platform/net/url.h"

namespace vitrine::integration {
namespace {

// Nothing where the text is no JSON or has no such value.
template <class T>
std::optional<T> find(std::string_view json, std::string_view pointer) {
  codec::JsonParser parser;
  const auto document = parser.parse(json);
  T value{};
  if (!document.ok() || document->at_pointer(pointer).get(value) != simdjson::SUCCESS) return {};
  if constexpr (std::is_same_v<T, std::string_view>) {
    thread_local std::string kept;  // the parser's memory ends here
    kept = value;
    return std::string_view(kept);
  }
  return value;
}

}  // namespace

std::string text_at(std::string_view json, std::string_view pointer) {
  const auto found = find<std::string_view>(json, pointer);
  if (!found) ADD_FAILURE() << "no text at " << pointer << " of " << json.substr(0, 2000);
  return std::string(found.value_or(""));
}

double number_at(std::string_view json, std::string_view pointer) {
  const auto found = find<double>(json, pointer);
  if (!found) ADD_FAILURE() << "no number at " << pointer << " of " << json.substr(0, 2000);
  return found.value_or(-1);
}

bool has(std::string_view json, std::string_view pointer) {
  codec::JsonParser parser;
  const auto document = parser.parse(json);
  return document.ok() && document->at_pointer(pointer).error() == simdjson::SUCCESS;
}

std::vector<std::string> item_ids(std::string_view json) {
  codec::JsonParser parser;
  const auto document = parser.parse(json);
  simdjson::dom::array items;
  if (!document.ok() || document->at_pointer("/items").get(items) != simdjson::SUCCESS) {
    ADD_FAILURE() << "no items in " << json.substr(0, 2000);
    return {};
  }
  std::vector<std::string> ids;
  for (const auto item : items) {
    ids.emplace_back(std::string_view(item["item_id"]));
  }
  return ids;
}

std::string item_path(std::string_view item_id) {
  return "/v1/items/" + net::percent_encode(item_id);
}

std::string json_text(std::string_view text) {
  std::string out;
  codec::JsonWriter json(out);
  json.string(text);
  json.finish();
  return out;
}

std::string event(std::string_view event_id, std::string_view type, std::string_view user,
                  std::string_view item, std::string_view extra) {
  std::string text = "{\"event_id\":" + json_text(event_id) + ",\"type\":" + json_text(type) +
                     ",\"user\":{\"user_id\":" + json_text(user) +
                     "},\"items\":[{\"item_id\":" + json_text(item);
  if (!extra.empty()) text += "," + std::string(extra);
  return text + "}]}";
}

std::string view_event(std::string_view event_id, std::string_view user, std::string_view item) {
  return event(event_id, "detail-page-view", user, item);
}

std::string batch(const std::vector<std::string>& events) {
  std::string text = "[";
  for (const auto& one : events) text += (text.size() > 1 ? "," : "") + one;
  return text + "]";
}

std::vector<std::string> recently_viewed(TestServer& server, const Shop& shop,
                                         std::string_view user, std::string_view version) {
  std::string body = "{\"user\":{\"user_id\":" + json_text(user) + "},\"limit\":100";
  if (!version.empty()) body += ",\"min_profile_version\":" + json_text(version);
  const auto answer = server.post("/v1/recommend/recently-viewed", shop.publishable, body + "}");
  EXPECT_EQ(answer.status, 200) << answer.body;
  return item_ids(answer.body);
}

void wait_until_indexed(TestServer& server) {
  constexpr std::string_view kAge = "\nvitrine_search_index_age_seconds ";
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto changed_at = now();
  double age = 0;
  while (now() - changed_at < std::chrono::seconds(10)) {
    const auto asked_at = now();
    const std::string metrics = server.get("/metrics", "").body;
    const std::size_t at = metrics.find(kAge);
    ASSERT_NE(at, std::string::npos) << metrics;
    age = std::strtod(metrics.c_str() + at + kAge.size(), nullptr);
    if (std::chrono::duration<double>(asked_at - changed_at).count() > age) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  ADD_FAILURE() << "the indexes are " << age << " s old";
}

void expect_problem(const Answer& answer, int status, std::string_view code) {
  EXPECT_EQ(answer.status, status) << answer.body;
  EXPECT_EQ(answer.header("content-type"), "application/problem+json") << answer.body;
  EXPECT_EQ(number_at(answer.body, "/status"), status);
  EXPECT_FALSE(text_at(answer.body, "/title").empty());
  EXPECT_FALSE(text_at(answer.body, "/detail").empty());
  if (!code.empty()) {
    EXPECT_EQ(text_at(answer.body, "/code"), code) << answer.body;
  }
}

}  // namespace vitrine::integration
