#include "service/control/commands.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/control/control_test_util.h"

namespace vitrine::control {
namespace {

using testing::HasSubstr;
using testing::Not;

class Commands : public StoreTest {
 protected:
  OutputOptions people() { return {.json = false, .now_us = clock_.wall_us()}; }
  OutputOptions json() { return {.json = true, .now_us = clock_.wall_us()}; }
  // What a command writes; the error's text when it fails.
  std::string run(const std::function<Status(std::ostream&)>& command) {
    std::ostringstream out;
    const Status status = command(out);
    if (status.ok()) return out.str();
    EXPECT_EQ(out.str(), "");
    return status.error().to_string();
  }
  std::string list_keys(const OutputOptions& options) {
    return run([&](auto& out) { return run_key_list(store(), {"shoes"}, options, out); });
  }
};

TEST_F(Commands, CreatingATenantShowsItsKeysOnceAndListingNeverDoes) {
  const NewTenant shoes{.name = "shoes", .with_keys = true};
  const auto text =
      run([&](auto& out) { return run_tenant_create(store(), {}, shoes, people(), out); });
  const auto at = text.find("vt_sec_");
  ASSERT_NE(at, std::string::npos) << text;
  const std::string key = text.substr(at, tenant::kKeyTextBytes);
  EXPECT_TRUE(tenant::parse_key(key).ok());
  EXPECT_THAT(text, HasSubstr("can't be shown again"));
  EXPECT_THAT(text, HasSubstr("vt_pub_"));
  for (const auto& options : {people(), json()}) {
    EXPECT_THAT(list_keys(options), HasSubstr(key.substr(7, 12)));
    EXPECT_THAT(list_keys(options), Not(HasSubstr(key.substr(20, 43))));
  }
}

TEST_F(Commands, TablesAreAlignedAndNameTheirColumns) {
  ASSERT_TRUE(store().create_tenant({}, {.name = "a"}).ok());
  ASSERT_TRUE(store().create_tenant({}, {.name = "much-longer-name"}).ok());
  const auto text = run([&](auto& out) { return run_tenant_list(store(), people(), out); });
  std::istringstream lines(text);
  std::string head, first, second;
  std::getline(lines, head);
  std::getline(lines, first);
  std::getline(lines, second);
  const auto column = head.find("TIER");
  EXPECT_EQ(first.substr(column, 8), "standard");
  EXPECT_EQ(second.substr(column, 8), "standard");
  EXPECT_THAT(first, HasSubstr("2023-11-14T22:13:20Z"));
}

TEST_F(Commands, JsonIsOneDocumentWithEveryField) {
  ASSERT_TRUE(store()
                  .create_tenant({}, {.name = "shoes",
                                      .event_types = {"wish"},
                                      .allowed_origins = {"https://shoes.example"}})
                  .ok());
  const auto text = run([&](auto& out) { return run_tenant_show(store(), "shoes", json(), out); });
  EXPECT_EQ(text,
            R"({"id":1,"name":"shoes","tier":"standard","status":"active","partition":0,"epoch":1,)"
            R"("created":"2023-11-14T22:13:20Z","quotas":{"events_per_s":20000,)"
            R"("events_burst_s":10,"requests_per_s":2000,"requests_burst_s":2,)"
            R"("items_max":5000000,"users_max":50000000},"event_types":["wish"],)"
            R"("allowed_origins":["https://shoes.example"],"placements":[]})"
            "\n");
}

TEST_F(Commands, AKeyIsRotatedAndRevokedByItsIdOrItsText) {
  ASSERT_TRUE(store().create_tenant({}, {.name = "shoes"}).ok());
  const auto key = store().create_key({}, {.tenant_name = "shoes", .label = "a\"b"}).value();
  const auto rotated = run([&](auto& out) {
    return run_key_rotate(store(), {}, key_id_text(key.info.id), kHourUs, people(), out);
  });
  EXPECT_THAT(rotated, HasSubstr("works for another 3600 s"));
  EXPECT_THAT(list_keys(people()), HasSubstr("rotated"));
  EXPECT_THAT(list_keys(json()), HasSubstr(R"("label":"a\"b")"));
  const auto revoked =
      run([&](auto& out) { return run_key_revoke(store(), {}, key.text, people(), out); });
  EXPECT_THAT(revoked, HasSubstr("is revoked"));
  EXPECT_THAT(list_keys(people()), HasSubstr("revoked"));
  EXPECT_THAT(run([&](auto& out) { return run_key_revoke(store(), {}, "x", people(), out); }),
              HasSubstr("12 hex digits"));
}

TEST_F(Commands, SuspendResumeQuotasAndDeleteSayWhatIsNow) {
  ASSERT_TRUE(store().create_tenant({}, {.name = "shoes"}).ok());
  EXPECT_THAT(
      run([&](auto& out) { return run_tenant_suspend(store(), {}, "shoes", people(), out); }),
      HasSubstr("Tenant shoes is suspended."));
  EXPECT_THAT(
      run([&](auto& out) { return run_tenant_resume(store(), {}, "shoes", people(), out); }),
      HasSubstr("is active"));
  EXPECT_THAT(run([&](auto& out) {
                return run_tenant_quotas(store(), {}, "shoes", {.events_per_s = 7.5}, people(),
                                         out);
              }),
              HasSubstr("7.5/s"));
  EXPECT_THAT(
      run([&](auto& out) { return run_tenant_delete(store(), {}, "shoes", people(), out); }),
      HasSubstr("keys are revoked"));
  EXPECT_THAT(run([&](auto& out) { return run_tenant_show(store(), "shoes", people(), out); }),
              HasSubstr("not_found"));
  EXPECT_THAT(run([&](auto& out) { return run_tenant_list(store(), people(), out); }),
              HasSubstr("No tenants yet"));
}

}  // namespace
}  // namespace vitrine::control
