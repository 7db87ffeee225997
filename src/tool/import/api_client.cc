#include "tool/import/api_client.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/clock.h"
#include "platform/codec/json_parse.h"
#include "tool/import/json_field.h"

namespace vitrine::importer {
namespace {

Error bad_url(std::string_view url, std::string_view why) {
  return Error(ErrorCode::kInvalidArgument, "the url '" + std::string(url) + "' " +
                                                std::string(why) +
                                                "; expected something like http://127.0.0.1:8080");
}

template <class T>
bool parse_whole(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

ErrorCode code_of_status(int status) {
  switch (status) {
    case 401: return ErrorCode::kUnauthenticated;
    case 403: return ErrorCode::kPermissionDenied;
    case 404: return ErrorCode::kNotFound;
    case 409: return ErrorCode::kConflict;
    case 410: return ErrorCode::kGone;
    case 413: return ErrorCode::kTooLarge;
    case 429: return ErrorCode::kExhausted;
    case 503: return ErrorCode::kUnavailable;
    default: return status >= 500 ? ErrorCode::kInternal : ErrorCode::kInvalidArgument;
  }
}

}  // namespace

Result<net::ClientOptions> parse_endpoint(std::string_view url) {
  std::string_view rest = url;
  const bool tls = rest.starts_with("https://");
  if (!tls && !rest.starts_with("http://")) {
    return bad_url(url, "does not begin with http:// or https://");
  }
  rest.remove_prefix(tls ? 8 : 7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ ") != std::string_view::npos) {
    return bad_url(url, "has more than host and port");
  }
  net::ClientOptions endpoint;
  endpoint.tls = tls;
  endpoint.port = tls ? 443 : 80;
  std::string_view port;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return bad_url(url, "lacks the ']' of its address");
    endpoint.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return bad_url(url, "has text behind ']'");
  } else {
    const std::size_t colon = rest.find(':');
    endpoint.host = rest.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : rest.substr(colon);
  }
  if (endpoint.host.empty()) return bad_url(url, "names no host");
  if (!port.empty() && (!parse_whole(port.substr(1), endpoint.port) || endpoint.port == 0)) {
    return bad_url(url, "has no port number of 1..65535 behind the colon");
  }
  return endpoint;
}

Error refusal(const ApiAnswer& answer) {
  std::string text = "HTTP " + std::to_string(answer.status);
  codec::JsonParser parser;
  std::string_view code;
  std::string_view detail;
  if (const auto problem = parser.parse(answer.body); problem.ok()) {
    read_field(problem.value(), "code", code);
    read_field(problem.value(), "detail", detail);
  }
  if (!code.empty()) text.append(" ").append(code);
  if (detail.empty()) detail = std::string_view(answer.body).substr(0, 200);
  if (!detail.empty()) text.append(": ").append(detail);
  return Error(code_of_status(answer.status), std::move(text))
      .with_retry_after(answer.retry_after_s);
}

Result<ApiClient> ApiClient::open(const ApiTarget& target) {
  VITRINE_TRY(auto endpoint, parse_endpoint(target.url));
  endpoint.ca_file = target.ca_file;
  const bool plain = std::all_of(target.key.begin(), target.key.end(),
                                 [](unsigned char c) { return c > 0x20 && c < 0x7F; });
  if (target.key.empty() || !plain) {
    return Error(ErrorCode::kInvalidArgument,
                 "the key is empty or holds blanks or control characters; give the secret key that "
                 "`vitrine tenant create NAME --with-keys` printed");
  }
  // A batch may have to wait for its sync behind others.
  endpoint.request_timeout = std::chrono::seconds(60);
  return ApiClient(std::move(endpoint), "Bearer " + target.key);
}

Result<ApiAnswer> ApiClient::send(std::string_view method, std::string_view path,
                                  std::string_view content_type, std::string_view body) {
  std::vector<net::Header> headers{{"Authorization", authorization_}};
  if (!content_type.empty()) headers.push_back({"Content-Type", content_type});
  const std::int64_t start_ns = system_clock().steady_ns();
  VITRINE_TRY(auto response, client_.request(method, path, headers, body));
  ApiAnswer answer;
  answer.ms = static_cast<double>(system_clock().steady_ns() - start_ns) / 1e6;
  answer.status = response.status;
  if (!parse_whole(response.header("Retry-After"), answer.retry_after_s)) answer.retry_after_s = 0;
  answer.body = std::move(response.body);
  return answer;
}

}  // namespace vitrine::importer
