#include "edge/facade/table.h"

#include <gtest/gtest.h>

namespace vitrine::facade {
namespace {

std::string value(FieldType type, std::string_view text, bool is_json = false) {
  std::string out, why;
  codec::JsonWriter json(out);
  const bool good = append_cell(type, {text, is_json}, json, why);
  json.finish();
  return good ? out : "! " + why;
}

TEST(Table, ACellBecomesWhatItsFieldIs) {
  EXPECT_EQ(value(FieldType::kText, "42"), "\"42\"");
  EXPECT_EQ(value(FieldType::kText, "a\"b"), R"("a\"b")");
  EXPECT_EQ(value(FieldType::kNumber, " 42 "), "42");
  EXPECT_EQ(value(FieldType::kNumber, "+1.5"), "1.5");
  EXPECT_EQ(value(FieldType::kNumber, "1e3"), "1000");
  EXPECT_EQ(value(FieldType::kBoolean, "Yes"), "true");
  EXPECT_EQ(value(FieldType::kBoolean, "0"), "false");
  EXPECT_EQ(value(FieldType::kList, "a| b ||c"), R"(["a","b","c"])");
  EXPECT_EQ(value(FieldType::kAny, "42"), "\"42\"");
}

TEST(Table, JsonCellsKeepTheTypeTheyHave) {
  EXPECT_EQ(value(FieldType::kAny, "42", true), "42");
  EXPECT_EQ(value(FieldType::kAny, R"({"a":1})", true), R"({"a":1})");
  EXPECT_EQ(value(FieldType::kText, "42", true), "\"42\"");
  EXPECT_EQ(value(FieldType::kNumber, "42", true), "42");
  EXPECT_EQ(value(FieldType::kList, R"(["a","b"])", true), R"(["a","b"])");
  EXPECT_EQ(value(FieldType::kTimeValue, R"({"$time":"2026-11-22"})", true),
            R"({"$time":"2026-11-22"})");
}

TEST(Table, TimesComeInTheirUsualForms) {
  EXPECT_EQ(value(FieldType::kTime, "2026-11-22"), "\"2026-11-22T00:00:00Z\"");
  EXPECT_EQ(value(FieldType::kTime, "2026-11-22 16:10:43"), "\"2026-11-22T16:10:43Z\"");
  EXPECT_EQ(value(FieldType::kTime, "2026-11-22 16:10:43 UTC"), "\"2026-11-22T16:10:43Z\"");
  EXPECT_EQ(value(FieldType::kTime, "2026-11-22T16:10:43"), "\"2026-11-22T16:10:43Z\"");
  EXPECT_EQ(value(FieldType::kTime, "2026-11-22T16:10:43+01:00"), "\"2026-11-22T16:10:43+01:00\"");
  EXPECT_EQ(value(FieldType::kTime, "1433221332117"), "1433221332117");
  EXPECT_EQ(value(FieldType::kTime, "soon"), "\"soon\"");
  EXPECT_EQ(value(FieldType::kTimeValue, "2026-11-22"), R"({"$time":"2026-11-22T00:00:00Z"})");
}

TEST(Table, WhatDoesNotFitIsSaid) {
  EXPECT_EQ(value(FieldType::kNumber, "12 EUR"), "! '12 EUR' is no number");
  EXPECT_EQ(value(FieldType::kNumber, "1e999"), "! '1e999' is no number");
  EXPECT_EQ(value(FieldType::kNumber, "nan"), "! 'nan' is no number");
  EXPECT_EQ(value(FieldType::kBoolean, "maybe"), "! 'maybe' is neither true nor false");
  EXPECT_EQ(value(FieldType::kTimeValue, "7"),
            "! '7' is a number; a time of an item is written out");
}

TEST(Table, AHeadingNamesAnAttributeAndMayNameItsType) {
  const auto type_of = [](std::string_view heading) {
    const auto field = item_field(heading);
    return field.ok() ? static_cast<int>(field->type) : -1;
  };
  EXPECT_EQ(type_of("size"), static_cast<int>(FieldType::kText));
  EXPECT_EQ(type_of("size:number"), static_cast<int>(FieldType::kNumber));
  EXPECT_EQ(type_of(" price "), static_cast<int>(FieldType::kNumber));
  EXPECT_EQ(type_of("price:number"), static_cast<int>(FieldType::kNumber));
  EXPECT_EQ(type_of("price:string"), -1);
  EXPECT_EQ(type_of("category"), static_cast<int>(FieldType::kList));
  EXPECT_EQ(type_of("available_from"), static_cast<int>(FieldType::kTimeValue));
  EXPECT_EQ(type_of("season:time"), static_cast<int>(FieldType::kTimeValue));
  EXPECT_EQ(type_of("item_id:number"), -1);
  EXPECT_EQ(type_of("Screen Size"), -1);
  EXPECT_EQ(type_of("size:length"), -1);
  EXPECT_EQ(type_of(""), -1);
  EXPECT_EQ(item_field("id")->name, "item_id");
}

}  // namespace
}  // namespace vitrine::facade
