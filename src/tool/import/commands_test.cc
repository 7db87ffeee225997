#include "tool/import/commands.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/codec/gzip.h"
#include "tool/import/fake_shop.h"

namespace vitrine::importer {
namespace {

using ::testing::HasSubstr;

const std::string kItems = "/v1/items:import";
const std::string kEvents = "/v1/events:import";

class TestFile {
 public:
  explicit TestFile(std::string_view bytes)
      : path(::testing::TempDir() + "vitrine-import-" + std::to_string(counter_++) + "-" +
             std::to_string(::getpid())) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  ~TestFile() { std::remove(path.c_str()); }
  const std::string path;

 private:
  static inline int counter_ = 0;
};

constexpr std::string_view kYear =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    "1,85123A,WHITE HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n"
    "1,POST,POSTAGE,1,2010-12-01 08:26:00,18,17850,United Kingdom\n"
    "2,71053,WHITE METAL LANTERN,6,2010-12-03 08:26:00,3.39,NA,United Kingdom\n"
    "broken\n";

struct Fixture {
  explicit Fixture(std::string_view bytes) : file(bytes) {}
  template <class Options>
  Options options() {
    Options o;
    o.url = shop.url();
    o.key = "secret";
    o.clock = &clock;
    return o;
  }
  Status retail(bool shift, bool allow_errors = true) {
    auto o = options<OnlineRetailOptions>();
    o.file = file.path;
    o.shift_to_now = shift;
    o.allow_errors = allow_errors;
    out.str("");
    return run_import_online_retail(o, no_progress(), out);
  }
  Status items(bool allow_errors) {
    auto o = options<TableOptions>();
    o.file = file.path;
    o.allow_errors = allow_errors;
    out.str("");
    return run_import_items(o, no_progress(), out);
  }
  TestFile file;
  FakeShop shop;
  ManualClock clock{1'800'000'000 * kSecondUs + 123};
  std::ostringstream out;
};

TEST(ImportOnlineRetail, SendsTheCatalogThenTheEventsAndReports) {
  Fixture f(codec::gzip(kYear));
  ASSERT_TRUE(f.retail(false).ok());
  EXPECT_EQ(f.shop.lines(kItems).size(), 2u);
  const auto events = f.shop.lines(kEvents);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_THAT(events[0], HasSubstr("2010-12-01T08:26:00Z"));
  EXPECT_EQ(f.shop.requests()[0], "POST " + kItems);
  EXPECT_THAT(f.out.str(), HasSubstr("rows read  4"));
  EXPECT_THAT(f.out.str(), HasSubstr("POST (1)"));
  EXPECT_THAT(f.out.str(), HasSubstr("5  expected 8 fields, found 1"));
  EXPECT_THAT(f.out.str(), HasSubstr("1, and 1 anonymous"));
}

TEST(ImportOnlineRetail, ASecondImportChangesNothing) {
  Fixture f(kYear);
  ASSERT_TRUE(f.retail(false).ok());
  ASSERT_TRUE(f.retail(false).ok());
  EXPECT_EQ(f.shop.lines(kEvents).size(), 2u);
  EXPECT_THAT(f.out.str(), HasSubstr("0 accepted, 2 there before"));
}

TEST(ImportOnlineRetail, ShiftToNowMovesTheLastEventToNowAndKeepsDistances) {
  Fixture f(kYear);
  ASSERT_TRUE(f.retail(true).ok());
  const auto events = f.shop.lines(kEvents);
  EXPECT_THAT(events[1], HasSubstr("\"event_time\":\"2027-01-15T08:00:00Z\""));
  EXPECT_THAT(events[0], HasSubstr("\"event_time\":\"2027-01-13T08:00:00Z\""));
}

TEST(ImportOnlineRetail, EventsKnownWithOtherTimesAreNoFailure) {
  Fixture f(kYear.substr(0, kYear.size() - 7));  // without the broken row
  f.shop.reject("online-retail-1-1", "event_id_conflict");
  EXPECT_TRUE(f.retail(true, false).ok());
  EXPECT_THAT(f.out.str(), HasSubstr("1 there before with other contents"));
  f.shop.reject("online-retail-2-1", "out_of_range");
  EXPECT_FALSE(f.retail(true, false).ok());
}

TEST(ImportOnlineRetail, ABrokenFileNamesItself) {
  Fixture f(codec::gzip(kYear).substr(0, 60));
  const Status status = f.retail(false);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message(), HasSubstr(f.file.path));
  EXPECT_TRUE(f.shop.requests().empty()) << "nothing is sent before all of it was read";
}

TEST(ImportItems, RejectedLinesAreReportedByLineAndAreAnErrorUnlessAllowed) {
  Fixture f("{\"item_id\":\"a\"}\r\n\n{\"item_id\":\"bad\"}\n{\"item_id\":\"c\"}");
  f.shop.reject("bad", "invalid_item");
  EXPECT_EQ(f.items(false).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(f.out.str(), HasSubstr("3  invalid_item  told so"));
  EXPECT_EQ(f.shop.lines(kItems).size(), 2u);
  EXPECT_TRUE(f.items(true).ok());
}

TEST(ImportItems, ALineWithoutEndIsBoundedAndAnEmptyFileRefused) {
  Fixture f("{\"item_id\":\"a\"}\n" + std::string(3 << 20, 'x') + "\n{\"item_id\":\"b\"}\n");
  EXPECT_FALSE(f.items(false).ok());
  EXPECT_THAT(f.out.str(), HasSubstr("longer than 1 MiB"));
  EXPECT_EQ(f.shop.lines(kItems).size(), 2u);
  Fixture empty("\n \n");
  EXPECT_FALSE(empty.items(true).ok());
}

TEST(ImportItems, WaitsUntilTheStateShowsWhatWasSent) {
  Fixture f("{\"item_id\":\"a\"}\n");
  f.shop.lag(3);
  ASSERT_TRUE(f.items(false).ok());
  const auto requests = f.shop.requests();
  EXPECT_EQ(std::count(requests.begin(), requests.end(), "POST /v1/recommend/popular"), 4);
  EXPECT_THAT(f.shop.bodies().back(), HasSubstr("\"min_profile_version\":\"1-11\""));
  EXPECT_THAT(f.out.str(), HasSubstr("applied"));
}

TEST(ImportGenerated, SendsTheShopAndNamesACustomer) {
  Fixture f("");
  auto o = f.options<GeneratedOptions>();
  o.items = 40;
  o.customers = 5;
  ASSERT_TRUE(run_import_generated(o, no_progress(), f.out).ok());
  EXPECT_EQ(f.shop.lines(kItems).size(), 40u);
  EXPECT_GT(f.shop.lines(kEvents).size(), 50u);
  EXPECT_THAT(f.out.str(), HasSubstr("A customer with a history to look at: customer-"));
}

}  // namespace
}  // namespace vitrine::importer
