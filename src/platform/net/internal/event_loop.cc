#include "platform/net/internal/event_loop.h"

// ThreadSanitizer does not know stand-alone fences; the loops don't depend on them.
#ifdef __SANITIZE_THREAD__
#define BOOST_ASIO_DISABLE_FENCED_BLOCK 1
#endif

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>

namespace vitrine::net::internal {

namespace asio = boost::asio;
using boost::system::error_code;

// The concrete executor: the type-erased default costs a fifth more per operation.
using Executor = asio::io_context::executor_type;
using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

struct EventLoop::Impl {
  explicit Impl(LoopSink& s) : sink(s), work(context.get_executor()), timer(context) {}
  LoopSink& sink;
  // One thread runs it; others may post.
  asio::io_context context{1};
  asio::executor_work_guard<Executor> work;
  Timer timer;
};

// Shared with the operations that are under way: closing a descriptor completes them later,
// when the sink may be gone. Only the loop's thread counts.
struct Watch::State {
  State(asio::io_context& context, int fd, ReadySink& s) : sink(&s), descriptor(context, fd) {}

  void arm_read();
  void arm_write();

  ReadySink* sink;  // null once the Watch is gone
  Descriptor descriptor;
  int references = 1;
  bool reading = false;
  bool writing = false;

  friend void intrusive_ptr_add_ref(State* s) { ++s->references; }
  friend void intrusive_ptr_release(State* s) {
    if (--s->references == 0) delete s;
  }
};

void Watch::State::arm_read() {
  if (reading) return;
  reading = true;
  descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                        [self = boost::intrusive_ptr<State>(this)](const error_code&) {
                          self->reading = false;
                          if (self->sink != nullptr) self->sink->on_readable();
                        });
}

void Watch::State::arm_write() {
  if (writing) return;
  writing = true;
  descriptor.async_wait(asio::posix::descriptor_base::wait_write,
                        [self = boost::intrusive_ptr<State>(this)](const error_code&) {
                          self->writing = false;
                          if (self->sink != nullptr) self->sink->on_writable();
                        });
}

Watch::Watch(EventLoop& loop, int fd, ReadySink& sink)
    : state_(new State(loop.impl_->context, fd, sink)), fd_(fd) {}

Watch::~Watch() {
  state_->sink = nullptr;
  error_code ignored;
  state_->descriptor.close(ignored);
  intrusive_ptr_release(state_);
}

void Watch::await_readable() { state_->arm_read(); }
void Watch::await_writable() { state_->arm_write(); }

EventLoop::EventLoop(LoopSink& sink) : impl_(std::make_unique<Impl>(sink)) {}
EventLoop::~EventLoop() = default;

void EventLoop::run() {
  constexpr int kRoundMax = 64;
  while (impl_->context.run_one() > 0) {
    for (int done = 1; done < kRoundMax && impl_->context.poll_one() > 0; ++done) {
    }
    impl_->sink.on_round_end();
  }
}

void EventLoop::stop() { impl_->context.stop(); }

void EventLoop::wake() {
  asio::post(impl_->context, [impl = impl_.get()] { impl->sink.on_wake(); });
}

void EventLoop::set_timer(std::int64_t steady_ns) {
  using Clock = std::chrono::steady_clock;
  impl_->timer.expires_at(Clock::time_point(
      std::chrono::duration_cast<Clock::duration>(std::chrono::nanoseconds(steady_ns))));
  impl_->timer.async_wait([impl = impl_.get()](const error_code& ec) {
    if (!ec) impl->sink.on_timer();
  });
}

}  // namespace vitrine::net::internal
