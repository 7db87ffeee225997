// POST /v1/decisions/{request_id}:replay orders that an answer is made again from the state of its
// moment; GET /v1/jobs/{job_id} says how far that is.
#include "edge/api/job_queue.h"
#include "edge/api/json_fields.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/time_format.h"
#include "platform/io/file_system.h"
#include "service/privacy/answer_kind.h"
#include "service/recommend/decision_log.h"

namespace vitrine::api {
namespace {

void write_job(const Job& job, codec::JsonWriter& json) {
  json.begin_object();
  json.key("job_id").string(job.id);
  json.key("kind").string("replay");
  json.key("request_id").string(job.order.request_id);
  if (!job.order.item_id.empty()) json.key("item").string(job.order.item_id);
  json.key("state").string(job_state_name(job.state));
  json.key("created").string(codec::format_rfc3339(job.created));
  if (job.finished != 0) json.key("finished").string(codec::format_rfc3339(job.finished));
  if (job.state == JobState::kDone) json.key("result").raw(job.result);
  if (job.state == JobState::kFailed) json.key("error").string(job.error);
  json.end_object();
  json.finish();
}

net::Response job_response(const Job& job, int status) {
  std::string body;
  {
    codec::JsonWriter json(body);
    write_job(job, json);
  }
  net::Response response = json_response(std::move(body), status);
  response.headers.push_back({"Location", "/v1/jobs/" + job.id});
  return response;
}

Result<std::string> parse_item(std::string_view body) {
  std::string item;
  VITRINE_TRY(take_fields(body, net::kBodyPadding, [&](std::string_view key, const auto& value) {
    if (key == "item") return take_string(value, key, kIdBytesMax, item);
    return Status(wrong_field(key.substr(0, kNameBytesMax), "absent: the only field is item"));
  }));
  return item;
}

}  // namespace

void replay_decision(Call& call, net::Responder responder) {
  const auto id = decision_id(call, responder);
  if (!id) return;
  auto item = parse_item(call.request.body());
  if (!item.ok()) return responder.respond(problem_response(item.error()));
  const ReplayOrder order{call.caller.tenant, call.caller.view->tenant.name,
                          recommend::format_request_id(*id), std::move(item).value()};
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  // Only what is there is ordered: looking for it waits for the disk.
  const bool taken = call.platform.run_aside([&platform = call.platform, owed, order, id = *id] {
    const recommend::DecisionLog log{&io::system_files(), platform.answers().directory(),
                                     privacy::kAnswerKind, true};
    const auto record = recommend::find_decision(log, id, order.tenant, platform.clock().wall_us());
    if (!record.ok()) return owed->respond(problem_response(record.error()));
    const auto job = platform.jobs().submit(order);
    owed->respond(job.ok() ? job_response(*job, 202) : problem_response(job.error()));
  });
  if (!taken) owed->respond(decisions_busy());
}

void get_job(Call& call, net::Responder responder) {
  const auto job = call.platform.jobs().find(call.caller.tenant, call.arguments[0]);
  responder.respond(job.ok() ? job_response(*job, 200) : problem_response(job.error()));
}

}  // namespace vitrine::api
