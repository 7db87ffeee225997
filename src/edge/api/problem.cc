#include "edge/api/problem.h"

#include "platform/codec/json_writer.h"

namespace vitrine::api {

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kConflict: return 409;
    case ErrorCode::kUnauthenticated: return 401;
    case ErrorCode::kPermissionDenied: return 403;
    case ErrorCode::kExhausted: return 429;
    case ErrorCode::kTooLarge: return 413;
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kDeadlineExceeded: return 504;
    case ErrorCode::kGone: return 410;
    case ErrorCode::kFenced: return 503;
    case ErrorCode::kUnsupported: return 501;
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

net::Response problem_response(int status, std::string_view code, std::string_view detail) {
  net::Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  codec::JsonWriter json(response.body);
  json.begin_object();
  json.key("type").string("/docs/errors#" + std::string(code));
  json.key("title").string(net::status_text(status));
  json.key("status").number(status);
  json.key("code").string(code);
  json.key("detail").string(detail);
  json.end_object();
  json.finish();
  if (status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

net::Response passing_problem_response(int status, std::string_view code, std::string_view detail,
                                       std::uint32_t wait_s) {
  net::Response response = problem_response(status, code, detail);
  response.headers.push_back({"Retry-After", std::to_string(wait_s)});
  return response;
}

net::Response problem_response(const Error& error) {
  const int status = http_status(error.code());
  const std::string_view detail = status == 500
                                      ? "the server failed to do this; its log has the reason"
                                      : std::string_view(error.message());
  const bool passes = status == 429 || status == 503;
  const std::uint32_t wait_s = error.retry_after_s() > 0 || !passes ? error.retry_after_s() : 1;
  return wait_s > 0 ? passing_problem_response(status, error.reason(), detail, wait_s)
                    : problem_response(status, error.reason(), detail);
}

}  // namespace vitrine::api
