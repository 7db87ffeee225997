// A PostgreSQL 15 of our own, to compare with: a fresh cluster on a Unix socket, removed at the
// end, with the settings that make it fast without giving up durability.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/support/event_traffic.h"

namespace vitrine::bench {

class PostgresServer {
 public:
  // kUnsupported where PostgreSQL or its client library was missing when this was built or run.
  static Result<std::unique_ptr<PostgresServer>> start();
  virtual ~PostgresServer() = default;

  // Inserts `batches` of events for `seconds` over `connections`, each a thread of its own with a
  // prepared multi-row INSERT ... ON CONFLICT DO NOTHING, committed before the next. Events per
  // second, counted from the rows PostgreSQL says it inserted.
  virtual Result<double> insert_events(int connections, std::uint32_t events_per_batch,
                                       double seconds) = 0;
  virtual std::string version() const = 0;
};

}  // namespace vitrine::bench
