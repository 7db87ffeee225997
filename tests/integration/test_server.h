// The server as `vitrine serve` runs it, in this process, on a port and a folder of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "apps/vitrine/application.h"
#include "platform/net/client.h"

namespace vitrine::integration {

// Removed with everything in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A tenant with its keys.
struct Shop {
  std::string name;
  std::uint32_t id = 0;
  std::string publishable;
  std::string secret;
};

using Answer = net::ClientResponse;

// What a request is made of; an empty key sends no Authorization.
struct Call {
  std::string method = "GET";
  std::string target = "/";
  std::string key{};
  std::string body{};
  std::string content_type = "application/json";
  std::string content_encoding{};
};

// Sends on a connection that stays open from call to call. An answer that does not come is a
// failure of the test and status 0.
Answer send(net::Client& client, const Call& call);

class TestServer {
 public:
  // Starts at once. The data directory is a temporary one unless `settings` names one.
  explicit TestServer(app::Settings settings = default_settings());
  ~TestServer();

  // Small segments and one thread; port of the system's choice.
  static app::Settings default_settings();

  void stop();
  void start();
  void restart() { stop(), start(); }

  app::Application& application() { return *application_; }
  const app::Settings& settings() const { return settings_; }
  std::uint16_t port() const { return application_->port(); }
  net::Client client(std::chrono::milliseconds timeout = std::chrono::seconds(30)) const;

  Answer call(const Call& call);  // on the server's own client
  Answer get(std::string_view target, std::string_view key);
  Answer post(std::string_view target, std::string_view key, std::string_view body,
              std::string_view content_type = "application/json");
  Answer put_item(const Shop& shop, std::string_view item_id, std::string_view body);

  std::string admin_key() const;
  // `quotas` is a JSON object. Without it a shop is not limited.
  Shop create_shop(std::string_view name, std::string_view quotas = {});
  // An id and the text of another key of the shop.
  std::pair<std::string, std::string> create_key(const Shop& shop, std::string_view scope);
  // Of each tenant, as `vitrine state digest --json` prints it: after everything in the log.
  std::map<std::uint32_t, std::string> digests() const;

 private:
  TempFolder folder_;
  app::Settings settings_;
  std::unique_ptr<app::Application> application_;
  std::unique_ptr<net::Client> client_;
};

// Fails the test unless the server is ready, takes an event and answers with it.
void expect_serving(TestServer& server, const Shop& shop);

// Resident memory of this process.
std::uint64_t rss_bytes();

// Fails the test if resident memory grew by more than `bytes_max` since it was made.
class MemoryBound {
 public:
  explicit MemoryBound(std::uint64_t bytes_max) : bytes_max_(bytes_max), before_(rss_bytes()) {}
  ~MemoryBound();

 private:
  std::uint64_t bytes_max_, before_;
};

}  // namespace vitrine::integration
