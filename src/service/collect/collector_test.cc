#include "service/collect/collector.h"

#include <optional>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/codec/gzip.h"
#include "platform/codec/time_format.h"
#include "service/collect/collect_fakes.h"

namespace vitrine::collect {
namespace {

const TimeUs kNow = codec::parse_rfc3339("2026-11-22T16:00:00Z").value();
constexpr TenantId kTenant{7};

std::string event_json(const std::string& id, const std::string& more = "") {
  return R"({"event_id":")" + id + R"(","type":"home-page-view","user":{"user_id":"u"})" + more +
         "}";
}

std::string array_of(const std::vector<std::string>& events) {
  std::string body = "[";
  for (std::size_t i = 0; i < events.size(); ++i) body += (i > 0 ? ",\n" : "") + events[i];
  return body + "]";
}

std::vector<std::string> numbered_events(std::size_t count) {
  std::vector<std::string> events;
  for (std::size_t i = 0; i < count; ++i) events.push_back(event_json("e" + std::to_string(i)));
  return events;
}

class CollectorTest : public testing::Test {
 protected:
  // The answer to one request, filled in when it comes.
  struct Answer {
    Status refused;
    std::optional<Result<CollectResult>> result;
    const CollectResult& value() const { return result.value().value(); }
  };
  using Pending = std::shared_ptr<Answer>;

  Pending send(std::string_view body, BodyFormat format = BodyFormat::kJson,
               BodyEncoding encoding = BodyEncoding::kIdentity, TenantId tenant = kTenant) {
    auto answer = std::make_shared<Answer>();
    CollectRequest request{
        .tenant = tenant, .body = {body, 0, format, encoding}, .now = kNow, .source = source_};
    answer->refused = collector_->collect(request, [answer](Result<CollectResult> result) {
      EXPECT_FALSE(answer->result) << "answered twice";
      answer->result = std::move(result);
    });
    EXPECT_FALSE(!answer->refused.ok() && answer->result) << "refused and answered";
    return answer;
  }
  // Sends and lets it become durable.
  CollectResult sent(std::string_view body, BodyFormat format = BodyFormat::kJson,
                     BodyEncoding encoding = BodyEncoding::kIdentity) {
    const Pending answer = send(body, format, encoding);
    EXPECT_TRUE(answer->refused.ok()) << answer->refused.error().to_string();
    log_.sync();
    EXPECT_TRUE(answer->result) << "not answered";
    return answer->value();
  }
  std::string refusal(std::string_view body, BodyFormat format = BodyFormat::kJson,
                      BodyEncoding encoding = BodyEncoding::kIdentity) {
    const Pending answer = send(body, format, encoding);
    EXPECT_EQ(log_.size(), 0u);
    return answer->refused.ok() ? "taken"
                                : std::string(error_code_name(answer->refused.error().code())) +
                                      "/" + std::string(answer->refused.error().reason());
  }

  FakeLog log_;
  std::unique_ptr<Collector> collector_ = std::make_unique<Collector>(log_, log_);
  EventSource source_ = EventSource::kLive;
};

std::vector<std::string> rejections(const CollectResult& result) {
  std::vector<std::string> all;
  for (const auto& event : result.rejected) {
    EXPECT_FALSE(event.detail.empty());
    all.push_back(std::to_string(event.index) + ":" +
                  std::string(event::reject_code_name(event.code)));
  }
  return all;
}

TEST_F(CollectorTest, AnswersWhenTheEventsAreDurableAndNotBefore) {
  const Pending answer = send(array_of(numbered_events(3)));
  EXPECT_EQ(log_.size(), 3u);
  EXPECT_FALSE(answer->result);
  log_.sync();
  ASSERT_TRUE(answer->result);
  EXPECT_EQ(answer->value().accepted, 3u);
  EXPECT_EQ(answer->value().duplicates, 0u);
  EXPECT_TRUE(answer->value().rejected.empty());
  EXPECT_EQ(answer->value().position, 3u);
  EXPECT_FALSE(answer->value().is_single);
}

TEST_F(CollectorTest, AnswersOnceWhereTheSyncIsFasterThanTheAppend) {
  log_.sync_at_once = true;
  const Pending answer = send(array_of(numbered_events(3)));
  ASSERT_TRUE(answer->result);
  EXPECT_EQ(answer->value().position, 3u);
}

TEST_F(CollectorTest, WritesRecordsOfTheTenantThatDecodeToTheEvent) {
  sent(event_json("one", R"(,"value":5)"));
  const auto& record = log_.record(1);
  EXPECT_EQ(record.kind, static_cast<std::uint16_t>(record::RecordKind::kEvent));
  ByteReader in(record.payload);
  EXPECT_EQ(record::read_tenant(in), kTenant);
  event::Event event;
  ASSERT_TRUE(
      event::decode_event(std::string_view(record.payload).substr(record::kTenantBytes), event)
          .ok());
  EXPECT_EQ(event.event_id, "one");
  EXPECT_EQ(event.user_id, "u");
  EXPECT_EQ(event.value, 5);
  EXPECT_EQ(event.event_time, kNow);
}

TEST_F(CollectorTest, TakesOneEventAnArrayAndLines) {
  EXPECT_TRUE(sent(event_json("a")).is_single);
  EXPECT_EQ(sent(" [" + event_json("b") + "] ").accepted, 1u);
  const auto lines = sent(event_json("c") + "\r\n\n" + event_json("d") + "\n{}\n" + event_json("e"),
                          BodyFormat::kNdjson);
  EXPECT_EQ(lines.accepted, 3u);
  EXPECT_THAT(rejections(lines), testing::ElementsAre("2:missing_field"));
  EXPECT_EQ(sent("\xEF\xBB\xBF" + event_json("f")).accepted, 1u);
}

TEST_F(CollectorTest, TakesPackedBodies) {
  EXPECT_EQ(
      sent(codec::gzip(array_of(numbered_events(1000))), BodyFormat::kJson, BodyEncoding::kGzip)
          .accepted,
      1000u);
}

TEST_F(CollectorTest, ImportsAreAnotherKindOfRecordWithOtherTimes) {
  const std::string old = event_json("a", R"(,"event_time":"1901-01-01T00:00:00Z")");
  EXPECT_THAT(rejections(sent(old)), testing::ElementsAre("0:time_too_old"));
  source_ = EventSource::kImported;
  EXPECT_EQ(sent(old).accepted, 1u);
  EXPECT_EQ(log_.record(1).kind, static_cast<std::uint16_t>(record::RecordKind::kImportedEvent));
}

// Goal: one bad event of a thousand costs only itself, whatever is wrong with it.
// Method: every reason there is, at the front, in the middle and at the end, in all three formats.
TEST_F(CollectorTest, RejectsOneBadEventOfAThousandAlone) {
  const auto with = [](const std::string& more) { return event_json("bad", "," + more); };
  const std::vector<std::pair<std::string, std::string>> bad_events = {
      {"missing_field", "{}"},
      {"unknown_field", with(R"("colour":1)")},
      {"duplicate_field", with(R"("value":1,"value":1)")},
      {"wrong_type", "7"},
      {"unknown_type", R"({"event_id":"b","type":"x","user":{"user_id":"u"}})"},
      {"out_of_range", with(R"("value":-1)")},
      {"invalid_id", event_json("")},
      {"id_too_long", event_json(std::string(300, 'i'))},
      {"invalid_time", with(R"("event_time":"soon")")},
      {"time_too_old", with(R"("event_time":"1901-01-01T00:00:00Z")")},
      {"time_in_future", with(R"("event_time":"2999-01-01T00:00:00Z")")},
      {"invalid_currency", with(R"("currency":"euro")")},
      {"too_many_items", with("\"items\":[" +
                              [] {
                                std::string items;
                                for (int i = 0; i < 101; ++i)
                                  items += std::string(i > 0 ? "," : "") + R"({"item_id":"a"})";
                                return items;
                              }() +
                              "]")},
      {"too_deep",
       with("\"properties\":{\"a\":" + std::string(20, '[') + std::string(20, ']') + "}")},
      {"too_deep", with("\"properties\":{\"a\":" + std::string(1000000, '[') +
                        std::string(1000000, ']') + "}")},
      {"too_large", with(R"("page":{"a":")" + std::string(9000, 'x') + "\"}")},
      {"invalid_utf8", with("\"page\":{\"a\":\"\xC3\x28\"}")},
      {"invalid_utf8", with(R"("page":{"a":"\udc00"})")},
      {"invalid_number", with(R"("value":1e400)")},
      {"invalid_number", with(R"("value":NaN)")},
      {"invalid_number", with(R"("value":-Infinity)")},
      {"invalid_json", "{\"event_id\":\"e\" \"type\":1}"},
      {"invalid_json", "{'event_id':1}"},
  };
  std::size_t number = 0;
  for (const auto& [code, bad] : bad_events) {
    for (const std::size_t at : {0, 500, 999}) {
      SCOPED_TRACE(code + " at " + std::to_string(at) + ": " + bad.substr(0, 100));
      std::vector<std::string> events;
      for (std::size_t i = 0; i < 1000; ++i)
        events.push_back(event_json("n" + std::to_string(number++)));
      events[at] = bad;
      std::string lines;
      for (const auto& event : events) lines += event + "\n";
      const CollectResult result =
          number % 2 == 0 ? sent(array_of(events)) : sent(lines, BodyFormat::kNdjson);
      EXPECT_EQ(result.accepted, 999u);
      EXPECT_THAT(rejections(result), testing::ElementsAre(std::to_string(at) + ":" + code));
      ++number;
    }
  }
  EXPECT_GT(collector_->metrics().requests_split.load(), 0u);
}

TEST_F(CollectorTest, ASingleBadEventIsRejectedAndMarkedAsSingle) {
  for (const char* body : {"{}", R"({"event_id":1e400})", "{\"a\":\"\xFF\"}"}) {
    const CollectResult result = sent(body);
    EXPECT_EQ(result.accepted, 0u);
    EXPECT_EQ(result.rejected.size(), 1u);
    EXPECT_TRUE(result.is_single);
  }
}

TEST_F(CollectorTest, RefusesBodiesThatCanNotBeTakenApart) {
  EXPECT_EQ(refusal(""), "invalid_argument/no_events");
  EXPECT_EQ(refusal(" \n "), "invalid_argument/no_events");
  EXPECT_EQ(refusal("[]"), "invalid_argument/no_events");
  EXPECT_EQ(refusal("\n\n", BodyFormat::kNdjson), "invalid_argument/no_events");
  EXPECT_EQ(refusal("[" + event_json("a")), "invalid_argument/invalid_json");
  EXPECT_EQ(refusal("[" + event_json("a") + "}"), "invalid_argument/invalid_json");
  EXPECT_EQ(refusal("[" + event_json("a") + ",]"), "invalid_argument/invalid_json");
  EXPECT_EQ(refusal(event_json("a") + event_json("b")), "invalid_argument/invalid_json");
  EXPECT_EQ(refusal(std::string(1000000, '[')), "invalid_argument/invalid_json");
  EXPECT_EQ(refusal("hello"), "invalid_argument/invalid_json");
  EXPECT_EQ(refusal("\xFF\xFE"), "invalid_argument/invalid_json");
  const Pending answer = send("[{},{},\"x");
  EXPECT_NE(answer->refused.error().message().find("at byte 7"), std::string::npos);
}

TEST_F(CollectorTest, RefusesMoreEventsThanTheLimit) {
  EXPECT_EQ(sent(array_of(numbered_events(1000))).accepted, 1000u);
  auto answer = send(array_of(numbered_events(1001)));
  EXPECT_EQ(answer->refused.error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(answer->refused.error().reason(), "too_many_events");
  std::string lines;
  for (const auto& event : numbered_events(1001)) lines += event + "\n";
  answer = send(lines, BodyFormat::kNdjson);
  EXPECT_EQ(answer->refused.error().reason(), "too_many_events");
  std::string broken = array_of(numbered_events(1001));
  broken.insert(broken.size() - 2,
                ",\"x\":1e400");  // the way through the splitter has the same limit
  EXPECT_EQ(send(broken)->refused.error().reason(), "too_many_events");
  EXPECT_EQ(log_.size(), 1000u);
}

TEST_F(CollectorTest, RefusesBadAndHugePackedBodies) {
  const std::string packed = codec::gzip(event_json("a"));
  const auto gzip_refusal = [&](std::string_view body) {
    return refusal(body, BodyFormat::kJson, BodyEncoding::kGzip);
  };
  EXPECT_EQ(gzip_refusal(packed.substr(0, packed.size() - 1)), "invalid_argument/invalid_gzip");
  EXPECT_EQ(gzip_refusal(""), "invalid_argument/invalid_gzip");
  EXPECT_EQ(gzip_refusal(event_json("a")), "invalid_argument/invalid_gzip");
  EXPECT_EQ(gzip_refusal(packed + "x"), "invalid_argument/invalid_gzip");
  EXPECT_EQ(gzip_refusal(codec::gzip(std::string(50 << 20, ' '))), "too_large/body_too_large");
  EXPECT_EQ(refusal(std::string(9 << 20, ' ')), "too_large/body_too_large");
}

TEST_F(CollectorTest, ARetryIsADuplicateBeforeAndAfterItIsApplied) {
  const std::string body = array_of(numbered_events(10));
  EXPECT_EQ(sent(body).accepted, 10u);
  CollectResult again = sent(body);  // in the log only
  EXPECT_EQ(again.accepted, 0u);
  EXPECT_EQ(again.duplicates, 10u);
  EXPECT_EQ(again.position, 10u);
  log_.apply(5);
  again = sent(body);  // half in the state
  EXPECT_EQ(again.duplicates, 10u);
  EXPECT_EQ(again.position, 10u);
  log_.apply();
  again = sent(body);  // in the state only
  EXPECT_EQ(again.duplicates, 10u);
  EXPECT_GE(again.position, 10u);
  EXPECT_EQ(log_.size(), 10u);
}

TEST_F(CollectorTest, ARetryWaitsUntilTheOriginalIsDurable) {
  const Pending first = send(event_json("a"));
  const Pending second = send(event_json("a"));
  EXPECT_EQ(log_.size(), 1u);
  EXPECT_FALSE(second->result);
  log_.sync();
  ASSERT_TRUE(second->result);
  EXPECT_EQ(second->value().duplicates, 1u);
  EXPECT_EQ(second->value().position, 1u);
}

TEST_F(CollectorTest, ARetryFailsWithTheOriginal) {
  const Pending first = send(event_json("a"));
  const Pending second = send(event_json("a"));
  log_.sync(Error(ErrorCode::kIo, "fdatasync failed"));
  ASSERT_TRUE(first->result);
  ASSERT_TRUE(second->result);
  EXPECT_EQ(first->result->error().code(), ErrorCode::kIo);
  EXPECT_EQ(second->result->error().code(), ErrorCode::kIo);
  const Pending third = send(event_json("a"));  // still nothing vouches for it
  ASSERT_TRUE(third->result);
  EXPECT_EQ(third->result->error().code(), ErrorCode::kIo);
  EXPECT_EQ(collector_->metrics().events_accepted.load(), 0u);
}

TEST_F(CollectorTest, TheSameIdWithAnotherBodyIsAConflictBeforeAndAfterItIsApplied) {
  const std::string other = event_json("a", R"(,"value":2)");
  EXPECT_EQ(sent(event_json("a", R"(,"value":1)")).accepted, 1u);
  EXPECT_THAT(rejections(sent(other)), testing::ElementsAre("0:event_id_conflict"));
  log_.apply();
  EXPECT_THAT(rejections(sent(other)), testing::ElementsAre("0:event_id_conflict"));
  EXPECT_EQ(log_.size(), 1u);
}

TEST_F(CollectorTest, ARetryWithoutATimeIsNoConflictThoughTheClockMovedOn) {
  EXPECT_EQ(sent(event_json("a")).accepted, 1u);
  CollectRequest request{.tenant = kTenant, .now = kNow + kHourUs};
  const std::string body = event_json("a");
  request.body.bytes = body;
  std::optional<CollectResult> result;
  ASSERT_TRUE(
      collector_->collect(request, [&](Result<CollectResult> r) { result = std::move(r).value(); })
          .ok());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->duplicates, 1u);
}

TEST_F(CollectorTest, SortsOutIdsGivenTwiceInOneBatch) {
  sent(event_json("old", R"(,"value":1)"));
  const CollectResult result = sent(
      array_of({event_json("a"), event_json("b", R"(,"value":1)"), event_json("a"),
                event_json("b", R"(,"value":2)"), event_json("b", R"(,"value":1)"),
                event_json("old", R"(,"value":2)"), event_json("old", R"(,"value":1)"), "{}"}));
  EXPECT_EQ(result.accepted, 2u);
  EXPECT_EQ(result.duplicates, 3u);
  EXPECT_THAT(rejections(result), testing::ElementsAre("3:event_id_conflict", "5:event_id_conflict",
                                                       "7:missing_field"));
  EXPECT_EQ(log_.size(), 3u);
}

TEST_F(CollectorTest, AThousandTimesTheSameEventIsOneEvent) {
  const CollectResult result = sent(array_of(std::vector<std::string>(1000, event_json("a"))));
  EXPECT_EQ(result.accepted, 1u);
  EXPECT_EQ(result.duplicates, 999u);
}

TEST_F(CollectorTest, IdsOfTenantsHaveNothingToDoWithEachOther) {
  EXPECT_EQ(sent(event_json("a")).accepted, 1u);
  const Pending other = send(event_json("a", R"(,"value":2)"), BodyFormat::kJson,
                             BodyEncoding::kIdentity, TenantId{8});
  log_.sync();
  EXPECT_EQ(other->value().accepted, 1u);
}

TEST_F(CollectorTest, AFullLogRefusesTheRequestAndForgetsIt) {
  log_.refuse = Error(ErrorCode::kExhausted, "the disk is full");
  const Pending answer = send(event_json("a"));
  EXPECT_EQ(answer->refused.error().code(), ErrorCode::kExhausted);
  EXPECT_FALSE(answer->result);
  log_.refuse.reset();
  EXPECT_EQ(sent(event_json("a")).accepted, 1u);  // and not a duplicate
}

TEST_F(CollectorTest, RefusesWhenTheApplierIsTooFarBehind) {
  collector_ = std::make_unique<Collector>(log_, log_, CollectorOptions{.pending_ids_max = 10});
  EXPECT_EQ(sent(array_of(numbered_events(10))).accepted, 10u);
  const Pending answer = send(event_json("x"));
  EXPECT_EQ(answer->refused.error().code(), ErrorCode::kExhausted);
  EXPECT_EQ(answer->refused.error().reason(), "applier_behind");
  EXPECT_GT(answer->refused.error().retry_after_s(), 0u);
  EXPECT_EQ(sent(event_json("e3")).duplicates, 1u);  // a retry takes no room
  log_.apply();
  EXPECT_EQ(sent(event_json("x")).accepted, 1u);
}

TEST_F(CollectorTest, CountsWhatItDid) {
  sent(array_of({event_json("a"), event_json("a"), "{}"}));
  send("[");
  const CollectMetrics& metrics = collector_->metrics();
  EXPECT_EQ(metrics.requests.load(), 2u);
  EXPECT_EQ(metrics.requests_refused.load(), 1u);
  EXPECT_EQ(metrics.events_accepted.load(), 1u);
  EXPECT_EQ(metrics.events_duplicate.load(), 1u);
  EXPECT_EQ(
      metrics.events_rejected[static_cast<std::size_t>(event::RejectCode::kMissingField)].load(),
      1u);
}

// Goal: whatever interleaving of retries, syncs and application, each id is appended once and each
// request is answered once. Method: threads that send overlapping ids while others sync and apply.
TEST_F(CollectorTest, ManyThreadsAppendEachIdOnce) {
  constexpr int kSenders = 4;
  constexpr std::size_t kIds = 3000;
  std::atomic<int> running{kSenders};
  std::atomic<std::uint64_t> accepted{0}, answered{0}, requests{0};
  std::vector<std::thread> threads;
  for (int sender = 0; sender < kSenders; ++sender) {
    threads.emplace_back([&, sender] {
      std::mt19937_64 random(static_cast<std::uint64_t>(sender));
      for (std::size_t round = 0; round < 600; ++round) {
        std::vector<std::string> events;
        for (std::size_t i = 1 + random() % 20; i > 0; --i) {
          events.push_back(event_json("e" + std::to_string((round * 5 + random() % 40) % kIds)));
        }
        const std::string body = array_of(events);
        CollectRequest request{.tenant = kTenant, .now = kNow};
        request.body.bytes = body;
        ++requests;
        const Status taken = collector_->collect(request, [&](Result<CollectResult> result) {
          EXPECT_TRUE(result.ok());
          EXPECT_TRUE(result->rejected.empty());
          accepted += result->accepted;
          ++answered;
        });
        EXPECT_TRUE(taken.ok());
      }
      --running;
    });
  }
  threads.emplace_back([&] {
    while (running > 0) log_.sync();
    log_.sync();
  });
  threads.emplace_back([&] {
    while (running > 0) log_.apply(7);
  });
  for (auto& thread : threads) thread.join();
  log_.sync();
  log_.apply();
  EXPECT_EQ(answered, requests);
  EXPECT_EQ(accepted, log_.size());
  EXPECT_EQ(log_.applied_twice, 0);
}

}  // namespace
}  // namespace vitrine::collect
