// Counters, gauges and histograms, and their Prometheus text.
//
// An increment is a load and a store in a cell that only the calling thread writes (about 1 ns,
// contended or not: see internal/cells.h); reading sums the cells of all threads. Labels are
// resolved once, when the owner of the code path starts, never per request:
//
//   obs::Counter& accepted = registry.counter("vitrine_events_total", "Events by outcome.",
//   {{"outcome", "accepted"}});
//   ...
//   accepted.add(n);
//
// Registry and families are thread-safe; what they return lives as long as the registry.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/obs/internal/cells.h"

namespace vitrine::obs {

// Only grows.
class Counter {
 public:
  void add(std::uint64_t n = 1) { cells_.add(0, n); }
  // Sum over all threads; misses what is being added at this moment.
  std::uint64_t value() const { return cells_.sum(0); }

 private:
  internal::CellRange cells_{1};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double delta) { value_.fetch_add(delta, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  alignas(64) std::atomic<double> value_{0};
};

// Durations. The bounds are the same for every histogram of the process, so that any two can
// be compared and summed: 1, 2 and 5 times each power of ten from 10 us to 10 s.
class Histogram {
 public:
  static constexpr std::size_t kBounds = 19;
  // Upper bounds (inclusive) in nanoseconds; one more bucket takes what is above.
  static const std::int64_t kBoundsNs[kBounds];

  void observe_ns(std::int64_t duration_ns);
  void observe(std::chrono::nanoseconds duration) { observe_ns(duration.count()); }

  std::uint64_t count() const;
  double sum_seconds() const;
  // In bucket i, 0 <= i <= kBounds; not cumulative.
  std::uint64_t bucket(std::size_t i) const { return cells_.sum(i); }
  // Upper bound of the bucket that holds the q-quantile (0 < q <= 1), in seconds; 0 if empty.
  double quantile_seconds(double q) const;

 private:
  internal::CellRange cells_{kBounds + 2};  // buckets, then the sum in nanoseconds
};

// Observes the time from its construction to its destruction.
class ScopedTimer {
 public:
  explicit ScopedTimer(Histogram& histogram)
      : histogram_(histogram), began_(std::chrono::steady_clock::now()) {}
  ~ScopedTimer() { histogram_.observe(std::chrono::steady_clock::now() - began_); }
  ScopedTimer(const ScopedTimer&) = delete;
  ScopedTimer& operator=(const ScopedTimer&) = delete;

 private:
  Histogram& histogram_;
  const std::chrono::steady_clock::time_point began_;
};

using Labels = std::vector<std::pair<std::string, std::string>>;  // name, value

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The series of that name and labels, made on first use. A name has one kind and one set of
  // label names (checked: another use is a bug). Names follow Prometheus: [a-zA-Z_:][a-zA-Z0-9_:]*;
  // counters end in _total, histograms in _seconds. Label values may be any bytes.
  //
  // A name has at most `kSeriesMax` series: beyond, all label values become "other", so that
  // whoever chooses label values can't choose our memory. O(log n), takes a lock.
  static constexpr std::size_t kSeriesMax = 1000;
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {});

  // Read when the text is written, on that thread: for values that live elsewhere. The function
  // must stay callable until remove_functions(owner) has returned.
  enum class FunctionKind { kGauge, kCounter };
  void function(FunctionKind kind, std::string_view name, std::string_view help,
                const Labels& labels, const void* owner, std::function<double()> read);
  void remove_functions(const void* owner);

  // Appends the Prometheus text exposition (format 0.0.4), families by name. O(series x threads);
  // not for the request path of a small loop: about 1 ms per 1,000 histograms.
  void write_prometheus(std::string& out) const;
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Series;
  struct Family;
  enum class Kind { kCounter, kGauge, kHistogram };
  Series& series(Kind kind, std::string_view name, std::string_view help, const Labels& labels);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;  // guarded by mutex_
};

}  // namespace vitrine::obs
