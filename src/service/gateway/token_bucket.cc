#include "service/gateway/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace vitrine::gateway {
namespace {

// A debt never reaches further than this, whatever n and rate are: 100 days.
constexpr double kDurationMaxNs = 100.0 * 86400 * 1e9;

}  // namespace

void TokenBucket::configure(double rate_per_s, double burst_s) {
  burst_ns_.store(static_cast<std::int64_t>(burst_s * 1e9), std::memory_order_relaxed);
  ns_per_unit_.store(rate_per_s > 0 ? 1e9 / rate_per_s : 0, std::memory_order_relaxed);
}

std::int64_t TokenBucket::duration_ns(double n) const {
  const double ns = n * ns_per_unit_.load(std::memory_order_relaxed);
  return static_cast<std::int64_t>(std::ceil(std::min(ns, kDurationMaxNs)));
}

std::int64_t TokenBucket::take(double n, std::int64_t now_ns) {
  const std::int64_t cost = duration_ns(n);
  if (cost <= 0) return 0;
  const std::int64_t burst = burst_ns_.load(std::memory_order_relaxed);
  std::int64_t seen = full_at_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t start = std::max(seen, now_ns);
    // The larger request is granted at start == now, the others when they fit.
    const std::int64_t wait = cost > burst ? start - now_ns : start + cost - now_ns - burst;
    if (wait > 0) return wait;
    if (full_at_ns_.compare_exchange_weak(seen, start + cost, std::memory_order_relaxed)) return 0;
  }
}

void TokenBucket::give_back(double n) {
  full_at_ns_.fetch_sub(duration_ns(n), std::memory_order_relaxed);
}

}  // namespace vitrine::gateway
