#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/codec/gzip.h"
#include "tool/import/commands.h"
#include "tool/import/fake_shop.h"

namespace vitrine::importer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kItems = "/v1/items:import";
const std::string kEvents = "/v1/events:import";
const std::string kUsers = "/v1/users:import";

class TableImport : public testing::Test {
 protected:
  TableImport()
      : path_(testing::TempDir() + "vitrine-table-" + std::to_string(::getpid()) + "-" +
              std::to_string(counter_++)) {}
  ~TableImport() override {
    std::remove(path_.c_str());
    std::remove((path_ + ".vitrine-resume").c_str());
  }
  void file(std::string_view bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
  TableOptions options() {
    TableOptions o;
    o.url = shop_.url();
    o.key = "secret";
    o.clock = &clock_;
    o.file = path_;
    o.sleep = [](std::chrono::milliseconds) {};
    return o;
  }
  Status events(const TableOptions& o) {
    out_.str("");
    return run_import_events(o, no_progress(), out_);
  }
  Status items(const TableOptions& o) {
    out_.str("");
    return run_import_items(o, no_progress(), out_);
  }
  Status users(const TableOptions& o) {
    out_.str("");
    return run_import_users(o, no_progress(), out_);
  }
  std::string refusal(const Status& status) { return status.ok() ? "" : status.error().message(); }

  static inline int counter_ = 0;
  std::string path_;
  FakeShop shop_;
  ManualClock clock_{1'800'000'000 * kSecondUs};
  std::ostringstream out_;
};

TEST_F(TableImport, ClicksOfAnotherShopAreEventsByAMapOfColumnsAndTypes) {
  file(
      codec::gzip("timestamp,visitorid,event,itemid,transactionid\n"
                  "1433221332117,257597,view,355908,\n"
                  "1433221400000,257597,transaction,355908,77\n"));
  auto o = options();
  o.map.columns = {"event_time=timestamp", "anonymous_id=visitorid", "type=event", "item_id=itemid",
                   "order_id=transactionid"};
  o.map.types = {"view=detail-page-view", "transaction=purchase"};
  ASSERT_TRUE(events(o).ok()) << out_.str();
  const auto lines = shop_.lines(kEvents);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0],
              HasSubstr(R"(,"type":"detail-page-view","event_time":1433221332117,)"
                        R"("user":{"anonymous_id":"257597"},"items":[{"item_id":"355908"}]})"));
  EXPECT_THAT(lines[1], HasSubstr(R"("type":"purchase")"));
  EXPECT_THAT(lines[1], HasSubstr(R"("transaction":{"order_id":"77"})"));
  EXPECT_THAT(out_.str(), HasSubstr("2015-06-02"));
}

TEST_F(TableImport, ARowReadAgainIsTheSameEventAndAnotherRowAnother) {
  file(
      "type,event_time,user_id,item_id\nsearch,1,u,a\n"
      "detail-page-view,2015-06-02,u,a\ndetail-page-view,2015-06-02,u,b\n"
      "detail-page-view,2015-06-02,u,a\n");
  auto o = options();
  o.allow_errors = true;
  ASSERT_TRUE(events(o).ok()) << out_.str();
  const auto first = shop_.lines(kEvents);
  EXPECT_EQ(first.size(), 2u) << "two rows say the same, one is no event";
  EXPECT_THAT(out_.str(), HasSubstr("1 there before"));
  EXPECT_THAT(out_.str(), HasSubstr("search.query is missing"));
  ASSERT_TRUE(events(o).ok());
  EXPECT_EQ(shop_.lines(kEvents), first);
}

TEST_F(TableImport, AnIdOfTheFileIsKeptAndPropertiesAndConstantsAreAdded) {
  file(
      "eid;when;who;what;device;sum\ne1;2015-06-02 10:00:00;u;a;phone;9,5\n"
      "e2;2015-06-02 10:00:01;u;a;phone;9.5\n");
  auto o = options();
  o.allow_errors = true;
  o.map.columns = {"event_id=eid", "event_time=when", "user_id=who",
                   "item_id=what", "value=sum",       "properties.device=device"};
  o.map.constants = {"type=purchase-complete", "currency=EUR"};
  ASSERT_TRUE(events(o).ok()) << out_.str();
  EXPECT_THAT(shop_.lines(kEvents),
              ElementsAre(R"({"event_id":"e2","type":"purchase-complete",)"
                          R"("event_time":"2015-06-02T10:00:01Z","user":{"user_id":"u"},)"
                          R"("items":[{"item_id":"a"}],"value":9.5,"currency":"EUR",)"
                          R"("properties":{"device":"phone"}})"));
  EXPECT_THAT(out_.str(), HasSubstr("2  value: '9,5' is no number"));
}

TEST_F(TableImport, ForeignJsonIsMappedByItsPaths) {
  file(R"({"t":1433221332117,"actor":{"id":42},"object":{"sku":"a","n":2},"kind":"view"})"
       "\nnonsense\n"
       R"({"t":1433221332118,"actor":{"id":"43"},"kind":"view"})"
       "\n");
  auto o = options();
  o.allow_errors = true;
  o.map.columns = {"event_time=t", "user_id=actor.id", "item_id=object.sku", "quantity=object.n",
                   "type=kind"};
  o.map.types = {"view=detail-page-view"};
  ASSERT_TRUE(events(o).ok()) << out_.str();
  const auto lines = shop_.lines(kEvents);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0],
              HasSubstr(R"("user":{"user_id":"42"},"items":[{"item_id":"a","quantity":2}])"));
  EXPECT_THAT(out_.str(), HasSubstr("3  missing_field: items is missing"));
}

TEST_F(TableImport, ItemsOfACsvHaveTheTypesOfTheirHeadings) {
  file(
      "\xEF\xBB\xBFsku\ttitle\tprice\tcategories\tsize:number\twaterproof:boolean\tnote\n"
      "a\tBoot \"x\"\t79.90\tShoes|Boots\t42\tyes\t\n"
      "b\tHat\tfree\t\t\t\t\n"
      "c\tcut\n");
  auto o = options();
  o.allow_errors = true;
  o.map.columns = {"item_id=sku"};
  ASSERT_TRUE(items(o).ok()) << out_.str();
  EXPECT_THAT(shop_.lines(kItems),
              ElementsAre(R"({"item_id":"a","title":"Boot \"x\"","price":79.9,)"
                          R"("categories":["Shoes","Boots"],"size":42,"waterproof":true})"));
  EXPECT_THAT(out_.str(), HasSubstr("3  price: 'free' is no number"));
  EXPECT_THAT(out_.str(), HasSubstr("4  the row has 2 cells, the head has 7"));
}

TEST_F(TableImport, ItemsAsJsonGoAsTheyAreUnlessMapped) {
  file(R"({"item_id":"a","price":7,"tags":["x"],"season":{"$time":"2026-10-01"}})"
       "\n");
  ASSERT_TRUE(items(options()).ok()) << out_.str();
  EXPECT_THAT(shop_.lines(kItems).back(),
              HasSubstr(R"("price":7,"tags":["x"],"season":{"$time":"2026-10-01"}})"));
  file(R"({"sku":5,"cost":"7.5","junk":{"a":1}})"
       "\n");
  auto o = options();
  o.map.columns = {"item_id=sku", "price=cost"};
  o.map.only_mapped = true;
  ASSERT_TRUE(items(o).ok()) << out_.str();
  EXPECT_EQ(shop_.lines(kItems).back(), R"({"item_id":"5","price":7.5})");
}

TEST_F(TableImport, UsersOfACsvHaveTheTypesOfTheirHeadingsAndOfTheMap) {
  file(
      "customer;country;score;sizes:list;vip:boolean;price\n"
      "ann;DE;120;M|L;yes;low\nben;;many;;;\n;AT;1;;;\n cut\n");
  auto o = options();
  o.allow_errors = true;
  o.map.columns = {"user_id=customer", "points:number=score"};
  o.map.constants = {"origin=shop"};
  ASSERT_TRUE(users(o).ok()) << out_.str();
  EXPECT_THAT(shop_.lines(kUsers),
              ElementsAre(R"({"user_id":"ann","attributes":{"points":120,"origin":"shop",)"
                          R"("country":"DE","sizes":["M","L"],"vip":true,"price":"low"}})"));
  EXPECT_THAT(out_.str(), HasSubstr("3  points: 'many' is no number"));
  EXPECT_THAT(out_.str(), HasSubstr("4  user_id: "));
  EXPECT_THAT(out_.str(), HasSubstr("5  the row has 1 cells, the head has 6"));
  EXPECT_THAT(out_.str(), HasSubstr("users a second"));
  EXPECT_THAT(shop_.requests().back(), HasSubstr("/v1/recommend/popular"));
}

TEST_F(TableImport, UsersAsJsonGoAsTheyAreInTheirOwnFormOrFlat) {
  file(
      R"({"user_id":"ann","attributes":{"points":7,"since":{"$time":"2024-05-01T00:00:00Z"}},"created":"2024-05-01T00:00:00Z"})"
      "\n"
      R"({"user_id":"ben","country":"AT","points":8})"
      "\n");
  ASSERT_TRUE(users(options()).ok()) << out_.str();
  EXPECT_THAT(
      shop_.lines(kUsers),
      ElementsAre(
          R"({"user_id":"ann","attributes":{"points":7,"since":{"$time":"2024-05-01T00:00:00Z"}},"created":"2024-05-01T00:00:00Z"})",
          R"({"user_id":"ben","attributes":{"country":"AT","points":8}})"));
  file(R"({"id":5,"account":{"country":"CH"},"junk":{"a":1}})"
       "\n");
  auto o = options();
  o.map.columns = {"user_id=id", "country=account.country"};
  o.map.only_mapped = true;
  ASSERT_TRUE(users(o).ok()) << out_.str();
  EXPECT_EQ(shop_.lines(kUsers).back(), R"({"user_id":"5","attributes":{"country":"CH"}})");
}

TEST_F(TableImport, UsersAreCheckedInADryRunAndRejectedByLine) {
  file("user_id,country\nann,DE\nbad,AT\n,CH\n");
  auto o = options();
  o.dry_run = true;
  EXPECT_THAT(refusal(users(o)), HasSubstr("1 rows would not be imported"));
  EXPECT_TRUE(shop_.requests().empty());
  EXPECT_THAT(out_.str(), HasSubstr(R"({"user_id":"ann","attributes":{"country":"DE"}})"));
  o.dry_run = false;
  shop_.reject("bad", "type_conflict");
  EXPECT_THAT(refusal(users(o)), HasSubstr("2 lines were not imported"));
  EXPECT_THAT(out_.str(), HasSubstr("Rejected users: 1, type_conflict 1"));
  EXPECT_THAT(out_.str(), HasSubstr("3  type_conflict  told so"));
  EXPECT_EQ(shop_.lines(kUsers).size(), 1u);
}

TEST_F(TableImport, AMapOfUsersThatCantBeIsRefused) {
  file("who,Screen Size\n1,2\n");
  EXPECT_THAT(refusal(users(options())), HasSubstr("is no attribute name"));
  auto o = options();
  o.map.only_mapped = true;
  EXPECT_THAT(refusal(users(o)), HasSubstr("no column is user_id"));
  o.map.columns = {"user_id:number=who"};
  EXPECT_THAT(refusal(users(o)), HasSubstr("user_id has a type of its own"));
  o.map.columns = {"user_id=who", "size:metres=who"};
  EXPECT_THAT(refusal(users(o)), HasSubstr("the type must be"));
  o.map.columns = {"user_id=who"};
  o.map.types = {"a=b"};
  EXPECT_THAT(refusal(users(o)), HasSubstr("types are a thing of events"));
  EXPECT_TRUE(shop_.requests().empty());
}

TEST_F(TableImport, ADryRunChecksEverythingAndSendsNothing) {
  file(
      "type,event_time,user_id,item_id\ndetail-page-view,2015-06-02,u,a\n"
      "dance,2015-06-01,u,a\ndetail-page-view,2015-06-01,u,\n");
  auto o = options();
  o.dry_run = true;
  EXPECT_THAT(refusal(events(o)), HasSubstr("1 rows would not be imported"));
  EXPECT_TRUE(shop_.requests().empty());
  EXPECT_THAT(out_.str(), HasSubstr("4  missing_field: items is missing"));
  EXPECT_THAT(out_.str(), HasSubstr("1 rows: type 'dance'"));
  EXPECT_THAT(out_.str(), HasSubstr(R"("items":[{"item_id":"a"}])"));
}

TEST_F(TableImport, AMapThatCantBeIsRefusedBeforeAnythingIsSent) {
  file("when,who\n1,2\n");
  const auto refused = [&](std::vector<std::string> columns,
                           std::vector<std::string> constants = {}) {
    auto o = options();
    o.map.columns = std::move(columns);
    o.map.constants = std::move(constants);
    return refusal(events(o));
  };
  EXPECT_THAT(refused({}), HasSubstr("no column is type"));
  EXPECT_THAT(refused({"type"}), HasSubstr("must have the form FIELD=COLUMN"));
  EXPECT_THAT(refused({"kind=when"}), HasSubstr("no field 'kind'"));
  EXPECT_THAT(refused({"type=what"}), HasSubstr("no column 'what'; it has when, who"));
  EXPECT_THAT(refused({"type=when", "type=who"}), HasSubstr("given twice"));
  EXPECT_THAT(refused({"event_time=when"}, {"type=search"}), HasSubstr("user_id or anonymous_id"));
  auto o = options();
  EXPECT_THAT(refusal(items(o)), HasSubstr("no column is item_id"));
  file("a,a\n1,2\n");
  EXPECT_THAT(refusal(items(o)), HasSubstr("two columns are called 'a'"));
  file("item_id,Screen Size\n1,2\n");
  EXPECT_THAT(refusal(items(o)), HasSubstr("is no attribute name"));
  EXPECT_TRUE(shop_.requests().empty());
}

TEST_F(TableImport, AResumeFileOfAnotherImportIsNotBelieved) {
  file("type,event_time,user_id,item_id\ndetail-page-view,2015-06-02,u,a\n");
  std::ofstream(path_ + ".vitrine-resume") << "4711 5\n";
  auto o = options();
  o.resume = true;
  ASSERT_TRUE(events(o).ok()) << out_.str();
  EXPECT_EQ(shop_.lines(kEvents).size(), 1u);
}

TEST_F(TableImport, AResumeFileOfThisImportSparesWhatWasAnswered) {
  std::string text = "type,event_time,user_id,item_id\n";
  for (int i = 0; i < 45'000; ++i) {
    text += "detail-page-view,2015-06-02,u" + std::to_string(i) + ",a\n";
  }
  file(text);
  auto o = options();
  o.resume = true;
  // Lets 30 requests through, then refuses: the file must say at most what was answered.
  shop_.refuse_after(30);
  ASSERT_FALSE(events(o).ok());
  ASSERT_TRUE(std::filesystem::exists(path_ + ".vitrine-resume"));
  const auto taken = shop_.lines(kEvents).size();
  EXPECT_EQ(taken, 30'000u);
  shop_.refuse_after(1'000'000);
  const auto before = shop_.requests().size();
  ASSERT_TRUE(events(o).ok()) << out_.str();
  EXPECT_EQ(shop_.lines(kEvents).size(), 45'000u) << "nothing is left out";
  EXPECT_LT(shop_.requests().size() - before, 45u) << "and not everything sent again";
  EXPECT_THAT(out_.str(), HasSubstr("as the resume file says"));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".vitrine-resume"));
}

}  // namespace
}  // namespace vitrine::importer
