#include "tool/import/tour.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/time_format.h"
#include "platform/net/url.h"
#include "tool/import/api_client.h"
#include "tool/import/json_field.h"
#include "tool/import/text_table.h"

namespace vitrine::importer {
namespace {

constexpr std::uint32_t kPopularItems = 50;

struct ShownItem {
  std::string id;
  std::string source;
  std::string reasons;
  double score = 0;
};

struct Window {
  std::vector<ShownItem> items;
  bool stale = false;
  double ms = 0;
  std::int64_t answered_ns = 0;  // steady clock when the answer was there

  std::optional<std::size_t> rank_of(std::string_view id) const {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].id == id) return i;
    }
    return std::nullopt;
  }
};

struct ItemFacts {
  std::string title;
  std::string category;  // the first one; empty without
  double price = -1;     // -1: none
};

// What a window is asked for.
struct Question {
  std::string placement = {};
  std::string user_id = {};
  std::string anonymous_id = {};
  std::vector<std::string> item_ids = {};
  std::string filter = {};
  std::string min_profile_version = {};
  std::uint32_t limit = 0;
};

// The text in the quotes of the filter language, which has JSON's escapes.
std::string filter_text(std::string_view text) {
  std::string out;
  codec::JsonWriter json(out);
  json.string(text).finish();
  return out;
}

class Tour {
 public:
  Tour(const TourOptions& options, ApiClient client, std::ostream& out)
      : options_(options), client_(std::move(client)), out_(out) {}

  Status walk() {
    VITRINE_TRY(popular_, ask({.placement = "popular", .limit = kPopularItems}));
    if (popular_.items.empty()) {
      return Error(ErrorCode::kNotFound, "the shop shows no item yet: import a catalog first");
    }
    VITRINE_TRY(show_home());
    VITRINE_TRY(show_clicks());
    VITRINE_TRY(show_context("Similar to", "product-similar", clicked_.front()));
    VITRINE_TRY(show_context("Bought together with", "product-also-bought",
                             home_.items.empty() ? clicked_.front() : home_.items.front().id));
    VITRINE_TRY(show_filtered());
    return show_new_visitor();
  }

 private:
  Result<Window> ask(const Question& question) {
    std::string body;
    codec::JsonWriter json(body);
    json.begin_object();
    if (!question.user_id.empty() || !question.anonymous_id.empty()) {
      json.key("user").begin_object();
      if (!question.user_id.empty()) json.key("user_id").string(question.user_id);
      if (!question.anonymous_id.empty()) json.key("anonymous_id").string(question.anonymous_id);
      json.end_object();
    }
    if (!question.item_ids.empty()) {
      json.key("item_ids").begin_array();
      for (const auto& id : question.item_ids) json.string(id);
      json.end_array();
    }
    if (!question.filter.empty()) json.key("filter").string(question.filter);
    if (!question.min_profile_version.empty()) {
      json.key("min_profile_version").string(question.min_profile_version);
    }
    json.key("limit").number(question.limit == 0 ? options_.rows : question.limit);
    json.end_object();
    json.finish();
    VITRINE_TRY(const ApiAnswer answer,
                client_.post_json("/v1/recommend/" + question.placement, body));
    const std::int64_t answered_ns = options_.clock->steady_ns();
    if (!answer.ok()) return refusal(answer).context("asking for " + question.placement);
    auto window = read_window(answer);
    if (!window.ok()) return std::move(window).error().context("answer of " + question.placement);
    window->answered_ns = answered_ns;
    return window;
  }

  Result<Window> read_window(const ApiAnswer& answer) {
    VITRINE_TRY(auto json, parser_.parse(answer.body));
    Window window;
    window.ms = answer.ms;
    read_field(json, "stale", window.stale);
    simdjson::dom::array items;
    if (!read_field(json, "items", items)) {
      return Error(ErrorCode::kCorrupt, "it has no items");
    }
    for (const auto one : items) {
      std::string_view id;
      std::string_view source;
      ShownItem item;
      if (!read_field(one, "item_id", id)) {
        return Error(ErrorCode::kCorrupt, "an item has no item_id");
      }
      read_field(one, "source", source);
      read_field(one, "score", item.score);
      item.id = id;
      item.source = source;
      simdjson::dom::array reasons;
      if (read_field(one, "reasons", reasons)) {
        for (const auto reason : reasons) {
          std::string_view text;
          if (reason.get(text) != simdjson::SUCCESS) continue;
          if (!item.reasons.empty()) item.reasons += ", ";
          item.reasons += text;
        }
      }
      window.items.push_back(std::move(item));
    }
    return window;
  }

  Result<ItemFacts> facts(const std::string& id) {
    if (const auto known = facts_.find(id); known != facts_.end()) return known->second;
    VITRINE_TRY(const ApiAnswer answer, client_.get("/v1/items/" + net::percent_encode(id)));
    if (!answer.ok()) return refusal(answer).context("reading item " + id);
    VITRINE_TRY(auto json, parser_.parse(answer.body));
    ItemFacts facts;
    std::string_view text;
    if (read_field(json, "title", text)) facts.title = text;
    simdjson::dom::array categories;
    if (read_field(json, "categories", categories) && categories.size() > 0 &&
        categories.at(0).get(text) == simdjson::SUCCESS) {
      facts.category = text;
    }
    if (!read_field(json, "price", facts.price)) facts.price = -1;
    facts_.emplace(id, facts);
    return facts;
  }

  void title(std::string_view text, std::string_view call, double ms) {
    out_ << "\n" << ++chapter_ << ". " << text << "\n   " << call;
    if (ms >= 0) out_ << "   " << fixed(ms) << " ms";
    out_ << "\n\n";
  }

  // With `before`, a last column says what is new and what moved.
  Status print(const Window& window, const Window* before = nullptr) {
    std::vector<TextTable::Column> columns{
        {"#", TextTable::kRight},         {"item", TextTable::kLeft, 16},
        {"title", TextTable::kLeft, 42},  {"category", TextTable::kLeft, 14},
        {"price", TextTable::kRight, 12}, {"why", TextTable::kLeft, 32}};
    if (before != nullptr) columns.push_back({"change", TextTable::kLeft});
    TextTable table(std::move(columns));
    for (std::size_t i = 0; i < window.items.size(); ++i) {
      const ShownItem& item = window.items[i];
      VITRINE_TRY(const ItemFacts known, facts(item.id));
      std::vector<std::string> cells{std::to_string(i + 1),
                                     item.id,
                                     known.title,
                                     known.category,
                                     known.price < 0 ? "" : fixed(known.price),
                                     item.reasons.empty() ? item.source : item.reasons};
      if (before != nullptr) cells.push_back(change(before->rank_of(item.id), i));
      table.row(std::move(cells));
    }
    if (window.items.empty()) {
      out_ << "  nothing\n";
    } else {
      table.print(out_);
    }
    if (window.stale) out_ << "  (stale: the state had not caught up within 250 ms)\n";
    return ok_status();
  }

  static std::string change(std::optional<std::size_t> was, std::size_t is) {
    if (!was) return "NEW";
    if (*was == is) return "";
    return *was > is ? "up " + std::to_string(*was - is) : "down " + std::to_string(is - *was);
  }

  Status show_home() {
    VITRINE_TRY(home_, ask({.placement = "home", .user_id = options_.user}));
    title("Home for customer " + options_.user, "POST /v1/recommend/home", home_.ms);
    return print(home_);
  }

  // Three popular items of one category that the home window shows least of: a change of mind.
  Status choose_clicks() {
    std::map<std::string, std::vector<std::string>> by_category;
    for (const ShownItem& item : popular_.items) {
      VITRINE_TRY(const ItemFacts known, facts(item.id));
      if (!home_.rank_of(item.id)) by_category[known.category].push_back(item.id);
    }
    std::map<std::string, std::size_t> at_home;
    for (const ShownItem& item : home_.items) {
      VITRINE_TRY(const ItemFacts known, facts(item.id));
      ++at_home[known.category];
    }
    const std::vector<std::string>* best = nullptr;
    std::size_t least = 0;
    for (const auto& [category, ids] : by_category) {
      if (ids.size() < 3 || category.empty() || category == "other") continue;
      if (best == nullptr || at_home[category] < least) {
        best = &ids;
        least = at_home[category];
      }
    }
    if (best != nullptr) {
      clicked_.assign(best->begin(), best->begin() + 3);
    } else {
      for (const ShownItem& item : popular_.items) {
        if (clicked_.size() < 3) clicked_.push_back(item.id);
      }
    }
    return ok_status();
  }

  std::string click_json(const std::string& item, std::size_t number) const {
    const TimeUs now = options_.clock->wall_us();
    std::string body;
    codec::JsonWriter json(body);
    json.begin_object();
    json.key("event_id").string("tour-" + std::to_string(now) + "-" + std::to_string(number));
    json.key("type").string("detail-page-view");
    json.key("event_time").string(codec::format_rfc3339(now));
    json.key("user").begin_object().key("user_id").string(options_.user).end_object();
    json.key("items").begin_array().begin_object();
    json.key("item_id").string(item);
    json.end_object().end_array();
    json.end_object();
    json.finish();
    return body;
  }

  Status show_clicks() {
    VITRINE_TRY(choose_clicks());
    for (const auto& id : clicked_) VITRINE_TRY(facts(id));
    title(options_.user + " looks at three items, and home changes", "POST /v1/events", -1);
    std::string version;
    std::int64_t acknowledged_ns = 0;
    for (std::size_t i = 0; i < clicked_.size(); ++i) {
      VITRINE_TRY(const ApiAnswer answer,
                  client_.post_json("/v1/events", click_json(clicked_[i], i)));
      acknowledged_ns = options_.clock->steady_ns();
      if (answer.status != 202) return refusal(answer).context("sending a click");
      VITRINE_TRY(auto json, parser_.parse(answer.body));
      std::string_view token;
      if (!read_field(json, "profile_version", token)) {
        return Error(ErrorCode::kCorrupt, "the answer to an event has no profile_version");
      }
      version = token;
      out_ << "  click on " << clicked_[i] << " " << facts_[clicked_[i]].title
           << "   durable after " << fixed(answer.ms) << " ms\n";
    }
    VITRINE_TRY(
        const Window after,
        ask({.placement = "home", .user_id = options_.user, .min_profile_version = version}));
    const double changed_ms = static_cast<double>(after.answered_ns - acknowledged_ns) / 1e6;
    std::size_t fresh = 0;
    for (const ShownItem& item : after.items) fresh += home_.rank_of(item.id) ? 0 : 1;
    out_ << "\n  " << fixed(changed_ms) << " ms after the last 202 the answer "
         << (after.stale ? "did not know the clicks yet"
             : fresh > 0 ? "knows the clicks: " + std::to_string(fresh) +
                               (fresh == 1 ? " row is new" : " rows are new")
                         : "knows the clicks; its rows are the same")
         << "   (POST /v1/recommend/home with min_profile_version " << version << ")\n\n";
    return print(after, &home_);
  }

  Status show_context(std::string_view what, std::string_view placement, const std::string& item) {
    VITRINE_TRY(const ItemFacts known, facts(item));
    VITRINE_TRY(const Window window,
                ask({.placement = std::string(placement), .item_ids = {item}}));
    title(std::string(what) + " " + item + " " + known.title,
          "POST /v1/recommend/" + std::string(placement), window.ms);
    return print(window);
  }

  // The category with most of the popular items, below the median of their prices.
  Status show_filtered() {
    std::map<std::string, std::vector<double>> prices;
    for (const ShownItem& item : popular_.items) {
      VITRINE_TRY(const ItemFacts known, facts(item.id));
      if (known.category.empty() || known.category == "other" || known.price < 0) continue;
      prices[known.category].push_back(known.price);
    }
    if (prices.empty()) return ok_status();  // nothing to filter by
    auto most = prices.begin();
    for (auto at = prices.begin(); at != prices.end(); ++at) {
      if (at->second.size() > most->second.size()) most = at;
    }
    std::sort(most->second.begin(), most->second.end());
    const double median = most->second[most->second.size() / 2];
    const std::string filter = "category = " + filter_text(most->first) +
                               " and price <= " + fixed(median) + " and in_stock";
    VITRINE_TRY(const Window window,
                ask({.placement = "home", .user_id = options_.user, .filter = filter}));
    title("Home for " + options_.user + ", only " + filter, "POST /v1/recommend/home with a filter",
          window.ms);
    return print(window);
  }

  Status show_new_visitor() {
    const std::string visitor = "tour-visitor-" + std::to_string(options_.clock->wall_us());
    VITRINE_TRY(const Window window, ask({.placement = "home", .anonymous_id = visitor}));
    title("Home for a visitor nobody knows", "POST /v1/recommend/home", window.ms);
    return print(window);
  }

  const TourOptions& options_;
  ApiClient client_;
  std::ostream& out_;
  codec::JsonParser parser_;
  std::map<std::string, ItemFacts> facts_;
  int chapter_ = 0;
  Window popular_;
  Window home_;  // before the clicks
  std::vector<std::string> clicked_;
};

}  // namespace

Status run_tour(const TourOptions& options, std::ostream& out) {
  if (options.rows < 3 || options.rows > 20) {
    return Error(ErrorCode::kInvalidArgument, "a table of the tour has 3 to 20 rows");
  }
  if (options.user.empty()) return Error(ErrorCode::kInvalidArgument, "the tour needs a user");
  VITRINE_TRY(auto client, ApiClient::open({options.url, options.key, options.ca_file}));
  return Tour(options, std::move(client), out).walk();
}

}  // namespace vitrine::importer
