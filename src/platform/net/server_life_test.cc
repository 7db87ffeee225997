// Answers that come late or never, and the end of a server.
#include <mutex>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/net/server_test_util.h"

namespace vitrine::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

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

}  // namespace
}  // namespace vitrine::net
