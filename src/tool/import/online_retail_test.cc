#include "tool/import/online_retail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/codec/json_parse.h"
#include "tool/import/json_field.h"
#include "tool/import/keyword_rules.h"

namespace vitrine::importer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHead =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

Result<RetailYear> read(const std::string& text) {
  return read_online_retail(codec::memory_input(text, 7), no_progress());
}
RetailYear read_rows(const std::string& rows) {
  const std::string text = std::string(kHead) + rows;
  return std::move(read(text)).value();
}
TimeUs time_of(std::string_view text) { return parse_invoice_date(text).value(); }

TEST(OnlineRetail, AnInvoiceIsOnePurchaseOfItsCustomer) {
  const auto year = read_rows(
      "536365,85123A,WHITE HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n"
      "536365,71053,\"LANTERN, WHITE\",2,2010-12-01 08:26:00,3.39,17850,United Kingdom\n");
  ASSERT_EQ(year.invoices.size(), 1u);
  EXPECT_EQ(event_count(year.invoices[0]), 1u);
  EXPECT_EQ(
      event_json(year, year.invoices[0], 0, 0),
      R"({"event_id":"online-retail-536365-1","type":"purchase-complete","event_time":"2010-12-01T08:26:00Z",)"
      R"("user":{"user_id":"17850"},"items":[{"item_id":"85123A","quantity":6,"price":2.55},)"
      R"({"item_id":"71053","quantity":2,"price":3.39}],"value":22.08,"currency":"GBP",)"
      R"("transaction":{"id":"536365"},"properties":{"country":"United Kingdom"}})");
  EXPECT_EQ(year.items[1].title, "LANTERN, WHITE");
}

TEST(OnlineRetail, ACancellationIsARefundOfWhatCameBack) {
  const auto year = read_rows("C1,22,MUG,-3,2010-12-01 08:26:00,2,17850,France\n");
  const std::string json = event_json(year, year.invoices.at(0), 0, 0);
  EXPECT_THAT(json, HasSubstr(R"("type":"refund")"));
  EXPECT_THAT(json, HasSubstr(R"("quantity":3)"));
  EXPECT_TRUE(year.items.empty()) << "what was never sold is no item";
}

TEST(OnlineRetail, RowsWithoutCustomerBelongToAVisitorOfTheirInvoice) {
  const auto year = read_rows(
      "1,22,MUG,3,2010-12-01 08:26:00,2,NA,France\n"
      "2,22,MUG,3,2010-12-01 08:27:00,2,,France\n"
      "3,22,MUG,3,2010-12-01 08:28:00,2,17850.0,France\n");
  EXPECT_THAT(event_json(year, year.invoices[0], 0, 0),
              HasSubstr(R"("user":{"anonymous_id":"invoice-1"})"));
  EXPECT_THAT(event_json(year, year.invoices[1], 0, 0), HasSubstr(R"("invoice-2")"));
  EXPECT_EQ(year.invoices[2].customer, "17850") << "as spreadsheets write it";
}

TEST(OnlineRetail, WhatIsNoSaleOfAProductIsSkippedAndCountedByReason) {
  const auto year = read_rows(
      "1,POST,POSTAGE,1,2010-12-01 08:26:00,18,1,France\n"
      "1,m,Manual,1,2010-12-01 08:26:00,18,1,France\n"
      "1,gift_0001_10,Voucher,1,2010-12-01 08:26:00,8,1,France\n"
      "1,22,damages,1,2010-12-01 08:26:00,0,1,France\n"
      "1,22,MUG,-1,2010-12-01 08:26:00,1,1,France\n"
      "C2,22,MUG,1,2010-12-01 08:26:00,1,1,France\n"
      "3,22,MUG,1,2010-12-01 08:26:00,1,1,France\n");
  EXPECT_EQ(year.rows, 7u);
  EXPECT_EQ(year.rows_kept, 1u);
  std::vector<std::uint64_t> counts;
  for (const auto& [reason, count] : year.skipped) counts.push_back(count);
  EXPECT_THAT(counts, ::testing::UnorderedElementsAre(3, 1, 2));
  EXPECT_EQ(year.skipped_codes.at("M"), 1u);
  EXPECT_EQ(year.rows_bad, 0u);
}

TEST(OnlineRetail, BadRowsAreNamedByLineAndReasonAndTheRestCounts) {
  const auto year = read_rows(
      "1,22,MUG,1,2010-12-01 08:26:00,1,1,France\n"
      "1,22,MUG\n"
      "1,22,MUG,many,2010-12-01 08:26:00,1,1,France\n"
      "1,22,MUG,1,2010-13-41 08:26:00,1,1,France\n"
      "1,22,MUG,1,2010-12-01 08:26:00,nan,1,France\n"
      "1,22,MUG,1,2010-12-01 08:26:00,1e400,1,France\n"
      "1,,MUG,1,2010-12-01 08:26:00,1,1,France\n"
      "1,22,MUG,99999999999,2010-12-01 08:26:00,1,1,France\n"
      "1,22,\"MUG,1,2010-12-01 08:26:00,1,1,France\n");
  EXPECT_EQ(year.rows_kept, 1u);
  EXPECT_EQ(year.rows_bad, 8u);
  std::vector<std::uint64_t> lines;
  for (const auto& row : year.bad_rows) lines.push_back(row.line);
  EXPECT_THAT(lines, ElementsAre(3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(year.bad_rows[1].reason, HasSubstr("'many'"));
}

TEST(OnlineRetail, TheListOfBadRowsIsBounded) {
  std::string rows = "1,22,MUG,1,2010-12-01 08:26:00,1,1,France\n";
  for (int i = 0; i < 1000; ++i) rows += "broken\n";
  const auto year = read_rows(rows);
  EXPECT_EQ(year.rows_bad, 1000u);
  EXPECT_EQ(year.bad_rows.size(), kBadRowsKept);
}

TEST(OnlineRetail, ALongInvoiceBecomesSeveralEventsWithEveryLineOnce) {
  for (const std::size_t lines : {1u, 99u, 100u, 101u, 200u, 250u}) {
    SCOPED_TRACE(lines);
    std::string rows;
    for (std::size_t i = 0; i < lines; ++i) {
      rows += "7," + std::to_string(10000 + i) + ",THING,1,2010-12-01 08:26:00,1.5,1,France\n";
    }
    const auto year = read_rows(rows);
    const Invoice& invoice = year.invoices.at(0);
    ASSERT_EQ(event_count(invoice), (lines + 99) / 100);
    std::vector<std::string> seen;
    for (std::size_t part = 0; part < event_count(invoice); ++part) {
      codec::JsonParser parser;
      const std::string text = event_json(year, invoice, part, 0);
      const auto json = parser.parse(text).value();
      std::string_view id;
      ASSERT_TRUE(read_field(json, "event_id", id));
      EXPECT_EQ(id, "online-retail-7-" + std::to_string(part + 1));
      simdjson::dom::array items;
      ASSERT_TRUE(read_field(json, "items", items));
      EXPECT_LE(items.size(), kLinesPerEvent);
      double value = 0;
      ASSERT_TRUE(read_field(json, "value", value));
      EXPECT_DOUBLE_EQ(value, 1.5 * static_cast<double>(items.size()));
      for (const auto item : items) {
        std::string_view code;
        ASSERT_TRUE(read_field(item, "item_id", code));
        seen.emplace_back(code);
      }
    }
    ASSERT_EQ(seen.size(), lines);
    for (std::size_t i = 0; i < lines; ++i) EXPECT_EQ(seen[i], std::to_string(10000 + i));
  }
}

TEST(OnlineRetail, LinesOfTheSameProductAndPriceAreOneLine) {
  const auto year = read_rows(
      "1,22a,MUG,1,2010-12-01 08:26:00,1,1,France\n"
      "1,22A,MUG,2,2010-12-01 08:26:00,1,1,France\n"
      "1,22A,MUG,4,2010-12-01 08:26:00,1.5,1,France\n");
  ASSERT_EQ(year.invoices[0].lines.size(), 2u);
  EXPECT_EQ(year.invoices[0].lines[0].quantity, 3u);
  EXPECT_THAT(year.codes, ElementsAre("22A"));
}

TEST(OnlineRetail, TitleIsTheMostFrequentOfSalesAndPriceTheMedian) {
  const auto year = read_rows(
      "1,22,RED  MUG,1,2010-12-01 08:26:00,3,1,France\n"
      "2,22,RED MUG,1,2010-12-02 08:26:00,1,1,France\n"
      "3,22,mug red,1,2010-12-03 08:26:00,50,1,France\n"
      "4,22,wet,-9,2010-12-03 08:26:00,0,1,France\n"
      "5,22,wet,-9,2010-12-03 08:26:00,0,1,France\n"
      "6,22,wet,-9,2010-12-03 08:26:00,0,1,France\n");
  ASSERT_EQ(year.items.size(), 1u);
  EXPECT_EQ(year.items[0].title, "RED MUG");
  EXPECT_EQ(year.items[0].price, 3);
  EXPECT_EQ(
      item_json(year.items[0]),
      R"({"item_id":"22","title":"RED MUG","categories":["mugs"],"price":3,"colours":["red"]})");
}

TEST(OnlineRetail, InvoicesComeInTheOrderOfTime) {
  const auto year = read_rows(
      "3,22,MUG,1,2010-12-03 08:26:00,1,1,France\n"
      "1,22,MUG,1,2010-12-01 08:26:00,1,1,France\n"
      "2,22,MUG,1,2010-12-02 08:26:00,1,1,France\n"
      "3,23,MUG,1,2010-12-09 08:26:00,1,1,France\n");
  std::vector<std::string> numbers;
  for (const auto& invoice : year.invoices) numbers.push_back(invoice.number);
  EXPECT_THAT(numbers, ElementsAre("1", "2", "3"));
  EXPECT_EQ(year.first_time, time_of("2010-12-01 08:26"));
  EXPECT_EQ(year.last_time, time_of("2010-12-03 08:26")) << "an invoice's time is its first row's";
}

TEST(OnlineRetail, ReadsOtherHeadersOrdersAndLatin1) {
  const auto year = read(
                        "\xEF\xBB\xBFPrice,Country,Customer ID,Invoice,StockCode,Description,"
                        "Quantity,InvoiceDate\r\n"
                        "2.5,Eire,12,489434,22,GIFT \xA3"
                        "10 CAF\xC9,1,12/1/2009 7:45\r\n")
                        .value();
  EXPECT_EQ(year.items.at(0).title, "GIFT £10 CAFÉ");
  EXPECT_EQ(year.invoices.at(0).time, time_of("2009-12-01 07:45:00"));
}

TEST(OnlineRetail, RefusesAFileThatIsSomethingElse) {
  for (const char* text : {"", "\n\n", "a,b,c\n1,2,3\n", "{\"item_id\":1}\n"}) {
    SCOPED_TRACE(text);
    const auto year = read(text);
    ASSERT_FALSE(year.ok());
    EXPECT_EQ(year.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_THAT(read(std::string(kHead)).error().message(), HasSubstr("no sale"));
}

TEST(OnlineRetail, DatesAreReadInThreeFormsAndNoOthers) {
  EXPECT_EQ(time_of("1970-01-02 00:00"), kDayUs);
  EXPECT_EQ(time_of("1970-01-02 00:00:01"), kDayUs + kSecondUs);
  EXPECT_EQ(time_of("1/2/1970 0:00"), kDayUs);
  EXPECT_EQ(time_of("2/29/2012 23:59"), time_of("2012-02-29 23:59"));
  for (const char* text : {"", "x", "2011-02-29 00:00", "2/29/2011 0:00", "13/1/2011 0:00",
                           "1/1/2011", "1/1/2011 24:00", "1/1/2011 0:60", "-1/1/2011 0:00",
                           "1/1/99999 0:00", "1//2011 0:00", "2010-12-01T08:26:00Z"}) {
    EXPECT_FALSE(parse_invoice_date(text).ok()) << text;
  }
}

TEST(OnlineRetail, TheSampleCustomerHasEnoughHistoryAndIsRecent) {
  std::string rows;
  const auto buy = [&](int invoice, const char* who, int lines) {
    for (int i = 0; i < lines; ++i) {
      char date[32];
      std::snprintf(date, sizeof date, "2011-01-%02d 10:00:00", invoice);
      rows += std::to_string(invoice) + "," + std::to_string(10000 + i) + ",X,1," + date + ",1," +
              who + ",UK\n";
    }
  };
  buy(1, "early", 50);
  buy(2, "late", 50);
  buy(3, "little", 3);
  buy(4, "dealer", 900);
  EXPECT_EQ(sample_customer(read_rows(rows)), "late");
  rows.clear();
  buy(1, "NA", 50);
  EXPECT_EQ(sample_customer(read_rows(rows)), "");
}

TEST(KeywordRules, TheMostSpecificWordDecides) {
  EXPECT_EQ(category_by_keyword("LUNCH BAG RED RETROSPOT"), "bags");
  EXPECT_EQ(category_by_keyword("WHITE HANGING HEART T-LIGHT HOLDER"), "candles");
  EXPECT_EQ(category_by_keyword("CHRISTMAS TEA TOWEL"), "christmas");
  EXPECT_EQ(category_by_keyword("Set of 6 mugs"), "mugs");
  EXPECT_EQ(category_by_keyword("BAGUETTE"), "other") << "words, not parts of words";
  EXPECT_EQ(category_by_keyword(""), "other");
  EXPECT_THAT(colours_by_keyword("PINK/WHITE, pink dots"), ElementsAre("pink", "white"));
}

}  // namespace
}  // namespace vitrine::importer
