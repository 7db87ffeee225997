// What the tests of the server share: a handler that echoes, a server around it, raw connections.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/net/client.h"
#include "platform/net/server.h"

namespace vitrine::net {

using namespace std::chrono_literals;

// Answers what a request looked like, so that a test can see what arrived.
inline Response echo(const Request& r) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::string(r.method_name()) + " " + std::string(r.target()) + " [" +
                  std::string(r.body()) + "]";
  return response;
}

class TestHandler final : public Handler {
 public:
  using Fn = std::function<void(const Request&, Responder)>;
  explicit TestHandler(Fn fn = nullptr) : fn_(std::move(fn)) {}

  void handle(const Request& request, Responder responder) override {
    ++handled;
    if (fn_) return fn_(request, std::move(responder));
    responder.respond(echo(request));
  }
  std::optional<Response> before_body(const Request& head) override {
    ++asked_before_body;
    if (head.header("Authorization") != "no") return std::nullopt;
    return problem(401, "unauthenticated", "no");
  }

  std::atomic<int> handled{0};
  std::atomic<int> asked_before_body{0};

 private:
  Fn fn_;
};

inline ServerOptions quick_options() {
  ServerOptions options;
  options.threads = 2;
  options.idle_timeout = 5s;
  return options;
}

// A server and raw connections to it.
class Fixture {
 public:
  explicit Fixture(TestHandler::Fn fn = nullptr, const ServerOptions& options = quick_options())
      : handler(std::move(fn)), server(std::move(Server::start(options, handler)).value()) {}

  Client client() const {
    ClientOptions options;
    options.port = server->port();
    options.request_timeout = 10s;
    return Client(options);
  }

  TestHandler handler;
  std::unique_ptr<Server> server;
};

// A connection whose bytes the test chooses.
class Raw {
 public:
  explicit Raw(const Fixture& f) : Raw(f.server->port()) {}
  explicit Raw(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(0, ::connect(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a));
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Raw() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {  // RST instead of FIN
    const linger l{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    close();
  }
  int fd() const { return fd_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // Until the end of the stream or `limit` without a byte.
  std::string read_all(std::chrono::milliseconds limit = 5s) {
    std::string out;
    while (read_some(out, limit)) {
    }
    return out;
  }
  // Until `count` answers' ends ("]" of the echo) have come.
  std::string read_answers(std::size_t count) {
    std::string out;
    while (static_cast<std::size_t>(std::count(out.begin(), out.end(), ']')) < count) {
      if (!read_some(out, 5s)) break;
    }
    return out;
  }
  bool closed_within(std::chrono::milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    std::string ignored;
    while (read_some(ignored, limit)) {
    }
    return std::chrono::steady_clock::now() < until;
  }

 private:
  bool read_some(std::string& out, std::chrono::milliseconds limit) {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, static_cast<int>(limit.count())) <= 0) return false;
    char bytes[4096];
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    out.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
};

inline constexpr std::string_view kGet = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";

template <class Predicate>
bool eventually(Predicate p, std::chrono::milliseconds limit = 5s) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!p()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

}  // namespace vitrine::net
