#include "tool/simulate/vitrine_policy.h"

#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/time_format.h"
#include "tool/import/batch_sender.h"

namespace vitrine::simulate {
namespace {

std::string_view type_name(EventType type) {
  switch (type) {
    case EventType::kHomeView: return "home-page-view";
    case EventType::kCategoryView: return "category-page-view";
    case EventType::kImpression: return "impression";
    case EventType::kView: return "detail-page-view";
    case EventType::kCart: return "add-to-cart";
    case EventType::kPurchase: return "purchase-complete";
  }
  return "";
}

std::string_view placement_of(Page page) {
  switch (page) {
    case Page::kHome: return "home";
    case Page::kItem: return "product-similar";
    case Page::kCart: return "cart";
  }
  return "";
}

Error odd_answer(std::string_view what) {
  return {ErrorCode::kCorrupt, "the server's answer has no " + std::string(what)};
}

// The version of the state that shows all of it; empty for none.
Result<std::string> send_all(const importer::ApiTarget& target, std::string path,
                             const std::vector<std::string>& lines) {
  if (lines.empty()) return std::string();
  importer::SendOptions options;
  options.target = target;
  options.path = std::move(path);
  VITRINE_TRY(auto sender, importer::BatchSender::start(std::move(options)));
  for (std::size_t i = 0; i < lines.size(); ++i) VITRINE_TRY(sender->add(lines[i], i));
  VITRINE_TRY(const auto totals, sender->finish(no_progress()));
  if (totals.rejected > 0) {
    return Error(ErrorCode::kInternal, "the server refused a line of the history: " +
                                           totals.first_rejected.front().detail);
  }
  return totals.profile_version;
}

}  // namespace

VitrinePolicy::VitrinePolicy(const Shop& shop, ShopServer& server, importer::ApiClient client)
    : shop_(shop), server_(server), client_(std::move(client)) {
  for (ItemNo i = 0; i < shop.items.size(); ++i) numbers_.emplace(shop.items[i].id, i);
}

Result<std::unique_ptr<VitrinePolicy>> VitrinePolicy::open(const Shop& shop, ShopServer& server) {
  VITRINE_TRY(auto client, importer::ApiClient::open(server.target()));
  return std::unique_ptr<VitrinePolicy>(new VitrinePolicy(shop, server, std::move(client)));
}

std::string VitrinePolicy::event_json(const ShopEvent& event) {
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("event_id").string("sim-" + std::to_string(++events_));
  json.key("type").string(type_name(event.type));
  json.key("event_time").string(codec::format_rfc3339(event.time));
  json.key("user").begin_object();
  json.key("user_id").string(shop_.visitors[event.visitor].id);
  json.end_object();
  if (!event.items.empty()) {
    json.key("items").begin_array();
    int position = 0;
    for (const ItemNo item : event.items) {
      json.begin_object();
      json.key("item_id").string(shop_.items[item].id);
      if (event.type == EventType::kImpression) {
        json.key("position").number(position++);
      } else {
        json.key("price").number(shop_.items[item].price);
      }
      json.end_object();
    }
    json.end_array();
  }
  if (event.type == EventType::kImpression && !request_id_.empty()) {
    json.key("attribution").begin_object();
    json.key("request_id").string(request_id_);
    json.key("placement").string(placement_of(event.page));
    json.end_object();
  }
  if (event.type != EventType::kImpression) json.key("currency").string("EUR");
  json.end_object();
  json.finish();
  return out;
}

Status VitrinePolicy::begin(std::span<const int> stock, std::span<const ShopEvent> history) {
  std::vector<std::string> lines;
  for (ItemNo i = 0; i < shop_.items.size(); ++i)
    lines.push_back(item_json(shop_, shop_.items[i], stock[i]));
  VITRINE_TRY(send_all(server_.target(), "/v1/items:import", lines));
  lines.clear();
  for (const ShopEvent& event : history) lines.push_back(event_json(event));
  VITRINE_TRY(version_, send_all(server_.target(), "/v1/events:import", lines));
  return ok_status();
}

Result<importer::ApiAnswer> VitrinePolicy::post(const std::string& path, const std::string& body) {
  VITRINE_TRY(auto answer, client_.post_json(path, body));
  if (!answer.ok()) return importer::refusal(answer).context("POST " + path);
  return answer;
}

Status VitrinePolicy::observe(std::span<const ShopEvent> events) {
  if (events.empty()) return ok_status();
  std::string body = "[";
  for (const ShopEvent& event : events) {
    if (event.type == EventType::kImpression && event.items.empty()) continue;
    if (body.size() > 1) body += ',';
    body += event_json(event);
  }
  body += ']';
  server_.clock().advance_to(events.back().time);
  VITRINE_TRY(const auto answer, post("/v1/events", body));
  ++use_.event_calls;
  use_.event_ms += answer.ms;
  codec::JsonParser parser;
  VITRINE_TRY(const auto json, parser.parse(answer.body));
  std::string_view version;
  std::uint64_t accepted = 0;
  if (json["profile_version"].get(version) != simdjson::SUCCESS ||
      json["accepted"].get(accepted) != simdjson::SUCCESS || accepted == 0) {
    return odd_answer("accepted events: " + answer.body.substr(0, 300));
  }
  version_ = version;
  return ok_status();
}

Status VitrinePolicy::show(const Question& question, std::vector<ItemNo>& out) {
  server_.clock().advance_to(question.now);
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("user").begin_object();
  json.key("user_id").string(shop_.visitors[question.visitor].id);
  json.end_object();
  if (question.page == Page::kItem) {
    json.key("item_ids").begin_array().string(shop_.items[question.about].id).end_array();
  }
  if (!question.cart.empty()) {
    json.key("cart").begin_array();
    for (const ItemNo item : question.cart) json.string(shop_.items[item].id);
    json.end_array();
  }
  json.key("limit").number(static_cast<std::uint64_t>(question.limit));
  if (!version_.empty()) json.key("min_profile_version").string(version_);
  json.end_object();
  json.finish();
  VITRINE_TRY(const auto answer,
              post("/v1/recommend/" + std::string(placement_of(question.page)), body));
  ++use_.recommend_calls;
  use_.recommend_ms += answer.ms;
  codec::JsonParser parser;
  VITRINE_TRY(const auto list, parser.parse(answer.body));
  std::string_view request_id;
  simdjson::dom::array items;
  if (list["request_id"].get(request_id) != simdjson::SUCCESS ||
      list["items"].get(items) != simdjson::SUCCESS) {
    return odd_answer("items");
  }
  request_id_ = request_id;
  out.clear();
  for (const auto item : items) {
    std::string_view id;
    if (item["item_id"].get(id) != simdjson::SUCCESS) return odd_answer("item_id");
    const auto number = numbers_.find(std::string(id));
    if (number == numbers_.end()) return odd_answer("item that the shop has: " + std::string(id));
    out.push_back(number->second);
  }
  return ok_status();
}

Status VitrinePolicy::set_stock(ItemNo item, int stock, TimeUs now) {
  server_.clock().advance_to(now);
  VITRINE_TRY(post("/v1/items/" + shop_.items[item].id + ":inventory",
                   "{\"stock\":" + std::to_string(stock) + "}"));
  return ok_status();
}

}  // namespace vitrine::simulate
