// Sends a request until the server has taken it or refused it for good.
//
// It is repeated after 429 (as long as Retry-After says), 5xx and a lost connection: so only what
// may happen twice is sent with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tool/import/api_client.h"

namespace vitrine::importer {

struct PatientRequest {
  std::string_view method;
  std::string path;
  std::string_view content_type{};  // empty: no body
  std::string_view body{};
};

// What one request may take.
struct Patience {
  int attempts_max = 8;                     // lost connections and 5xx
  std::chrono::seconds throttled_max{600};  // all waiting that 429 asked for
  // Waits; false ends the sending with kUnavailable.
  std::function<bool(std::chrono::milliseconds)> pause;
};

struct Retries {
  std::uint64_t requests = 0;              // sent again
  std::chrono::milliseconds throttled{0};  // waited because of 429
};

// The answer: any status below 500 but 429. An error names method and path, and says why it was
// given up. Adds to `retries`.
Result<ApiAnswer> send_patiently(ApiClient& client, const PatientRequest& request,
                                 const Patience& patience, Retries& retries);

}  // namespace vitrine::importer
