#include "platform/net/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace vitrine::net {

// Values below 64 have a bucket each; above, the highest bit picks the group and the six bits
// below it the place in the group.
std::size_t LatencyHistogram::bucket(std::uint64_t ns) {
  if (ns < kSub) return static_cast<std::size_t>(ns);
  const int shift = std::bit_width(ns) - 1 - kSubBits;
  const std::size_t group = static_cast<std::size_t>(shift) + 1;
  if (group > kOctaves) return kSub * (kOctaves + 1) - 1;
  return group * kSub + static_cast<std::size_t>((ns >> shift) - kSub);
}

std::uint64_t LatencyHistogram::upper_end(std::size_t bucket) {
  if (bucket < kSub) return bucket;
  const std::size_t shift = bucket / kSub - 1;
  return ((std::uint64_t{bucket % kSub} + kSub + 1) << shift) - 1;
}

void LatencyHistogram::record(std::int64_t ns) {
  ns = std::max<std::int64_t>(ns, 0);
  ++buckets_[bucket(static_cast<std::uint64_t>(ns))];
  ++count_;
  sum_ns_ += static_cast<double>(ns);
  max_ns_ = std::max(max_ns_, ns);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

double LatencyHistogram::mean_ns() const {
  return count_ == 0 ? 0 : sum_ns_ / static_cast<double>(count_);
}

std::int64_t LatencyHistogram::quantile_ns(double q) const {
  if (count_ == 0) return 0;
  const auto rank = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(static_cast<std::int64_t>(upper_end(i)), max_ns_);
  }
  return max_ns_;
}

}  // namespace vitrine::net
