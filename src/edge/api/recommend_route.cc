#include <cstring>

#include <sodium.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "edge/api/answer_json.h"
#include "edge/api/page_cursor.h"
#include "edge/api/problem.h"
#include "edge/api/recommend_now.h"
#include "edge/api/recommend_request.h"
#include "edge/api/routes.h"
#include "edge/api/version_wait.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {
namespace {

struct Question {
  Question(Platform& p, gateway::Caller c, std::shared_ptr<TenantServices> s,
           const policy::Placement* where, RecommendBody b, TimeUs at, net::Responder r)
      : platform(p),
        caller(std::move(c)),
        services(std::move(s)),
        placement(where),
        body(std::move(b)),
        now(at),
        responder(std::move(r)) {}

  Platform& platform;
  gateway::Caller caller;
  std::shared_ptr<TenantServices> services;
  const policy::Placement* placement;  // of caller.view, or built in
  RecommendBody body;
  TimeUs now;
  net::Responder responder;
};

struct EmptyState {
  catalog::Catalog catalog;
  profile::Profiles profiles{{}};
  profile::Showings showings;
  covisit::Covisit covisit;
  counters::Counters counters{kDayUs};
  repeat::Repeat repeats;
  const recommend::StateView view{catalog,  profiles, showings, covisit, covisit,
                                  counters, counters, repeats,  0};
};

// Of what makes one list: the pages of it must ask for the same.
std::uint64_t list_fingerprint(TenantId tenant, std::string_view placement,
                               const RecommendBody& body) {
  std::string text;
  {
    ByteWriter out(text);
    out.u32(tenant.value);
    for (const std::string_view part :
         {placement, std::string_view(body.user_id), std::string_view(body.anonymous_id),
          std::string_view(body.filter)}) {
      out.string(part);
    }
    for (const auto* list : {&body.item_ids, &body.cart, &body.boost_filters}) {
      out.varint(list->size());
      for (const std::string& one : *list) out.string(one);
    }
    for (const double factor : body.boost_factors) out.f64(factor);
  }
  return hash64(text);
}

void write_next_cursor(const recommend::Request& request, const recommend::Answer& answer,
                       std::uint64_t fingerprint, codec::JsonWriter& json) {
  std::vector<ItemIndex> shown(request.already_shown.begin(), request.already_shown.end());
  for (const auto& item : answer.items) shown.push_back(item.item);
  json.key("next_cursor");
  if (answer.items.size() < answer.limit || shown.size() > recommend::kPagedItemsMax) {
    json.null();
  } else {
    json.string(format_page_cursor(fingerprint, shown));
  }
}

void give_answer(Question& question, bool stale) {
  thread_local recommend::Answer answer;
  RequestViews views(question.body, question.placement->policy.placement, question.now);
  std::vector<ItemIndex> shown_before;
  std::uint64_t fingerprint = 0;
  if (question.body.cursor) {
    fingerprint = list_fingerprint(question.caller.tenant, question.placement->policy.placement,
                                   question.body);
    auto cursor = parse_page_cursor(*question.body.cursor, fingerprint);
    if (!cursor.ok()) return question.responder.respond(problem_response(cursor.error()));
    shown_before = std::move(cursor).value();
    views.request().already_shown = shown_before;
  }
  const eventlog::Position shown = question.services->partition.applied();
  const TimeUs lag_us = question.services->partition.lag_us(question.platform.clock().wall_us());
  const auto asked = recommend_now(question.platform, *question.services, question.caller.tenant,
                                   *question.placement, views.request(), answer);
  if (!asked.ok()) return question.responder.respond(problem_response(asked.error()));
  const recommend::RequestId& request_id = *asked;

  net::Response response;
  response.content_type = "application/json";
  codec::JsonWriter json(response.body);
  json.begin_object();
  json.key("request_id").string(recommend::format_request_id(request_id));
  json.key("placement").string(question.placement->policy.placement);
  write_items(answer, question.body.explain, json);
  if (!question.body.to_rank.empty()) write_left_out(views.request(), answer, json);
  if (question.body.cursor) write_next_cursor(views.request(), answer, fingerprint, json);
  json.key("model").string(answer.model.empty() ? "live" : answer.model);
  json.key("experiment").null();
  json.key("profile_version")
      .string(record::format_profile_version({question.caller.view->tenant.epoch, shown}));
  json.key("lag_ms").number(static_cast<double>(lag_us) / 1000.0);
  if (stale) json.key("stale").boolean(true);
  if (question.body.explain) write_explanation(answer, json);
  json.end_object();
  json.finish();
  question.responder.respond(std::move(response));
}

}  // namespace

// Unguessable, and cheap: libsodium's generator, drawn in blocks per thread.
recommend::RequestId new_request_id(TimeUs now) {
  struct Pool {
    std::array<recommend::RequestId, 256> ids;
    std::size_t used = 256;
  };
  thread_local Pool pool;
  if (pool.used == pool.ids.size()) {
    randombytes_buf(pool.ids.data(), sizeof pool.ids);
    pool.used = 0;
  }
  recommend::RequestId id = pool.ids[pool.used++];
  recommend::put_time(id, now);
  return id;
}

const recommend::StateView& empty_state() {
  static const EmptyState empty;
  return empty.view;
}

Result<recommend::RequestId> recommend_now(Platform& platform, TenantServices& services,
                                           TenantId tenant, const policy::Placement& placement,
                                           recommend::Request request, recommend::Answer& answer) {
  thread_local recommend::Scratch scratch;
  thread_local std::string record;
  request.policy_fingerprint = placement.fingerprint;
  request.policy_json = placement.json;
  auto& recommender = services.recommender;
  VITRINE_TRY(with_state(services, tenant, [&](const recommend::StateView& state) {
    return request.to_rank.empty()
               ? recommender.recommend(state, placement.policy, request, scratch, answer)
               : recommender.rank(state, placement.policy, request, scratch, answer);
  }));
  const auto request_id = new_request_id(request.now);
  record.clear();
  recommender.record(request_id, tenant, request, answer, record);
  platform.answers().append(record);
  return request_id;
}

const policy::Placement* find_placement(const Call& call, std::string_view name,
                                        net::Responder& responder) {
  const policy::Placements& placements = call.caller.view->placements;
  const policy::Placement* found = placements.find(name);
  if (found == nullptr) {
    responder.respond(problem_response(
        404, "placement_not_found",
        "no placement '" + std::string(name.substr(0, 64)) + "'; there are " + placements.names()));
  }
  return found;
}

namespace {

void answer_body(Call& call, net::Responder responder, BodyShape shape) {
  const policy::Placement* placement = find_placement(call, call.arguments[0], responder);
  if (placement == nullptr) return;
  auto body = parse_recommend_body(call.request.body(), net::kBodyPadding, shape);
  if (!body.ok()) return responder.respond(problem_response(body.error()));
  auto services = tenant_services(call, responder);
  if (!services) return;

  const auto version = body->min_profile_version;
  const auto question =
      std::make_shared<Question>(call.platform, call.caller, services, placement,
                                 std::move(body).value(), call.now, std::move(responder));
  const auto later = [question](bool stale) { give_answer(*question, stale); };
  if (shows_or_wait(call.platform, services, call.caller.view->tenant.epoch, version, later)) {
    give_answer(*question, false);
  }
}

}  // namespace

void post_recommend(Call& call, net::Responder responder) {
  answer_body(call, std::move(responder), BodyShape::kWindow);
}

void post_rank(Call& call, net::Responder responder) {
  answer_body(call, std::move(responder), BodyShape::kRank);
}

}  // namespace vitrine::api
