#include <atomic>
#include <cstring>

#include <sodium.h>

#include "domain/policy/policy.h"
#include "edge/api/problem.h"
#include "edge/api/recommend_request.h"
#include "edge/api/routes.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {
namespace {

// How long an answer waits for the profile version it was asked to show.
constexpr std::chrono::milliseconds kVersionWait{250};

// A position that no log reaches.
constexpr eventlog::Position kNever = ~eventlog::Position{0};

struct Question {
  Question(Platform& p, gateway::Caller c, std::shared_ptr<TenantServices> s,
           const policy::PlacementPolicy* placement, RecommendBody b, TimeUs at, net::Responder r)
      : platform(p),
        caller(std::move(c)),
        services(std::move(s)),
        policy(placement),
        body(std::move(b)),
        now(at),
        responder(std::move(r)) {}

  Platform& platform;
  gateway::Caller caller;
  std::shared_ptr<TenantServices> services;
  const policy::PlacementPolicy* policy;
  RecommendBody body;
  TimeUs now;
  net::Responder responder;

  // Set by whoever answers first: the applier's notice or the timer.
  std::atomic<bool> taken{false};
  std::atomic<net::Timers::Id> timer{0};
};

// Unguessable, and cheap: libsodium's generator, drawn in blocks per thread.
recommend::RequestId new_request_id() {
  struct Pool {
    std::array<recommend::RequestId, 256> ids;
    std::size_t used = 256;
  };
  thread_local Pool pool;
  if (pool.used == pool.ids.size()) {
    randombytes_buf(pool.ids.data(), sizeof pool.ids);
    pool.used = 0;
  }
  return pool.ids[pool.used++];
}

void write_items(const recommend::Answer& answer, bool explain, codec::JsonWriter& json) {
  json.key("items").begin_array();
  for (std::size_t i = 0; i < answer.items.size(); ++i) {
    const auto& item = answer.items[i];
    json.begin_object();
    json.key("item_id").string(answer.item_id(i));
    json.key("score").number(item.score);
    json.key("source").string(policy::source_name(item.source));
    json.key("reasons").begin_array();
    json.string(recommend::reason_code(item.source));
    json.end_array();
    if (explain) {
      json.key("link").string(recommend::link_name(item.link));
      json.key("sources").begin_object();
      for (std::size_t s = 0; s < item.contributions.size(); ++s) {
        if (item.contributions[s] == 0) continue;
        json.key(policy::source_name(static_cast<recommend::Source>(s)))
            .number(item.contributions[s]);
      }
      json.end_object();
    }
    json.end_object();
  }
  json.end_array();
}

void write_explanation(const recommend::Answer& answer, codec::JsonWriter& json) {
  json.key("explain").begin_object();
  json.key("limit").number(answer.limit);
  json.key("diversity").number(answer.diversity);
  json.key("history").number(answer.history);
  json.key("candidates").number(answer.candidates);
  json.key("tested").number(answer.tested);
  json.key("unknown_items").number(answer.unknown_items);
  json.key("filter_path").string(recommend::filter_path_name(answer.filter_path));
  json.key("dropped").begin_object();
  for (std::size_t d = 0; d < answer.drops.size(); ++d) {
    if (answer.drops[d] == 0) continue;
    json.key(recommend::drop_name(static_cast<recommend::Drop>(d))).number(answer.drops[d]);
  }
  json.end_object();
  json.key("supplied").begin_object();
  for (std::size_t l = 0; l < answer.supplied.size(); ++l) {
    if (answer.supplied[l] == 0) continue;
    json.key(recommend::link_name(static_cast<recommend::Link>(l))).number(answer.supplied[l]);
  }
  json.end_object();
  json.key("relaxed").begin_array();
  for (std::size_t d = 0; d < recommend::kDrops; ++d) {
    if (answer.gave_up(static_cast<recommend::Drop>(d)))
      json.string(recommend::drop_name(static_cast<recommend::Drop>(d)));
  }
  json.end_array();
  json.key("stages_us").begin_object();
  for (std::size_t s = 0; s < answer.stage_ns.size(); ++s) {
    json.key(recommend::stage_name(static_cast<recommend::Stage>(s)))
        .number(static_cast<double>(answer.stage_ns[s]) / 1000.0);
  }
  json.end_object();
  json.end_object();
}

// The state of a tenant without any record yet: nothing to show, and nothing wrong.
struct EmptyState {
  catalog::Catalog catalog;
  profile::Profiles profiles{{}};
  covisit::Covisit covisit;
  counters::Counters counters{kDayUs};
  repeat::Repeat repeats;
};

Status ask(const Question& question, const recommend::Request& request, recommend::Scratch& scratch,
           recommend::Answer& answer) {
  auto& recommender = question.services->recommender;
  const auto runtime = question.services->partition.tenant(question.caller.tenant);
  if (!runtime) {
    static const EmptyState empty;
    return recommender.recommend({empty.catalog, empty.profiles, empty.covisit, empty.covisit,
                                  empty.counters, empty.counters, empty.repeats, 0},
                                 *question.policy, request, scratch, answer);
  }
  const auto state = runtime->read();
  return recommender.recommend(
      {state->catalog(), state->profiles(), state->covisit(), state->baskets(), state->trending(),
       state->popular(), state->repeats(), state->position()},
      *question.policy, request, scratch, answer);
}

void give_answer(Question& question, bool stale) {
  thread_local recommend::Scratch scratch;
  thread_local recommend::Answer answer;
  thread_local std::string record;
  const RequestViews views(question.body, question.policy->placement, question.now);
  const eventlog::Position shown = question.services->partition.applied();
  const TimeUs lag_us = question.services->partition.lag_us(question.platform.clock().wall_us());
  const Status asked = ask(question, views.request(), scratch, answer);
  if (!asked.ok()) return question.responder.respond(problem_response(asked.error()));

  const auto request_id = new_request_id();
  record.clear();
  question.services->recommender.record(request_id, question.caller.tenant, views.request(), answer,
                                        record);
  question.platform.answers().append(record);

  net::Response response;
  response.content_type = "application/json";
  codec::JsonWriter json(response.body);
  json.begin_object();
  json.key("request_id").string(recommend::format_request_id(request_id));
  json.key("placement").string(question.policy->placement);
  write_items(answer, question.body.explain, json);
  json.key("model").string("live");
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

// Answers as soon as the version shows, or stale when the wait is over, whichever comes first.
void answer_when_shown(const std::shared_ptr<Question>& question, eventlog::Position position) {
  auto& waiters = question->services->partition.waiters();
  const auto waiter = waiters.add(position, [question] {
    if (question->taken.exchange(true)) return;
    // On a server's thread: an answer takes longer than the applier should be kept.
    question->platform.timers().post_after(std::chrono::nanoseconds(0), [question] {
      question->platform.timers().cancel(question->timer);
      give_answer(*question, false);
    });
  });
  if (waiter.position == 0) return;  // it showed meanwhile
  question->timer = question->platform.timers().post_after(kVersionWait, [question, waiter] {
    if (question->taken.exchange(true)) return;
    question->services->partition.waiters().cancel(waiter);
    give_answer(*question, true);
  });
}

}  // namespace

void post_recommend(Call& call, net::Responder responder) {
  const auto* policy = policy::find_builtin(call.arguments[0]);
  if (policy == nullptr) {
    std::string known;
    for (const auto& builtin : policy::builtin_policies())
      known += (known.empty() ? "" : ", ") + builtin.placement;
    return responder.respond(problem_response(
        404, "placement_not_found",
        "no placement '" + call.arguments[0].substr(0, 64) + "'; there are " + known));
  }
  auto body = parse_recommend_body(call.request.body(), net::kBodyPadding);
  if (!body.ok()) return responder.respond(problem_response(body.error()));
  auto services = tenant_services(call, responder);
  if (!services) return;

  const auto version = body->min_profile_version;
  // A version of an older epoch was satisfied when the tenant moved; one of a later epoch counts
  // positions of another log, so no position of this one is it.
  const std::uint64_t epoch = call.caller.view->tenant.epoch;
  const record::ProfileVersion shown{epoch, services->partition.applied()};
  const bool wait = version && !record::satisfies(shown, *version);
  const auto awaited = wait && version->epoch == epoch ? version->position : kNever;
  auto question =
      std::make_shared<Question>(call.platform, call.caller, std::move(services), policy,
                                 std::move(body).value(), call.now, std::move(responder));
  if (wait) return answer_when_shown(question, awaited);
  give_answer(*question, false);
}

}  // namespace vitrine::api
