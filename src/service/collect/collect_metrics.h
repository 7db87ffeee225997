// Counters of the collector. Written with relaxed atomics by whoever serves a request; read at any
// time, each for itself.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "domain/event/event_json.h"

namespace vitrine::collect {

struct CollectMetrics {
  using Counter = std::atomic<std::uint64_t>;

  Counter requests{0};          // that reached the collector
  Counter requests_refused{0};  // as a whole: unreadable, too large, log full
  Counter requests_split{0};    // whose body had to be taken apart event by event
  Counter body_bytes{0};        // as received, before unpacking
  Counter events_accepted{0};   // durable and acknowledged
  Counter events_duplicate{0};  // known by id, with the same body
  std::array<Counter, event::kRejectCodes> events_rejected{};  // by event::RejectCode
  Counter requests_failed{0};  // taken by the log, which then failed: the partition is ending
  Counter ids_pending{0};      // gauge: appended, not yet known to be applied

  static void add(Counter& counter, std::uint64_t n) {
    if (n != 0) counter.fetch_add(n, std::memory_order_relaxed);
  }
  static void set(Counter& gauge, std::uint64_t n) { gauge.store(n, std::memory_order_relaxed); }
};

}  // namespace vitrine::collect
