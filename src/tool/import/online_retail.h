// The UCI Online Retail data (one year of a British gift retailer) as a catalog and events.
//
// Reads CSV with a header: InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice,
// CustomerID, Country in any order, and the names of Online Retail II (Invoice, Price, Customer
// ID). Dates are "2010-12-01 08:26[:00]" or "12/1/2010 8:26" (month first) and taken as UTC,
// because the data names no zone. Text that isn't UTF-8 is taken as Latin-1, as the original has
// it.
//
// What becomes what:
// - An invoice is a purchase-complete of its customer, one that starts with C (a cancellation) a
//   refund. Rows without customer belong to an anonymous visitor of their invoice,
//   "invoice-<InvoiceNo>". More than kLinesPerEvent lines become several events.
// - Event ids are "online-retail-<InvoiceNo>-<part from 1>": importing again changes nothing.
// - Lines of the same product and price within an invoice are one line with their sum.
// - Stock codes are compared in capitals: 85123a and 85123A are one product.
// - A product exists if it was sold at least once. Its title is the description it was sold
//   under most often, its price the median of its unit prices; category and colours are derived
//   from the title (keyword_rules.h); stock is left out, because the data has none.
// - Skipped, and counted by reason: postage, fees, vouchers and other codes that are no
//   products; rows without a price (stock takes and write-offs); a quantity that is not positive
//   outside a cancellation, or not negative in one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/progress.h"
#include "base/result.h"
#include "platform/codec/byte_input.h"

namespace vitrine::importer {

inline constexpr std::size_t kLinesPerEvent = 100;  // what the API takes
inline constexpr std::size_t kBadRowsKept = 20;

struct RetailItem {
  std::string id;
  std::string title;
  double price = 0;  // GBP
};

struct RetailLine {
  std::uint32_t item;  // index in RetailYear::codes
  std::uint32_t quantity;
  double price;
};

struct Invoice {
  std::string number;
  std::string customer;  // empty: anonymous
  std::string country;
  TimeUs time = 0;  // of its first row
  bool cancelled = false;
  std::vector<RetailLine> lines;
};

struct BadRow {
  std::uint64_t line;  // of the file, from 1
  std::string reason;
};

struct RetailYear {
  std::vector<std::string> codes;  // every product code of a kept row
  std::vector<RetailItem> items;   // those that were sold, in the order of `codes`
  std::vector<Invoice> invoices;   // by time, then as in the file
  std::uint64_t rows = 0;          // without the header
  std::uint64_t rows_kept = 0;
  std::map<std::string, std::uint64_t> skipped;        // by reason
  std::map<std::string, std::uint64_t> skipped_codes;  // what was no product, by code
  std::uint64_t rows_bad = 0;
  std::vector<BadRow> bad_rows;  // the first kBadRowsKept
  TimeUs first_time = 0;         // of the kept rows; 0 without any
  TimeUs last_time = 0;
};

// Holds the whole file's rows in memory, about 30 bytes each. A bad row is reported in the result;
// errors are those of the input, and kInvalidArgument if the header is another or no row is good.
Result<RetailYear> read_online_retail(std::unique_ptr<codec::ByteInput> input, Progress& progress);

// True for stock codes that stand for postage, fees, vouchers, adjustments and tests.
bool is_no_product(std::string_view code_in_capitals);

// "2010-12-01 08:26:00", "2010-12-01 08:26" or "12/1/2010 8:26".
Result<TimeUs> parse_invoice_date(std::string_view text);

// The JSON line of an item for items:import.
std::string item_json(const RetailItem& item);

// How many events an invoice makes, and the JSON of each (part from 0) for events:import.
std::size_t event_count(const Invoice& invoice);
std::string event_json(const RetailYear& year, const Invoice& invoice, std::size_t part,
                       TimeUs shift_us);

// A known customer to show around with: enough history to be personal (30 to 200 lines bought) and
// as recent as there is. Empty if nobody has a name.
std::string sample_customer(const RetailYear& year);

}  // namespace vitrine::importer
