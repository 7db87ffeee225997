#include "platform/net/server.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "platform/net/internal/io_thread.h"
#include "platform/net/internal/listener.h"

namespace vitrine::net {
namespace {

using internal::IoThread;
using internal::Listener;

constexpr int kThreadsMax = 256;

// The id of a timer: a running number, and in its low byte the thread that keeps it.
class ServerTimers final : public Timers {
 public:
  explicit ServerTimers(const std::vector<std::shared_ptr<IoThread>>& threads)
      : threads_(threads) {}

  Id schedule(std::chrono::nanoseconds delay, std::unique_ptr<TimerTask> task) override {
    const std::size_t thread = home_thread();
    const Id id = (next_.fetch_add(1, std::memory_order_relaxed) << 8) | thread;
    // On a grid of 1 ms, so that many waits end in few wake-ups.
    constexpr std::int64_t kGrid = 1'000'000;
    const std::int64_t due = system_clock().steady_ns() + std::max<std::int64_t>(0, delay.count());
    IoThread& io = *threads_[thread];
    if (io.timers().add(id, (due + kGrid - 1) / kGrid * kGrid, std::move(task))) {
      io.timers_changed();
    }
    return id;
  }

  bool cancel(Id id) override {
    const std::size_t thread = id & 0xFF;
    return thread < threads_.size() && threads_[thread]->timers().cancel(id);
  }

 private:
  std::size_t home_thread() const {
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      if (threads_[i].get() == IoThread::current()) return i;
    }
    return 0;
  }

  const std::vector<std::shared_ptr<IoThread>>& threads_;
  std::atomic<Id> next_{1};
};

class HttpServer final : public Server {
 public:
  HttpServer(const ServerOptions& options, Handler& handler)
      : options_(options),
        addresses_(std::make_shared<internal::AddressCounts>(options.connections_per_address,
                                                             options.unlimited_addresses)),
        plain_(options, threads_, *addresses_, false),
        timers_(threads_) {
    if (options.tls) encrypted_.emplace(options, threads_, *addresses_, true);
    for (int i = 0; i < options.threads; ++i) {
      threads_.push_back(std::make_shared<IoThread>(options, handler, addresses_));
    }
  }
  ~HttpServer() override { stop(); }

  Status listen() {
    VITRINE_TRY(plain_.bind());
    if (encrypted_) VITRINE_TRY(encrypted_->bind());
    threads_.front()->run_soon([this] {
      plain_.start();
      if (encrypted_) encrypted_->start();
    });
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      threads_[i]->start(thread_executor(), static_cast<int>(i));
    }
    stopped_ = false;
    return ok_status();
  }

  std::uint16_t port() const override { return plain_.port(); }
  std::uint16_t tls_port() const override { return encrypted_ ? encrypted_->port() : 0; }
  Timers& timers() override { return timers_; }

  ServerStats stats() const override {
    ServerStats s;
    for (const Listener* listener : {&plain_, encrypted_ ? &*encrypted_ : nullptr}) {
      if (listener == nullptr) continue;
      s.connections_accepted += listener->accepted();
      s.connections_refused += listener->refused();
      s.connections_refused_by_address += listener->refused_by_address();
    }
    std::uint64_t answers = 0;
    for (const auto& thread : threads_) {
      const internal::IoCounters& c = thread->counters();
      s.connections_open += thread->open_connections();
      answers += c.answers.get();
      s.requests += c.requests.get();
      s.requests_refused += c.requests_refused.get();
      s.timeouts += c.timeouts.get();
      s.handler_exceptions += c.handler_exceptions.get();
      s.bytes_in += c.bytes_in.get();
      s.bytes_out += c.bytes_out.get();
      s.tls_handshakes += c.tls_handshakes.get();
      s.tls_resumptions += c.tls_resumptions.get();
      s.tls_handshake_failures += c.tls_failures.get();
    }
    s.requests_in_flight = s.requests - std::min(s.requests, answers);
    return s;
  }

  bool drain(std::chrono::milliseconds limit) override {
    const auto until = std::chrono::steady_clock::now() + limit;
    if (stopped_) return true;
    // First the listener, then the threads: each connection it still hands over comes before the
    // thread's own drain command.
    run_on_first_thread([this] { close_listeners(); });
    for (const auto& thread : threads_) thread->begin_drain();
    while (open_connections() > 0) {
      if (std::chrono::steady_clock::now() >= until) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  void stop() override {
    if (std::exchange(stopped_, true)) return;
    run_on_first_thread([this] { close_listeners(); });
    for (const auto& thread : threads_) thread->stop();
  }

 private:
  void close_listeners() {
    plain_.close();
    if (encrypted_) encrypted_->close();
  }

  std::size_t open_connections() const {
    std::size_t open = 0;
    for (const auto& thread : threads_) open += thread->open_connections();
    return open;
  }

  // Returns when it has run.
  template <class Fn>
  void run_on_first_thread(Fn fn) {
    std::mutex mutex;
    std::condition_variable done_changed;
    bool done = false;
    threads_.front()->run_soon([&] {
      fn();
      std::lock_guard lock(mutex);
      done = true;
      done_changed.notify_one();
    });
    std::unique_lock lock(mutex);
    done_changed.wait(lock, [&] { return done; });
  }

  const ServerOptions options_;
  std::vector<std::shared_ptr<IoThread>> threads_;
  const std::shared_ptr<internal::AddressCounts> addresses_;
  Listener plain_;
  std::optional<Listener> encrypted_;
  ServerTimers timers_;
  bool stopped_ = true;  // before listen() has started the threads, and after stop()
};

Status check_options(const ServerOptions& o) {
  const auto bad = [](const std::string& what) {
    return Error(ErrorCode::kInvalidArgument, "HTTP server: " + what);
  };
  if (o.threads < 1 || o.threads > kThreadsMax) return bad("threads must be 1 to 256");
  if (o.max_connections < 1) return bad("max_connections must be at least 1");
  if (o.header_bytes_max < 256 || o.header_bytes_max > (1u << 20)) {
    return bad("header_bytes_max must be 256 bytes to 1 MiB");
  }
  if (o.target_bytes_max < 1 || o.headers_max < 1) {
    return bad("target_bytes_max and headers_max must be at least 1");
  }
  if (o.progress_bytes_per_s < 1) return bad("progress_bytes_per_s must be at least 1");
  const auto shortest =
      std::min({o.idle_timeout, o.header_timeout, o.progress_grace, o.tls_handshake_timeout});
  if (shortest.count() < 1) return bad("timeouts must be at least 1 ms");
  return ok_status();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler& handler) {
  VITRINE_TRY(check_options(options));
  auto server = std::make_unique<HttpServer>(options, handler);
  VITRINE_TRY(server->listen());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace vitrine::net
