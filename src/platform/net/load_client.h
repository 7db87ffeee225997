// Load for benchmarks: many keep-alive connections from one thread, cheap enough to share a
// small machine with the server it measures.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/net/latency_histogram.h"

namespace vitrine::net {

// The views are used before the next one is asked for.
struct LoadRequest {
  std::string_view method = "POST";
  std::string_view target = "/";
  std::string_view body;
};

struct LoadOptions {
  std::string address = "127.0.0.1";  // numeric IPv4
  std::uint16_t port = 0;
  int connections = 64;
  // Header lines for every request, each ending in CRLF: "Authorization: Bearer k\r\n". Host and
  // Content-Length are added.
  std::string header_lines;

  // 0: closed loop, each connection sends its next request when the last one is answered; latency
  // counts from sending. Otherwise open loop: request n is due n / requests_per_s after the start
  // and its latency counts from then, also while it waits for a free connection: a server that
  // stalls is charged for everyone who would have come meanwhile.
  double requests_per_s = 0;

  std::chrono::milliseconds duration{5'000};       // after the warm-up
  std::chrono::milliseconds warm_up{500};          // sent and answered, not counted
  std::uint64_t requests_max = ~std::uint64_t{0};  // including the warm-up's
  // How long to wait for the last answers.
  std::chrono::milliseconds drain{5'000};

  // Gives request n = 0, 1, 2... Called on the client's thread.
  std::function<LoadRequest(std::uint64_t n)> next;
  // If set, sees every answer (not only the counted ones).
  std::function<void(std::uint64_t n, int status, std::string_view body)> on_answer;
};

struct LoadResult {
  std::uint64_t answers = 0;  // counted ones, of any status
  std::uint64_t answers_2xx = 0;
  std::array<std::uint64_t, 6> by_class{};  // [4]: 4xx; [0]: not a status
  std::uint64_t broken = 0;                 // connections that broke while a request was out
  std::uint64_t unanswered = 0;             // still out when the run ended
  // Open loop: due within the run but never sent, because no connection became free.
  std::uint64_t unsent = 0;
  double seconds = 0;  // of the counted part
  double answers_per_s = 0;
  double client_cpu_s = 0;   // of the whole run
  LatencyHistogram latency;  // of the counted answers
};

// Runs on the calling thread until done. kUnavailable if it can't connect at the start.
Result<LoadResult> run_load(const LoadOptions& options);

}  // namespace vitrine::net
