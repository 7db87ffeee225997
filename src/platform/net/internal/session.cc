#include "platform/net/internal/session.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "platform/net/internal/io_thread.h"
#include "platform/net/internal/response_writer.h"

namespace vitrine::net::internal {
namespace {

// Answers up to here are put together with their head, and with those of pipelined requests, in
// one buffer and sent by one call; longer bodies are sent from where they are.
constexpr std::size_t kCopyBytesMax = 64 << 10;

constexpr std::size_t kDiscardBytesMax = 4 << 20;
constexpr std::int64_t kLingerMs = 2000;

}  // namespace

Exchange::Exchange(std::shared_ptr<IoThread> io, const ReaderLimits& limits)
    : reader(limits), io_(std::move(io)) {}

Exchange::~Exchange() = default;

void Exchange::complete(Response answer) {
  response = std::move(answer);
  if (in_handle_here()) {
    answered = true;
    return;
  }
  hand_over();
}

void Exchange::complete_with(std::unique_ptr<AnswerMaker> by) {
  maker = std::move(by);
  if (!in_handle_here()) return hand_over();
  make_answer();
  answered = true;
}

void Exchange::hand_over() {
  // Once it is in the mailbox its thread may delete it, and with it what keeps the thread's object.
  const std::shared_ptr<IoThread> io = io_;
  if (!io->deliver(this)) delete this;
}

void Exchange::make_answer() {
  if (!maker) return;
  const std::unique_ptr<AnswerMaker> by = std::move(maker);
  try {
    response = by->make();
  } catch (...) {
    io_->own_counters().handler_exceptions.add();
    response = problem(500, "internal", "the answer could not be made");
  }
}

bool Exchange::in_handle_here() const { return IoThread::current() == io_.get() && in_handle; }

Session::Session(IoThread& io, int fd, Peer peer, Admission admission)
    : io_(io),
      watch_(std::make_unique<Watch>(io.loop(), fd, *this)),
      peer_(std::move(peer)),
      admission_(admission) {
  timer.session = this;
  if (peer_.encrypted) tls_ = std::make_unique<Tls>(*io.options().tls, fd);
}

Session::~Session() = default;

void Session::start() {
  const auto& options = io_.options();
  const auto limit = tls_ ? options.tls_handshake_timeout : options.header_timeout;
  io_.set_deadline(*this, io_.now_ms() + limit.count());
  watch_->await_readable();
}

void Session::start_refused() {
  if (admission_ == Admission::kAddressFull) {
    refuse(429, "too_many_connections",
           "as many connections are open from this address as one may have; close some");
  } else {
    refuse(503, "overloaded", "this server has as many connections as it may have; try again");
  }
  settle();
}

void Session::on_readable() {
  io_.begin_round();
  if (state_ == State::kLingering) return discard_input();
  if (state_ != State::kReading || outgoing_) return;
  if (tls_ && !tls_->stream.established()) return shake_hands();
  if (!exchange_) exchange_ = io_.take_exchange(*this);
  RequestReader& reader = exchange_->reader;
  const ssize_t n = receive(reader.space());
  if (n > 0) {
    io_.own_counters().bytes_in.add(static_cast<std::uint64_t>(n));
    read_ns_ = io_.now_ns();
    if (reader.idle()) {
      reader.stamp(peer_, read_ns_);
      request_since_ms_ = io_.now_ms();
      body_since_ms_ = 0;
    }
    reader.filled(static_cast<std::size_t>(n));
    return process();
  }
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return settle();
  close();
}

void Session::shake_hands() {
  switch (tls_->stream.handshake()) {
    case Handshake::kWantRead: return watch_->await_readable();
    case Handshake::kWantWrite: return watch_->await_writable();
    case Handshake::kDone:
      io_.own_counters().tls_handshakes.add();
      if (tls_->stream.resumed()) io_.own_counters().tls_resumptions.add();
      return settle();
    case Handshake::kNotTls:
      io_.own_counters().tls_failures.add();
      tls_.reset();
      refuse(400, "https_required", "this port speaks HTTPS only: use https:// in the URL");
      return settle();
    case Handshake::kFailed:
      io_.own_counters().tls_failures.add();
      tls_.reset();
      return linger();  // the peer may still have to read why
  }
}

// As recv().
ssize_t Session::receive(std::span<char> space) {
  if (!tls_) return ::recv(watch_->fd(), space.data(), space.size(), 0);
  const ssize_t n = tls_->stream.read(space);
  if (n > 0 || !tls_->stream.within_record()) {
    tls_->record_since_ms = 0;
  } else if (tls_->record_since_ms == 0) {
    tls_->record_since_ms = io_.now_ms();
  }
  return n;
}

// As sendmsg().
ssize_t Session::transmit(iovec (&parts)[2]) {
  if (!tls_) {
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    return ::sendmsg(watch_->fd(), &message, MSG_NOSIGNAL);
  }
  ssize_t sent = 0;
  for (const iovec& part : parts) {
    if (part.iov_len == 0) continue;
    const ssize_t n = tls_->stream.write({static_cast<const char*>(part.iov_base), part.iov_len});
    if (n < 0) return sent > 0 ? sent : n;
    sent += n;
    if (static_cast<std::size_t>(n) < part.iov_len) break;
  }
  return sent;
}

// Serves every request that is complete in the buffer, then sends the answers together.
void Session::process() {
  while (state_ == State::kReading) {
    switch (exchange_->reader.advance()) {
      case RequestReader::Step::kNeedMore: return settle();
      case RequestReader::Step::kHead: on_head(); break;
      case RequestReader::Step::kComplete: dispatch(); break;
      case RequestReader::Step::kRefused: {
        const Refusal& refusal = exchange_->reader.refusal();
        refuse(refusal.status, refusal.code, refusal.detail);
        break;
      }
    }
    if (outgoing_) break;  // the peer reads slower than it asks
  }
  settle();
}

void Session::on_head() {
  body_since_ms_ = io_.now_ms();
  std::optional<Response> refusal;
  try {
    refusal = io_.handler().before_body(exchange_->reader.request());
  } catch (...) {
    io_.own_counters().handler_exceptions.add();
    refusal = problem(500, "internal", "the request could not be handled");
  }
  if (refusal) {
    io_.own_counters().requests_refused.add();
    close_after_ = true;
    state_ = State::kDone;
    return append_answer(std::move(*refusal), false, false);
  }
  if (exchange_->reader.expects_continue()) io_.out().append("HTTP/1.1 100 Continue\r\n\r\n");
}

void Session::dispatch() {
  state_ = State::kHandling;
  timer.deadline = kNever;
  io_.own_counters().requests.add();
  Exchange& exchange = *exchange_;
  exchange.answered = false;
  exchange.in_handle = true;
  try {
    io_.handler().handle(exchange.reader.request(), Responder(exchange));
  } catch (...) {
    // Its Responder was destroyed on the way here, which answered 500, or had been moved away.
    io_.own_counters().handler_exceptions.add();
  }
  exchange.in_handle = false;
  if (exchange.answered) finish_answer(std::move(exchange.response));
}

void Session::deliver() {
  exchange_->make_answer();
  finish_answer(std::move(exchange_->response));
  if (outgoing_) return settle();
  process();
}

void Session::finish_answer(Response response) {
  RequestReader& reader = exchange_->reader;
  io_.own_counters().answers.add();
  const bool keep = reader.keep_alive() && !io_.draining();
  append_answer(std::move(response), keep, reader.request().method() == Method::kHead);
  if (!keep) {
    close_after_ = true;
    state_ = State::kDone;
    return;
  }
  reader.next();
  state_ = State::kReading;
  if (!reader.idle()) {
    reader.stamp(peer_, read_ns_);
    request_since_ms_ = read_ns_ / 1'000'000;
    body_since_ms_ = 0;
  }
}

void Session::append_answer(Response response, bool keep_alive, bool without_body) {
  std::string& out = io_.out();
  append_head(out, response, io_.http_date(), keep_alive);
  if (without_body || !status_has_body(response.status)) return;
  if (response.body.size() > kCopyBytesMax) return send_with_body(std::move(response.body));
  out.append(response.body);
  if (out.size() > kCopyBytesMax) flush();
}

void Session::refuse(int status, std::string_view code, std::string_view detail) {
  io_.own_counters().requests_refused.add();
  close_after_ = true;
  state_ = State::kDone;
  Response response;
  try {
    response = io_.handler().refuse(status, code, detail);
  } catch (...) {
    io_.own_counters().handler_exceptions.add();
    response = problem(status, code, detail);
  }
  append_answer(std::move(response), false, false);
}

void Session::flush() { send_with_body({}); }

// Sends out() and then `body`; keeps what the kernel does not take.
void Session::send_with_body(std::string body) {
  std::string& out = io_.out();
  if (out.empty() && body.empty()) return;
  if (outgoing_) {
    std::string& last = outgoing_->body.empty() ? outgoing_->data : outgoing_->body;
    last.append(out).append(body);
    out.clear();
    return;
  }
  iovec parts[2] = {{out.data(), out.size()}, {body.data(), body.size()}};
  ssize_t sent = transmit(parts);
  if (sent < 0) sent = 0;  // a broken connection shows when it becomes writable
  io_.own_counters().bytes_out.add(static_cast<std::uint64_t>(sent));
  const auto taken = static_cast<std::size_t>(sent);
  if (taken < out.size() + body.size()) {
    outgoing_ = std::make_unique<Outgoing>();
    outgoing_->since_ms = io_.now_ms();
    if (taken < out.size()) {
      outgoing_->data = out.substr(taken);
    } else {
      outgoing_->sent = taken - out.size();
    }
    outgoing_->body = std::move(body);
  }
  out.clear();
}

void Session::on_writable() {
  io_.begin_round();
  if (!outgoing_) {
    // TLS has something to go on with that no readiness to read would tell of.
    if (tls_) on_readable();
    return;
  }
  Outgoing& o = *outgoing_;
  const std::size_t data_left = o.data.size() - std::min(o.sent, o.data.size());
  const std::size_t body_from = o.sent - (o.data.size() - data_left);
  iovec parts[2] = {{o.data.data() + (o.data.size() - data_left), data_left},
                    {o.body.data() + body_from, o.body.size() - body_from}};
  const ssize_t sent = transmit(parts);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return close();
  if (sent > 0) {
    o.sent += static_cast<std::size_t>(sent);
    io_.own_counters().bytes_out.add(static_cast<std::uint64_t>(sent));
  }
  if (o.sent < o.data.size() + o.body.size()) return settle();
  outgoing_.reset();
  if (state_ == State::kReading && exchange_) return process();
  settle();
}

// Sends what has been put together and decides what the connection waits for.
void Session::settle() {
  flush();
  if (outgoing_) {
    const auto& options = io_.options();
    io_.set_deadline(*this, outgoing_->since_ms + options.progress_grace.count() +
                                static_cast<std::int64_t>(outgoing_->sent * 1000 /
                                                          options.progress_bytes_per_s));
    return watch_->await_writable();
  }
  switch (state_) {
    case State::kReading: return settle_reading();
    case State::kDone: return linger();
    case State::kHandling: timer.deadline = kNever; return;
    case State::kLingering:
    case State::kClosed: return;
  }
}

void Session::settle_reading() {
  const auto& options = io_.options();
  if (!exchange_ || exchange_->reader.idle()) {
    if (exchange_) io_.give_back(std::move(exchange_));
    io_.set_deadline(*this, idle_deadline());
  } else if (body_since_ms_ == 0) {
    io_.set_deadline(*this, request_since_ms_ + options.header_timeout.count());
  } else {
    io_.set_deadline(*this, body_since_ms_ + options.progress_grace.count() +
                                static_cast<std::int64_t>(exchange_->reader.buffered() * 1000 /
                                                          options.progress_bytes_per_s));
  }
  tls_ && tls_->stream.read_again() ? watch_->await_writable() : watch_->await_readable();
}

std::int64_t Session::idle_deadline() {
  const auto& options = io_.options();
  const auto idle = io_.draining() ? options.drain_idle : options.idle_timeout;
  const std::int64_t deadline = io_.now_ms() + idle.count();
  if (!tls_ || tls_->record_since_ms == 0) return deadline;
  // A record that comes byte by byte is a request's head that does.
  return std::min(deadline, tls_->record_since_ms + options.header_timeout.count());
}

void Session::linger() {
  state_ = State::kLingering;
  if (exchange_) io_.give_back(std::move(exchange_));
  if (tls_) tls_->stream.shutdown();
  ::shutdown(watch_->fd(), SHUT_WR);
  io_.set_deadline(*this, io_.now_ms() + kLingerMs);
  discard_input();
}

void Session::discard_input() {
  thread_local char scratch[64 << 10];
  while (true) {
    const ssize_t n = ::recv(watch_->fd(), scratch, sizeof scratch, 0);
    if (n > 0) {
      discarded_ += static_cast<std::size_t>(n);
      if (discarded_ > kDiscardBytesMax) return close();
      continue;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return watch_->await_readable();
    if (n < 0 && errno == EINTR) continue;
    return close();
  }
}

void Session::on_deadline() {
  if (state_ == State::kLingering) return close();
  const bool in_request = state_ == State::kReading && exchange_ && !outgoing_;
  if (!io_.draining() || in_request || outgoing_) io_.own_counters().timeouts.add();
  if (tls_ && !tls_->stream.established()) io_.own_counters().tls_failures.add();
  if (!in_request) return close();
  refuse(408, "request_timeout", "the request did not arrive in time");
  settle();
}

void Session::begin_drain() {
  if (state_ == State::kReading && !exchange_ && !outgoing_) {
    io_.set_deadline(*this, io_.now_ms() + io_.options().drain_idle.count());
  }
}

void Session::close() {
  if (state_ == State::kClosed) return;
  if (tls_) tls_->stream.shutdown();
  watch_.reset();
  outgoing_.reset();
  const bool responder_out = state_ == State::kHandling;
  state_ = State::kClosed;
  if (admission_ == Admission::kServe) io_.addresses().release(peer_.ip);
  io_.forget(*this);
  if (responder_out) {
    // Released, not leaked: the Responder that is out completes the exchange, and that deletes it.
    Exchange* const exchange = exchange_.release();
    exchange->orphaned.reset(this);
    return;
  }
  if (exchange_) io_.give_back(std::move(exchange_));
  io_.bury(std::unique_ptr<Session>(this));
}

}  // namespace vitrine::net::internal
