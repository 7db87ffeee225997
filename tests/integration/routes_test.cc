// Every route with every kind of key, and with another tenant's ids: made from the route table,
// so that no route can be added without passing here.
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "edge/api/openapi.h"
#include "platform/codec/json_parse.h"
#include "tests/integration/answers.h"
#include "tests/integration/route_calls.h"

namespace vitrine::integration {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPlacements[] = {"home",    "product-similar", "product-also-bought",
                                            "cart",    "recently-viewed", "trending",
                                            "popular", "new-arrivals",    "email"};

// Of each shop: more than there are requests in a test that wants an unused one for each.
constexpr int kItems = 120;

// A kind of credential, with the scope it proves; none where it proves nothing.
struct KeyKind {
  std::string name;
  std::string key;
  std::optional<tenant::Scope> scope;
  const Shop* shop = nullptr;  // whose
};

class Routes : public testing::Test {
 protected:
  Routes() : alpha_(server_.create_shop("alpha")), beta_(server_.create_shop("beta")) {
    stock(alpha_, "alpha");
    stock(beta_, "beta");
    wait_until_indexed(server_);
  }

  // Items, histories and purchases under ids that say whose they are.
  void stock(const Shop& shop, const std::string& mark) {
    std::string lines;
    for (int i = 0; i < kItems; ++i) {
      lines += "{\"item_id\":\"" + mark + "-" + std::to_string(i) + "\",\"title\":\"Title of " +
               mark + "\",\"brand\":\"Brand of " + mark + "\",\"price\":" + std::to_string(i + 1) +
               ",\"" + mark + "_size\":\"" + mark + "\",\"categories\":[\"" + mark + "\"]}\n";
    }
    auto taken = server_.post("/v1/items:import", shop.secret, lines, "application/x-ndjson");
    ASSERT_EQ(number_at(taken.body, "/accepted"), kItems) << taken.body;
    std::string users;
    for (int user = 0; user < 10; ++user) {
      users += "{\"user_id\":\"" + mark + "-" + std::to_string(user) +
               "\",\"attributes\":{\"name\":\"Title of " + mark + "\"}}\n";
    }
    taken = server_.post("/v1/users:import", shop.secret, users, "application/x-ndjson");
    ASSERT_EQ(number_at(taken.body, "/accepted"), 10) << taken.body;
    std::vector<std::string> events;
    for (int user = 0; user < 10; ++user) {
      for (int n = 0; n < 8; ++n) {
        const std::string tag = mark + "-" + std::to_string(user);
        events.push_back(event(tag + "-" + std::to_string(n),
                               n % 4 == 3 ? "purchase-complete" : "detail-page-view", tag,
                               mark + "-" + std::to_string((user * 3 + n) % kItems)));
      }
    }
    taken = server_.post("/v1/events", shop.publishable, batch(events));
    ASSERT_EQ(number_at(taken.body, "/accepted"), 80) << taken.body;
    recently_viewed(server_, shop, mark + "-0", text_at(taken.body, "/profile_version"));
  }

  // Everything of a shop that can be seen from outside, and the digest of its state.
  std::map<std::string, std::string> everything_of(const Shop& shop) {
    std::map<std::string, std::string> out;
    out["items"] = server_.get("/v1/items?limit=1000", shop.secret).body;
    out["users"] = server_.get("/v1/users?limit=1000", shop.secret).body;
    out["user"] = server_.get("/v1/users/" + shop.name + "-0", shop.secret).body;
    out["attributes"] = server_.get("/v1/attributes", shop.secret).body;
    for (std::string_view placement : kPlacements) {
      const auto answer =
          server_.post("/v1/recommend/" + std::string(placement), shop.publishable,
                       "{\"user\":{\"user_id\":\"" + shop.name + "-0\"},\"item_ids\":[\"" +
                           shop.name + "-3\"],\"cart\":[\"" + shop.name + "-3\"],\"limit\":20}");
      out[std::string(placement)] = testing::PrintToString(item_ids(answer.body));
    }
    out["digest"] = server_.digests()[shop.id];
    out["keys"] = server_.get("/v1/admin/tenants/" + shop.name + "/keys", server_.admin_key()).body;
    return out;
  }

  Subject subject(const Shop& shop, const api::Route& route) {
    ++calls_;
    const std::string tag = std::to_string(calls_);
    Subject out{
        shop.name + "-probe", shop.name + "-prober", "probe-" + tag, shop.name, "new-" + tag, {}};
    if (route.pattern.find("{key}") != std::string_view::npos) {
      out.key_id = server_.create_key(shop, "publishable").first;
    }
    return out;
  }

  std::vector<KeyKind> key_kinds() {
    std::string mistyped = alpha_.secret;
    mistyped.back() = mistyped.back() == 'a' ? 'b' : 'a';
    tenant::KeySecret secret{};
    secret[0] = 42;
    const auto revoked = server_.create_key(alpha_, "secret");
    EXPECT_EQ(
        server_.post("/v1/admin/keys/" + revoked.first + ":revoke", server_.admin_key(), "").status,
        200);
    return {
        {"none", "", {}},
        {"malformed", "no-key-at-all", {}},
        {"mistyped", mistyped, {}},
        {"unknown",
         tenant::format_key(tenant::Scope::kSecret, tenant::KeyId{0x123456789abc}, secret),
         {}},
        {"known id, wrong secret", forged(alpha_.secret), {}},
        {"revoked", revoked.second, {}},
        {"publishable of alpha", alpha_.publishable, tenant::Scope::kPublishable, &alpha_},
        {"secret of alpha", alpha_.secret, tenant::Scope::kSecret, &alpha_},
        {"publishable of beta", beta_.publishable, tenant::Scope::kPublishable, &beta_},
        {"secret of beta", beta_.secret, tenant::Scope::kSecret, &beta_},
        {"admin", server_.admin_key(), tenant::Scope::kAdmin, &alpha_},
    };
  }

  static std::string forged(const std::string& key) {
    tenant::KeySecret secret{};
    secret[7] = 7;
    const auto parsed = tenant::parse_key(key);
    return tenant::format_key(parsed->scope, parsed->id, secret);
  }

  TestServer server_;
  Shop alpha_, beta_;
  int calls_ = 0;
};

TEST_F(Routes, EachRouteTakesExactlyTheKeysThatHaveItsRight) {
  const auto kinds = key_kinds();
  for (const api::Route& route : api::routes()) {
    for (const KeyKind& kind : kinds) {
      SCOPED_TRACE(std::string(route.name) + " with key: " + kind.name);
      const Shop& shop = kind.shop != nullptr ? *kind.shop : alpha_;
      const Subject about = subject(shop, route);
      auto planned = route_call(route, about);
      ASSERT_TRUE(planned) << "no request is known for this route; add it to route_calls.cc";
      if (is_tenant_route(route)) {
        ASSERT_EQ(server_.put_item(shop, about.item_id, R"({"title":"Probe","price":1})").status,
                  200);
      }
      planned->call.key = kind.key;
      const Answer answer = server_.call(planned->call);
      if (!route.right) {
        EXPECT_EQ(answer.status, planned->status) << answer.body;
      } else if (!kind.scope) {
        expect_problem(answer, 401);
        EXPECT_FALSE(answer.header("www-authenticate").empty());
      } else if (!tenant::allows(*kind.scope, *route.right)) {
        expect_problem(answer, 403, "right_missing");
      } else {
        EXPECT_EQ(answer.status, planned->status) << answer.body;
      }
    }
  }
}

// A key in the query opens one route, to publishable keys only; a secret one is refused wherever it
// is.
TEST_F(Routes, AKeyInTheUrlOpensNothingButEventsForPublishableKeys) {
  for (const api::Route& route : api::routes()) {
    for (const KeyKind& kind : key_kinds()) {
      if (kind.key.empty()) continue;
      SCOPED_TRACE(std::string(route.name) + " with key: " + kind.name);
      auto planned = route_call(route, subject(alpha_, route));
      ASSERT_TRUE(planned);
      planned->call.target += "?key=" + kind.key;
      const Answer answer = server_.call(planned->call);
      if (kind.key.starts_with("vt_sec_") || kind.key.starts_with("vt_adm_")) {
        expect_problem(answer, 403, "secret_exposed");
        EXPECT_THAT(answer.body, Not(HasSubstr(kind.key.substr(20))));
      } else if (!route.right) {
        EXPECT_EQ(answer.status, planned->status) << answer.body;
      } else if (route.name == "postEvents" && kind.scope) {
        EXPECT_EQ(answer.status, 202) << answer.body;
      } else {
        expect_problem(answer, 401);
      }
    }
  }
}

TEST_F(Routes, APreflightAllowsExactlyWhatPublishableKeysMayCall) {
  auto client = server_.client();
  for (const api::Route& route : api::routes()) {
    SCOPED_TRACE(route.name);
    auto planned = route_call(route, subject(alpha_, route));
    ASSERT_TRUE(planned);
    const net::Header headers[] = {
        {"Origin", "https://shop.example"},
        {"Access-Control-Request-Method", net::method_name(route.method)},
        {"Access-Control-Request-Headers", "authorization,content-type"}};
    auto answer = client.request("OPTIONS", planned->call.target, headers);
    ASSERT_TRUE(answer.ok()) << answer.error().to_string();
    const bool may = route.right && tenant::allows(tenant::Scope::kPublishable, *route.right);
    if (may) {
      EXPECT_EQ(answer->status, 204);
      EXPECT_EQ(answer->header("access-control-allow-origin"), "*");
      EXPECT_THAT(std::string(answer->header("access-control-allow-methods")),
                  HasSubstr(net::method_name(route.method)));
      EXPECT_THAT(std::string(answer->header("access-control-allow-headers")),
                  HasSubstr("Authorization"));
    } else {
      expect_problem(*answer, 403, "not_for_browsers");
      EXPECT_EQ(answer->header("access-control-allow-origin"), "");
    }
  }
}

TEST_F(Routes, ARefusedRequestChangesNothing) {
  const auto kinds = key_kinds();
  const auto before = everything_of(alpha_);
  for (const api::Route& route : api::routes()) {
    for (const KeyKind& kind : kinds) {
      if (!route.right || (kind.scope && tenant::allows(*kind.scope, *route.right))) continue;
      Subject about{"alpha-5", "alpha-0",    "never",
                    "alpha",   "never-made", alpha_.publishable.substr(7, 12)};
      auto planned = route_call(route, about);
      ASSERT_TRUE(planned);
      planned->call.key = kind.key;
      const Answer answer = server_.call(planned->call);
      EXPECT_GE(answer.status, 401) << route.name << " with key: " << kind.name;
      EXPECT_THAT(answer.body, Not(HasSubstr("Title of"))) << route.name;
    }
  }
  EXPECT_EQ(everything_of(alpha_), before);
  EXPECT_EQ(server_.get("/v1/admin/tenants/never-made", server_.admin_key()).status, 404);
}

TEST_F(Routes, NoRouteShowsChangesOrNamesAnythingOfAnotherTenant) {
  const auto before = everything_of(alpha_);
  int number = 5;
  std::set<std::string> said{"alpha-0"};  // by beta: its own from then on
  for (const api::Route& route : api::routes()) {
    if (!is_tenant_route(route)) continue;
    for (const std::string& key : {beta_.publishable, beta_.secret}) {
      SCOPED_TRACE(route.name);
      const auto scope = key == beta_.secret ? tenant::Scope::kSecret : tenant::Scope::kPublishable;
      // Ids of alpha that beta has never used before.
      const std::string item = "alpha-" + std::to_string(number++);
      const Subject about{
          item,
          "alpha-0",
          "alpha-" + std::to_string(number / 8 % 10) + "-" + std::to_string(number % 8),
          "alpha",
          "",
          ""};
      said.insert(item);
      auto planned = route_call(route, about);
      ASSERT_TRUE(planned) << "no request is known for this route; add it to route_calls.cc";
      planned->call.key = key;
      const Answer answer = server_.call(planned->call);
      const int expected = tenant::allows(scope, *route.right) ? planned->status_without_item : 403;
      EXPECT_EQ(answer.status, expected) << answer.body;
      // The request itself said `item`; of everything else nothing may come back.
      for (const char* mark : {"Title of alpha", "Brand of alpha", "alpha_size", "\"alpha\""}) {
        EXPECT_THAT(answer.body, Not(HasSubstr(mark)));
      }
      for (int i = 0; i < kItems; ++i) {
        const std::string other = "alpha-" + std::to_string(i);
        if (said.contains(other)) continue;
        EXPECT_THAT(answer.body, Not(HasSubstr("\"" + other + "\"")));
      }
      EXPECT_EQ(everything_of(alpha_), before);
      // An event id of alpha is a new one for beta.
      if (route.name == "postEvents" && answer.status == 202) {
        EXPECT_EQ(number_at(answer.body, "/duplicates"), 0);
      }
    }
  }
}

TEST_F(Routes, EveryPlacementAnswersFromTheOwnTenantOnly) {
  for (std::string_view placement : kPlacements) {
    for (const char* filter : {"", "alpha_size = 'alpha'", "item_id = 'alpha-3'"}) {
      const auto answer = server_.post(
          "/v1/recommend/" + std::string(placement), beta_.publishable,
          std::string(
              R"({"user":{"user_id":"alpha-0"},"item_ids":["alpha-3"],"cart":["alpha-4"],)") +
              "\"limit\":100,\"filter\":" + json_text(filter) + "}");
      // An attribute that only alpha has is unknown here, as if it were nowhere.
      if (std::string_view(filter).starts_with("alpha_size")) {
        expect_problem(answer, 400, "filter_unknown_attribute");
        EXPECT_THAT(answer.body, Not(HasSubstr("brand of alpha")));
        continue;
      }
      ASSERT_EQ(answer.status, 200) << answer.body;
      for (const auto& id : item_ids(answer.body)) EXPECT_THAT(id, HasSubstr("beta-"));
    }
  }
}

TEST_F(Routes, TheTypeOfAProblemLeadsToWhatItMeans) {
  const auto refused = server_.get("/v1/items", {});
  ASSERT_EQ(refused.status, 401);
  const std::string type = "/docs/errors#credential_missing";
  EXPECT_THAT(refused.body, HasSubstr("\"type\":\"" + type + "\""));
  const auto page = server_.get("/docs/errors", {});
  ASSERT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<a id=\"credential_missing\">"));
}

TEST_F(Routes, ListsOfKeysAndTenantsAreTheAdminsAndKeepToTheTenantNamed) {
  const auto keys = server_.get("/v1/admin/tenants/beta/keys", server_.admin_key());
  EXPECT_THAT(keys.body, HasSubstr(beta_.secret.substr(7, 12)));
  EXPECT_THAT(keys.body, Not(HasSubstr(alpha_.secret.substr(7, 12))));
  EXPECT_THAT(keys.body, Not(HasSubstr(beta_.secret.substr(20))));
}

TEST(RouteTable, IsTheOpenApiDocument) {
  codec::JsonParser parser;
  const auto document = parser.parse(api::openapi_document());
  ASSERT_TRUE(document.ok()) << document.error().to_string();
  simdjson::dom::object paths;
  ASSERT_EQ((*document)["paths"].get(paths), simdjson::SUCCESS) << "the document has no paths";
  std::set<std::string> documented;
  for (const auto [path, operations] : paths) {
    for (const auto [word, operation] : simdjson::dom::object(operations)) {
      if (word == "parameters" || word == "summary" || word == "description") continue;
      std::string method(word);
      for (char& c : method) c = static_cast<char>(std::toupper(c));
      std::string_view id;
      EXPECT_EQ(operation["operationId"].get(id), simdjson::SUCCESS) << method << " " << path;
      documented.insert(method + " " + std::string(path) + " " + std::string(id));
    }
  }
  std::set<std::string> served;
  for (const api::Route& route : api::routes()) {
    served.insert(std::string(net::method_name(route.method)) + " " + std::string(route.pattern) +
                  " " + std::string(route.name));
  }
  EXPECT_EQ(documented, served);
}

}  // namespace
}  // namespace vitrine::integration
