#include "edge/api/facade_request.h"
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

void collect_translation(Call& call, net::Responder responder, facade::Translation translation,
                         RenderTaken render) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  std::make_shared<FacadeRequest>(std::move(services), std::move(responder), std::move(translation),
                                  std::move(render))
      ->run(call);
}

}  // namespace vitrine::api
