#include "service/recommend/answer_record.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::recommend {
namespace {

struct Fixture {
  std::vector<std::string_view> item_ids{"p-1", "p-2"};
  std::vector<std::string_view> cart{"c-1"};
  std::vector<Boost> boosts{{"brand = \"x\"", 1.5}};
  Request request;
  Answer answer;

  Fixture() {
    request.placement = "home";
    request.user_id = "user-17";
    request.filter = "price < 100";
    request.item_ids = item_ids;
    request.cart = cart;
    request.limit = 20;
    request.now = 1'700'000'000'000'000;
    answer.now = request.now;
    answer.position = 123'456'789;
    answer.limit = 20;
    answer.filter_path = FilterPath::kRankOrder;
    answer.candidates = 1500;
    answer.tested = 220;
    answer.drops[static_cast<std::size_t>(Drop::kFilter)] = 200;
    answer.supplied[0] = 20;
    answer.stage_ns[0] = 87'654;
    for (int i = 0; i < 20; ++i) {
      AnswerItem& item = answer.items.emplace_back();
      item.score = 1.0f / static_cast<float>(i + 1);
      item.contributions[index_of(Source::kCoView)] = item.score / 2;
      item.contributions[index_of(Source::kPopular)] = item.score / 2;
      answer.add_item_id("item-" + std::to_string(1000 + i));
    }
  }
  std::string encode() const {
    std::string bytes;
    encode_answer({1, 2}, TenantId{7}, request, answer, bytes);
    return bytes;
  }
};

TEST(AnswerRecord, KeepsWhatItTakesToMakeTheAnswerAgain) {
  Fixture f;
  const ItemIndex paged[] = {ItemIndex{7}, ItemIndex{900'000}};
  const std::string_view to_rank[] = {"a", "b", "c"};
  f.request.already_shown = paged;
  f.request.to_rank = to_rank;
  f.request.policy_fingerprint = 77;
  f.request.policy_json = "{}";
  f.answer.items[5].fade = 0.25f;
  const auto record = decode_answer(f.encode());
  ASSERT_TRUE(record.ok()) << record.error().to_string();
  EXPECT_THAT(record->already_shown, testing::ElementsAreArray(paged));
  EXPECT_THAT(record->to_rank, testing::ElementsAreArray(to_rank));
  EXPECT_EQ(record->policy_fingerprint, 77u);
  EXPECT_EQ(record->policy_json, "{}");
  EXPECT_EQ(record->items[5].fade, 0.25f);
  EXPECT_EQ(record->items[6].fade, 1.0f);
  EXPECT_EQ(peek_request_id(f.encode()), (RequestId{1, 2}));
  EXPECT_EQ(peek_request_id("short"), std::nullopt);
}

TEST(AnswerRecord, AnIdTellsTheSecondItWasMadeIn) {
  RequestId id{0x1234, 0x5678};
  put_time(id, 1'700'000'000 * kSecondUs + 999'999);
  EXPECT_EQ(time_of(id), 1'700'000'000 * kSecondUs);
  EXPECT_EQ(id.low, 0x1234u);
  EXPECT_EQ(id.high & 0xFFFFFFFFu, 0x5678u);
}

TEST(AnswerRecord, OfVersion2CanStillBeRead) {
  Fixture f;
  std::string bytes = f.encode();
  bytes[0] = 2;
  bytes.resize(bytes.size() - 2);  // nearness, and the model
  const auto record = decode_answer(bytes);
  ASSERT_TRUE(record.ok()) << record.error().to_string();
  EXPECT_EQ(record->items.size(), 20u);
  EXPECT_TRUE(record->near.empty());
}

TEST(AnswerRecord, OfVersion1CanStillBeRead) {
  Fixture f;
  std::string bytes = f.encode();
  bytes[0] = 1;
  // What versions 2, 3 and 4 add where there is none of it.
  bytes.resize(bytes.size() - (1 + 1 + 8 + 1 + 1) - 1 - 1);
  const auto record = decode_answer(bytes);
  ASSERT_TRUE(record.ok()) << record.error().to_string();
  EXPECT_EQ(record->items.size(), 20u);
  EXPECT_EQ(record->policy_fingerprint, 0u);
}

TEST(AnswerRecord, NamesTheModelThatWasAsked) {
  Fixture f;
  f.answer.model = "ials-1";
  const auto record = decode_answer(f.encode());
  ASSERT_TRUE(record.ok()) << record.error().to_string();
  EXPECT_EQ(record->model, "ials-1");
  std::string again;
  encode_record(*record, again);
  EXPECT_EQ(again, f.encode());
}

TEST(AnswerRecord, OfVersion3CanStillBeRead) {
  Fixture f;
  std::string bytes = f.encode();
  bytes[0] = 3;
  bytes.resize(bytes.size() - 1);  // the model
  const auto record = decode_answer(bytes);
  ASSERT_TRUE(record.ok()) << record.error().to_string();
  EXPECT_EQ(record->model, "");
}

TEST(AnswerRecord, SaysWhatWasAskedAndAnswered) {
  Fixture f;
  f.request.boosts = f.boosts;
  f.answer.items[3].boost = 1.5f;
  f.request.diversity = 0.25;
  f.answer.relaxed = 1u << static_cast<unsigned>(Drop::kDiversity);
  const auto record = decode_answer(f.encode());
  ASSERT_TRUE(record.ok());
  const AnswerRecord& r = record.value();
  EXPECT_EQ(r.request_id, (RequestId{1, 2}));
  EXPECT_EQ(r.tenant, TenantId{7});
  EXPECT_EQ(r.now, f.request.now);
  EXPECT_EQ(r.position, 123'456'789u);
  EXPECT_EQ(r.user_id, "user-17");
  EXPECT_EQ(r.anonymous_id, "");
  EXPECT_EQ(r.filter, "price < 100");
  EXPECT_THAT(r.item_ids, testing::ElementsAre("p-1", "p-2"));
  EXPECT_THAT(r.cart, testing::ElementsAre("c-1"));
  ASSERT_EQ(r.boosts.size(), 1u);
  EXPECT_EQ(r.boosts[0].factor, 1.5);
  EXPECT_EQ(r.asked_limit, 20u);
  EXPECT_EQ(r.asked_diversity, 0.25);
  EXPECT_EQ(r.drops, f.answer.drops);
  EXPECT_EQ(r.supplied, f.answer.supplied);
  EXPECT_EQ(r.relaxed, f.answer.relaxed);
  EXPECT_EQ(r.total_us, 87u);
  ASSERT_EQ(r.items.size(), 20u);
  EXPECT_EQ(r.items[3].item_id, "item-1003");
  EXPECT_EQ(r.items[3].score, 0.25f);
  EXPECT_EQ(r.items[3].boost, 1.5f);
  EXPECT_EQ(r.items[3].contributions, f.answer.items[3].contributions);
}

TEST(AnswerRecord, TwentyItemsStayBelowSixHundredAndTwentyBytes) {
  const std::string bytes = Fixture().encode();
  EXPECT_LT(bytes.size(), 620u);
  RecordProperty("bytes", static_cast<int>(bytes.size()));
}

TEST(AnswerRecord, GivesTheSameBytesFromWhatWasDecoded) {
  const std::string bytes = Fixture().encode();
  std::string again;
  encode_record(decode_answer(bytes).value(), again);
  EXPECT_EQ(again, bytes);
}

// Goal: no cut and no extra byte passes for a whole record.
TEST(AnswerRecord, RefusesEveryOtherLength) {
  const std::string bytes = Fixture().encode();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto record = decode_answer(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(record.ok()) << size;
    EXPECT_EQ(record.error().code(), ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(decode_answer(bytes + '\0').ok());
}

TEST(AnswerRecord, NamesALaterVersion) {
  std::string bytes = Fixture().encode();
  bytes[0] = 5;
  const auto record = decode_answer(bytes);
  ASSERT_FALSE(record.ok());
  EXPECT_EQ(record.error().code(), ErrorCode::kUnsupported);
}

TEST(AnswerRecord, SurvivesAnyChangedByte) {
  const std::string bytes = Fixture().encode();
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = bytes;
    changed[random() % changed.size()] = static_cast<char>(random());
    const auto record = decode_answer(changed);
    if (!record.ok()) continue;
    std::string again;
    encode_record(record.value(), again);
    const auto twice = decode_answer(again);
    ASSERT_TRUE(twice.ok());
    EXPECT_EQ(twice.value(), record.value());
  }
}

TEST(RequestId, IsThirtyTwoHexDigitsBothWays) {
  const RequestId id{0x0123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ(format_request_id(id), "fedcba98765432100123456789abcdef");
  EXPECT_EQ(parse_request_id(format_request_id(id)), id);
  EXPECT_EQ(format_request_id({}), "00000000000000000000000000000000");
}

TEST(RequestId, RefusesAnythingElse) {
  for (const std::string_view bad :
       {"", "0", "fedcba98765432100123456789abcde", "fedcba98765432100123456789abcdefa",
        "fedcba98765432100123456789abcdeg", "-edcba98765432100123456789abcdef",
        "fedcba9876543210 123456789abcdef", "0xdcba98765432100123456789abcdef"}) {
    EXPECT_EQ(parse_request_id(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace vitrine::recommend
