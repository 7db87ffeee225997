#include "edge/facade/gorse.h"

#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/codec/time_format.h"

namespace vitrine::facade {
namespace {

using event::EventType;
using testing::ElementsAre;
using testing::HasSubstr;

const TimeUs kNow = codec::parse_rfc3339("2026-11-22T16:00:00Z").value();

class Gorse : public testing::Test {
 protected:
  // Each line of feedback as the Collector reads it: its type, or the code of its rejection.
  std::vector<std::string> types_of(std::string_view body) {
    const auto out = translate_gorse_feedback(body, 0);
    EXPECT_TRUE(out.ok()) << out.error().to_string();
    std::vector<std::string> types;
    std::istringstream lines(out.ok() ? out->events : "");
    for (std::string line; std::getline(lines, line);) {
      kept_.push_back(line);
      const bool read =
          reader_.read(kept_.back(), 0, event::EventRules::imported(kNow), event_, why_);
      types.emplace_back(read ? event::event_type_name(event_.type)
                              : event::reject_code_name(why_.code));
    }
    return types;
  }

  event::EventReader reader_;
  event::Event event_;
  event::Rejection why_;
  std::vector<std::string> kept_;
};

TEST_F(Gorse, FeedbackIsAnEventOfItsUserAndItem) {
  EXPECT_THAT(types_of(R"({"FeedbackType":"star","UserId":"bob","ItemId":"vue",
      "Timestamp":"2026-02-24T10:00:00Z","Comment":"nice"})"),
              ElementsAre("rating"));
  EXPECT_EQ(event_.user_id, "bob");
  ASSERT_EQ(event_.items.size(), 1u);
  EXPECT_EQ(event_.items[0].item_id, "vue");
  EXPECT_EQ(event_.value, 5);
  EXPECT_EQ(event_.event_time, codec::parse_rfc3339("2026-02-24T10:00:00Z").value());
  EXPECT_EQ(event_.properties, R"({"comment":"nice"})");
}

TEST_F(Gorse, TimesComeInTheFormsThatClientsSend) {
  for (const char* time : {"2026-02-24", "2026-02-24 00:00:00", "2026-02-24 00:00:00 +0000 UTC",
                           "2026-02-24T00:00:00Z"}) {
    types_of(std::string(R"([{"FeedbackType":"read","UserId":"u","ItemId":"i","Timestamp":")") +
             time + "\"}]");
    EXPECT_EQ(event_.event_time, codec::parse_rfc3339("2026-02-24T00:00:00Z").value()) << time;
    EXPECT_FALSE(event_.time_assigned);
  }
  for (const char* none :
       {R"("Timestamp":"")", R"("Timestamp":"0001-01-01T00:00:00Z")", R"("Timestamp":null)"}) {
    types_of(std::string(R"([{"FeedbackType":"read","UserId":"u","ItemId":"i",)") + none + "}]");
    EXPECT_TRUE(event_.time_assigned) << none;
  }
  EXPECT_THAT(types_of(R"([{"FeedbackType":"read","UserId":"u","ItemId":"i","Timestamp":"soon"}])"),
              ElementsAre("invalid_time"));
}

TEST_F(Gorse, EveryTypeOfTheTableAndEveryEventTypeIsTaken) {
  for (const auto& known : gorse_feedback_types()) {
    EXPECT_THAT(types_of("{\"FeedbackType\":\"" + std::string(known.name) +
                         R"(","UserId":"u","ItemId":"i"})"),
                ElementsAre(event::event_type_name(known.type)));
  }
  EXPECT_THAT(types_of(R"([{"FeedbackType":"purchase","UserId":"u","ItemId":"i"},
      {"FeedbackType":"add-to-cart","UserId":"u","ItemId":"i"},
      {"FeedbackType":"rating","UserId":"u","ItemId":"i","Value":4},
      {"FeedbackType":"dislike","UserId":"u","ItemId":"i"},
      {"FeedbackType":"frobnicate","UserId":"u","ItemId":"i"},
      {"FeedbackType":"read","UserId":"","ItemId":"i"},
      {"FeedbackType":"read","UserId":"u"},
      {}])"),
              ElementsAre("purchase-complete", "add-to-cart", "rating", "dislike", "unknown_type",
                          "invalid_id", "missing_field", "unknown_type"));
}

TEST_F(Gorse, TheTableOfTypesIsTheOneInTheDocument) {
  std::set<std::string> in_code;
  for (const auto& known : gorse_feedback_types()) {
    in_code.insert("`" + std::string(known.name) + "` " +
                   std::string(event::event_type_name(known.type)));
  }
  std::set<std::string> in_document;
  std::ifstream file("docs/api/facades.md");
  ASSERT_TRUE(file) << "run from the root of the repository";
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| feedback type |")) {
      inside = true;
      continue;
    }
    if (!inside || line.starts_with("|---")) continue;
    if (!line.starts_with("| ")) break;
    const auto second = line.find(" | ");
    const std::string rest = line.substr(second + 3);
    const std::string type = rest.substr(1, rest.find('`', 1) - 1);
    std::istringstream names(line.substr(2, second - 2));
    for (std::string name; names >> name;) in_document.insert(name + " " + type);
  }
  EXPECT_EQ(in_document, in_code);
}

TEST_F(Gorse, TheSameFeedbackHasTheSameIdAndAnotherHasAnother) {
  const auto id_of = [&](const std::string& more) {
    types_of(R"({"FeedbackType":"read","UserId":"u","ItemId":"i")" + more + "}");
    return std::string(event_.event_id);
  };
  EXPECT_EQ(id_of(""), id_of(""));
  EXPECT_NE(id_of(""), id_of(R"(,"Timestamp":"2026-11-22T10:00:00Z")"));
  EXPECT_NE(id_of(R"(,"Timestamp":"2026-11-22T10:00:00Z")"),
            id_of(R"(,"Timestamp":"2026-11-22T10:00:01Z")"));
}

TEST_F(Gorse, AnItemComesBackAsItWasGiven) {
  for (
      const char* text :
      {R"({"ItemId":"vue","IsHidden":false,"Categories":["web","js"],"Timestamp":"2026-02-24T10:00:00Z","Labels":["a","b"],"Comment":"A framework"})",
       R"({"ItemId":"vue","IsHidden":true,"Categories":[],"Timestamp":"2026-02-24T10:00:00Z","Labels":{"Screen Size":5.5,"os":["x"],"deep":{"a":[1,null]}},"Comment":""})",
       R"({"ItemId":"vue","IsHidden":false,"Categories":[],"Timestamp":"2026-02-24T10:00:00Z","Labels":null,"Comment":""})"}) {
    const auto items = translate_gorse_items(text, 0);
    ASSERT_TRUE(items.ok());
    ASSERT_EQ(items->size(), 1u);
    ASSERT_TRUE((*items)[0].ok()) << catalog::to_string((*items)[0].errors);
    const auto& item = (*items)[0].value;
    const auto* stock = item.find("stock");
    std::string back;
    append_gorse_item(item, stock == nullptr, 0, back);
    EXPECT_EQ(back, text);
  }
}

TEST_F(Gorse, LabelsBecomeAttributesThatFiltersKnow) {
  const auto items = translate_gorse_items(
      R"([{"ItemId":"i","Labels":{"Screen Size":5.5,"OS":["x"],"screen-size":"dropped","!":1}},7])",
      0);
  ASSERT_TRUE(items.ok());
  const auto& item = (*items)[0].value;
  ASSERT_NE(item.find("label_screen_size"), nullptr);
  EXPECT_EQ(std::get<double>(*item.find("label_screen_size")), 5.5);
  EXPECT_NE(item.find("label_os"), nullptr);
  EXPECT_FALSE((*items)[1].ok());
}

TEST_F(Gorse, APatchChangesWhatItNames) {
  const auto patch = translate_gorse_patch("i", R"({"IsHidden":false,"Comment":"new"})", 0);
  ASSERT_TRUE(patch.ok());
  ASSERT_TRUE(patch->ok()) << catalog::to_string(patch->errors);
  ASSERT_EQ(patch->value.edits.size(), 2u);
  EXPECT_EQ(patch->value.edits[0].name, "stock");
  EXPECT_FALSE(patch->value.edits[0].value);
  EXPECT_EQ(patch->value.edits[1].name, "title");
  EXPECT_EQ(patch->value.id, "i");
}

TEST_F(Gorse, AWrongBodyIsRefusedWithItsReason) {
  EXPECT_EQ(translate_gorse_feedback("nonsense", 0).error().reason(), "invalid_json");
  EXPECT_EQ(translate_gorse_feedback("7", 0).error().reason(), "invalid_request");
  EXPECT_EQ(translate_gorse_patch("i", "[]", 0).error().reason(), "invalid_request");
  std::string many = "[0";
  for (int i = 0; i < 1000; ++i) many += ",0";
  EXPECT_EQ(translate_gorse_items(many + "]", 0).error().reason(), "too_many_items");
}

}  // namespace
}  // namespace vitrine::facade
