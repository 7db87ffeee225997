// What a server costs that does nothing: the yardstick of the benchmarks. It reads each POST with
// Boost.Beast and answers 202 with an empty body, neither parsing nor keeping anything. Written as
// a competent user of Beast writes it: coroutines, concrete executor, keep-alive, one buffer per
// connection, no timeouts, no limits. Not for serving.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"

namespace vitrine::net {

class BareServer {
 public:
  virtual ~BareServer() = default;  // stops
  virtual std::uint16_t port() const = 0;
};

// One thread on 127.0.0.1; port 0: the system chooses.
Result<std::unique_ptr<BareServer>> start_bare_server(std::uint16_t port);

// The same on the calling thread; returns only if it can't start.
Status run_bare_server(std::uint16_t port);

}  // namespace vitrine::net
