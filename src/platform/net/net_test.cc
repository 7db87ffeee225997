// The parts without a connection, and the clients.
#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/net/bare_server.h"
#include "platform/net/client.h"
#include "platform/net/internal/mailbox.h"
#include "platform/net/internal/wheel.h"
#include "platform/net/latency_histogram.h"
#include "platform/net/load_client.h"
#include "platform/net/server.h"
#include "platform/net/url.h"

namespace vitrine::net {
namespace {

using namespace std::chrono_literals;

TEST(Url, DecodesWhatItEncodes) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    std::string bytes;
    for (std::uint64_t n = random() % 30; n > 0; --n) bytes.push_back(static_cast<char>(random()));
    EXPECT_EQ(bytes, percent_decode(percent_encode(bytes)));
    EXPECT_EQ(bytes, query_value("x=1&k=" + percent_encode(bytes), "k"));
    EXPECT_EQ((std::vector<std::string>{"v1", bytes}),
              path_segments("/v1/" + percent_encode(bytes)));
  }
}

TEST(Url, RefusesHalfEscapes) {
  for (const char* bad : {"%", "%1", "a%zz", "%%20"}) EXPECT_EQ(std::nullopt, percent_decode(bad));
}

TEST(Url, SplitsPathsBeforeDecoding) {
  using Segments = std::vector<std::string>;
  EXPECT_EQ((Segments{"v1", "items", "a/b"}), path_segments("/v1/items/a%2Fb"));
  EXPECT_EQ(Segments{}, path_segments("/"));
  EXPECT_EQ((Segments{"a", ""}), path_segments("/a/"));
  EXPECT_EQ((Segments{"a", "", "b"}), path_segments("/a//b"));
}

TEST(Url, FindsQueryValues) {
  EXPECT_EQ("2", query_value("a=1&b=2&b=3", "b"));
  EXPECT_EQ("x y+", query_value("q=x+y%2B", "q"));
  EXPECT_EQ("", query_value("flag&b=2", "flag"));
  EXPECT_EQ(std::nullopt, query_value("ab=1", "a"));
  EXPECT_EQ(std::nullopt, query_value("", "a"));
}

// Goal: every deadline is met, not early, at most a tick late, however it was moved.
// Method: random moves of 200 nodes against a plain list of deadlines.
TEST(Wheel, AgreesWithAListOfDeadlines) {
  constexpr std::int64_t kTick = 10;
  std::mt19937_64 random(3);
  std::int64_t now = 12345;
  internal::Wheel wheel(kTick, now);
  std::vector<internal::WheelNode> nodes(200);
  std::vector<std::int64_t> deadline(nodes.size(), internal::kNever);
  for (int step = 0; step < 5000; ++step) {
    for (int i = 0; i < 5; ++i) {
      const std::size_t n = random() % nodes.size();
      deadline[n] = now + static_cast<std::int64_t>(random() % (random() % 8 == 0 ? 20000 : 300));
      wheel.set_deadline(nodes[n], deadline[n]);
      const std::size_t gone = random() % nodes.size();
      if (random() % 4 == 0) {
        wheel.remove(nodes[gone]);
        deadline[gone] = internal::kNever;
      }
    }
    now += static_cast<std::int64_t>(random() % (random() % 100 == 0 ? 10000 : 40));
    wheel.advance(now, [&](internal::WheelNode& node) {
      const auto n = static_cast<std::size_t>(&node - nodes.data());
      ASSERT_LE(deadline[n], now);
      deadline[n] = internal::kNever;
    });
    for (const std::int64_t d : deadline) ASSERT_GT(d, now - 2 * kTick);
  }
}

TEST(Mailbox, DeliversEverythingOnceAndInOrderPerSender) {
  struct Item {
    int sender = 0;
    int n = 0;
    Item* mail_next = nullptr;
  };
  internal::Mailbox<Item> mailbox;
  constexpr int kSenders = 4;
  constexpr int kEach = 5000;
  std::atomic<int> refused{0};
  std::vector<std::thread> senders;
  for (int s = 0; s < kSenders; ++s) {
    senders.emplace_back([&, s] {
      for (int i = 0; i < kEach; ++i) {
        auto* item = new Item{s, i, nullptr};
        if (!mailbox.push(item)) {
          ++refused;
          delete item;
        }
      }
    });
  }
  std::vector<int> next(kSenders, 0);
  int taken = 0;
  const auto count = [&](Item* list) {
    while (list != nullptr) {
      EXPECT_EQ(next[static_cast<std::size_t>(list->sender)]++, list->n);
      ++taken;
      delete std::exchange(list, list->mail_next);
    }
  };
  while (taken < kSenders * kEach / 2) count(mailbox.take());
  count(mailbox.close());
  for (auto& t : senders) t.join();
  EXPECT_EQ(kSenders * kEach, taken + refused);
}

TEST(LatencyHistogram, QuantilesAreWithinTheirPromise) {
  std::mt19937_64 random(5);
  LatencyHistogram histogram;
  LatencyHistogram other;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 20000; ++i) {
    values.push_back(static_cast<std::int64_t>(random() >> (20 + random() % 40)));
    (i % 2 == 0 ? histogram : other).record(values.back());
  }
  histogram.merge(other);
  std::sort(values.begin(), values.end());
  for (const double q : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const std::int64_t exact =
        values[static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))) - 1];
    EXPECT_GE(histogram.quantile_ns(q), exact);
    EXPECT_LE(static_cast<double>(histogram.quantile_ns(q)),
              static_cast<double>(exact) * 1.016 + 1);
  }
  EXPECT_EQ(values.back(), histogram.max_ns());
}

class CountingHandler final : public Handler {
 public:
  void handle(const Request& request, Responder responder) override {
    ++handled;
    Response response;
    response.status = request.path() == "/no" ? 404 : 202;
    response.body = std::string(request.body());
    responder.respond(std::move(response));
  }
  std::atomic<std::uint64_t> handled{0};
};

TEST(LoadClient, ClosedLoopCountsWhatTheServerHandled) {
  CountingHandler handler;
  auto server = std::move(Server::start({}, handler)).value();
  LoadOptions load;
  load.port = server->port();
  load.connections = 8;
  load.warm_up = 0ms;
  load.requests_max = 5000;
  std::uint64_t wrong = 0;
  std::string body;
  load.next = [&](std::uint64_t n) {
    body = "n" + std::to_string(n);
    return LoadRequest{"POST", n % 5 == 0 ? "/no" : "/yes", body};
  };
  load.on_answer = [&](std::uint64_t n, int status, std::string_view answer) {
    if (answer != "n" + std::to_string(n) || status != (n % 5 == 0 ? 404 : 202)) ++wrong;
  };
  const auto result = run_load(load);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(5000u, result.value().answers);
  EXPECT_EQ(4000u, result.value().answers_2xx);
  EXPECT_EQ(1000u, result.value().by_class[4]);
  EXPECT_EQ(0u, wrong + result.value().broken + result.value().unanswered);
  EXPECT_EQ(5000u, handler.handled);
  EXPECT_EQ(5000u, result.value().latency.count());
}

// A server that stalls is charged for everyone who would have come meanwhile.
TEST(LoadClient, OpenLoopMeasuresFromTheIntendedStart) {
  class Stalling final : public Handler {
   public:
    void handle(const Request&, Responder responder) override {
      if (++n_ == 100) std::this_thread::sleep_for(200ms);
      responder.respond({});
    }

   private:
    int n_ = 0;
  } handler;
  auto server = std::move(Server::start({}, handler)).value();
  LoadOptions load;
  load.port = server->port();
  load.connections = 2;
  load.warm_up = 0ms;
  load.duration = 1s;
  load.requests_per_s = 500;
  load.next = [](std::uint64_t) { return LoadRequest{"GET", "/", ""}; };
  const auto result = run_load(load);
  ASSERT_TRUE(result.ok());
  // Whatever the machine leaves of the second: each intended request is accounted for.
  const LoadResult& r = result.value();
  EXPECT_NEAR(500, static_cast<double>(r.answers + r.unsent + r.unanswered + r.broken), 5);
  EXPECT_GE(r.answers, 250u);
  EXPECT_GE(result.value().latency.max_ns(), 150'000'000);
  // 200 ms at 500 requests/s: about 100 of them waited, on average 100 ms.
  EXPECT_GE(result.value().latency.quantile_ms(0.9), 50);
}

TEST(LoadClient, SaysThatNobodyListens) {
  LoadOptions load;
  load.port = 1;
  load.next = [](std::uint64_t) { return LoadRequest{}; };
  EXPECT_EQ(ErrorCode::kUnavailable, run_load(load).error().code());
}

TEST(BareServer, AnswersPosts) {
  auto server = std::move(start_bare_server(0)).value();
  ClientOptions options;
  options.port = server->port();
  Client client(options);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(202, client.post("/", "x/y", "body")->status);
}

TEST(Client, SaysWhatWentWrong) {
  ClientOptions options;
  options.port = 1;
  EXPECT_EQ(ErrorCode::kUnavailable, Client(options).get("/").error().code());

  class Silent final : public Handler {
   public:
    void handle(const Request&, Responder responder) override {
      kept.push_back(std::move(responder));
    }
    std::vector<Responder> kept;
  } handler;
  auto server = std::move(Server::start({}, handler)).value();
  options.port = server->port();
  options.request_timeout = 50ms;
  Client client(options);
  EXPECT_EQ(ErrorCode::kDeadlineExceeded, client.get("/").error().code());
  server->stop();
}

TEST(Client, ConnectsAgainWhenTheServerClosedTheIdleConnection) {
  CountingHandler handler;
  ServerOptions options;
  options.idle_timeout = 50ms;
  auto server = std::move(Server::start(options, handler)).value();
  ClientOptions client_options;
  client_options.port = server->port();
  Client client(client_options);
  EXPECT_EQ(202, client.get("/")->status);
  std::this_thread::sleep_for(400ms);
  EXPECT_EQ(202, client.get("/")->status);
  EXPECT_EQ(2u, server->stats().connections_accepted);
}

std::size_t resident_bytes() {
  std::size_t size = 0;
  std::size_t resident = 0;
  if (FILE* f = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(f, "%zu %zu", &size, &resident) != 2) resident = 0;
    std::fclose(f);
  }
  return resident * 4096;
}

// Many tiny requests over connections that come and go: memory stays where it is.
TEST(Server, ManyTinyRequestsLeaveNothingBehind) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::uint64_t kRequests = 50'000;  // leaks are the sanitizer's to find
#else
  constexpr std::uint64_t kRequests = 1'000'000;
#endif
  CountingHandler handler;
  auto server = std::move(Server::start({}, handler)).value();
  const auto run = [&](std::uint64_t requests) {
    LoadOptions load;
    load.port = server->port();
    load.connections = 32;
    load.duration = 10min;
    load.requests_max = requests;
    load.next = [](std::uint64_t) { return LoadRequest{"POST", "/", "x"}; };
    for (int i = 0; i < 4; ++i) {
      load.requests_max = requests / 4;
      ASSERT_TRUE(run_load(load).ok());
    }
  };
  run(kRequests / 10);
  const std::size_t before = resident_bytes();
  run(kRequests);
  EXPECT_EQ(kRequests + kRequests / 10, handler.handled);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(resident_bytes(), before + (2u << 20));
#else
  static_cast<void>(before);
#endif
}

}  // namespace
}  // namespace vitrine::net
