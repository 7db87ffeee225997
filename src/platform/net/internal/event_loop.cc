#include "platform/net/internal/event_loop.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"

namespace vitrine::net::internal {

// Descriptors are watched level-triggered and stay watched for reading while a request is
// handled: a client that waits for its answer costs no call of epoll_ctl at all. One that sends
// meanwhile makes the descriptor ready although nobody asks; only then it is told to be quiet.
struct Watch::State {
  EventLoop::Impl* loop;
  ReadySink* sink;  // null once the Watch is gone
  int fd;
  std::uint32_t told = 0;  // what epoll reports of it
  bool known = false;      // to epoll
  bool reading = false;
  bool writing = false;

  void tell(std::uint32_t wanted);
  void ready(std::uint32_t events);
};

struct EventLoop::Impl {
  explicit Impl(LoopSink& s) : sink(s) {
    epoll = ::epoll_create1(EPOLL_CLOEXEC);
    alarm = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    // A descriptor, because a timeout of epoll_wait would be set and taken back at every sleep.
    timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    VITRINE_CHECK_MSG(epoll >= 0 && alarm >= 0 && timer >= 0,
                      "no descriptors are left for an event loop");
    watch_own(alarm);
    watch_own(timer);
  }
  ~Impl() {
    bury();
    ::close(timer);
    ::close(alarm);
    ::close(epoll);
  }
  void bury() {
    for (Watch::State* state : buried) delete state;
    buried.clear();
  }
  void watch_own(int& fd) const {
    // Edge-triggered: each write, each time that is over is reported once, and nobody has to read.
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = &fd;
    VITRINE_CHECK(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
  }
  int poll(bool wait);
  void rouse();

  LoopSink& sink;
  int epoll = -1;
  int alarm = -1;
  int timer = -1;
  std::atomic<bool> stopped{false};
  std::atomic<bool> woken{false};
  std::atomic<bool> sleeping{false};
  // An event of the round may still point at them.
  std::vector<Watch::State*> buried;
};

void Watch::State::tell(std::uint32_t wanted) {
  epoll_event event{};
  event.events = wanted;
  event.data.ptr = this;
  const int failed = ::epoll_ctl(loop->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  VITRINE_CHECK_MSG(failed == 0, "epoll_ctl failed");
  known = true;
  told = wanted;
}

void Watch::State::ready(std::uint32_t events) {
  // What hangs up or fails is reported whether asked for or not; the next call says how it is.
  constexpr std::uint32_t kOver = EPOLLHUP | EPOLLERR;
  const bool over = (events & kOver) != 0;
  bool asked = false;
  if (((events & EPOLLIN) != 0 || over) && reading) {
    asked = true;
    reading = false;
    sink->on_readable();
  }
  if (((events & EPOLLOUT) != 0 || over) && sink != nullptr && writing) {
    asked = true;
    writing = false;
    sink->on_writable();
  }
  if (sink == nullptr || asked) return;
  if (over) {
    ::epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, nullptr);
    known = false;
    told = 0;
  } else {
    tell((reading ? EPOLLIN : 0U) | (writing ? EPOLLOUT : 0U));
  }
}

Watch::Watch(EventLoop& loop, int fd, ReadySink& sink)
    : state_(new State{loop.impl_.get(), &sink, fd}), fd_(fd) {}

Watch::~Watch() {
  // Closing alone is not enough: a forked child (the writer of a snapshot) may hold it open, too.
  if (state_->known) ::epoll_ctl(state_->loop->epoll, EPOLL_CTL_DEL, fd_, nullptr);
  ::close(fd_);
  state_->sink = nullptr;
  state_->reading = state_->writing = false;
  state_->loop->buried.push_back(state_);
}

void Watch::await_readable() {
  state_->reading = true;
  if ((state_->told & EPOLLIN) == 0) state_->tell(state_->told | EPOLLIN);
}

void Watch::await_writable() {
  state_->writing = true;
  if ((state_->told & EPOLLOUT) == 0) state_->tell(state_->told | EPOLLOUT);
}

EventLoop::EventLoop(LoopSink& sink) : impl_(std::make_unique<Impl>(sink)) {}
EventLoop::~EventLoop() = default;

// A round ends when nothing more is ready, or when enough was done: what is cheaper once for many
// requests is done then.
void EventLoop::run() {
  constexpr int kRoundMax = 64;
  Impl& loop = *impl_;
  int handled = 0;
  while (!loop.stopped.load(std::memory_order_relaxed)) {
    const int n = loop.poll(handled == 0);
    handled += n;
    if (n > 0 && handled < kRoundMax) continue;
    if (handled > 0) loop.sink.on_round_end();
    handled = 0;
    loop.bury();
  }
}

// Handles what is ready, waits for it where that is wished; how much it was.
int EventLoop::Impl::poll(bool wait) {
  constexpr int kEventsMax = 64;
  epoll_event events[kEventsMax];
  // Who wakes the loop sets `woken` and then looks at `sleeping`; here it is the other way round,
  // so that one of the two sees the other.
  if (wait) sleeping.store(true);
  const int n = ::epoll_wait(epoll, events, kEventsMax, wait && !woken.load() ? -1 : 0);
  if (wait) sleeping.store(false, std::memory_order_relaxed);
  VITRINE_CHECK_MSG(n >= 0 || errno == EINTR, "epoll_wait failed");
  int handled = 0;
  if (woken.load(std::memory_order_relaxed) && woken.exchange(false)) {
    ++handled;
    sink.on_wake();
  }
  for (int i = 0; i < n; ++i) {
    if (events[i].data.ptr == &alarm) continue;  // `woken` says it
    ++handled;
    if (events[i].data.ptr == &timer) {
      sink.on_timer();
      continue;
    }
    auto* state = static_cast<Watch::State*>(events[i].data.ptr);
    if (state->sink != nullptr) state->ready(events[i].events);
  }
  return handled;
}

void EventLoop::Impl::rouse() {
  if (!sleeping.exchange(false)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(alarm, &one, sizeof one);
}

void EventLoop::stop() {
  impl_->stopped.store(true);
  impl_->woken.store(true);
  impl_->rouse();
}

void EventLoop::wake() {
  if (!impl_->woken.exchange(true)) impl_->rouse();
}

void EventLoop::set_timer(std::int64_t steady_ns) {
  constexpr std::int64_t kS = 1'000'000'000;
  const std::int64_t at = std::max<std::int64_t>(steady_ns, 1);  // 0 would stop it
  itimerspec due{};
  due.it_value.tv_sec = at / kS;
  due.it_value.tv_nsec = at % kS;
  VITRINE_CHECK(::timerfd_settime(impl_->timer, TFD_TIMER_ABSTIME, &due, nullptr) == 0);
}

}  // namespace vitrine::net::internal
