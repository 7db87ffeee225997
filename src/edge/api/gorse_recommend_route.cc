#include <algorithm>
#include <charconv>
#include <queue>

#include "domain/policy/policy.h"
#include "edge/api/problem.h"
#include "edge/api/recommend_now.h"
#include "edge/api/routes.h"
#include "edge/facade/gorse.h"
#include "platform/codec/json_writer.h"
#include "platform/net/url.h"

namespace vitrine::api {
namespace {

constexpr std::size_t kIdBytesMax = 256;

struct Scored {
  std::string id;
  double score = 0;
};

// What the query and the path ask for.
struct Wish {
  std::size_t n = 10;
  std::size_t offset = 0;
  std::string category;  // empty: any
};

bool read_wish(const Call& call, std::string_view category, net::Responder& responder, Wish& out) {
  const auto number = [&](std::string_view name, std::size_t& into) {
    const auto text = net::query_value(call.request.query(), name);
    if (!text || text->empty()) return true;
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), into);
    return code == std::errc{} && end == text->data() + text->size() &&
           into <= recommend::kRequestLimitMax;
  };
  out.category = category;
  if (out.category.empty()) {
    out.category = net::query_value(call.request.query(), "category").value_or("");
  }
  if (number("n", out.n) && number("offset", out.offset) && out.n > 0 &&
      out.n + out.offset <= recommend::kRequestLimitMax) {
    return true;
  }
  responder.respond(problem_response(
      400, "invalid_argument",
      "n must be a number from 1, offset one from 0, and together they must be at most 100"));
  return false;
}

std::string category_filter(std::string_view category) {
  if (category.empty()) return {};
  std::string filter = "category = ";
  codec::JsonWriter json(filter);
  json.string(category);
  json.finish();
  return filter;
}

// Asks a placement; false after answering with what was wrong.
bool ask(Call& call, TenantServices& services, std::string_view placement, const Wish& wish,
         std::string_view user_id, std::span<const std::string_view> item_ids,
         net::Responder& responder, std::vector<Scored>& out) {
  thread_local recommend::Answer answer;
  const std::string filter = category_filter(wish.category);
  recommend::Request request;
  request.placement = placement;
  request.user_id = user_id;
  request.item_ids = item_ids;
  request.limit = static_cast<std::uint32_t>(wish.n + wish.offset);
  request.filter = filter;
  request.now = call.now;
  const auto asked = recommend_now(call.platform, services, call.caller.tenant,
                                   *call.caller.view->placements.find(placement), request, answer);
  if (!asked.ok()) {
    responder.respond(problem_response(asked.error()));
    return false;
  }
  for (std::size_t i = wish.offset; i < answer.items.size(); ++i) {
    out.push_back({std::string(answer.item_id(i)), answer.items[i].score});
  }
  return true;
}

net::Response scored_response(const std::vector<Scored>& items) {
  std::string body;
  codec::JsonWriter json(body);
  json.begin_array();
  for (const Scored& item : items) {
    json.begin_object();
    json.key("Id").string(item.id);
    json.key("Score").number(item.score);
    json.end_object();
  }
  json.end_array();
  json.finish();
  return json_response(std::move(body));
}

net::Response ids_response(const std::vector<Scored>& items) {
  std::string body;
  codec::JsonWriter json(body);
  json.begin_array();
  for (const Scored& item : items) json.string(item.id);
  json.end_array();
  json.finish();
  return json_response(std::move(body));
}

// The impressions that a caller wants written for what it was shown.
facade::Translation impressions(const recommend::RequestId& salt, std::string_view user_id,
                                const std::vector<Scored>& items) {
  facade::Translation out;
  codec::JsonWriter json(out.events);
  json.begin_object();
  json.key("event_id").string("gorse-shown-" + recommend::format_request_id(salt));
  json.key("type").string(event::event_type_name(event::EventType::kImpression));
  json.key("user").begin_object().key("user_id").string(user_id).end_object();
  json.key("items").begin_array();
  for (const Scored& item : items) json.begin_object().key("item_id").string(item.id).end_object();
  json.end_array();
  json.end_object();
  json.newline();
  json.finish();
  out.origin.push_back(out.messages++);
  return out;
}

// The newest in stock, by their own timestamp where the attribute is there. O(items), with the
// attribute; without it only as many are looked at as are needed.
std::vector<Scored> newest(const catalog::Catalog& catalog, const Wish& wish) {
  const auto field = catalog.find_field("timestamp");
  const auto* column =
      field && field->column != nullptr ? std::get_if<catalog::TimeColumn>(field->column) : nullptr;
  const std::size_t wanted = wish.n + wish.offset;
  using Entry = std::pair<TimeUs, std::uint32_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> best;
  catalog.for_each_listed_newest_first([&](ItemIndex item) {
    const auto of_category = [&](catalog::Code code) {
      return catalog.category_name(code) == wish.category;
    };
    if (!catalog.in_stock(item)) return true;
    if (!wish.category.empty() && std::ranges::none_of(catalog.categories(item), of_category)) {
      return true;
    }
    TimeUs time = column == nullptr ? catalog::TimeColumn::kAbsent : column->at(item.value);
    if (time == catalog::TimeColumn::kAbsent) time = catalog.created(item);
    best.emplace(time, item.value);
    if (best.size() > wanted) best.pop();
    return column != nullptr || best.size() < wanted;
  });
  std::vector<Scored> out(best.size());
  for (std::size_t i = out.size(); i-- > 0; best.pop()) {
    const auto [time, index] = best.top();
    out[i] = {std::string(catalog.item_id(ItemIndex{index})),
              static_cast<double>(time / kSecondUs)};
  }
  out.erase(out.begin(),
            out.begin() + static_cast<std::ptrdiff_t>(std::min(wish.offset, out.size())));
  return out;
}

bool good_id(std::string_view id, net::Responder& responder) {
  if (id.size() <= kIdBytesMax) return true;
  responder.respond(problem_response(400, "invalid_argument", "an id has at most 256 bytes"));
  return false;
}

}  // namespace

void gorse_recommend(Call& call, net::Responder responder) {
  Wish wish;
  const std::string& user_id = call.arguments[0];
  const std::string_view category =
      call.arguments.count > 1 ? std::string_view(call.arguments[1]) : std::string_view();
  if (!good_id(user_id, responder) || !read_wish(call, category, responder, wish)) return;
  auto services = tenant_services(call, responder);
  if (!services) return;
  std::vector<Scored> items;
  if (!ask(call, *services, "home", wish, user_id, {}, responder, items)) return;
  const bool with_scores = call.request.header("x-api-version") == "2";
  const auto write_back = net::query_value(call.request.query(), "write-back-type");
  net::Response response = with_scores ? scored_response(items) : ids_response(items);
  if (!write_back || write_back->empty() || items.empty()) {
    return responder.respond(std::move(response));
  }
  const recommend::RequestId salt = new_request_id(call.now);
  collect_translation(call, std::move(responder), impressions(salt, user_id, items),
                      [response](const auto&, const auto&) { return response; });
}

void gorse_popular(Call& call, net::Responder responder) {
  Wish wish;
  if (!read_wish(call, call.arguments[0], responder, wish)) return;
  auto services = tenant_services(call, responder);
  if (!services) return;
  std::vector<Scored> items;
  const auto user_id = net::query_value(call.request.query(), "user-id").value_or("");
  if (!good_id(user_id, responder)) return;
  if (!ask(call, *services, "popular", wish, user_id, {}, responder, items)) return;
  responder.respond(scored_response(items));
}

void gorse_latest(Call& call, net::Responder responder) {
  Wish wish;
  if (!read_wish(call, call.arguments[0], responder, wish)) return;
  auto services = tenant_services(call, responder);
  if (!services) return;
  std::vector<Scored> items;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    items = newest(state->catalog(), wish);
  }
  responder.respond(scored_response(items));
}

void gorse_neighbors(Call& call, net::Responder responder) {
  Wish wish;
  const std::string_view category =
      call.arguments.count > 1 ? std::string_view(call.arguments[1]) : std::string_view();
  if (!good_id(call.arguments[0], responder)) return;
  if (!read_wish(call, category, responder, wish)) return;
  auto services = tenant_services(call, responder);
  if (!services) return;
  const std::string_view item_id = call.arguments[0];
  std::vector<Scored> items;
  if (!ask(call, *services, "product-similar", wish, {}, std::span(&item_id, 1), responder,
           items)) {
    return;
  }
  responder.respond(scored_response(items));
}

}  // namespace vitrine::api
