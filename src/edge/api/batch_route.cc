// POST /v1/recommend:batch: windows of many visitors in one request, for mailings and pages that
// are made ahead.
#include "edge/api/answer_json.h"
#include "edge/api/problem.h"
#include "edge/api/recommend_now.h"
#include "edge/api/recommend_request.h"
#include "edge/api/routes.h"

namespace vitrine::api {
namespace {

// Answers made before the thread looks after its other connections: about a millisecond.
constexpr std::size_t kSlice = 16;

struct Batch {
  Batch(Platform& p, gateway::Caller c, std::shared_ptr<TenantServices> s,
        std::vector<BatchEntry> e, std::vector<const policy::Placement*> found, TimeUs at,
        net::Responder r)
      : platform(p),
        caller(std::move(c)),
        services(std::move(s)),
        entries(std::move(e)),
        placements(std::move(found)),
        now(at),
        responder(std::move(r)) {}

  Platform& platform;
  gateway::Caller caller;
  std::shared_ptr<TenantServices> services;
  std::vector<BatchEntry> entries;
  std::vector<const policy::Placement*> placements;  // of caller.view, or built in
  TimeUs now;
  net::Responder responder;
  std::size_t done = 0;
  std::string text = "{\"answers\":[";
};

// One entry that can't be answered (a filter over an attribute that is not there) is said in its
// place: the others are none the worse.
void write_refusal(const Error& error, codec::JsonWriter& json) {
  const net::Response problem = problem_response(error);
  json.begin_object();
  json.key("problem").raw(problem.body);
  json.end_object();
}

void answer_one(Batch& batch, std::size_t at) {
  thread_local recommend::Answer answer;
  const BatchEntry& entry = batch.entries[at];
  const policy::Placement& placement = *batch.placements[at];
  const RequestViews views(entry.body, placement.policy.placement, batch.now);
  const auto asked = recommend_now(batch.platform, *batch.services, batch.caller.tenant, placement,
                                   views.request(), answer);
  if (at > 0) batch.text += ',';
  codec::JsonWriter json(batch.text);
  if (!asked.ok()) return write_refusal(asked.error(), json);
  json.begin_object();
  json.key("request_id").string(recommend::format_request_id(*asked));
  json.key("placement").string(placement.policy.placement);
  write_items(answer, entry.body.explain, json);
  if (entry.body.explain) write_explanation(answer, json);
  json.end_object();
}

void finish(Batch& batch, eventlog::Position shown) {
  {
    codec::JsonWriter json(batch.text);
    json.raw("],\"model\":\"live\",\"profile_version\":");
    json.raw("\"" + record::format_profile_version({batch.caller.view->tenant.epoch, shown}) +
             "\"}");
  }
  batch.responder.respond(json_response(std::move(batch.text)));
}

void work(const std::shared_ptr<Batch>& batch) {
  const eventlog::Position shown = batch->services->partition.applied();
  const std::size_t end = std::min(batch->entries.size(), batch->done + kSlice);
  for (; batch->done < end; ++batch->done) answer_one(*batch, batch->done);
  if (end == batch->entries.size()) return finish(*batch, shown);
  batch->platform.timers().post_after(std::chrono::nanoseconds(0), [batch] { work(batch); });
}

}  // namespace

void post_batch(Call& call, net::Responder responder) {
  auto entries = parse_batch_body(call.request.body(), net::kBodyPadding);
  if (!entries.ok()) return responder.respond(problem_response(entries.error()));
  std::vector<const policy::Placement*> placements;
  for (const BatchEntry& entry : *entries) {
    placements.push_back(find_placement(call, entry.placement, responder));
    if (placements.back() == nullptr) return;
  }
  // The request itself has been paid for.
  const Status admitted = call.platform.gateway().admit(
      call.caller, {.requests = static_cast<double>(entries->size() - 1), .events = 0},
      call.platform.clock().steady_ns());
  if (!admitted.ok()) return responder.respond(problem_response(admitted.error()));
  auto services = tenant_services(call, responder);
  if (!services) return;
  work(std::make_shared<Batch>(call.platform, call.caller, std::move(services),
                               std::move(entries).value(), std::move(placements), call.now,
                               std::move(responder)));
}

}  // namespace vitrine::api
