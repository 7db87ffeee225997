// Vitrine's HTTP API as a tool sees it: an address, a key, JSON there and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/net/client.h"

namespace vitrine::importer {

struct ApiTarget {
  // "http://127.0.0.1:8080" or "https://shop.example"; port 80 or 443 if none; no path.
  std::string url;
  std::string key;        // sent as a bearer token
  std::string ca_file{};  // PEM: whom to trust with https; empty: the system's authorities
};

struct ApiAnswer {
  int status = 0;
  std::string body;
  std::uint32_t retry_after_s = 0;  // 0: the answer named none
  double ms = 0;                    // from sending the request to the last byte of the answer

  bool ok() const { return status >= 200 && status < 300; }
};

// Host, port and TLS of "http[s]://host[:port][/]", also "[::1]:8080". kInvalidArgument with what
// is wrong.
Result<net::ClientOptions> parse_endpoint(std::string_view url);

// What a refusal says: "HTTP 401 unauthenticated: ...", with the code of the problem document as
// reason and an ErrorCode by status. `answer` must not be ok().
Error refusal(const ApiAnswer& answer);

// Not thread-safe: one keep-alive connection.
class ApiClient {
 public:
  // Doesn't connect yet. Errors are those of parse_endpoint, and kInvalidArgument for a key that
  // can't stand in a header.
  static Result<ApiClient> open(const ApiTarget& target);

  // Any status is an answer. Errors are those of net::Client::request.
  Result<ApiAnswer> send(std::string_view method, std::string_view path,
                         std::string_view content_type, std::string_view body);
  Result<ApiAnswer> get(std::string_view path) { return send("GET", path, {}, {}); }
  Result<ApiAnswer> post_json(std::string_view path, std::string_view body) {
    return send("POST", path, "application/json", body);
  }

 private:
  ApiClient(net::ClientOptions endpoint, std::string authorization)
      : client_(std::move(endpoint)), authorization_(std::move(authorization)) {}

  net::Client client_;
  std::string authorization_;
};

}  // namespace vitrine::importer
