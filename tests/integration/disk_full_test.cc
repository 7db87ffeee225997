// A disk without space: events are refused with the time to wait, answers go on, and with space
// there is everything works again by itself.
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

using testing::AnyOf;
using testing::Contains;

// A file system of its own, so that it alone gets full. Needs root.
class SmallDisk {
 public:
  bool mount() {
    mounted_ = ::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=96m") == 0;
    return mounted_;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  const std::string& path() const { return folder_.path(); }

  void fill() {
    std::ofstream file(filler(), std::ios::binary);
    const std::string block(1 << 16, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void free() { std::filesystem::remove(filler()); }

 private:
  std::string filler() const { return folder_.path() + "/filler"; }
  TempFolder folder_;
  bool mounted_ = false;
};

std::string events(const std::string& mark, int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    std::string one = view_event(mark + "-" + std::to_string(i), "user", "item");
    one.insert(1, "\"properties\":{\"note\":\"" + std::string(1000, 'n') + "\"},");
    out.push_back(std::move(one));
  }
  return batch(out);
}

TEST(DiskFull, EventsAreRefusedAnswersGoOnAndSpaceBringsItBack) {
  SmallDisk disk;
  if (!disk.mount()) GTEST_SKIP() << "a small file system can't be mounted here (needs root)";
  auto settings = TestServer::default_settings();
  settings.data_directory = disk.path() + "/data";
  settings.log_segment = 1u << 20;
  TestServer server(settings);
  const Shop shop = server.create_shop("shop");
  ASSERT_EQ(server.put_item(shop, "item", R"({"title":"x","price":1})").status, 200);
  ASSERT_EQ(server.post("/v1/events", shop.publishable, events("before", 10)).status, 202);

  disk.fill();
  int taken = 10;
  Answer refused;
  for (int i = 0; i < 200; ++i) {
    refused = server.post("/v1/events", shop.publishable, events("full" + std::to_string(i), 100));
    if (refused.status != 202) break;
    taken += 100;
  }
  EXPECT_THAT(refused.status, AnyOf(429, 503, 507)) << refused.body;
  expect_problem(refused, refused.status);
  EXPECT_FALSE(refused.header("retry-after").empty()) << refused.body;
  // Catalog changes are refused the same way; what was taken is answered from.
  for (int i = 0; i < 20; ++i) {
    const auto answer = server.post("/v1/recommend/recently-viewed", shop.publishable,
                                    R"({"user":{"user_id":"user"}})");
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(item_ids(answer.body), Contains("item"));
  }
  EXPECT_EQ(server.get("/healthz", {}).status, 200);
  EXPECT_EQ(server.get("/metrics", {}).status, 200);

  disk.free();
  Answer again;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    again = server.post("/v1/events", shop.publishable, events("after", 100));
  } while (again.status != 202 && std::chrono::steady_clock::now() < until);
  ASSERT_EQ(again.status, 202) << again.body;
  EXPECT_EQ(number_at(again.body, "/accepted"), 100) << again.body;
  expect_serving(server, shop);

  const auto digests = server.digests();
  server.restart();
  EXPECT_EQ(server.digests(), digests);
  EXPECT_EQ(number_at(server.post("/v1/events", shop.publishable, events("after", 100)).body,
                      "/duplicates"),
            100);
  expect_serving(server, shop);
}

}  // namespace
}  // namespace vitrine::integration
