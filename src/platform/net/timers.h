// Coarse timers on a server's threads: for waits with an end, such as "answer when version v
// is applied, or after 250 ms".
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace vitrine::net {

class TimerTask {
 public:
  virtual ~TimerTask() = default;
  virtual void run() = 0;
};

// Thread-safe. Scheduling and cancelling take a short lock (well under 1 us); memory is
// proportional to the timers that are pending.
class Timers {
 public:
  using Id = std::uint64_t;  // 0 is never given out

  virtual ~Timers() = default;

  // Runs the task once on a server thread (the caller's own, if it is one), not before `delay`
  // and usually within 2 ms after it. It must not block. A server that stops first
  // destroys the task without running it.
  virtual Id schedule(std::chrono::nanoseconds delay, std::unique_ptr<TimerTask> task) = 0;

  // True: the task was destroyed and never runs. False: it runs, ran or was cancelled before.
  // So of a timer and a completion that race for one Responder, exactly one wins.
  virtual bool cancel(Id id) = 0;

  // `fn` may be move-only (it may own a Responder).
  template <class Fn>
  Id post_after(std::chrono::nanoseconds delay, Fn&& fn) {
    struct Call final : TimerTask {
      explicit Call(Fn&& f) : call(std::forward<Fn>(f)) {}
      void run() override { call(); }
      std::decay_t<Fn> call;
    };
    return schedule(delay, std::make_unique<Call>(std::forward<Fn>(fn)));
  }
};

}  // namespace vitrine::net
