#include "platform/net/internal/io_thread.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <unistd.h>

#include "base/clock.h"
#include "platform/net/internal/session.h"

namespace vitrine::net::internal {
namespace {

thread_local IoThread* current_io_thread = nullptr;

constexpr std::int64_t kMs = 1'000'000;
constexpr std::size_t kSpareExchanges = 256;
// A buffer above this is given back after use: one large upload must not cost memory for ever.
constexpr std::size_t kKeepBufferBytes = 256 << 10;

// A twentieth of the shortest timeout, between 10 and 100 ms.
std::int64_t wheel_tick_ms(const ServerOptions& o) {
  const auto shortest = std::min(
      {o.idle_timeout, o.header_timeout, o.progress_grace, o.drain_idle, o.tls_handshake_timeout});
  return std::clamp<std::int64_t>(shortest.count() / 20, 10, 100);
}

}  // namespace

IoThread::IoThread(const ServerOptions& options, Handler& handler,
                   std::shared_ptr<AddressCounts> addresses)
    : options_(options),
      addresses_(std::move(addresses)),
      handler_(handler),
      now_ns_(system_clock().steady_ns()),
      wheel_(wheel_tick_ms(options), now_ns_ / kMs) {}

IoThread::~IoThread() = default;

IoThread* IoThread::current() { return current_io_thread; }

void IoThread::start(Executor& executor, int number) {
  task_ = executor.run_thread("http-" + std::to_string(number), [this] {
    current_io_thread = this;
    loop_.run();
    shut_down();
    current_io_thread = nullptr;
  });
}

void IoThread::stop() {
  if (!task_) return;
  loop_.stop();
  task_->wait();
  task_.reset();
}

void IoThread::shut_down() {
  begin_round();
  {
    std::lock_guard lock(commands_mutex_);
    commands_closed_ = true;
  }
  run_commands();  // connections on their way here must be closed, too
  while (!sessions_.empty()) sessions_.back()->close();
  for (Exchange* e = mailbox_.close(); e != nullptr;) delete std::exchange(e, e->mail_next);
  timers_.close();
  buried_.clear();
  spare_.clear();
}

void IoThread::signal() {
  // Only the first of a burst wakes the loop. on_wake() clears the flag before it looks at
  // the queues, so what is queued after its look finds the flag clear and wakes it again.
  if (!wake_pending_.exchange(true)) loop_.wake();
}

bool IoThread::run_soon(std::function<void()> command) {
  {
    std::lock_guard lock(commands_mutex_);
    if (commands_closed_) return false;
    commands_.push_back(std::move(command));
  }
  signal();
  return true;
}

void IoThread::adopt(int fd, Peer peer, Admission admission) {
  open_.fetch_add(1, std::memory_order_relaxed);
  const bool running = run_soon([this, fd, peer, admission] {
    auto session = std::make_unique<Session>(*this, fd, peer, admission);
    session->index = sessions_.size();
    sessions_.push_back(session.get());
    Session* const s = session.release();  // owned by itself until close()
    admission == Admission::kServe ? s->start() : s->start_refused();
  });
  if (running) return;
  open_.fetch_sub(1, std::memory_order_relaxed);
  if (admission == Admission::kServe) addresses_->release(peer.ip);
  ::close(fd);
}

bool IoThread::deliver(Exchange* exchange) {
  if (!mailbox_.push(exchange)) return false;
  signal();
  return true;
}

void IoThread::timers_changed() {
  if (current() == this) {
    arm_timer();
  } else {
    signal();
  }
}

void IoThread::begin_drain() {
  run_soon([this] {
    draining_ = true;
    for (std::size_t i = 0; i < sessions_.size(); ++i) sessions_[i]->begin_drain();
  });
}

void IoThread::begin_round() {
  now_ns_ = system_clock().steady_ns();
  if (!buried_.empty()) buried_.clear();
}

void IoThread::on_wake() {
  begin_round();
  wake_pending_.store(false);
  run_commands();
  take_mail();
  arm_timer();
}

void IoThread::on_timer() {
  begin_round();
  armed_ns_ = kNever;
  timers_.run_due(now_ns_);
  wheel_.advance(now_ms(), [](WheelNode& node) {
    static_cast<Session::TimerNode&>(node).session->on_deadline();
  });
  arm_timer();
}

void IoThread::arm_timer() {
  std::int64_t due = timers_.next_due_ns();
  if (!wheel_.empty()) due = std::min(due, wheel_.next_tick_time() * kMs);
  if (due >= armed_ns_) return;
  armed_ns_ = due;
  loop_.set_timer(due);
}

void IoThread::run_commands() {
  std::vector<std::function<void()>> commands;
  {
    std::lock_guard lock(commands_mutex_);
    commands.swap(commands_);
  }
  for (const auto& command : commands) command();
}

void IoThread::take_mail() {
  Exchange* next = nullptr;
  for (Exchange* e = mailbox_.take(); e != nullptr; e = next) {
    next = e->mail_next;  // an exchange may be used again at once
    if (e->orphaned) {
      delete e;
    } else {
      e->session->deliver();
    }
  }
}

std::string_view IoThread::http_date() {
  if (now_ns_ - date_ns_ >= 1000 * kMs || date_.empty()) {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[40];
    date_.assign(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
    date_ns_ = now_ns_;
  }
  return date_;
}

std::unique_ptr<Exchange> IoThread::take_exchange(Session& session) {
  std::unique_ptr<Exchange> exchange;
  if (spare_.empty()) {
    const ReaderLimits limits{options_.body_bytes_max, options_.header_bytes_max,
                              options_.target_bytes_max, options_.headers_max};
    exchange = std::make_unique<Exchange>(shared_from_this(), limits);
  } else {
    exchange = std::move(spare_.back());
    spare_.pop_back();
  }
  exchange->session = &session;
  return exchange;
}

void IoThread::give_back(std::unique_ptr<Exchange> exchange) {
  if (spare_.size() >= kSpareExchanges) return;
  exchange->reader.reset(kKeepBufferBytes);
  exchange->session = nullptr;
  exchange->response = {};
  spare_.push_back(std::move(exchange));
}

void IoThread::set_deadline(Session& session, std::int64_t deadline_ms) {
  const bool was_empty = wheel_.empty();
  wheel_.set_deadline(session.timer, deadline_ms);
  if (was_empty) arm_timer();
}

void IoThread::forget(Session& session) {
  wheel_.remove(session.timer);
  sessions_[session.index] = sessions_.back();
  sessions_[session.index]->index = session.index;
  sessions_.pop_back();
  open_.fetch_sub(1, std::memory_order_relaxed);
}

void IoThread::bury(std::unique_ptr<Session> session) { buried_.push_back(std::move(session)); }

}  // namespace vitrine::net::internal
