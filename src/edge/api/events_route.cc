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

// The answer to a request whose events are on their way. Whoever knows how it ends deletes it.
class Owed final : public net::AnswerMaker {
 public:
  Owed(net::Responder r, std::uint32_t epoch) : responder(std::move(r)), epoch_(epoch) {}
  static void respond(std::unique_ptr<Owed> owed, Result<collect::CollectResult> result) {
    owed->result_ = std::move(result);
    net::Responder to = std::move(owed->responder);
    to.respond_with(std::move(owed));
  }
  net::Response make() override {
    if (result_.ok()) return collected(*result_, epoch_);
    return problem_response(
        Error(ErrorCode::kUnavailable,
              "the events could not be made durable: " + result_.error().message()));
  }

  net::Responder responder;

 private:
  std::uint32_t epoch_;
  Result<collect::CollectResult> result_ = collect::CollectResult{};
};

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
  event::TypeNames custom_types;
  if (!tenant.event_types.empty()) {
    custom_types.insert(tenant.event_types.begin(), tenant.event_types.end());
  }

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
  // The collector calls `done` only if it took the request; else the answer is still ours to give.
  // A bare pointer, because it fits into a std::function: this is the hottest path there is.
  auto owed = std::make_unique<Owed>(std::move(responder), tenant.epoch);
  const Status taken = services->collector.collect(
      request, [waiting = owed.get()](Result<collect::CollectResult> result) {
        Owed::respond(std::unique_ptr<Owed>(waiting), std::move(result));
      });
  if (!taken.ok()) {
    owed->responder.respond(problem_response(taken.error()));
  } else {
    [[maybe_unused]] Owed* const given = owed.release();
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
