// One thread's event loop: readiness of descriptors, one timer, wake-ups from other threads.
// The poller stays inside the source file.
#pragma once

#include <cstdint>
#include <memory>

namespace vitrine::net::internal {

// Told about one descriptor, on the loop's thread.
class ReadySink {
 public:
  virtual ~ReadySink() = default;
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;
};

// Told about the loop itself, on its thread.
class LoopSink {
 public:
  virtual ~LoopSink() = default;
  virtual void on_wake() = 0;
  virtual void on_timer() = 0;
  // Nothing more is ready, or enough was done without a pause.
  virtual void on_round_end() = 0;
};

class EventLoop;

// Owns a descriptor; closes it when destroyed, after which its sink is not called any more (it may
// be destroyed from within its own sink's call). Loop thread only.
class Watch {
 public:
  Watch(EventLoop& loop, int fd, ReadySink& sink);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // One call of the sink when it is ready; asking again before that changes nothing.
  void await_readable();
  void await_writable();
  int fd() const { return fd_; }

  struct State;

 private:
  State* state_;
  int fd_;
};

class EventLoop {
 public:
  explicit EventLoop(LoopSink& sink);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Serves until stop().
  void run();
  // Any thread.
  void stop();
  // Any thread: on_wake() will be called, once for all calls since it last was. Costs a system call
  // only where the loop sleeps.
  void wake();
  // on_timer() once, at this time of the steady clock (Clock::steady_ns) or up to a
  // millisecond later; replaces an earlier one. Loop thread only.
  void set_timer(std::int64_t steady_ns);

  struct Impl;

 private:
  friend class Watch;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::net::internal
