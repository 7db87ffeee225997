#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/gzip.h"
#include "platform/codec/json_parse.h"

namespace vitrine::api {
namespace {

constexpr std::size_t kBodyBytesMax = 8 << 20;

}  // namespace

std::optional<PlainBody> plain_body(const Call& call, net::Responder& responder,
                                    std::string& storage) {
  const std::string_view encoding = call.request.header("content-encoding");
  if (encoding.empty() || encoding == "identity") {
    return PlainBody{call.request.body(), net::kBodyPadding};
  }
  if (encoding != "gzip") {
    responder.respond(problem_response(415, "unsupported_encoding",
                                       "Content-Encoding '" + std::string(encoding.substr(0, 40)) +
                                           "' is not known; send gzip or none"));
    return std::nullopt;
  }
  const Status unpacked =
      codec::gunzip(call.request.body(), kBodyBytesMax, codec::kJsonPaddingBytes, storage);
  if (!unpacked.ok()) {
    const bool too_large = unpacked.error().code() == ErrorCode::kTooLarge;
    responder.respond(
        too_large
            ? problem_response(413, "body_too_large", "the body has more than 8 MiB when unpacked")
            : problem_response(400, "invalid_gzip", unpacked.error().message()));
    return std::nullopt;
  }
  const std::size_t size = storage.size();
  storage.append(codec::kJsonPaddingBytes, ' ');  // that a parser may read over
  return PlainBody{std::string_view(storage).substr(0, size), codec::kJsonPaddingBytes};
}

void collect_translation(
    Call& call, net::Responder responder, facade::Translation translation,
    std::function<net::Response(const facade::Translation&, const collect::CollectResult&)>
        render) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  if (translation.origin.empty()) return responder.respond(render(translation, {}));
  const auto& tenant = call.caller.view->tenant;
  const event::TypeNames custom_types(tenant.event_types.begin(), tenant.event_types.end());
  auto kept = std::make_shared<facade::Translation>(std::move(translation));
  collect::CollectRequest request;
  request.tenant = tenant.id;
  request.custom_types = custom_types.empty() ? nullptr : &custom_types;
  request.body.bytes = kept->events;
  request.body.format = collect::BodyFormat::kNdjson;
  request.now = call.now;
  request.source = call.caller.scope == tenant::Scope::kSecret ? collect::EventSource::kImported
                                                               : collect::EventSource::kLive;
  request.admit = [&call](std::size_t events) {
    return call.platform.gateway().admit(call.caller,
                                         {.requests = 0, .events = static_cast<double>(events)},
                                         call.platform.clock().steady_ns());
  };
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  const Status taken = services->collector.collect(
      request, [owed, kept, render = std::move(render)](Result<collect::CollectResult> result) {
        if (!result.ok()) {
          return owed->respond(problem_response(
              Error(ErrorCode::kUnavailable,
                    "the events could not be made durable: " + result.error().message())));
        }
        for (auto& rejected : result->rejected) rejected.index = kept->origin[rejected.index];
        owed->respond(render(*kept, *result));
      });
  if (!taken.ok()) {
    owed->respond(problem_response(taken.error()));
  } else {
    call.platform.flush_at_round_end(services->partition);
  }
}

}  // namespace vitrine::api
