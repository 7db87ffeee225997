#include "tool/import/online_retail.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "platform/codec/csv.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/time_format.h"
#include "platform/codec/utf8.h"
#include "tool/import/keyword_rules.h"

namespace vitrine::importer {
namespace {

enum Column { kInvoice, kCode, kDescription, kQuantity, kDate, kPrice, kCustomer, kCountry };
constexpr std::size_t kColumns = 8;
constexpr std::array<std::array<std::string_view, 2>, kColumns> kColumnNames = {{
    {"InvoiceNo", "Invoice"},
    {"StockCode", "StockCode"},
    {"Description", "Description"},
    {"Quantity", "Quantity"},
    {"InvoiceDate", "InvoiceDate"},
    {"UnitPrice", "Price"},
    {"CustomerID", "Customer ID"},
    {"Country", "Country"},
}};

constexpr std::string_view kNotAProduct = "not a product (postage, fees, vouchers, adjustments)";
constexpr std::string_view kNoPrice = "no price (stock takes and write-offs)";
constexpr std::string_view kWrongSign = "quantity not positive, or not negative in a cancellation";

// Limits of the API for ids and quantities.
constexpr std::size_t kIdBytesMax = 256;
constexpr std::size_t kInvoiceBytesMax = 64;
constexpr std::int64_t kQuantityMax = 1'000'000;
constexpr double kPriceMax = 1e12;
// How many lines back an equal one is looked for: longer than any invoice of the data (1,114), and
// a bound on the time of a file that is one invoice.
constexpr std::size_t kMergeWindow = 2000;

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string to_capitals(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::string from_latin1(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else {
      out.push_back(static_cast<char>(0xC0 | byte >> 6));
      out.push_back(static_cast<char>(0x80 | (byte & 0x3F)));
    }
  }
  return out;
}

// UTF-8 with every run of blanks and control characters as one blank.
std::string clean_text(std::string_view text) {
  std::string utf8 = codec::is_valid_utf8(text) ? std::string(text) : from_latin1(text);
  std::string out;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte != 0x7F) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

// "" and "NA" mean none; spreadsheets write 17850.0.
std::string customer_id(std::string_view field) {
  if (field == "NA") return {};
  if (field.ends_with(".0")) field.remove_suffix(2);
  return std::string(field);
}

bool is_id(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max && codec::is_printable_utf8(text);
}

// What is known of a product while the rows come in.
struct ProductSales {
  std::unordered_map<std::string, std::uint32_t> descriptions;
  std::vector<double> prices;
};

class YearBuilder {
 public:
  Status read_header(const std::vector<std::string_view>& fields) {
    columns_.fill(kColumnsMax);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      for (std::size_t c = 0; c < kColumns; ++c) {
        const auto& names = kColumnNames[c];
        if (std::find(names.begin(), names.end(), trim(fields[i])) != names.end()) columns_[c] = i;
      }
    }
    for (std::size_t c = 0; c < kColumns; ++c) {
      if (columns_[c] != kColumnsMax) continue;
      return Error(ErrorCode::kInvalidArgument,
                   "the header has no column " + std::string(kColumnNames[c][0]) +
                       "; expected InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,"
                       "CustomerID,Country");
    }
    width_ = fields.size();
    return ok_status();
  }

  void take_row(const std::vector<std::string_view>& fields, std::uint64_t line) {
    ++year_.rows;
    if (fields.size() != width_) {
      return bad(line, "expected " + std::to_string(width_) + " fields, found " +
                           std::to_string(fields.size()));
    }
    const auto field = [&](Column c) { return trim(fields[columns_[c]]); };
    const std::string_view number = field(kInvoice);
    if (!is_id(number, kInvoiceBytesMax))
      return bad(line, "InvoiceNo is empty, long or unprintable");
    const std::string code = to_capitals(field(kCode));
    if (!is_id(code, kIdBytesMax)) return bad(line, "StockCode is empty, long or unprintable");
    const auto quantity = parse_number<std::int64_t>(field(kQuantity));
    if (!quantity || *quantity > kQuantityMax || *quantity < -kQuantityMax) {
      return bad(line, "Quantity '" + clip(field(kQuantity)) +
                           "' is no whole number of -1,000,000 to 1,000,000");
    }
    const auto price = parse_number<double>(field(kPrice));
    if (!price || !(*price >= -kPriceMax && *price <= kPriceMax)) {
      return bad(line, "UnitPrice '" + clip(field(kPrice)) + "' is no number");
    }
    const auto time = parse_invoice_date(field(kDate));
    if (!time.ok()) return bad(line, time.error().message());
    const std::string customer = customer_id(field(kCustomer));
    if (!customer.empty() && !is_id(customer, kIdBytesMax)) {
      return bad(line, "CustomerID is long or unprintable");
    }

    if (is_no_product(code)) {
      ++year_.skipped_codes[code];
      return skip(kNotAProduct);
    }
    if (*price <= 0) return skip(kNoPrice);
    const bool cancelled = number.front() == 'C' || number.front() == 'c';
    if (cancelled ? *quantity >= 0 : *quantity <= 0) return skip(kWrongSign);

    const std::uint32_t item = product(code);
    if (!cancelled) {
      ++sales_[item].descriptions[clean_text(field(kDescription))];
      sales_[item].prices.push_back(*price);
    }
    Invoice& invoice = invoice_of(number, *time, customer, clean_text(field(kCountry)), cancelled);
    add_line(invoice, item, static_cast<std::uint32_t>(cancelled ? -*quantity : *quantity), *price);
    ++year_.rows_kept;
  }

  void take_unreadable(const std::string& why, std::uint64_t line) {
    ++year_.rows;
    bad(line, why);
  }

  RetailYear finish() {
    for (std::uint32_t i = 0; i < year_.codes.size(); ++i) {
      if (!sales_[i].prices.empty()) year_.items.push_back(item(i));
    }
    std::stable_sort(year_.invoices.begin(), year_.invoices.end(),
                     [](const Invoice& a, const Invoice& b) { return a.time < b.time; });
    if (!year_.invoices.empty()) {
      year_.first_time = year_.invoices.front().time;
      year_.last_time = year_.invoices.back().time;
    }
    return std::move(year_);
  }

 private:
  static constexpr std::size_t kColumnsMax = ~std::size_t{0};

  static std::string clip(std::string_view text) {
    const std::string clean = clean_text(text.substr(0, 40));
    return clean;
  }
  void bad(std::uint64_t line, std::string reason) {
    ++year_.rows_bad;
    if (year_.bad_rows.size() < kBadRowsKept) year_.bad_rows.push_back({line, std::move(reason)});
  }
  void skip(std::string_view reason) { ++year_.skipped[std::string(reason)]; }

  std::uint32_t product(const std::string& code) {
    const auto [at, is_new] =
        products_.try_emplace(code, static_cast<std::uint32_t>(year_.codes.size()));
    if (is_new) {
      year_.codes.push_back(code);
      sales_.emplace_back();
    }
    return at->second;
  }

  Invoice& invoice_of(std::string_view number, TimeUs time, const std::string& customer,
                      std::string country, bool cancelled) {
    const auto [at, is_new] = invoices_.try_emplace(std::string(number), year_.invoices.size());
    if (is_new) {
      year_.invoices.push_back(
          {std::string(number), customer, std::move(country), time, cancelled, {}});
    }
    return year_.invoices[at->second];
  }

  static void add_line(Invoice& invoice, std::uint32_t item, std::uint32_t quantity, double price) {
    const std::size_t from = invoice.lines.size() - std::min(invoice.lines.size(), kMergeWindow);
    for (std::size_t i = from; i < invoice.lines.size(); ++i) {
      RetailLine& line = invoice.lines[i];
      if (line.item == item && line.price == price && line.quantity + quantity <= kQuantityMax) {
        line.quantity += quantity;
        return;
      }
    }
    invoice.lines.push_back({item, quantity, price});
  }

  RetailItem item(std::uint32_t index) {
    ProductSales& sales = sales_[index];
    const std::string* title = nullptr;
    std::uint32_t times = 0;
    for (const auto& [text, count] : sales.descriptions) {
      if (text.empty() || text == "NA") continue;
      if (title == nullptr || count > times || (count == times && text < *title)) {
        title = &text;
        times = count;
      }
    }
    const auto middle =
        sales.prices.begin() + static_cast<std::ptrdiff_t>((sales.prices.size() - 1) / 2);
    std::nth_element(sales.prices.begin(), middle, sales.prices.end());
    return {year_.codes[index], title == nullptr ? year_.codes[index] : *title, *middle};
  }

  std::array<std::size_t, kColumns> columns_{};
  std::size_t width_ = 0;
  std::unordered_map<std::string, std::uint32_t> products_;
  std::unordered_map<std::string, std::size_t> invoices_;
  std::vector<ProductSales> sales_;  // by product
  RetailYear year_;
};

Error no_date(std::string_view text) {
  return Error(ErrorCode::kInvalidArgument, "InvoiceDate '" + clean_text(text.substr(0, 40)) +
                                                "' is neither YYYY-MM-DD HH:MM nor M/D/YYYY H:MM");
}

}  // namespace

bool is_no_product(std::string_view code) {
  constexpr std::string_view kCodes[] = {"POST", "DOT",  "M",        "C2",   "C3",
                                         "D",    "S",    "B",        "CRUK", "BANK CHARGES",
                                         "PADS", "GIFT", "AMAZONFEE"};
  return std::find(std::begin(kCodes), std::end(kCodes), code) != std::end(kCodes) ||
         code.starts_with("GIFT_") || code.starts_with("TEST") || code.starts_with("ADJUST");
}

Result<TimeUs> parse_invoice_date(std::string_view text) {
  if (text.size() == 16 && text[4] == '-') {
    auto time = codec::parse_rfc3339(std::string(text) + ":00Z");
    if (time.ok()) return time;
  }
  if (text.size() == 19 && text[4] == '-') {
    auto time = codec::parse_rfc3339(std::string(text) + "Z");
    if (time.ok()) return time;
  }
  // month/day/year hour:minute
  std::array<int, 5> parts{};
  constexpr std::string_view kBehind = "// : ";
  std::string_view rest = text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t end = i + 1 < parts.size() ? rest.find(kBehind[i]) : rest.size();
    if (end == std::string_view::npos || end == 0 || end > 4) return no_date(text);
    const auto value = parse_number<int>(rest.substr(0, end));
    if (!value || *value < 0) return no_date(text);
    parts[i] = *value;
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
  const auto [month, day, year, hour, minute] = parts;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < 1900 || !date.ok() || hour > 23 || minute > 59) return no_date(text);
  return codec::days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day)) *
             kDayUs +
         hour * kHourUs + minute * kMinuteUs;
}

Result<RetailYear> read_online_retail(std::unique_ptr<codec::ByteInput> input, Progress& progress) {
  progress.start("reading the file", input->bytes_total(), "B");
  codec::CsvReader reader(std::move(input));
  YearBuilder year;
  std::vector<std::string_view> fields;
  VITRINE_TRY(const auto head, reader.next(fields));
  if (head != codec::CsvRead::kRow) {
    return Error(ErrorCode::kInvalidArgument,
                 head == codec::CsvRead::kEnd ? "the file is empty"
                                              : "the header can't be read: " + reader.problem());
  }
  VITRINE_TRY(year.read_header(fields));
  for (;;) {
    auto row = reader.next(fields);
    if (!row.ok()) {
      return std::move(row).error().context("line " + std::to_string(reader.line_number()));
    }
    if (*row == codec::CsvRead::kEnd) break;
    if (*row == codec::CsvRead::kBadRow) {
      year.take_unreadable(reader.problem(), reader.line_number());
    } else {
      year.take_row(fields, reader.line_number());
    }
    progress.update(reader.input().bytes_done());
  }
  progress.finish();
  RetailYear result = year.finish();
  if (result.rows_kept == 0) {
    std::string why = "the file has no sale of a product";
    if (!result.bad_rows.empty()) {
      why += "; line " + std::to_string(result.bad_rows[0].line) + ": " + result.bad_rows[0].reason;
    }
    return Error(ErrorCode::kInvalidArgument, std::move(why));
  }
  return result;
}

std::string item_json(const RetailItem& item) {
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("item_id").string(item.id);
  json.key("title").string(item.title);
  json.key("categories").begin_array().string(category_by_keyword(item.title)).end_array();
  json.key("price").number(item.price);
  const auto colours = colours_by_keyword(item.title);
  if (!colours.empty()) {
    json.key("colours").begin_array();
    for (const auto& colour : colours) json.string(colour);
    json.end_array();
  }
  json.end_object();
  json.finish();
  return out;
}

std::size_t event_count(const Invoice& invoice) {
  return (invoice.lines.size() + kLinesPerEvent - 1) / kLinesPerEvent;
}

std::string event_json(const RetailYear& year, const Invoice& invoice, std::size_t part,
                       TimeUs shift_us) {
  const std::size_t begin = part * kLinesPerEvent;
  const std::size_t end = std::min(invoice.lines.size(), begin + kLinesPerEvent);
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("event_id").string("online-retail-" + invoice.number + "-" + std::to_string(part + 1));
  json.key("type").string(invoice.cancelled ? "refund" : "purchase-complete");
  json.key("event_time").string(codec::format_rfc3339(invoice.time + shift_us));
  json.key("user").begin_object();
  if (invoice.customer.empty()) {
    json.key("anonymous_id").string("invoice-" + invoice.number);
  } else {
    json.key("user_id").string(invoice.customer);
  }
  json.end_object();
  json.key("items").begin_array();
  double value = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const RetailLine& line = invoice.lines[i];
    json.begin_object();
    json.key("item_id").string(year.codes[line.item]);
    json.key("quantity").number(line.quantity);
    json.key("price").number(line.price);
    json.end_object();
    value += line.price * line.quantity;
  }
  json.end_array();
  json.key("value").number(std::round(value * 100) / 100);
  json.key("currency").string("GBP");
  json.key("transaction").begin_object().key("id").string(invoice.number).end_object();
  if (!invoice.country.empty()) {
    json.key("properties").begin_object().key("country").string(invoice.country).end_object();
  }
  json.end_object();
  json.finish();
  return out;
}

std::string sample_customer(const RetailYear& year) {
  struct Buyer {
    std::size_t lines = 0;
    TimeUs last = 0;
  };
  std::map<std::string_view, Buyer> buyers;
  for (const Invoice& invoice : year.invoices) {
    if (invoice.customer.empty() || invoice.cancelled) continue;
    Buyer& buyer = buyers[invoice.customer];
    buyer.lines += invoice.lines.size();
    buyer.last = invoice.time;
  }
  const auto rank = [](const Buyer& b) {
    const bool fits = b.lines >= 30 && b.lines <= 200;
    return std::tuple(fits, fits ? b.last : 0, b.lines);
  };
  std::string_view best;
  for (const auto& [name, buyer] : buyers) {
    if (best.empty() || rank(buyer) > rank(buyers[best])) best = name;
  }
  return std::string(best);
}

}  // namespace vitrine::importer
