#include "domain/record/profile_version.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {
namespace {

bool names_ndjson(std::string_view content_type) {
  return content_type.find("ndjson") != std::string_view::npos ||
         content_type.find("jsonl") != std::string_view::npos;
}

net::Response collected(const collect::CollectResult& result, std::uint32_t epoch) {
  if (result.is_single && !result.rejected.empty()) {
    const auto& rejected = result.rejected.front();
    return problem_response(400, event::reject_code_name(rejected.code), rejected.detail);
  }
  net::Response response;
  response.status = 202;
  response.content_type = "application/json";
  codec::JsonWriter json(response.body);
  json.begin_object();
  json.key("accepted").number(result.accepted);
  json.key("duplicates").number(result.duplicates);
  write_rejected(json, result.rejected);
  json.key("profile_version").string(record::format_profile_version({epoch, result.position}));
  json.end_object();
  json.finish();
  return response;
}

void take_events(Call& call, net::Responder responder, collect::EventSource source) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const std::string_view encoding = call.request.header("content-encoding");
  if (!encoding.empty() && encoding != "gzip" && encoding != "identity") {
    responder.respond(problem_response(415, "unsupported_encoding",
                                       "Content-Encoding '" + std::string(encoding.substr(0, 40)) +
                                           "' is not known; send gzip or none"));
    return;
  }
  const auto& tenant = call.caller.view->tenant;
  event::TypeNames custom_types(tenant.event_types.begin(), tenant.event_types.end());

  collect::CollectRequest request;
  request.tenant = tenant.id;
  request.users_max = tenant.quotas.users_max;
  request.custom_types = custom_types.empty() ? nullptr : &custom_types;
  request.body.bytes = call.body();
  request.body.readable_behind = call.events.empty() ? net::kBodyPadding : 0;
  request.body.format = call.events.empty() && names_ndjson(call.request.header("content-type"))
                            ? collect::BodyFormat::kNdjson
                            : collect::BodyFormat::kJson;
  request.body.encoding =
      encoding == "gzip" ? collect::BodyEncoding::kGzip : collect::BodyEncoding::kIdentity;
  request.now = call.now;
  request.source = source;
  request.admit = [&call](std::size_t events) {
    return call.platform.gateway().admit(call.caller,
                                         {.requests = 0, .events = static_cast<double>(events)},
                                         call.platform.clock().steady_ns());
  };
  // The collector keeps `done` only if it took the request; else the answer is still ours to give.
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  const Status taken = services->collector.collect(
      request, [owed, epoch = tenant.epoch](Result<collect::CollectResult> result) {
        owed->respond(result.ok()
                          ? collected(*result, epoch)
                          : problem_response(Error(ErrorCode::kUnavailable,
                                                   "the events could not be made durable: " +
                                                       result.error().message())));
      });
  if (!taken.ok()) {
    owed->respond(problem_response(taken.error()));
  } else {
    call.platform.flush_at_round_end(services->partition);
  }
}

}  // namespace

void post_events(Call& call, net::Responder responder) {
  take_events(call, std::move(responder), collect::EventSource::kLive);
}

void import_events(Call& call, net::Responder responder) {
  take_events(call, std::move(responder), collect::EventSource::kImported);
}

}  // namespace vitrine::api
