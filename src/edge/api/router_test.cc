#include "edge/api/router.h"

#include <gtest/gtest.h>

namespace vitrine::api {
namespace {

RouteIndex index() {
  return RouteIndex({{net::Method::kPost, "/v1/events"},
                     {net::Method::kPut, "/v1/items/{item_id}"},
                     {net::Method::kGet, "/v1/items/{item_id}"},
                     {net::Method::kPost, "/v1/items/{item_id}"},
                     {net::Method::kPost, "/v1/items/{item_id}:inventory"},
                     {net::Method::kPost, "/v1/items:import"},
                     {net::Method::kPost, "/v1/admin/tenants/{tenant}/keys/{key}"}});
}

TEST(Router, FindsTheRouteAndDecodesItsArguments) {
  RouteIndex::Miss miss;
  const auto match = index().find(net::Method::kPut, "/v1/items/caf%C3%A9%2F1", miss);
  ASSERT_TRUE(match.has_value());
  EXPECT_EQ(match->route, 1u);
  EXPECT_EQ(match->arguments[0], "café/1");
  const auto two = index().find(net::Method::kPost, "/v1/admin/tenants/a/keys/b", miss);
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(two->arguments[1], "b");
}

TEST(Router, AVerbBindsBeforeTheSegmentUnlessItIsEncoded) {
  RouteIndex::Miss miss;
  const auto verb = index().find(net::Method::kPost, "/v1/items/a:inventory", miss);
  ASSERT_TRUE(verb.has_value());
  EXPECT_EQ(verb->route, 4u);
  EXPECT_EQ(verb->arguments[0], "a");
  const auto plain = index().find(net::Method::kPost, "/v1/items/a%3Ainventory", miss);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->route, 3u);
  EXPECT_EQ(plain->arguments[0], "a:inventory");
  const auto import = index().find(net::Method::kPost, "/v1/items:import", miss);
  ASSERT_TRUE(import.has_value());
  EXPECT_EQ(import->route, 5u);
}

TEST(Router, TellsAnUnknownPathFromAWrongMethod) {
  RouteIndex::Miss unknown;
  EXPECT_FALSE(index().find(net::Method::kGet, "/v1/nothing", unknown));
  EXPECT_TRUE(unknown.allowed.empty());
  RouteIndex::Miss wrong;
  EXPECT_FALSE(index().find(net::Method::kGet, "/v1/events", wrong));
  EXPECT_EQ(wrong.allowed, std::vector<net::Method>({net::Method::kPost}));
}

TEST(Router, RefusesBadEscapesEmptySegmentsAndEndlessPaths) {
  for (const char* path : {"/v1/items/%", "/v1/items/%4", "/v1/items/%zz", "/v1/items/%00"}) {
    RouteIndex::Miss miss;
    EXPECT_FALSE(index().find(net::Method::kGet, path, miss)) << path;
    EXPECT_TRUE(miss.bad_escape) << path;
  }
  for (const char* path : {"", "v1/events", "/v1/items/", "/v1/events/", "//v1/events"}) {
    RouteIndex::Miss miss;
    EXPECT_FALSE(index().find(net::Method::kPost, path, miss)) << path;
  }
  RouteIndex::Miss miss;
  std::string endless;
  for (int i = 0; i < 10000; ++i) endless += "/a";
  EXPECT_FALSE(index().find(net::Method::kGet, endless, miss));
}

// Paths without names are looked up; the search must find the same.
TEST(Router, APathThatIsItsOwnPatternIsFoundByItsMethodAlone) {
  RouteIndex::Miss miss;
  const auto events = index().find(net::Method::kPost, "/v1/events", miss);
  ASSERT_TRUE(events.has_value());
  EXPECT_EQ(events->route, 0u);
  EXPECT_EQ(events->arguments.count, 0u);
  EXPECT_FALSE(index().find(net::Method::kGet, "/v1/events", miss).has_value());
  EXPECT_EQ(miss.allowed, std::vector<net::Method>{net::Method::kPost});
  RouteIndex::Miss unknown;
  EXPECT_FALSE(index().find(net::Method::kPost, "/v1/events/", unknown).has_value());
  EXPECT_TRUE(unknown.allowed.empty());
}

}  // namespace
}  // namespace vitrine::api
