// Peers that are slow, silent, many or hostile.
#include <mutex>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/net/server_test_util.h"

namespace vitrine::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

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
  options.progress_bytes_per_s = 100 << 20;  // what the kernel buffers must not buy minutes
  Fixture f(
      [](const Request&, Responder responder) {
        Response response;
        response.body.assign(1 << 20, 'x');
        responder.respond(std::move(response));
      },
      options);
  Raw raw(f);
  for (int i = 0; i < 100; ++i) raw.send(kGet);
  ASSERT_TRUE(eventually([&] { return f.handler.handled > 0; }));
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

}  // namespace
}  // namespace vitrine::net
