// One thread of a server: its event loop, its connections, their timeouts, and the answers that
// other threads send to them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "platform/net/internal/address_counts.h"
#include "platform/net/internal/event_loop.h"
#include "platform/net/internal/mailbox.h"
#include "platform/net/internal/timer_queue.h"
#include "platform/net/internal/wheel.h"
#include "platform/net/server.h"

namespace vitrine::net::internal {

class Exchange;
class Session;

// Written by one thread, read by any.
class OwnedCounter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct IoCounters {
  OwnedCounter requests, answers, requests_refused, timeouts, handler_exceptions, bytes_in,
      bytes_out, tls_handshakes, tls_resumptions, tls_failures;
};

// What becomes of a new connection.
enum class Admission : std::uint8_t {
  kServe,
  kFull,         // told 503 and closed
  kAddressFull,  // told 429 and closed
};

// Kept alive by its server and by every Exchange, because a Responder may outlive the server.
class IoThread final : public LoopSink, public std::enable_shared_from_this<IoThread> {
 public:
  IoThread(const ServerOptions& options, Handler& handler,
           std::shared_ptr<AddressCounts> addresses);
  ~IoThread() override;

  // The one whose thread this is; null on threads of others.
  static IoThread* current();

  void start(Executor& executor, int number);
  // Closes every connection and joins. Not from its own thread.
  void stop();

  // --- from any thread ---
  // Runs `command` on this thread, soon; false (and dropped) once stopped.
  bool run_soon(std::function<void()> command);
  // A new connection. One that is to be served has been counted for its address.
  void adopt(int fd, Peer peer, Admission admission);
  // Hands over an answered exchange; false if the thread has stopped (the caller keeps it).
  bool deliver(Exchange* exchange);
  std::size_t open_connections() const { return open_.load(std::memory_order_relaxed); }
  const IoCounters& counters() const { return counters_; }
  TimerQueue& timers() { return timers_; }
  // After timers().add() said that the new one is the earliest.
  void timers_changed();
  void begin_drain();

  // --- for its sessions, on its own thread ---
  const ServerOptions& options() const { return options_; }
  Handler& handler() { return handler_; }
  EventLoop& loop() { return loop_; }
  IoCounters& own_counters() { return counters_; }
  bool draining() const { return draining_; }
  // Taken when this round of work began.
  std::int64_t now_ns() const { return now_ns_; }
  std::int64_t now_ms() const { return now_ns_ / 1'000'000; }
  void begin_round();
  // Answers are put together here; empty between rounds.
  std::string& out() { return out_; }
  // "Sun, 06 Nov 1994 08:49:37 GMT", at most a second old.
  std::string_view http_date();
  std::unique_ptr<Exchange> take_exchange(Session& session);
  void give_back(std::unique_ptr<Exchange> exchange);
  void set_deadline(Session& session, std::int64_t deadline_ms);
  AddressCounts& addresses() { return *addresses_; }
  // The session has closed its descriptor and isn't to be called any more.
  void forget(Session& session);
  // Deletes it once it can't be on the stack.
  void bury(std::unique_ptr<Session> session);

 private:
  void on_wake() override;
  void on_timer() override;
  void on_round_end() override { handler_.round_ended(); }
  void signal();
  void arm_timer();
  void run_commands();
  void take_mail();
  void shut_down();

  const ServerOptions options_;
  const std::shared_ptr<AddressCounts> addresses_;
  Handler& handler_;
  EventLoop loop_{*this};
  Mailbox<Exchange> mailbox_;
  std::atomic<bool> wake_pending_{false};
  std::atomic<std::size_t> open_{0};
  std::mutex commands_mutex_;
  std::vector<std::function<void()>> commands_;  // guarded by commands_mutex_
  bool commands_closed_ = false;                 // guarded by commands_mutex_
  TimerQueue timers_;
  std::unique_ptr<Task> task_;

  // Only on its own thread:
  IoCounters counters_;
  std::int64_t now_ns_;
  Wheel wheel_;
  std::vector<Session*> sessions_;  // each knows its index
  std::vector<std::unique_ptr<Session>> buried_;
  std::vector<std::unique_ptr<Exchange>> spare_;
  std::string out_;
  std::string date_;
  std::int64_t date_ns_ = 0;
  std::int64_t armed_ns_ = kNever;
  bool draining_ = false;
};

}  // namespace vitrine::net::internal
