#include "tests/integration/test_server.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "apps/vitrine/commands.h"
#include "base/check.h"
#include "platform/obs/log.h"
#include "tests/integration/answers.h"

namespace vitrine::integration {

TempFolder::TempFolder() {
  path_ = (std::filesystem::temp_directory_path() / "vitrine-integration-XXXXXX").string();
  VITRINE_CHECK(::mkdtemp(path_.data()) != nullptr);
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Answer send(net::Client& client, const Call& call) {
  std::vector<net::Header> headers;
  const std::string authorization = "Bearer " + call.key;
  if (!call.key.empty()) headers.push_back({"Authorization", authorization});
  if (!call.body.empty()) headers.push_back({"Content-Type", call.content_type});
  if (!call.content_encoding.empty())
    headers.push_back({"Content-Encoding", call.content_encoding});
  auto answer = client.request(call.method, call.target, headers, call.body);
  if (answer.ok()) return std::move(answer).value();
  ADD_FAILURE() << call.method << " " << call.target.substr(0, 200) << ": "
                << answer.error().to_string();
  return {};
}

app::Settings TestServer::default_settings() {
  app::Settings settings;
  settings.data_directory.clear();
  settings.server_port = 0;
  settings.log_segment = 4u << 20;
  settings.program = VITRINE_BINARY;
  return settings;
}

TestServer::TestServer(app::Settings settings) : settings_(std::move(settings)) {
  if (settings_.data_directory.empty()) settings_.data_directory = folder_.path() + "/data";
  VITRINE_CHECK(obs::configure_log({obs::LogLevel::kOff, {}, {}}).ok());
  start();
}

TestServer::~TestServer() { stop(); }

void TestServer::start() {
  auto started = app::Application::start(settings_, no_progress(), [](const Error& error) {
    ADD_FAILURE() << "fatal: " << error.to_string();
  });
  if (!started.ok()) {
    ADD_FAILURE() << "cannot start: " << started.error().to_string();
    std::abort();
  }
  application_ = std::move(started).value();
  client_ = std::make_unique<net::Client>(client());
}

void TestServer::stop() {
  if (!application_) return;
  client_.reset();
  const Status stopped = application_->stop();
  EXPECT_TRUE(stopped.ok()) << stopped.error().to_string();
  application_.reset();
}

net::Client TestServer::client(std::chrono::milliseconds timeout) const {
  net::ClientOptions options;
  options.port = port();
  options.request_timeout = timeout;
  return net::Client(options);
}

Answer TestServer::call(const Call& call) { return send(*client_, call); }

Answer TestServer::get(std::string_view target, std::string_view key) {
  return call({"GET", std::string(target), std::string(key)});
}

Answer TestServer::post(std::string_view target, std::string_view key, std::string_view body,
                        std::string_view content_type) {
  return call({"POST", std::string(target), std::string(key), std::string(body),
               std::string(content_type)});
}

Answer TestServer::put_item(const Shop& shop, std::string_view item_id, std::string_view body) {
  return call({"PUT", item_path(item_id), shop.secret, std::string(body)});
}

std::string TestServer::admin_key() const {
  std::ifstream file(settings_.data_directory + "/admin.key");
  std::string key;
  std::getline(file, key);
  return key;
}

Shop TestServer::create_shop(std::string_view name, std::string_view quotas) {
  const std::string unlimited = R"({"events_per_s":0,"requests_per_s":0})";
  const auto answer =
      post("/v1/admin/tenants", admin_key(),
           "{\"name\":\"" + std::string(name) + "\",\"with_keys\":true,\"quotas\":" +
               (quotas.empty() ? unlimited : std::string(quotas)) + "}");
  EXPECT_EQ(answer.status, 201) << answer.body;
  Shop shop;
  shop.name = name;
  shop.id = static_cast<std::uint32_t>(number_at(answer.body, "/tenant/id"));
  for (const char* at : {"/keys/0", "/keys/1"}) {
    const bool is_secret = text_at(answer.body, std::string(at) + "/scope") == "secret";
    (is_secret ? shop.secret : shop.publishable) = text_at(answer.body, std::string(at) + "/key");
  }
  EXPECT_FALSE(shop.secret.empty() || shop.publishable.empty()) << answer.body;
  return shop;
}

std::pair<std::string, std::string> TestServer::create_key(const Shop& shop,
                                                           std::string_view scope) {
  const auto answer = post("/v1/admin/tenants/" + shop.name + "/keys", admin_key(),
                           "{\"scope\":\"" + std::string(scope) + "\"}");
  EXPECT_EQ(answer.status, 201) << answer.body;
  const std::string text = text_at(answer.body, "/key");
  return {text.substr(7, 12), text};
}

std::map<std::uint32_t, std::string> TestServer::digests() const {
  std::ostringstream out;
  const Status written = app::run_state_digest(settings_, true, out);
  EXPECT_TRUE(written.ok()) << written.error().to_string();
  std::map<std::uint32_t, std::string> digests;
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) {
    digests[static_cast<std::uint32_t>(number_at(line, "/tenant"))] = text_at(line, "/digest");
  }
  return digests;
}

void expect_serving(TestServer& server, const Shop& shop) {
  EXPECT_EQ(server.get("/readyz", {}).status, 200);
  static std::atomic<int> number{0};
  const std::string tag = std::to_string(++number);
  EXPECT_EQ(server.put_item(shop, "good-" + tag, R"({"title":"Good","price":1})").status, 200);
  const auto taken =
      server.post("/v1/events", shop.publishable,
                  view_event("good-event-" + tag, "good-user-" + tag, "good-" + tag));
  EXPECT_EQ(taken.status, 202) << taken.body;
  const auto shown =
      recently_viewed(server, shop, "good-user-" + tag, text_at(taken.body, "/profile_version"));
  EXPECT_EQ(shown, std::vector<std::string>{"good-" + tag});
}

std::uint64_t rss_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

MemoryBound::~MemoryBound() {
  const std::uint64_t now = rss_bytes();
  EXPECT_LE(now, before_ + bytes_max_) << "memory grew by " << (now - before_) << " bytes";
}

}  // namespace vitrine::integration
