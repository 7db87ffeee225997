#include "platform/net/server.h"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/net/client.h"

namespace vitrine::net {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Answers what a request looked like, so that a test can see what arrived.
Response echo(const Request& r) {
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

ServerOptions quick_options() {
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
  explicit Raw(const Fixture& f) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(f.server->port());
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

constexpr std::string_view kGet = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";

template <class Predicate>
bool eventually(Predicate p, std::chrono::milliseconds limit = 5s) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!p()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

TEST(Server, AnswersAndKeepsTheConnection) {
  Fixture f;
  Client client = f.client();
  for (int i = 0; i < 3; ++i) {
    auto response = client.request("POST", "/v1/events?x=1", {}, "body " + std::to_string(i));
    ASSERT_TRUE(response.ok()) << response.error().to_string();
    EXPECT_EQ(200, response->status);
    EXPECT_EQ("POST /v1/events?x=1 [body " + std::to_string(i) + "]", response->body);
    EXPECT_EQ("text/plain", response->header("content-type"));
    EXPECT_THAT(std::string(response->header("Date")), HasSubstr("GMT"));
  }
  EXPECT_EQ(1u, f.server->stats().connections_accepted);
  EXPECT_EQ(3u, f.server->stats().requests);
}

TEST(Server, TakesARequestCutAtEveryByte) {
  Fixture f;
  const std::string request =
      "POST /cut HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello";
  const std::string chunked =
      "POST /cut HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nhe\r\n3;e=1\r\nllo\r\n"
      "0\r\nT: v\r\n\r\n";
  Raw raw(f);
  for (const std::string& bytes : {request, chunked}) {
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
      SCOPED_TRACE(cut);
      ASSERT_TRUE(raw.send(bytes.substr(0, cut)));
      if (cut % 7 == 0) std::this_thread::sleep_for(1ms);
      ASSERT_TRUE(raw.send(bytes.substr(cut)));
      ASSERT_THAT(raw.read_answers(1), HasSubstr("POST /cut [hello]"));
    }
  }
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  Fixture f;
  std::string all;
  for (int i = 0; i < 500; ++i) {
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  }
  Raw raw(f);
  std::thread sender([&] { raw.send(all); });
  const std::string answers = raw.read_answers(500);
  sender.join();
  std::size_t at = 0;
  for (int i = 0; i < 500; ++i) {
    at = answers.find("POST /" + std::to_string(i) + " [abc]", at);
    ASSERT_NE(std::string::npos, at) << i;
  }
}

// Goal: order holds although each answer comes from another thread, after a while.
TEST(Server, AnswersPipelinedRequestsInOrderWhenAnsweredElsewhere) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  Fixture f([&](const Request& request, Responder responder) {
    std::lock_guard lock(mutex);
    threads.emplace_back([&request, r = std::move(responder)]() mutable {
      std::this_thread::sleep_for(std::chrono::microseconds(request.target().size() * 37 % 500));
      r.respond(echo(request));
    });
  });
  std::string all;
  for (int i = 0; i < 100; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  Raw raw(f);
  raw.send(all);
  const std::string answers = raw.read_answers(100);
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = answers.find("GET /" + std::to_string(i) + " []", at);
    ASSERT_NE(std::string::npos, at) << i;
  }
  for (auto& t : threads) t.join();
}

TEST(Server, TellsTheSenderToContinueOnlyIfItMay) {
  Fixture f;
  Raw raw(f);
  raw.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  std::string first = raw.read_all(200ms);
  EXPECT_EQ("HTTP/1.1 100 Continue\r\n\r\n", first);
  raw.send("ok");
  EXPECT_THAT(raw.read_answers(1), HasSubstr("[ok]"));

  Raw refused(f);
  refused.send(
      "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nAuthorization: no\r\n"
      "Content-Length: 2\r\n\r\n");
  const std::string answer = refused.read_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_EQ(1, f.handler.handled);
  EXPECT_EQ(2, f.handler.asked_before_body);
}

TEST(Server, DoesNotAskBeforeABodyThatIsAlreadyThere) {
  Fixture f;
  Raw raw(f);
  raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_THAT(raw.read_answers(1), HasSubstr("[ok]"));
  EXPECT_EQ(0, f.handler.asked_before_body);
}

TEST(Server, AnswersHeadWithoutABody) {
  Fixture f;
  Client client = f.client();
  auto head = client.request("HEAD", "/h");
  ASSERT_TRUE(head.ok());
  EXPECT_EQ("", head->body);
  EXPECT_EQ("10", head->header("Content-Length"));  // "HEAD /h []"
  EXPECT_TRUE(client.get("/after").ok());
  EXPECT_EQ(1u, f.server->stats().connections_accepted);
}

struct BadRequest {
  std::string_view bytes;
  int status;
};

// Each is answered with its status and the connection is closed.
TEST(Server, RefusesWhatIsNoRequest) {
  static const std::string long_target =
      "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n";
  static const std::string endless_target = "GET /" + std::string(20000, 'a');
  static const std::string long_header =
      "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(20000, 'a') + "\r\n\r\n";
  static const std::string many_headers = [] {
    std::string s = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 200; ++i) s += "A: b\r\n";
    return s + "\r\n";
  }();
  const BadRequest cases[] = {
      {"\x16\x03\x01\x02\x00\x01\x00\x01", 400},
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nA : y\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: y\r\n folded\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFF\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFF\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", 417},
      {long_target, 414},
      {endless_target, 414},
      {long_header, 431},
      {many_headers, 431},
  };
  Fixture f;
  for (const BadRequest& c : cases) {
    SCOPED_TRACE(c.bytes.substr(0, 120));
    Raw raw(f);
    raw.send(c.bytes);
    const std::string answer = raw.read_all();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + std::to_string(c.status) + " "));
    EXPECT_THAT(answer, HasSubstr("Connection: close"));
    EXPECT_THAT(answer, HasSubstr("application/problem+json"));
  }
  EXPECT_EQ(0, f.handler.handled);
  EXPECT_EQ(std::size(cases), f.server->stats().requests_refused);
}

// The sender of a body that is too long still gets to read why, while it is sending.
TEST(Server, RefusesALongBodyWithoutReadingIt) {
  ServerOptions options = quick_options();
  options.body_bytes_max = 1000;
  Fixture f(nullptr, options);
  Client client = f.client();
  auto response = client.post("/", "x/y", std::string(3'000'000, 'x'));
  ASSERT_TRUE(response.ok()) << response.error().to_string();
  EXPECT_EQ(413, response->status);
  EXPECT_TRUE(client.post("/", "x/y", std::string(1000, 'x')).ok());
}

TEST(Server, StopsAChunkedBodyThatGrowsTooLong) {
  ServerOptions options = quick_options();
  options.body_bytes_max = 1000;
  Fixture f(nullptr, options);
  Raw raw(f);
  raw.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 100 && raw.send("20\r\n01234567890123456789012345678901\r\n"); ++i) {
  }
  EXPECT_THAT(raw.read_all(), StartsWith("HTTP/1.1 413 "));
}

TEST(Server, GrowsItsBufferForALargeBody) {
  Fixture f([](const Request& request, Responder responder) {
    Response response;
    response.body = std::string(request.body());
    responder.respond(std::move(response));
  });
  Client client = f.client();
  for (const std::size_t size : {0u, 1u, 16383u, 16384u, 70'000u, 1'000'000u, 16u << 20}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31 % 251);
    auto response = client.post("/", "x/y", body);
    ASSERT_TRUE(response.ok()) << response.error().to_string();
    EXPECT_TRUE(response->body == body) << size;
  }
  EXPECT_EQ(1u, f.server->stats().connections_accepted);
}

TEST(Server, ClosesIdleConnections) {
  ServerOptions options = quick_options();
  options.idle_timeout = 200ms;
  options.header_timeout = 200ms;
  Fixture f(nullptr, options);
  Raw fresh(f);
  Raw used(f);
  used.send(kGet);
  EXPECT_THAT(used.read_answers(1), HasSubstr("GET /a?b=c []"));
  EXPECT_TRUE(used.closed_within(3s));
  EXPECT_TRUE(fresh.closed_within(3s));
  EXPECT_TRUE(eventually([&] { return f.server->stats().connections_open == 0; }));
  EXPECT_EQ(2u, f.server->stats().timeouts);
}

TEST(Server, DoesNotCloseABusyConnection) {
  ServerOptions options = quick_options();
  options.idle_timeout = 200ms;
  options.header_timeout = 200ms;
  options.progress_grace = 200ms;
  Fixture f(nullptr, options);
  Client client = f.client();
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(client.get("/").ok());
    std::this_thread::sleep_for(60ms);
  }
  EXPECT_EQ(1u, f.server->stats().connections_accepted);
}

// A byte every now and then keeps neither head nor body alive.
TEST(Server, CutsOffASlowloris) {
  ServerOptions options = quick_options();
  options.header_timeout = 300ms;
  options.progress_grace = 300ms;
  options.progress_bytes_per_s = 1000;
  Fixture f(nullptr, options);
  for (const std::string_view start :
       {"GET / HTTP/1.1\r\nHost: x\r\nX: ",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFF\r\n"}) {
    SCOPED_TRACE(start);
    Raw raw(f);
    raw.send(start);
    const auto began = std::chrono::steady_clock::now();
    std::string answer;
    while (std::chrono::steady_clock::now() - began < 5s) {
      if (!raw.send("a")) break;
      answer = raw.read_all(20ms);
      if (!answer.empty()) break;
    }
    EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
    EXPECT_GT(std::chrono::steady_clock::now() - began, 250ms);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 "));
  }
}

// Who asks for much and never reads the answer is cut off, too, and holds bounded memory.
TEST(Server, CutsOffWhoNeverReads) {
  ServerOptions options = quick_options();
  options.progress_grace = 300ms;
  Fixture f(
      [](const Request&, Responder responder) {
        Response response;
        response.body.assign(1 << 20, 'x');
        responder.respond(std::move(response));
      },
      options);
  Raw raw(f);
  for (int i = 0; i < 100; ++i) raw.send(kGet);
  EXPECT_TRUE(eventually([&] { return f.server->stats().connections_open == 0; }));
  EXPECT_LT(f.handler.handled, 100);
}

TEST(Server, SendsALargeAnswerToASlowReader) {
  Fixture f([](const Request&, Responder responder) {
    Response response;
    response.body.resize(8 << 20);
    for (std::size_t i = 0; i < response.body.size(); ++i) {
      response.body[i] = static_cast<char>(i % 251);
    }
    responder.respond(std::move(response));
  });
  Client client = f.client();
  for (int round = 0; round < 2; ++round) {
    auto response = client.get("/");
    ASSERT_TRUE(response.ok());
    ASSERT_EQ(8u << 20, response->body.size());
    for (std::size_t i = 0; i < response->body.size(); i += 4099) {
      ASSERT_EQ(static_cast<char>(i % 251), response->body[i]);
    }
  }
}

// 64 connections' answers arrive from one thread in one burst, as from a group commit.
TEST(Server, TakesABurstOfAnswersFromAnotherThread) {
  std::mutex mutex;
  std::vector<std::pair<const Request*, Responder>> waiting;
  Fixture f([&](const Request& request, Responder responder) {
    std::lock_guard lock(mutex);
    waiting.emplace_back(&request, std::move(responder));
  });
  std::vector<std::unique_ptr<Raw>> raws;
  for (int i = 0; i < 64; ++i) raws.push_back(std::make_unique<Raw>(f));
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < raws.size(); ++i) {
      raws[i]->send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    ASSERT_TRUE(eventually([&] {
      std::lock_guard lock(mutex);
      return waiting.size() == raws.size();
    }));
    EXPECT_EQ(64u, f.server->stats().requests_in_flight);
    {
      std::lock_guard lock(mutex);
      for (auto& [request, responder] : waiting) responder.respond(echo(*request));
      waiting.clear();
    }
    for (std::size_t i = 0; i < raws.size(); ++i) {
      ASSERT_THAT(raws[i]->read_answers(1), HasSubstr("GET /" + std::to_string(i) + " []"));
    }
  }
}

TEST(Server, AnswersFiveHundredForADroppedResponderAndForAnException) {
  Fixture f([](const Request& request, Responder responder) {
    if (request.path() == "/throw") throw std::runtime_error("oops");
    if (request.path() == "/throw-after") {
      responder.respond(echo(request));
      throw std::runtime_error("oops");
    }
    const Responder dropped = std::move(responder);
  });
  Client client = f.client();
  EXPECT_EQ(500, client.get("/drop")->status);
  EXPECT_EQ(500, client.get("/throw")->status);
  EXPECT_EQ(200, client.get("/throw-after")->status);
  EXPECT_EQ(2u, f.server->stats().handler_exceptions);
  EXPECT_EQ(1u, f.server->stats().connections_accepted);
}

TEST(Server, TakesAnAnswerAfterThePeerHasGone) {
  std::mutex mutex;
  std::vector<Responder> waiting;
  Fixture f([&](const Request&, Responder responder) {
    std::lock_guard lock(mutex);
    waiting.push_back(std::move(responder));
  });
  const auto take_waiting = [&] {
    std::lock_guard lock(mutex);
    return std::exchange(waiting, {});
  };
  for (int i = 0; i < 50; ++i) {
    Raw raw(f);
    raw.send(kGet);
    if (i % 2 == 0) raw.send(kGet);  // the second is handled when the first was answered
    std::vector<Responder> taken;
    ASSERT_TRUE(eventually([&] { return !(taken = take_waiting()).empty(); }));
    i % 3 == 0 ? raw.reset() : raw.close();
    if (i % 5 == 0) continue;  // dropped: 500 to nobody
    for (Responder& responder : taken) {
      Response big;
      big.body.assign(1 << 20, 'x');
      responder.respond(std::move(big));
    }
  }
  EXPECT_TRUE(eventually([&] {
    take_waiting();
    return f.server->stats().connections_open == 0;
  }));
}

TEST(Server, RespondersMayOutliveTheServer) {
  std::mutex mutex;
  std::vector<std::pair<const Request*, Responder>> waiting;
  {
    Fixture f([&](const Request& request, Responder responder) {
      std::lock_guard lock(mutex);
      waiting.emplace_back(&request, std::move(responder));
    });
    std::vector<std::unique_ptr<Raw>> raws;
    for (int i = 0; i < 8; ++i) {
      raws.push_back(std::make_unique<Raw>(f));
      raws.back()->send(kGet);
    }
    ASSERT_TRUE(eventually([&] { return f.handler.handled == 8; }));
    {
      std::lock_guard lock(mutex);
      waiting[0].second.respond({});  // races with stop()
    }
    f.server->stop();
  }
  std::lock_guard lock(mutex);
  for (std::size_t i = 1; i < waiting.size(); ++i) {
    EXPECT_EQ("/a", waiting[i].first->path());  // the request lives until its answer
    EXPECT_EQ("127.0.0.1", waiting[i].first->remote_address());
    if (i % 2 == 0) waiting[i].second.respond({});
  }
  waiting.clear();
}

TEST(Server, DrainFinishesWhatIsInFlightAndRefusesNothingAccepted) {
  std::mutex mutex;
  std::vector<std::pair<const Request*, Responder>> waiting;
  ServerOptions options = quick_options();
  options.drain_idle = 400ms;
  Fixture f(
      [&](const Request& request, Responder responder) {
        if (request.path() == "/now") return responder.respond(echo(request));
        std::lock_guard lock(mutex);
        waiting.emplace_back(&request, std::move(responder));
      },
      options);
  Raw in_flight(f);
  in_flight.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  Raw half(f);
  half.send("POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nha");
  Raw idle(f);
  Raw quiet(f);
  ASSERT_TRUE(
      eventually([&] { return f.handler.handled == 1 && f.handler.asked_before_body == 1; }));
  std::vector<std::unique_ptr<Raw>> in_backlog;
  for (int i = 0; i < 20; ++i) in_backlog.push_back(std::make_unique<Raw>(f));

  bool drained = false;
  std::thread draining([&] { drained = f.server->drain(5s); });
  std::this_thread::sleep_for(100ms);
  half.send("lf");
  idle.send("GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
  for (auto& raw : in_backlog) raw->send("GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
  for (const std::string& answer : {half.read_all(), idle.read_all()}) {
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(answer, HasSubstr("Connection: close"));
  }
  for (auto& raw : in_backlog) EXPECT_THAT(raw->read_all(), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(quiet.closed_within(3s));
  {
    std::lock_guard lock(mutex);
    ASSERT_EQ(1u, waiting.size());
    waiting[0].second.respond(echo(*waiting[0].first));
  }
  EXPECT_THAT(in_flight.read_all(), HasSubstr("GET /later []"));
  draining.join();
  EXPECT_TRUE(drained);
  EXPECT_FALSE(f.client().get("/").ok());  // nobody listens any more
}

TEST(Server, DrainGivesUpAtItsLimit) {
  std::mutex mutex;
  std::vector<Responder> waiting;
  Fixture f([&](const Request&, Responder responder) {
    std::lock_guard lock(mutex);
    waiting.push_back(std::move(responder));
  });
  Raw raw(f);
  raw.send(kGet);
  ASSERT_TRUE(eventually([&] { return f.handler.handled == 1; }));
  EXPECT_FALSE(f.server->drain(50ms));
  f.server->stop();
}

TEST(Server, RefusesConnectionsAboveTheMaximumAndRecovers) {
  ServerOptions options = quick_options();
  options.max_connections = 3;
  Fixture f(nullptr, options);
  std::vector<std::unique_ptr<Raw>> raws;
  for (int i = 0; i < 3; ++i) {
    raws.push_back(std::make_unique<Raw>(f));
    raws.back()->send(kGet);
    EXPECT_THAT(raws.back()->read_answers(1), StartsWith("HTTP/1.1 200"));
  }
  for (int i = 0; i < 3; ++i) {
    Raw more(f);
    more.send(kGet);
    EXPECT_THAT(more.read_all(), StartsWith("HTTP/1.1 503 "));
  }
  EXPECT_EQ(3u, f.server->stats().connections_refused);
  raws.clear();
  EXPECT_TRUE(eventually([&] { return f.server->stats().connections_open == 0; }));
  EXPECT_EQ(200, f.client().get("/")->status);
}

TEST(Server, HoldsAThousandIdleConnections) {
  Fixture f;
  std::vector<std::unique_ptr<Raw>> raws;
  for (int i = 0; i < 1000; ++i) raws.push_back(std::make_unique<Raw>(f));
  EXPECT_TRUE(eventually([&] { return f.server->stats().connections_open == 1000; }));
  EXPECT_EQ(200, f.client().get("/")->status);
  for (auto& raw : raws) {
    raw->send(kGet);
    ASSERT_THAT(raw->read_answers(1), StartsWith("HTTP/1.1 200"));
  }
}

TEST(Server, SurvivesRandomBytesAndSuddenEnds) {
  Fixture f;
  std::uint64_t state = 42;
  const auto random = [&state] {
    return state = state * 6364136223846793005u + 1442695040888963407u, state >> 33;
  };
  for (int i = 0; i < 300; ++i) {
    Raw raw(f);
    std::string bytes =
        i % 2 == 0 ? "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n" : "";
    for (std::uint64_t n = random() % 200; n > 0; --n) bytes.push_back(static_cast<char>(random()));
    raw.send(bytes);
    if (i % 3 == 0) raw.reset();
  }
  EXPECT_EQ(200, f.client().get("/")->status);
}

TEST(Server, SaysWhyItCantStart) {
  TestHandler handler;
  ServerOptions options;
  options.address = "not an address";
  EXPECT_EQ(ErrorCode::kInvalidArgument, Server::start(options, handler).error().code());
  options = {};
  options.threads = 0;
  EXPECT_EQ(ErrorCode::kInvalidArgument, Server::start(options, handler).error().code());
  Fixture f;
  options = {};
  options.port = f.server->port();
  EXPECT_EQ(ErrorCode::kIo, Server::start(options, handler).error().code());
}

TEST(Server, HeadersAndTargetsReadAsSent) {
  std::mutex mutex;
  std::string seen;
  Fixture f([&](const Request& r, Responder responder) {
    std::lock_guard lock(mutex);
    seen = std::string(r.path()) + "|" + std::string(r.query()) + "|" +
           std::string(r.header("x-KEY")) + "|" + std::string(r.header("absent")) + "|" +
           std::string(r.remote_address()) + "|" + std::string(r.header_at(1).name);
    EXPECT_GT(r.received_ns(), 0);
    responder.respond(
        {.status = 204, .content_type = {}, .body = {}, .headers = {{"X-R", "a\r\nb: c"}}});
  });
  Raw raw(f);
  raw.send("GET http://h:1/v1/items/a%2Fb?q=1?2 HTTP/1.1\r\nHost: x\r\nX-Key: \t v w \r\n\r\n");
  const std::string answer = raw.read_all(200ms);
  EXPECT_EQ("/v1/items/a%2Fb|q=1?2|v w||127.0.0.1|X-Key", seen);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-R: a  b: c\r\n"));
  EXPECT_THAT(answer, ::testing::Not(HasSubstr("Content-Length")));
}

TEST(Server, ClosesForHttp10AndForConnectionClose) {
  Fixture f;
  for (const std::string_view request :
       {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"}) {
    Raw raw(f);
    raw.send(request);
    EXPECT_THAT(raw.read_all(), HasSubstr("Connection: close"));
  }
}

TEST(Timers, RunInOrderOfTheirTimeAndNotBeforeIt) {
  Fixture f;
  std::mutex mutex;
  std::vector<int> ran;
  const auto began = std::chrono::steady_clock::now();
  for (const int ms : {30, 10, 20}) {
    f.server->timers().post_after(std::chrono::milliseconds(ms), [&, ms] {
      std::lock_guard lock(mutex);
      EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(ms));
      ran.push_back(ms);
    });
  }
  EXPECT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return ran.size() == 3;
  }));
  EXPECT_EQ((std::vector<int>{10, 20, 30}), ran);
}

TEST(Timers, CancelTellsWhetherTheTaskRuns) {
  Fixture f;
  std::atomic<int> ran{0};
  const auto late = f.server->timers().post_after(1h, [&] { ++ran; });
  EXPECT_TRUE(f.server->timers().cancel(late));
  EXPECT_FALSE(f.server->timers().cancel(late));
  const auto soon = f.server->timers().post_after(1ms, [&] { ++ran; });
  EXPECT_TRUE(eventually([&] { return ran == 1; }));
  EXPECT_FALSE(f.server->timers().cancel(soon));
  EXPECT_FALSE(f.server->timers().cancel(0));
}

// The pattern of a wait with an end: completion and timeout race for one Responder.
TEST(Timers, AResponderWaitsInATimer) {
  Fixture* self = nullptr;
  Fixture f([&](const Request& request, Responder responder) {
    self->server->timers().post_after(
        20ms, [&request, r = std::move(responder)]() mutable { r.respond(echo(request)); });
  });
  self = &f;
  Client client = f.client();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ("GET /wait []", client.get("/wait")->body);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 20ms);
  // One that is still waiting when the server stops goes with it.
  Raw raw(f);
  raw.send(kGet);
  eventually([&] { return f.handler.handled == 2; });
  f.server->stop();
}

TEST(Timers, AreThreadSafe) {
  Fixture f;
  std::atomic<int> ran{0};
  std::atomic<int> cancelled{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const auto id =
            f.server->timers().post_after(std::chrono::microseconds(i * 7 % 3000), [&] { ++ran; });
        if (i % 2 == 0 && f.server->timers().cancel(id)) ++cancelled;
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_TRUE(eventually([&] { return ran + cancelled == 4000; }));
}

}  // namespace
}  // namespace vitrine::net
