// A rate limit of one word: the generic cell rate algorithm (ITU-T I.371, the virtual
// scheduling form), which is a token bucket that stores a time instead of a level.
//
//   full_at_    when the bucket would be full again if nothing more was taken
//   take n      full_at' = max(full_at_, now) + n / rate;  granted if full_at' - now <= burst
//
// Lock-free and thread-safe: one compare-and-swap a take. Over any time span t the sum of what
// is granted is at most rate * t + rate * burst_s (+ one request that is larger than the
// bucket, see below).
#pragma once

#include <atomic>
#include <cstdint>

namespace vitrine::gateway {

class TokenBucket {
 public:
  // rate_per_s 0: everything is granted. burst_s > 0: how many seconds of the rate may be taken
  // at once. May be called while others take; what was taken stays taken.
  void configure(double rate_per_s, double burst_s);

  // Takes n (>= 0) at the steady time now_ns or nothing. 0: granted. Otherwise the nanoseconds
  // after which the same request would be granted, if nobody else takes meanwhile.
  //
  // n above the whole bucket could never be granted: it is when the bucket is full, and those
  // after it wait until the debt is paid. So the long-run rate holds, and no request waits for
  // ever.
  std::int64_t take(double n, std::int64_t now_ns);

  // Gives back what a granted take(n) took (a request refused by another limit).
  void give_back(double n);

 private:
  std::int64_t duration_ns(double n) const;
  std::atomic<double> ns_per_unit_{0};  // 0: unlimited
  std::atomic<std::int64_t> burst_ns_{0};
  // Relaxed everywhere: the word is the whole state, it publishes nothing else.
  std::atomic<std::int64_t> full_at_ns_{INT64_MIN / 4};
};

}  // namespace vitrine::gateway
