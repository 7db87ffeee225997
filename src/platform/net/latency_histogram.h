// Latencies of a benchmark run: every value is kept to within 1.6 %, from 1 ns to minutes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace vitrine::net {

// Buckets as in HdrHistogram: each power of two is cut into 64 equal parts. 19 KiB, record() is a
// few instructions. Not thread-safe: one per thread, then merge().
class LatencyHistogram {
 public:
  void record(std::int64_t ns);
  void merge(const LatencyHistogram& other);

  std::uint64_t count() const { return count_; }
  std::int64_t max_ns() const { return max_ns_; }
  double mean_ns() const;
  // The smallest recorded value (its bucket's upper end, at most max_ns()) that at least the
  // share q of all values does not exceed; 0 < q <= 1; 0 if empty.
  std::int64_t quantile_ns(double q) const;
  double quantile_ms(double q) const { return static_cast<double>(quantile_ns(q)) / 1e6; }

 private:
  static constexpr int kSubBits = 6;
  static constexpr std::size_t kSub = std::size_t{1} << kSubBits;
  static constexpr std::size_t kOctaves = 38;  // 2^(38+6) ns are almost five hours
  static std::size_t bucket(std::uint64_t ns);
  static std::uint64_t upper_end(std::size_t bucket);

  std::array<std::uint64_t, kSub*(kOctaves + 1)> buckets_{};
  std::uint64_t count_ = 0;
  double sum_ns_ = 0;
  std::int64_t max_ns_ = 0;
};

}  // namespace vitrine::net
