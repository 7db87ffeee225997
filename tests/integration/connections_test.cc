// Connections that are slow, idle, many, or whose key is taken away meanwhile.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/answers.h"
#include "tests/integration/raw_connection.h"

namespace vitrine::integration {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(Connections, AContentLengthOfTenGigabytesIsRefusedBeforeTheBody) {
  const MemoryBound bound(64u << 20);
  TestServer server;
  const Shop shop = server.create_shop("shop");
  for (const char* target : {"/v1/events", "/v1/events:import", "/v1/items:import",
                             "/v1/recommend/home", "/v1/items/x:inventory"}) {
    RawConnection connection(server.port());
    ASSERT_TRUE(connection.send(std::string("POST ") + target +
                                " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + shop.secret +
                                "\r\nContent-Length: 10737418240\r\n\r\n[{\"event_id\""));
    EXPECT_THAT(connection.read_all(5s), StartsWith("HTTP/1.1 413")) << target;
  }
  expect_serving(server, shop);
}

TEST(Connections, WhoMayNotSendIsToldBeforeTheBody) {
  TestServer server;
  const Shop shop = server.create_shop("shop");
  RawConnection connection(server.port());
  ASSERT_TRUE(
      connection.send("POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer no\r\n"
                      "Content-Length: 1000000\r\n\r\n["));
  EXPECT_THAT(connection.read_all(5s), StartsWith("HTTP/1.1 401"));
  expect_serving(server, shop);
}

TEST(Connections, ASlowLorisIsCutOffWhileOthersAreServed) {
  auto settings = TestServer::default_settings();
  settings.server_header_timeout = kSecondUs;
  TestServer server(settings);
  const Shop shop = server.create_shop("shop");
  const std::string head = "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                           shop.publishable + "\r\nContent-Length: 2\r\n\r\n";
  std::vector<RawConnection> slow;
  for (int i = 0; i < 50; ++i) slow.emplace_back(server.port());
  const auto began = std::chrono::steady_clock::now();
  for (std::size_t at = 0; std::chrono::steady_clock::now() - began < 1500ms; ++at) {
    for (auto& connection : slow)
      connection.send(std::string_view(head).substr(at % head.size(), 1));
    ASSERT_EQ(server.get("/readyz", {}).status, 200);
    std::this_thread::sleep_for(50ms);
  }
  for (auto& connection : slow) EXPECT_TRUE(connection.closed_within(3s));
  expect_serving(server, shop);
}

TEST(Connections, IdleOnesAreTakenUpToTheLimitAndTheNextIsTold503) {
  auto settings = TestServer::default_settings();
  settings.server_connections_max = 64;
  settings.server_idle_timeout = 2 * kSecondUs;
  settings.server_header_timeout = 2 * kSecondUs;  // of one that never said anything
  TestServer server(settings);
  const Shop shop = server.create_shop("shop");  // one connection, which stays
  std::vector<RawConnection> idle;
  for (int i = 0; i < 63; ++i) idle.emplace_back(server.port());
  ASSERT_EQ(server.get("/readyz", {}).status, 200);
  for (int i = 0; i < 10; ++i) {
    RawConnection over(server.port());
    over.send("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    // Said, or cut where the request crossed the refusal.
    EXPECT_THAT(over.read_all(3s), AnyOf(StartsWith("HTTP/1.1 503"), IsEmpty()));
  }
  RawConnection silent(server.port());
  EXPECT_THAT(silent.read_all(3s), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: ")));
  // The open ones were not disturbed; closing some makes room.
  ASSERT_EQ(server.get("/readyz", {}).status, 200);
  idle.clear();
  std::this_thread::sleep_for(200ms);
  auto client = server.client();
  EXPECT_EQ(send(client, {"GET", "/readyz"}).status, 200);
  // Idle ones are closed by themselves.
  RawConnection forgotten(server.port());
  EXPECT_TRUE(forgotten.closed_within(5s));
}

TEST(Connections, ARevokedKeyIsRefusedFromTheNextRequestOfAnOpenConnection) {
  TestServer server;
  const Shop shop = server.create_shop("shop");
  server.put_item(shop, "item", R"({"title":"x","price":1})");
  const auto [id, key] = server.create_key(shop, "publishable");
  auto client = server.client();
  const auto ask = [&] { return send(client, {"POST", "/v1/recommend/popular", key, "{}"}); };
  ASSERT_EQ(ask().status, 200);
  ASSERT_EQ(server.post("/v1/admin/keys/" + id + ":revoke", server.admin_key(), "").status, 200);
  expect_problem(ask(), 401, "key_revoked");
  expect_serving(server, shop);
}

TEST(Connections, ARotatedKeyWorksForItsGraceAndTheNewOneAtOnce) {
  TestServer server;
  const Shop shop = server.create_shop("shop");
  const auto [id, key] = server.create_key(shop, "secret");
  const auto rotated =
      server.post("/v1/admin/keys/" + id + ":rotate", server.admin_key(), R"({"grace_s":1})");
  ASSERT_EQ(rotated.status, 201) << rotated.body;
  EXPECT_EQ(server.get("/v1/items", text_at(rotated.body, "/key")).status, 200);
  EXPECT_EQ(server.get("/v1/items", key).status, 200);
  std::this_thread::sleep_for(1200ms);
  expect_problem(server.get("/v1/items", key), 401, "key_expired");
  EXPECT_EQ(server.get("/v1/items", text_at(rotated.body, "/key")).status, 200);
}

TEST(Connections, ASuspendedTenantIsRefusedUntilItIsResumed) {
  TestServer server;
  const Shop shop = server.create_shop("shop");
  const auto set = [&](const char* status) {
    return server
        .call({"PATCH", "/v1/admin/tenants/shop", server.admin_key(),
               std::string("{\"status\":\"") + status + "\"}"})
        .status;
  };
  ASSERT_EQ(set("suspended"), 200);
  expect_problem(server.get("/v1/items", shop.secret), 403, "tenant_suspended");
  ASSERT_EQ(set("active"), 200);
  expect_serving(server, shop);
}

}  // namespace
}  // namespace vitrine::integration
