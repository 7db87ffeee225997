// An HTTP/1.1 server: keep-alive, pipelining, chunked bodies, Expect: 100-continue, HEAD.
//
// One event loop per thread; one listening socket whose connections are handed to the thread
// that has the fewest. A connection belongs to its thread for life, so nothing is locked on
// the way of a request. An idle connection holds no buffers (see ServerStats and net_bench).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "platform/net/handler.h"
#include "platform/net/ip_address.h"
#include "platform/net/timers.h"
#include "platform/net/tls.h"

namespace vitrine::net {

struct ServerOptions {
  std::string address = "127.0.0.1";  // numeric IPv4 or IPv6; "::" listens on both
  std::uint16_t port = 0;             // 0: the system chooses, Server::port() tells

  // With an identity HTTPS is served as well, on a port of its own; all limits are common to both.
  std::shared_ptr<TlsIdentity> tls;
  std::string tls_address = "127.0.0.1";
  std::uint16_t tls_port = 0;  // 0: the system chooses, Server::tls_port() tells
  // From accepting to the end of the handshake.
  std::chrono::milliseconds tls_handshake_timeout{10'000};

  int threads = 1;
  int backlog = 1024;  // connections that the kernel accepts ahead of us

  // One more is accepted, told 503 and closed.
  std::size_t max_connections = 10'000;
  // Of these, from one address (IPv6: from one /64); one more is told 429 and closed. 0: no limit.
  std::size_t connections_per_address = 0;
  IpNetworks unlimited_addresses;
  std::size_t body_bytes_max = 16u << 20;    // 413, at once if Content-Length claims more
  std::size_t header_bytes_max = 16u << 10;  // request line and headers; 431
  std::size_t target_bytes_max = 8u << 10;   // 414
  std::size_t headers_max = 100;             // 431

  // All timeouts are kept by one coarse wheel per thread: they end up to 5 % (at least 10 ms,
  // at most 100 ms) late.
  std::chrono::milliseconds idle_timeout{60'000};    // between two requests
  std::chrono::milliseconds header_timeout{10'000};  // first byte to end of head; 408
  // A body must have arrived, and an answer must have been taken, within
  // progress_grace + bytes so far / progress_bytes_per_s: a sender of single bytes is cut off
  // after the grace, a slow but honest one is not.
  std::chrono::milliseconds progress_grace{10'000};
  std::size_t progress_bytes_per_s = 4096;
  // While draining, a connection without a request is closed after this long.
  std::chrono::milliseconds drain_idle{500};
};

// Totals since the start, over all threads; exact per counter, not across counters.
struct ServerStats {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;             // above max_connections, or out of descriptors
  std::uint64_t connections_refused_by_address = 0;  // above connections_per_address
  std::uint64_t requests = 0;                        // given to the handler
  std::uint64_t requests_in_flight = 0;              // of those, not answered yet
  std::uint64_t requests_refused = 0;  // malformed, too large, or refused by before_body
  std::uint64_t timeouts = 0;          // connections closed for being idle or slow
  std::uint64_t handler_exceptions = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t tls_handshakes = 0;          // that succeeded
  std::uint64_t tls_resumptions = 0;         // of those, without a new signature
  std::uint64_t tls_handshake_failures = 0;  // including those that took too long
};

// start, port, stats and timers: from any thread. drain and stop: one thread at a time, not a
// thread of the server.
class Server {
 public:
  // Listening when it returns. kIo if the address can't be bound (named in the message),
  // kInvalidArgument for options out of range. `handler` must outlive the server.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Handler& handler);

  virtual ~Server() = default;  // stops

  virtual std::uint16_t port() const = 0;
  virtual std::uint16_t tls_port() const = 0;  // 0 without HTTPS
  virtual Timers& timers() = 0;
  virtual ServerStats stats() const = 0;

  // Stops accepting (connections that the kernel already accepted are still served), answers
  // what is in flight or arrives meanwhile with Connection: close, and waits until no connection
  // is left. False if some were left when `limit` was over; stop() then cuts them.
  virtual bool drain(std::chrono::milliseconds limit) = 0;

  // Closes everything and joins the threads. Responders that are still out may be used or dropped
  // later without effect. Idempotent.
  virtual void stop() = 0;
};

}  // namespace vitrine::net
