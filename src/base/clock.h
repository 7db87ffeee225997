// Time as values. Engines and the applier never read a clock: they are given times.
// What needs one takes a Clock&, so that a test can hold it still.
#pragma once

#include <atomic>
#include <cstdint>

namespace vitrine {

// Microseconds since 1970-01-01T00:00:00Z (may be negative: 1901 is a time too).
using TimeUs = std::int64_t;

inline constexpr TimeUs kSecondUs = 1'000'000;
inline constexpr TimeUs kMinuteUs = 60 * kSecondUs;
inline constexpr TimeUs kHourUs = 60 * kMinuteUs;
inline constexpr TimeUs kDayUs = 24 * kHourUs;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimeUs wall_us() const = 0;          // can jump; for timestamps
  virtual std::int64_t steady_ns() const = 0;  // never goes back; for durations
};

// The machine's clocks. Thread-safe.
const Clock& system_clock();

// A clock that moves only when told. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimeUs start_us = 0) : now_us_(start_us) {}
  TimeUs wall_us() const override { return now_us_.load(); }
  std::int64_t steady_ns() const override { return now_us_.load() * 1000; }
  void advance_us(TimeUs delta) { now_us_ += delta; }
  void set_us(TimeUs now) { now_us_ = now; }

 private:
  std::atomic<TimeUs> now_us_;
};

}  // namespace vitrine
