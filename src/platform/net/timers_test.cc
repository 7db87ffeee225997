#include "platform/net/timers.h"

#include <mutex>
#include <vector>

#include <gtest/gtest.h>

#include "platform/net/server_test_util.h"

namespace vitrine::net {
namespace {

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
