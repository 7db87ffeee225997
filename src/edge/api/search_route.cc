#include <algorithm>
#include <array>
#include <cmath>

#include "domain/catalog/item_json.h"
#include "domain/query/search_settings.h"
#include "domain/record/profile_version.h"
#include "domain/record/record.h"
#include "edge/api/problem.h"
#include "edge/api/recommend_now.h"
#include "edge/api/routes.h"
#include "edge/api/search_body.h"
#include "edge/api/search_services.h"
#include "edge/api/version_wait.h"
#include "engine/text/analyser.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {
namespace {

constexpr std::array<std::string_view, 2> kPlacements{"search", "category"};

void write_range(const search::FacetRange& range, codec::JsonWriter& json) {
  const auto side = [&json](std::string_view name, double value) {
    json.key(name);
    std::isfinite(value) ? json.number(value) : json.null();
  };
  side("from", range.from);
  side("to", range.to);
}

void write_facets(const search::SearchAnswer& answer, codec::JsonWriter& json) {
  json.key("facets").begin_array();
  for (const search::FacetAnswer& facet : answer.facets) {
    json.begin_object();
    json.key("attribute").string(facet.attribute);
    json.key("with_value").number(facet.with_value);
    if (facet.numeric && facet.with_value > 0) {
      json.key("min").number(facet.lowest);
      json.key("max").number(facet.highest);
    }
    json.key(facet.numeric ? "ranges" : "values").begin_array();
    for (const search::FacetValue& value : facet.values) {
      json.begin_object();
      if (facet.numeric) {
        write_range(value.range, json);
      } else {
        json.key("value").string(value.text);
      }
      json.key("count").number(value.count);
      json.end_object();
    }
    json.end_array();
    if (!facet.numeric) json.key("other_values").number(facet.others);
    json.end_object();
  }
  json.end_array();
}

void write_parts(const search::FoundItem& item, codec::JsonWriter& json) {
  json.key("parts").begin_object();
  json.key("text").number(item.parts.text);
  json.key("relevance").number(item.parts.relevance);
  json.key("taste").number(item.parts.taste);
  json.key("affinity").number(item.parts.near);
  json.key("popularity").number(item.parts.wanted);
  json.key("clicks").number(item.parts.chosen);
  json.key("stock").number(item.parts.stock);
  json.key("terms").begin_array();
  for (const auto& term : item.terms) {
    json.begin_object();
    json.key("what").string(term.what);
    json.key("score").number(static_cast<float>(term.score));
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

// Of the fields asked for those that the item has, as it was sent.
void write_attributes(const catalog::Catalog& catalog, ItemIndex index, const SearchBody& body,
                      codec::JsonWriter& json) {
  const auto item = catalog.get_item(index);
  if (!item) return;
  catalog::Item shown{item->id, {}};
  for (const catalog::Attribute& attribute : item->attributes) {
    const bool asked = std::any_of(body.fields.begin(), body.fields.end(), [&](const auto& field) {
      return catalog::canonical_name(field) == attribute.name;
    });
    if (asked) shown.attributes.push_back(attribute);
  }
  std::string text;
  catalog::append_json(shown, text);
  json.key("attributes").raw(text);
}

void write_items(const search::SearchState& state, const SearchBody& body,
                 const search::SearchAnswer& answer, codec::JsonWriter& json) {
  json.key("items").begin_array();
  for (const search::FoundItem& item : answer.items) {
    json.begin_object();
    json.key("item_id").string(state.catalog().item_id(item.item));
    json.key("score").number(item.score);
    if (!item.highlight.title.empty()) {
      json.key("highlight").begin_object();
      json.key("title").string(item.highlight.title);
      if (!item.highlight.description.empty()) {
        json.key("description").string(item.highlight.description);
      }
      json.end_object();
    }
    if (!body.fields.empty()) write_attributes(state.catalog(), item.item, body, json);
    if (body.explain) write_parts(item, json);
    json.end_object();
  }
  json.end_array();
}

void write_explanation(const search::SearchState& state, const search::SearchAnswer& answer,
                       codec::JsonWriter& json) {
  json.key("explain").begin_object();
  json.key("words").number(answer.words);
  json.key("words_needed").number(answer.words_needed);
  json.key("history").number(answer.history);
  json.key("best_text").number(answer.best_text);
  json.key("strengths").begin_object();
  json.key("personal").number(state.settings.personal);
  json.key("affinity").number(state.settings.affinity);
  json.key("popularity").number(state.settings.popularity);
  json.key("clicks").number(state.settings.clicks);
  json.key("out_of_stock").number(state.settings.out_of_stock);
  json.end_object();
  json.end_object();
}

void write_text_or_null(std::string_view key, const std::string& text, codec::JsonWriter& json) {
  json.key(key);
  text.empty() ? json.null() : json.string(text);
}

void write_answer(const search::SearchState& state, const SearchBody& body,
                  const search::SearchAnswer& answer, codec::JsonWriter& json) {
  json.key("total").number(answer.total);
  json.key("match").string(search::match_name(answer.match));
  write_text_or_null("corrected_query", answer.searched, json);
  write_text_or_null("did_you_mean", answer.did_you_mean, json);
  write_text_or_null("redirect", answer.redirect, json);
  write_items(state, body, answer, json);
  write_facets(answer, json);
  if (!answer.complete) json.key("index_complete").boolean(false);
  if (body.explain) write_explanation(state, answer, json);
}

// A search is an event of its visitor, as if the shop had sent it. What becomes of it changes
// nothing for the answer.
void record_search(Call& call, TenantServices& services, const SearchBody& body,
                   const search::SearchAnswer& answer, const std::string& request_id) {
  const bool blank = body.query.find_first_not_of(" \t\r\n") == std::string::npos;
  const bool nobody = body.user_id.empty() && body.anonymous_id.empty();
  if (!body.record || blank || nobody || body.offset > 0 || body.as_you_type) return;
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  json.key("event_id").string("search-" + request_id);
  json.key("type").string("search");
  json.key("user").begin_object();
  if (!body.user_id.empty()) json.key("user_id").string(body.user_id);
  if (!body.anonymous_id.empty()) json.key("anonymous_id").string(body.anonymous_id);
  json.end_object();
  json.key("search").begin_object();
  json.key("query").string(body.query);
  json.key("results").number(answer.total);
  json.end_object();
  json.key("attribution").begin_object();
  json.key("request_id").string(request_id);
  json.end_object();
  json.end_object();
  json.finish();
  collect::CollectRequest request;
  request.tenant = call.caller.tenant;
  request.users_max = call.caller.view->tenant.quotas.users_max;
  request.body.bytes = text;
  request.body.format = collect::BodyFormat::kJson;
  request.body.encoding = collect::BodyEncoding::kIdentity;
  request.now = call.now;
  request.admit = [&call](std::size_t events) {
    return call.platform.gateway().admit(call.caller,
                                         {.requests = 0, .events = static_cast<double>(events)},
                                         call.platform.clock().steady_ns());
  };
  if (services.collector.collect(request, [](const auto&) {}).ok()) {
    call.platform.flush_at_round_end(services.partition);
  }
}

Status check_fields(const catalog::Catalog& catalog, const SearchBody& body) {
  for (std::size_t i = 0; i < body.fields.size(); ++i) {
    if (catalog.find_field(body.fields[i])) continue;
    return Error(ErrorCode::kInvalidArgument, "fields[" + std::to_string(i) +
                                                  "]: no item has an attribute '" + body.fields[i] +
                                                  "'; GET /v1/attributes lists them")
        .with_reason("invalid_request");
  }
  return ok_status();
}

}  // namespace

namespace {

// A search that may have to wait. Answers with what shows now.
void give_found(Call& call, const std::shared_ptr<TenantServices>& services, const SearchBody& body,
                bool stale, net::Responder& responder) {
  thread_local search::SearchScratch scratch;
  thread_local search::SearchAnswer answer;
  const std::string request_id = recommend::format_request_id(new_request_id(call.now));
  const eventlog::Position shown = services->partition.applied();
  net::Response response;
  response.content_type = "application/json";
  Status done = ok_status();
  const auto work = [&](const search::SearchState& state) {
    done = check_fields(state.catalog(), body);
    if (!done.ok()) return;
    done = services->search_box->search(
        state, {services->recommender.filter_cache(), services->recommender.match_cache()},
        body.request(call.now), scratch, answer);
    if (!done.ok()) return;
    codec::JsonWriter json(response.body);
    json.begin_object();
    json.key("request_id").string(request_id);
    json.key("placement").string(call.arguments[0]);
    write_answer(state, body, answer, json);
    json.key("profile_version")
        .string(record::format_profile_version({call.caller.view->tenant.epoch, shown}));
    if (stale) json.key("stale").boolean(true);
    json.end_object();
    json.finish();
  };
  const PartitionStateSource source(services->partition, call.caller.tenant);
  if (!source.read(work)) with_empty_search_state(work);
  if (!done.ok()) return responder.respond(problem_response(done.error()));
  record_search(call, *services, body, answer, request_id);
  responder.respond(std::move(response));
}

}  // namespace

void post_search(Call& call, net::Responder responder) {
  const std::string& placement = call.arguments[0];
  if (std::find(kPlacements.begin(), kPlacements.end(), placement) == kPlacements.end()) {
    return responder.respond(problem_response(
        404, "placement_not_found",
        "no search placement '" + placement.substr(0, 64) + "'; there are search, category"));
  }
  auto body = parse_search_body(call.request.body(), net::kBodyPadding);
  if (!body.ok()) return responder.respond(problem_response(body.error()));
  const auto services = tenant_services(call, responder);
  if (!services) return;
  const std::uint32_t epoch = call.caller.view->tenant.epoch;
  if (!body->min_profile_version) {
    return give_found(call, services, *body, false, responder);
  }
  struct Search {
    Call call;
    SearchBody body;
    net::Responder responder;
  };
  const std::shared_ptr<Search> asked(
      new Search{call, std::move(body).value(), std::move(responder)});
  const auto later = [asked, services](bool stale) {
    give_found(asked->call, services, asked->body, stale, asked->responder);
  };
  if (shows_or_wait(call.platform, services, epoch, asked->body.min_profile_version, later)) {
    later(false);
  }
}

void put_search_settings(Call& call, net::Responder responder) {
  const auto settings = query::parse_search_settings(call.request.body(), net::kBodyPadding);
  if (!settings.ok()) return responder.respond(problem_response(settings.error()));
  text::AnalyserOptions options;
  options.language = settings->language;
  if (const auto analyser = text::Analyser::make(options); !analyser.ok()) {
    return responder.respond(problem_response(
        Error(ErrorCode::kInvalidArgument, "language: " + analyser.error().message())
            .with_reason("invalid_request")));
  }
  auto services = tenant_services(call, responder);
  if (!services) return;
  auto printed = std::make_shared<std::string>(query::print_search_settings(*settings));
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, call.caller.tenant);
  payload += *printed;
  const eventlog::RecordRef ref{static_cast<std::uint16_t>(record::RecordKind::kSearchSettings), 0,
                                payload};
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  append_and_apply(
      services, std::span(&ref, 1), [owed, printed](Result<eventlog::PositionRange> applied) {
        owed->respond(applied.ok() ? json_response(*printed) : problem_response(applied.error()));
      });
}

void get_search_settings(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  query::SearchSettings settings;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    settings = runtime->read()->search_settings();
  }
  responder.respond(json_response(query::print_search_settings(settings)));
}

}  // namespace vitrine::api
