#include "domain/model/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::model {
namespace {

// A registry whose changes come at positions 1, 2, 3, ...
class RegistryTest : public testing::Test {
 protected:
  std::optional<std::string> change(Action action, const std::string& id = {}) {
    ++position_;
    return registry_.apply({action, id, "because"}, position_, static_cast<TimeUs>(position_) * 10);
  }
  Registry registry_;
  std::uint64_t position_ = 0;
};

TEST_F(RegistryTest, HasNothingLiveUntilSomethingIsPromoted) {
  EXPECT_EQ(registry_.live(), "");
  EXPECT_EQ(registry_.state_of("a"), State::kCandidate);
  EXPECT_EQ(change(Action::kPromote, "a"), std::nullopt);
  EXPECT_EQ(registry_.live(), "a");
  EXPECT_EQ(registry_.state_of("a"), State::kLive);
  ASSERT_NE(registry_.find("a"), nullptr);
  EXPECT_EQ(registry_.find("a")->position, 1u);
  EXPECT_EQ(registry_.find("a")->at, 10);
  EXPECT_EQ(registry_.find("a")->reason, "because");
}

TEST_F(RegistryTest, RollsBackStepByStepToNoModelAtAll) {
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(change(Action::kPromote, id), std::nullopt);
  EXPECT_EQ(registry_.before_live(), "b");
  EXPECT_EQ(change(Action::kRollback), std::nullopt);
  EXPECT_EQ(registry_.live(), "b");
  EXPECT_EQ(registry_.state_of("c"), State::kRetired);
  EXPECT_EQ(change(Action::kRollback, "b"), std::nullopt);
  EXPECT_EQ(registry_.live(), "a");
  EXPECT_EQ(change(Action::kRollback), std::nullopt);
  EXPECT_EQ(registry_.live(), "");
  EXPECT_NE(change(Action::kRollback), std::nullopt);
}

TEST_F(RegistryTest, ASecondRollbackOfTheSameModelChangesNothing) {
  change(Action::kPromote, "a");
  change(Action::kPromote, "b");
  EXPECT_EQ(change(Action::kRollback, "b"), std::nullopt);
  const Registry before = registry_;
  EXPECT_NE(change(Action::kRollback, "b"), std::nullopt);
  EXPECT_EQ(registry_, before);
}

TEST_F(RegistryTest, RefusesWhatMakesNoSenseAndStaysAsItIs) {
  change(Action::kPromote, "a");
  const Registry before = registry_;
  EXPECT_NE(change(Action::kPromote, "a"), std::nullopt);
  EXPECT_NE(change(Action::kShadow, "a"), std::nullopt);
  EXPECT_NE(change(Action::kRetire, "a"), std::nullopt);
  EXPECT_NE(change(Action::kRollback, "other"), std::nullopt);
  EXPECT_EQ(registry_, before);
}

TEST_F(RegistryTest, HasOneShadowAtMostAndItStopsBeingOneWhenPromoted) {
  EXPECT_EQ(change(Action::kShadow, "a"), std::nullopt);
  EXPECT_EQ(change(Action::kShadow, "b"), std::nullopt);
  EXPECT_EQ(registry_.shadow(), "b");
  EXPECT_EQ(registry_.state_of("a"), State::kCandidate);
  EXPECT_EQ(change(Action::kPromote, "b"), std::nullopt);
  EXPECT_EQ(registry_.shadow(), "");
  EXPECT_EQ(registry_.live(), "b");
}

TEST_F(RegistryTest, StaysBoundedHoweverOftenModelsArePromoted) {
  for (int i = 0; i < 2000; ++i) change(Action::kPromote, "m" + std::to_string(i));
  EXPECT_LE(registry_.entries().size(), kEntriesMax);
  for (std::size_t i = 0; i < kRememberedMax; ++i) {
    EXPECT_EQ(change(Action::kRollback), std::nullopt);
    EXPECT_EQ(registry_.live(), "m" + std::to_string(1998 - i));
  }
  EXPECT_EQ(change(Action::kRollback), std::nullopt);
  EXPECT_EQ(registry_.live(), "");
}

TEST_F(RegistryTest, IsTheSameAfterSavingAndLoading) {
  change(Action::kPromote, "a");
  change(Action::kPromote, "b");
  change(Action::kShadow, "c");
  change(Action::kRetire, "d");
  StringSink sink;
  registry_.save(sink);
  for (std::size_t cut = 0; cut < sink.bytes().size(); ++cut) {
    StringSource damaged(std::string_view(sink.bytes()).substr(0, cut));
    Registry loaded;
    EXPECT_FALSE(loaded.load(damaged).ok()) << cut;
    EXPECT_EQ(loaded, Registry());
  }
  StringSource source(sink.bytes());
  Registry loaded;
  ASSERT_TRUE(loaded.load(source).ok());
  EXPECT_EQ(loaded, registry_);
}

TEST(ModelChange, SurvivesEncodingAndRefusesEveryCut) {
  const Change change{Action::kPromote, "ials-1-ab", "better by .01"};
  std::string bytes;
  ByteWriter out(bytes);
  encode_change(change, out);
  ASSERT_TRUE(decode_change(bytes).ok());
  EXPECT_EQ(*decode_change(bytes), change);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(decode_change(std::string_view(bytes).substr(0, cut)).ok());
  }
  EXPECT_EQ(decode_change(bytes + "x").error().code(), ErrorCode::kCorrupt);
}

TEST(ModelChange, OfALaterVersionOrActionIsUnsupportedNotSkipped) {
  std::string bytes;
  ByteWriter out(bytes);
  encode_change({Action::kRetire, "a", {}}, out);
  std::string later = bytes;
  later[0] = 2;
  EXPECT_EQ(decode_change(later).error().code(), ErrorCode::kUnsupported);
  later = bytes;
  later[1] = 9;
  EXPECT_EQ(decode_change(later).error().code(), ErrorCode::kUnsupported);
}

TEST(ModelId, IsSmallLettersDigitsAndDashes) {
  EXPECT_TRUE(validate_model_id("ials-00000000000000000012-ab").ok());
  for (const std::string& id : {std::string(), std::string("A"), std::string("a/b"),
                                std::string(".."), std::string(kModelIdBytesMax + 1, 'a')}) {
    EXPECT_FALSE(validate_model_id(id).ok()) << id;
  }
}

}  // namespace
}  // namespace vitrine::model
