// What a writer counts. Plain numbers: the service turns them into metrics.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace vitrine::eventlog {

// Durations in microseconds, four buckets per power of two (a quantile is at most 19 % too high).
struct LatencyHistogram {
  static constexpr std::size_t kBuckets = 120;  // up to 2^30 us, 18 minutes
  std::array<std::uint64_t, kBuckets> counts{};

  static std::size_t bucket_of(std::uint64_t us) {
    if (us < 4) return us;
    const auto power = static_cast<std::size_t>(std::bit_width(us)) - 1;
    const std::size_t bucket = 4 * (power - 1) + ((us >> (power - 2)) & 3);
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }
  // The largest duration that falls into `bucket`.
  static std::uint64_t upper_us(std::size_t bucket) {
    if (bucket < 4) return bucket;
    const std::size_t power = bucket / 4 + 1;
    return ((bucket % 4 + 5) << (power - 2)) - 1;
  }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts) sum += count;
    return sum;
  }
  // Upper bound of the q-quantile, 0 <= q <= 1; 0 while empty.
  std::uint64_t quantile_us(double q) const {
    const std::uint64_t all = total();
    const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(all));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      seen += counts[bucket];
      if (seen > rank || (seen == all && all > 0)) return upper_us(bucket);
    }
    return 0;
  }
};

struct LogMetrics {
  std::uint64_t records = 0;        // durable since open
  std::uint64_t groups = 0;         // data frames synced since open
  std::uint64_t bytes = 0;          // written in frames since open
  std::uint64_t queue_bytes = 0;    // waiting or being written now
  std::uint64_t refused_queue = 0;  // appends refused because the queue was full
  std::uint64_t refused_disk = 0;   // appends refused because the disk was full
  std::uint64_t segments = 0;       // kept now
  std::uint64_t segments_removed = 0;
  std::uint64_t segment_wait_us = 0;  // time the committer waited for a prepared segment
  bool disk_full = false;
  bool failed = false;
  LatencyHistogram sync_us;  // one write + fdatasync
};

}  // namespace vitrine::eventlog
