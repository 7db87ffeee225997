// Stopping and starting again: nothing is lost, nothing counts twice, and who is being served
// is served to the end.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/answers.h"
#include "tests/integration/raw_connection.h"

namespace vitrine::integration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kPlacements[] = {"home",   "product-similar", "product-also-bought",
                                       "cart",   "recently-viewed", "trending",
                                       "popular"};

class LifeCycle : public testing::Test {
 protected:
  std::vector<std::string> events(int from, int count) {
    std::vector<std::string> out;
    for (int i = from; i < from + count; ++i) {
      out.push_back(event("e" + std::to_string(i),
                          i % 5 == 4 ? "purchase-complete" : "detail-page-view",
                          "user-" + std::to_string(i % 25), "item-" + std::to_string(i * 7 % 60)));
    }
    return out;
  }

  void fill() {
    for (int i = 0; i < 60; ++i) {
      const std::string text = std::to_string(i);
      server_.put_item(shop_, "item-" + text,
                       "{\"title\":\"Item " + text + "\",\"price\":" + text +
                           ",\"categories\":[\"c" + std::to_string(i % 6) + "\"]}");
    }
    version_ = text_at(post_events(batch(events(0, 600))).body, "/profile_version");
    recently_viewed(server_, shop_, "user-1", version_);
  }

  Answer post_events(const std::string& body) {
    return server_.post("/v1/events", shop_.publishable, body);
  }

  std::string answers() {
    std::string out;
    for (const char* placement : kPlacements) {
      for (int user = 0; user < 25; ++user) {
        const auto answer =
            server_.post(std::string("/v1/recommend/") + placement, shop_.publishable,
                         "{\"user\":{\"user_id\":\"user-" + std::to_string(user) +
                             "\"},\"item_ids\":[\"item-3\"],\"cart\":[\"item-4\"],\"limit\":10}");
        out += std::string(placement) + " " + std::to_string(user) + " " +
               testing::PrintToString(item_ids(answer.body)) + "\n";
      }
    }
    return out;
  }

  TestServer server_;
  Shop shop_ = server_.create_shop("shop");
  std::string version_;
};

TEST_F(LifeCycle, AfterARestartAnswersItemsKeysAndDigestsAreTheSame) {
  fill();
  wait_until_indexed(server_);
  const std::string shown = answers();
  EXPECT_THAT(shown, HasSubstr("item-"));
  const std::string items = server_.get("/v1/items?limit=1000", shop_.secret).body;
  const auto digests = server_.digests();
  ASSERT_EQ(digests.size(), 1u);
  for (int round = 0; round < 2; ++round) {
    server_.restart();
    EXPECT_EQ(server_.digests(), digests);
    wait_until_indexed(server_);
    EXPECT_EQ(answers(), shown);
    EXPECT_EQ(server_.get("/v1/items?limit=1000", shop_.secret).body, items);
    // A version from before the restart is satisfied at once.
    const auto answer = server_.post("/v1/recommend/popular", shop_.publishable,
                                     "{\"min_profile_version\":\"" + version_ + "\"}");
    EXPECT_FALSE(has(answer.body, "/stale")) << answer.body;
  }
}

TEST_F(LifeCycle, WhatIsSentAgainAfterARestartCountsOnce) {
  fill();
  const auto digests = server_.digests();
  for (int round = 0; round < 2; ++round) {
    server_.restart();
    const auto again = post_events(batch(events(0, 600)));
    ASSERT_EQ(again.status, 202) << again.body;
    EXPECT_EQ(number_at(again.body, "/accepted"), 0);
    EXPECT_EQ(number_at(again.body, "/duplicates"), 600);
    EXPECT_EQ(server_.digests(), digests);
  }
  // Half old, half new: only the new half counts; the same id with another body is said.
  const auto mixed = post_events(batch(events(300, 600)));
  EXPECT_EQ(number_at(mixed.body, "/accepted"), 300);
  EXPECT_EQ(number_at(mixed.body, "/duplicates"), 300);
  const auto other = post_events(view_event("e1", "somebody-else", "item-1"));
  expect_problem(other, 400, "event_id_conflict");
}

TEST_F(LifeCycle, ImportedHistoryIsImportedOnceHoweverOftenItIsSent) {
  fill();
  std::string lines;
  for (int i = 0; i < 200; ++i) {
    std::string one = event("old-" + std::to_string(i), "purchase-complete",
                            "old-user-" + std::to_string(i % 9), "item-" + std::to_string(i % 60));
    one.insert(1, "\"event_time\":\"2011-0" + std::to_string(1 + i % 9) + "-11T10:00:00Z\",");
    lines += one + "\n";
  }
  const auto import = [&] {
    return server_.post("/v1/events:import", shop_.secret, lines, "application/x-ndjson");
  };
  const auto first = import();
  ASSERT_EQ(first.status, 202) << first.body;
  EXPECT_EQ(number_at(first.body, "/accepted"), 200) << first.body;
  recently_viewed(server_, shop_, "old-user-1", text_at(first.body, "/profile_version"));
  const auto digests = server_.digests();
  EXPECT_EQ(number_at(import().body, "/duplicates"), 200);
  server_.restart();
  EXPECT_EQ(number_at(import().body, "/duplicates"), 200);
  EXPECT_EQ(server_.digests(), digests);
}

TEST_F(LifeCycle, TenantsKeysAndRevocationsOutliveARestart) {
  const auto revoked = server_.create_key(shop_, "secret");
  const auto kept = server_.create_key(shop_, "secret");
  server_.post("/v1/admin/keys/" + revoked.first + ":revoke", server_.admin_key(), "");
  const std::string admin = server_.admin_key();
  server_.restart();
  EXPECT_EQ(server_.admin_key(), admin);
  expect_problem(server_.get("/v1/items", revoked.second), 401, "key_revoked");
  EXPECT_EQ(server_.get("/v1/items", kept.second).status, 200);
  EXPECT_EQ(server_.get("/v1/items", shop_.secret).status, 200);
  EXPECT_EQ(server_.get("/v1/admin/tenants/shop", admin).status, 200);
}

TEST_F(LifeCycle, TwoServersCannotShareADataDirectory) {
  fill();
  const auto second =
      app::Application::start(server_.settings(), no_progress(), [](const Error&) {});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().to_string(), HasSubstr("partition-0"));
  expect_serving(server_, shop_);
}

// Clients send without a pause while the server stops. Each request is answered in full, refused
// in full, or never began; and what was acknowledged is there afterwards, once.
TEST_F(LifeCycle, RequestsInFlightFinishWhenTheServerStopsAndNoneAcknowledgedIsLost) {
  fill();
  std::atomic<int> acknowledged{0};
  std::atomic<int> cut{0};
  std::mutex mutex;
  std::vector<std::string> ids;
  const auto port = server_.port();
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      net::ClientOptions options;
      options.port = port;
      net::Client client(options);
      const std::string bearer = "Bearer " + shop_.publishable;
      const net::Header headers[] = {{"Authorization", bearer}};
      for (int i = 0; i < 100'000; ++i) {
        const std::string id = "drain-" + std::to_string(c) + "-" + std::to_string(i);
        const auto answer =
            client.request("POST", "/v1/events", headers, view_event(id, "d" + id, "item-1"));
        if (!answer.ok()) {
          // Refused connections are the end; a request whose answer was cut off is the failure.
          const bool refused = answer.error().to_string().find("efused") != std::string::npos;
          if (!refused) ++cut;
          return;
        }
        if (answer->status != 202) return;
        ++acknowledged;
        std::lock_guard lock(mutex);
        ids.push_back(id);
      }
    });
  }
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (acknowledged < 200 && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_GE(acknowledged, 200);
  server_.stop();
  for (auto& client : clients) client.join();
  // At most the one request of each client that it sent on a connection just being closed.
  EXPECT_LE(cut, 8);
  server_.start();
  std::vector<std::string> again;
  for (const auto& id : ids) again.push_back(view_event(id, "d" + id, "item-1"));
  for (std::size_t at = 0; at < again.size(); at += 1000) {
    const auto end = std::min(at + 1000, again.size());
    const auto answer = post_events(batch({again.begin() + static_cast<std::ptrdiff_t>(at),
                                           again.begin() + static_cast<std::ptrdiff_t>(end)}));
    EXPECT_EQ(number_at(answer.body, "/duplicates"), static_cast<double>(end - at));
  }
}

// A request whose body is still on its way when the drain begins is answered.
TEST_F(LifeCycle, ARequestHalfSentIsAnsweredBeforeTheServerStops) {
  fill();
  const std::string body = view_event("half", "half-user", "item-2");
  RawConnection connection(server_.port());
  ASSERT_TRUE(connection.send(
      "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + shop_.publishable +
      "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body.substr(0, 10)));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::thread stopper([&] { server_.stop(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_TRUE(connection.send(body.substr(10)));
  const std::string answer = connection.read_all(std::chrono::seconds(10));
  stopper.join();
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 202"));
  EXPECT_THAT(answer, HasSubstr("\"accepted\":1"));
  server_.start();
  EXPECT_THAT(recently_viewed(server_, shop_, "half-user", {}), ElementsAre("item-2"));
}

// A waiting answer (min_profile_version of the future) is given, not dropped.
TEST_F(LifeCycle, AWaitingAnswerIsGivenBeforeTheServerStops) {
  fill();
  std::thread asker([&, port = server_.port()] {
    net::ClientOptions options;
    options.port = port;
    net::Client client(options);
    const auto answer = send(client, {"POST", "/v1/recommend/popular", shop_.publishable,
                                      R"({"min_profile_version":"1-999999999"})"});
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_TRUE(has(answer.body, "/stale")) << answer.body;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  server_.stop();
  asker.join();
}

}  // namespace
}  // namespace vitrine::integration
