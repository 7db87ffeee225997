// What a server calls for each request, and how the answer comes back.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "platform/net/http.h"

namespace vitrine::net {

// An answer that is put together where it is sent: whoever learns that it is due only says so, and
// memory goes back to the thread that it was taken from.
class AnswerMaker {
 public:
  virtual ~AnswerMaker() = default;
  // Called at most once (never where the server has stopped meanwhile). Must not block.
  virtual Response make() = 0;
};

// Takes one answer. The server's connections are sinks; a test may write its own.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  // One of the two is called exactly once per Responder, from whichever thread had it.
  virtual void complete(Response response) = 0;
  virtual void complete_with(std::unique_ptr<AnswerMaker> maker) { complete(maker->make()); }
};

// The duty to answer one request. Move it to where the answer will be known and call
// respond() there: in handle() itself (cheapest: no queue, no wake-up), or later from any
// thread (one lock-free push; a burst of answers wakes the connection's thread once).
// Dropped without a call it answers 500, so that no client waits for ever.
class Responder {
 public:
  Responder() = default;
  explicit Responder(ResponseSink& sink) : sink_(&sink) {}
  Responder(Responder&& other) noexcept : sink_(std::exchange(other.sink_, nullptr)) {}
  Responder& operator=(Responder&& other) noexcept;
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  ~Responder();

  // At most once. From here on the Request must not be touched. Fine after the peer has
  // gone and after the server was stopped: the answer then goes nowhere.
  void respond(Response response);
  // The same with an answer that the connection's thread makes.
  void respond_with(std::unique_ptr<AnswerMaker> maker);
  // Still owes an answer.
  explicit operator bool() const { return sink_ != nullptr; }

 private:
  ResponseSink* sink_ = nullptr;
};

// Called on the server's threads, several at once: must be thread-safe, and must not block
// (the thread's other connections wait meanwhile).
class Handler {
 public:
  virtual ~Handler() = default;

  // An exception that leaves it is counted and answered with 500.
  virtual void handle(const Request& request, Responder responder) = 0;

  // Called with the head of a request whose body has not arrived completely yet, before more of
  // it is read: an answer refuses the request (it is sent with Connection: close), nullopt lets
  // it come. Requests whose body came together with their head skip this, so handle() has to
  // check everything again.
  virtual std::optional<Response> before_body(const Request& head) {
    (void)head;
    return std::nullopt;
  }

  // Called on the server's thread when it has handled what was ready, before it looks for more: the
  // moment for work that is cheaper once for several requests. At most 64 requests later than the
  // first of them.
  virtual void round_ended() {}

  // The answer to what never becomes a request: malformed (400), too slow (408), too large
  // (413, 414, 431), too many connections (503). `code` is stable, snake_case.
  virtual Response refuse(int status, std::string_view code, std::string_view detail) {
    return problem(status, code, detail);
  }
};

}  // namespace vitrine::net
