#include "tool/evaluate/tenant_data.h"

#include <filesystem>
#include <random>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/eventlog/reader.h"
#include "engine/eventlog/writer.h"
#include "service/apply/apply_test_util.h"
#include "service/apply/tenant_state.h"
#include "service/control/control_store.h"
#include "service/evaluate/covisit_scorer.h"
#include "tool/evaluate/run_evaluate.h"

namespace vitrine::evaluate {
namespace {

using apply::testing::event_record;
using apply::testing::TestRecord;
using event::EventType;
using testing::Each;
using testing::HasSubstr;
using testing::StartsWith;

constexpr TimeUs kStart = 1'700'000'000 * kSecondUs;

// A data directory with tenants that share one log, whose writer stays open as a server's does.
class TenantData : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "vitrine-tenants-XXXXXX").string();
    VITRINE_CHECK(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    control::StoreOptions store_options;
    store_options.path = folder_ + "/control.db";
    store_ = control::ControlStore::open(store_options).value();
    clock_.set_us(kStart);
    eventlog::WriterOptions options;
    options.directory = folder_ + "/partition-0/log";
    options.files = &io::system_files();
    options.clock = &clock_;
    options.executor = &thread_executor();
    options.background = false;
    ASSERT_TRUE(io::system_files().create_directories(options.directory).ok());
    writer_ = eventlog::Writer::open(options).value();
  }
  void TearDown() override {
    writer_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  TenantId tenant(const std::string& name) {
    control::NewTenant wanted;
    wanted.name = name;
    return store_->create_tenant({}, wanted).value().tenant.id;
  }
  void append(const std::vector<TestRecord>& records) {
    for (const TestRecord& one : records) {
      const auto ref = one.ref();
      const auto range = writer_->append({&ref, 1}, nullptr);
      ASSERT_TRUE(range.ok());
      last_ = range->last;
    }
    ASSERT_TRUE(writer_->wait_durable(last_, kMinuteUs).value());
  }
  // Visitors who walk around a circle of items named PREFIX-0, PREFIX-1, ...
  void circle(TenantId id, const std::string& prefix, int visitors, int steps) {
    std::vector<TestRecord> records;
    for (int step = 0; step < steps; ++step) {
      for (int v = 0; v < visitors; ++v) {
        const std::string item = prefix + "-" + std::to_string((v * 7 + step) % 30);
        const std::string event_id = prefix + std::to_string(v) + "." + std::to_string(step);
        const std::string user = prefix + "-visitor-" + std::to_string(v);
        records.push_back(event_record(id, EventType::kDetailPageView, event_id, user, {item},
                                       kStart + (step * visitors + v) * kSecondUs));
      }
    }
    append(records);
  }
  Result<Dataset> read(const std::string& name) {
    return read_tenant(folder_, name, no_progress());
  }

  std::string folder_;
  ManualClock clock_;
  std::unique_ptr<control::ControlStore> store_;
  std::unique_ptr<eventlog::Writer> writer_;
  eventlog::Position last_ = 0;
};

TEST_F(TenantData, OfOneTenantHoldsNothingOfAnotherInTheSameLog) {
  const TenantId ours = tenant("ours");
  const TenantId theirs = tenant("theirs");
  circle(ours, "ours", 40, 3);
  circle(theirs, "theirs", 50, 4);
  circle(ours, "ours-again", 40, 2);
  const Dataset data = read("ours").value();
  EXPECT_EQ(data.interactions.size(), 200u);
  EXPECT_EQ(data.users.size(), 80u);
  EXPECT_THAT(data.items, Each(StartsWith("ours")));
  EXPECT_THAT(data.users, Each(StartsWith("ours")));
  EXPECT_EQ(data.name, "tenant ours");
  EXPECT_EQ(read("theirs").value().interactions.size(), 200u);
}

TEST_F(TenantData, UnknownTenantsAndFoldersAreSaidToBeUnknown) {
  tenant("first");
  tenant("second");
  const Error unknown = read("third").error();
  EXPECT_EQ(unknown.code(), ErrorCode::kNotFound);
  EXPECT_THAT(unknown.message(), HasSubstr("known are first, second"));
  ASSERT_TRUE(store_->delete_tenant({}, "second").ok());
  EXPECT_THAT(read("second").error().message(), HasSubstr("known are first"));
  const auto nowhere = read_tenant(folder_ + "/elsewhere", "first", no_progress());
  EXPECT_EQ(nowhere.error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/elsewhere"));
}

TEST_F(TenantData, TooFewEventsAreCountedAndWhatIsNeededIsSaid) {
  const TenantId id = tenant("small");
  EXPECT_THAT(read("small").error().message(), HasSubstr("has 0 events"));
  circle(id, "small", 9, 4);
  const Error few = read("small").error();
  EXPECT_EQ(few.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(few.message(), HasSubstr("36 events"));
  EXPECT_THAT(few.message(), HasSubstr("9 visitors; at least 100"));
  circle(id, "more", 10, 7);
  std::ostringstream out;
  const Status status = run_evaluate_tenant(folder_, "small", {}, out);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message(), HasSubstr("at least 20 are needed"));
}

TEST_F(TenantData, WhatTheApplierDropsOrOnlyCountsIsNoInteraction) {
  const TenantId id = tenant("shop");
  circle(id, "x", 40, 3);
  const TimeUs at = kStart + kHourUs;
  append({
      event_record(id, EventType::kPurchaseComplete, "p", "u", {"a", "b"}, at),
      event_record(id, EventType::kPurchaseComplete, "p", "u", {"a", "b"}, at),  // a retry
      event_record(id, EventType::kAddToCart, "p", "u", {"c"}, at),              // a conflict
      event_record(id, EventType::kImpression, "i", "u", {"d"}, at + 1),         // says nothing
      event_record(id, EventType::kRefund, "r", "u", {"a"}, at + 2),             // takes it back
  });
  const Dataset data = read("shop").value();
  ASSERT_EQ(data.interactions.size(), 123u);
  EXPECT_EQ(data.skipped, 4u);
  const auto* bought = &data.interactions[120];
  EXPECT_EQ(data.items[bought[0].item.value], "a");
  EXPECT_EQ(bought[0].event, bought[1].event);
  EXPECT_EQ(bought[0].weight, 5);
  EXPECT_EQ(bought[2].weight, -5);
  for (const Case& one : leave_one_out(data, {Stage::kTest, true}).cases) {
    for (const Interaction& seen : one.history) EXPECT_TRUE(seen.positive());
  }
}

// Goal: what is measured is what serves. Method: random visits with repeats go through the
// applier's state and through the data set and its scorer; both must hold the same rows.
TEST_F(TenantData, TheScorerHoldsTheRowsAndCountsOfTheLiveState) {
  const TenantId id = tenant("shop");
  std::mt19937_64 random(5);
  const EventType types[] = {EventType::kDetailPageView, EventType::kAddToCart,
                             EventType::kPurchaseComplete};
  std::vector<TestRecord> records;
  for (int i = 0; i < 600; ++i) {
    std::vector<std::string> names{"i" + std::to_string(random() % 25)};
    const EventType type = types[random() % 3];
    if (type == EventType::kPurchaseComplete) names.push_back("i" + std::to_string(random() % 25));
    records.push_back(event_record(id, type, "e" + std::to_string(i),
                                   "u" + std::to_string(random() % 12),
                                   {names.begin(), names.end()}, kStart - kDayUs + i * kSecondUs));
  }
  append(records);
  apply::TenantState state(id, {}, {});
  auto reader = eventlog::Reader::open(io::system_files(), folder_ + "/partition-0/log", 0,
                                       eventlog::ReadScope::kWholeFrames)
                    .value();
  eventlog::RecordView record;
  while (reader->next(record).value() == eventlog::ReadEnd::kRecord) {
    ASSERT_TRUE(state.apply(record).ok());
  }
  const Dataset data = read("shop").value();
  CovisitScorer scorer({}, {}, CovisitScorer::Histories::kLive);
  scorer.fit(data.interactions, static_cast<std::uint32_t>(data.items.size()));
  std::vector<double> weights(data.items.size());
  for (const Interaction& one : data.interactions)
    weights[one.item.value] += static_cast<double>(one.weight);
  for (std::uint32_t i = 0; i < data.items.size(); ++i) {
    ASSERT_EQ(state.catalog().find(data.items[i]), ItemIndex{i});
    const auto ours = scorer.state().row(ItemIndex{i});
    const auto live = state.covisit().row(ItemIndex{i});
    ASSERT_EQ(ours.size(), live.size());
    for (std::size_t n = 0; n < ours.size(); ++n) {
      EXPECT_EQ(ours[n].item, live[n].item);
      EXPECT_EQ(ours[n].weight, live[n].weight);
    }
    EXPECT_NEAR(state.popular().score(ItemIndex{i}, kStart - kDayUs + 600 * kSecondUs), weights[i],
                0.01 * weights[i]);
  }
}

TEST_F(TenantData, ARunningTenantIsEvaluatedInBothSplits) {
  const TenantId id = tenant("shop");
  circle(id, "x", 200, 8);
  for (const auto split : {SplitKind::kTemporal, SplitKind::kLeaveOneOut}) {
    EvaluateOptions options;
    options.split = split;
    options.bootstrap.rounds = 50;
    std::ostringstream out;
    const Status status = run_evaluate_tenant(folder_, "shop", options, out);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    EXPECT_THAT(out.str(), HasSubstr("tenant shop: 200 users, 30 items, 1600 interactions"));
    for (const char* row : {"item-item", "popularity ", "popularity, 30 d", "random"})
      EXPECT_THAT(out.str(), HasSubstr(row));
  }
}

TEST(Split, OfALiveLogAsksForTheLastItemThatWasNew) {
  Dataset data;
  data.users = {"u"};
  data.items = {"a", "b", "c", "d"};
  std::uint32_t event = 0;
  for (const std::uint32_t item : {0, 0, 1, 0, 2, 2, 3, 3, 1}) {
    data.interactions.push_back({UserIndex{0}, ItemIndex{item}, event++, 0});
  }
  const Split test = leave_one_out(data, {Stage::kTest, true});
  ASSERT_EQ(test.cases.size(), 1u);
  EXPECT_EQ(test.cases[0].targets[0], ItemIndex{3});
  EXPECT_EQ(test.cases[0].history.size(), 6u);
  EXPECT_EQ(test.train.size(), 4u);  // nothing from c on, the second last new item
  const Split validation = leave_one_out(data, {Stage::kValidation, true});
  EXPECT_EQ(validation.cases[0].targets[0], ItemIndex{2});
  EXPECT_EQ(validation.train.size(), 4u);
}

}  // namespace
}  // namespace vitrine::evaluate
