#include "platform/codec/csv.h"

#include <random>

#include <gtest/gtest.h>

namespace vitrine::codec {
namespace {

// "[a][b];bad(why);..." as read.
std::string rows_of(std::string_view text, CsvOptions options = {}, std::size_t piece = 64) {
  CsvReader reader(memory_input(text, piece), options);
  std::vector<std::string_view> fields;
  std::string all;
  for (;;) {
    const auto read = reader.next(fields).value();
    if (read == CsvRead::kEnd) return all;
    if (read == CsvRead::kBadRow) all += "bad(" + reader.problem() + ")";
    for (const auto field : fields) all += "[" + std::string(field) + "]";
    all += ';';
  }
}

TEST(Csv, ReadsPlainAndQuotedFields) {
  EXPECT_EQ(rows_of("a,b\n1,2\n"), "[a][b];[1][2];");
  EXPECT_EQ(rows_of("a,b\r\n1,2"), "[a][b];[1][2];");
  EXPECT_EQ(rows_of("\"a\",\"b,c\"\n"), "[a][b,c];");
  EXPECT_EQ(rows_of("\"say \"\"hi\"\"\",x\r\n\"two\nlines\",\"\"\r\n"),
            "[say \"hi\"][x];[two\nlines][];");
  EXPECT_EQ(rows_of(",\n,,\n"), "[][];[][][];");
  EXPECT_EQ(rows_of("\"\"\n"), "[];");
  EXPECT_EQ(rows_of("5\" nail,1\n"), "[5\" nail][1];");
}

TEST(Csv, SkipsByteOrderMarkAndEmptyLines) {
  EXPECT_EQ(rows_of("\xEF\xBB\xBF\"a\",b\n\n\r\n1,2\n"), "[a][b];[1][2];");
  EXPECT_EQ(rows_of("\xEF\xBB\xBF"
                    "a",
                    {}, 1),
            "[a];");
  EXPECT_EQ(rows_of("\xEF\xBB"), "[\xEF\xBB];");
  EXPECT_EQ(rows_of(""), "");
}

TEST(Csv, ReportsABadRowAndGoesOnBehindIt) {
  EXPECT_EQ(rows_of("a,\"b\"c,d\n1,2\n"), "bad(text follows a closing quote);[1][2];");
  EXPECT_EQ(rows_of("a,\"b\"\rc\n1,2\n"), "bad(text follows a closing quote);[1][2];");
  EXPECT_EQ(rows_of("a,\"b\n1,2\n"), "bad(a quoted field is not closed before the end);");
}

TEST(Csv, BoundsRowsAndFields) {
  const CsvOptions options{.row_bytes_max = 5, .fields_max = 3};
  EXPECT_EQ(rows_of("12345\n123456\nab\n", options),
            "[12345];bad(a row of more than 5 bytes);[ab];");
  EXPECT_EQ(rows_of("a,b,c\na,b,c,d,e\nab\n", options), "[a][b][c];bad(more than 3 fields);[ab];");
}

TEST(Csv, SaysWhereARowBegan) {
  CsvReader reader(memory_input("h\n\"a\nb\"\n\nz\n"));
  std::vector<std::string_view> fields;
  std::vector<std::uint64_t> lines;
  while (reader.next(fields).value() == CsvRead::kRow) lines.push_back(reader.line_number());
  EXPECT_EQ(lines, (std::vector<std::uint64_t>{1, 2, 5}));
}

// Goal: whatever is written by the rules reads back the same, however the bytes arrive.
TEST(Csv, WhatIsQuotedByTheRulesReadsBack) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string text, expected;
    for (std::size_t rows = 1 + random() % 4; rows > 0; --rows) {
      const std::size_t count = 1 + random() % 4;
      for (std::size_t i = 0; i < count; ++i) {
        std::string field;
        for (std::size_t n = random() % 6; n > 0; --n) field += "a,\"\n\r;"[random() % 6];
        expected += "[" + field + "]";
        std::string quoted = "\"";
        for (const char c : field) quoted += c == '"' ? "\"\"" : std::string(1, c);
        text += (i > 0 ? "," : "") + quoted + "\"";
      }
      text += random() % 2 == 0 ? "\n" : "\r\n";
      expected += ';';
    }
    for (const std::size_t piece : {1, 3, 64})
      ASSERT_EQ(rows_of(text, {}, piece), expected) << text;
  }
}

}  // namespace
}  // namespace vitrine::codec
