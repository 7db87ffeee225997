// The whole server behind HTTPS, and what it does with one address that wants too much.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/net/tls_testing.h"
#include "tests/integration/answers.h"
#include "tests/integration/test_server.h"

namespace vitrine::integration {
namespace {

using testing::HasSubstr;

class Https : public testing::Test {
 protected:
  Https() { folder_.put(net::make_certificate("shop")); }

  app::Settings settings() {
    app::Settings out = TestServer::default_settings();
    out.tls_certificate = folder_.certificate();
    out.tls_key = folder_.key();
    out.tls_port = 0;
    return out;
  }
  net::Client client(TestServer& server) {
    net::ClientOptions options;
    options.port = server.application().tls_port();
    options.tls = true;
    options.ca_file = folder_.certificate();
    return net::Client(options);
  }
  static std::string why_not(const app::Settings& settings) {
    TempFolder data;
    app::Settings own = settings;
    own.data_directory = data.path() + "/data";
    const auto started = app::Application::start(own, no_progress(), [](const Error&) {});
    return started.ok() ? "" : started.error().message();
  }

  net::TlsFolder folder_;
};

TEST_F(Https, ServesTheWholeApiAndSaysSoInItsMetrics) {
  TestServer server(settings());
  const Shop shop = server.create_shop("shop");
  net::Client secure = client(server);
  EXPECT_EQ(send(secure, {"PUT", "/v1/items/a", shop.secret, R"({"title":"A"})"}).status, 200);
  const Answer taken =
      send(secure, {"POST", "/v1/events", shop.publishable, view_event("e1", "u", "a")});
  EXPECT_EQ(taken.status, 202) << taken.body;
  EXPECT_THAT(recently_viewed(server, shop, "u", text_at(taken.body, "/profile_version")),
              testing::ElementsAre("a"));
  const std::string metrics = send(secure, {"GET", "/metrics"}).body;
  EXPECT_THAT(metrics, HasSubstr("vitrine_tls_handshakes_total 1\n"));
  EXPECT_THAT(metrics, HasSubstr("vitrine_tls_certificate_expiry_timestamp_seconds 1"));
  EXPECT_THAT(server.application().tls_url(), testing::StartsWith("https://127.0.0.1:"));
}

TEST_F(Https, ANewCertificateIsTakenOverAndABrokenOneIsNot) {
  TestServer server(settings());
  net::Client before = client(server);
  EXPECT_EQ(send(before, {"GET", "/healthz"}).status, 200);
  folder_.put(net::make_certificate("next"));
  server.application().reload_certificate();
  net::Client after = client(server);
  EXPECT_EQ(send(after, {"GET", "/healthz"}).status, 200) << "trusts the new one only";
  EXPECT_EQ(send(before, {"GET", "/healthz"}).status, 200) << "kept its connection";
  net::TlsFolder::write(folder_.certificate(), "broken", 0644);
  server.application().reload_certificate();
  net::TlsFolder::write(folder_.key(), "nor this", 0600);
  server.application().reload_certificate();
  const std::string metrics = server.get("/metrics", "").body;
  EXPECT_THAT(metrics, HasSubstr("vitrine_tls_certificate_reloads_total{result=\"done\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("vitrine_tls_certificate_reloads_total{result=\"refused\"} 2\n"));
  EXPECT_THAT(metrics, HasSubstr("vitrine_connections_open 3\n"));
}

TEST_F(Https, WhatIsWrongWithTheSettingsIsSaidBeforeAnythingIsOpened) {
  app::Settings half = settings();
  half.tls_key.clear();
  EXPECT_THAT(why_not(half), HasSubstr("tls.key is not set"));
  app::Settings absent = settings();
  absent.tls_certificate = "/nowhere/shop.crt";
  EXPECT_THAT(why_not(absent), HasSubstr("/nowhere/shop.crt"));
  app::Settings broken = settings();
  broken.tls_key = broken.tls_certificate;
  EXPECT_THAT(why_not(broken), HasSubstr("holds no private key"));
  app::Settings proxies = TestServer::default_settings();
  proxies.proxy_trusted = "10.0.0.0/8, loadbalancer";
  EXPECT_THAT(why_not(proxies), HasSubstr("'loadbalancer'"));
  app::Settings limits = TestServer::default_settings();
  limits.address_unlimited = "10.0.0.0/99";
  EXPECT_THAT(why_not(limits), HasSubstr("address.unlimited: '10.0.0.0/99'"));
}

app::Settings limited() {
  app::Settings settings = TestServer::default_settings();
  settings.address_requests_per_minute = 1;
  settings.address_burst = 3;
  settings.proxy_trusted = "127.0.0.0/8";
  return settings;
}

Answer from(TestServer& server, std::string_view forwarded, std::string_view method = "GET") {
  net::Client client = server.client();
  const net::Header headers[] = {{"X-Forwarded-For", forwarded}, {"Origin", "https://a.example"}};
  return client.request(method, "/v1/recommend/home", headers).value();
}

TEST(AddressLimits, OneClientBehindAProxyIsRefusedAndTheOthersAreServed) {
  TestServer server(limited());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(from(server, "203.0.113.7").status, 405);
  const Answer refused = from(server, "203.0.113.7");
  expect_problem(refused, 429, "too_many_requests");
  EXPECT_THAT(std::string(refused.header("retry-after")), testing::AnyOf("60", "59", "58", "57"));
  expect_problem(from(server, "6.6.6.6, 203.0.113.7"), 429, "too_many_requests");
  EXPECT_EQ(from(server, "203.0.113.7, 203.0.113.8").status, 405);
  EXPECT_THAT(server.call({"GET", "/metrics"}).body,
              HasSubstr("vitrine_requests_refused_by_address_total 2\n"));
}

TEST(AddressLimits, APageMayReadTheRefusal) {
  TestServer server(limited());
  for (int i = 0; i < 3; ++i) from(server, "203.0.113.7", "POST");
  const Answer refused = from(server, "203.0.113.7", "POST");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("access-control-allow-origin"), "*");
}

TEST(AddressLimits, ABodyThatComesLaterIsRefusedBeforeItIsSentAndPaysOnce) {
  TestServer server(limited());
  const Shop shop = server.create_shop("shop");
  net::Client client = server.client();
  const std::string body = view_event("e", "u", "a") + std::string(200'000, ' ');
  const std::string key = "Bearer " + shop.publishable;
  const net::Header headers[] = {{"X-Forwarded-For", "203.0.113.9"}, {"Authorization", key}};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.request("POST", "/v1/events", headers, body).value().status, 202) << i;
  }
  EXPECT_EQ(client.request("POST", "/v1/events", headers, body).value().status, 429);
}

}  // namespace
}  // namespace vitrine::integration
