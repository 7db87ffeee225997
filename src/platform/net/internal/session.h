// One connection and its current exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <sys/types.h>
#include <sys/uio.h>

#include "platform/net/handler.h"
#include "platform/net/internal/event_loop.h"
#include "platform/net/internal/request_reader.h"
#include "platform/net/internal/tls_stream.h"
#include "platform/net/internal/wheel.h"

namespace vitrine::net::internal {

class IoThread;
class Session;
enum class Admission : std::uint8_t;

// What a connection needs only while something is under way: buffer, request, answer. Idle
// connections have none; each thread keeps some spare ones.
//
// While a Responder is out it is the one thing that must stay, whatever happens to connection
// and server: see Session::close.
class Exchange final : public ResponseSink {
 public:
  Exchange(std::shared_ptr<IoThread> io, const ReaderLimits& limits);
  ~Exchange() override;

  void complete(Response response) override;
  void complete_with(std::unique_ptr<AnswerMaker> by) override;
  // Own thread only: makes the answer where that was left to this thread.
  void make_answer();

  RequestReader reader;
  Session* session = nullptr;
  Response response;
  std::unique_ptr<AnswerMaker> maker;  // of `response`
  Exchange* mail_next = nullptr;
  bool in_handle = false;             // own thread only: handle() is on the stack
  bool answered = false;              // own thread only: complete() was called from within handle()
  std::unique_ptr<Session> orphaned;  // the request's address text lives there

 private:
  void hand_over();
  bool in_handle_here() const;
  std::shared_ptr<IoThread> io_;
};

// Lives on one IoThread and is only touched by it. States: reading (a request, or waiting for one),
// handling (a Responder is out), done (the last answer is being sent), lingering (sent; what the
// peer still sends is thrown away for a moment, so that closing does not reset the connection
// before it has read the answer), closed.
class Session final : public ReadySink {
 public:
  Session(IoThread& io, int fd, Peer peer, Admission admission);
  ~Session() override;

  void start();
  void start_refused();
  // The answer of the current exchange has come from elsewhere. Not after orphan().
  void deliver();
  // The wheel found its deadline passed.
  void on_deadline();
  // A connection without a request gets its shorter deadline.
  void begin_drain();
  // Closes the descriptor and leaves the thread's books. While a Responder is out, its exchange
  // owns the session from now on; else the thread deletes it soon.
  void close();

  struct TimerNode : WheelNode {
    Session* session = nullptr;
  };
  TimerNode timer;
  std::size_t index = 0;  // in its thread's list of sessions

 private:
  enum class State { kReading, kHandling, kDone, kLingering, kClosed };
  struct Outgoing {
    std::string data;
    std::string body;  // sent after data
    std::size_t sent = 0;
    std::int64_t since_ms = 0;
  };

  // Of an encrypted connection; null for the others.
  struct Tls {
    Tls(TlsIdentity& identity, int fd) : stream(identity, fd) {}
    TlsStream stream;
    std::int64_t record_since_ms = 0;  // a record has come in part, and nothing else is under way
  };

  void on_readable() override;
  void on_writable() override;

  void shake_hands();
  ssize_t receive(std::span<char> space);
  ssize_t transmit(iovec (&parts)[2]);
  std::int64_t idle_deadline();

  void process();
  void on_head();
  void dispatch();
  void finish_answer(Response response);
  void append_answer(Response response, bool keep_alive, bool without_body);
  void refuse(int status, std::string_view code, std::string_view detail);
  void flush();
  void send_with_body(std::string body);
  void settle();
  void settle_reading();
  void linger();
  void discard_input();

  IoThread& io_;
  std::unique_ptr<Watch> watch_;
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<Outgoing> outgoing_;  // while the peer's window is full
  std::unique_ptr<Tls> tls_;
  const Peer peer_;
  std::int64_t read_ns_ = 0;           // of the last bytes
  std::int64_t request_since_ms_ = 0;  // first byte of the request that is being read
  std::int64_t body_since_ms_ = 0;     // 0: its head is incomplete
  std::size_t discarded_ = 0;
  State state_ = State::kReading;
  const Admission admission_;
  bool close_after_ = false;
};

}  // namespace vitrine::net::internal
