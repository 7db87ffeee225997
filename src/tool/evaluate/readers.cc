#include "tool/evaluate/readers.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "platform/codec/csv.h"
#include "service/evaluate/interner.h"
#include "tool/evaluate/data_file.h"

namespace vitrine::evaluate {
namespace {

std::string_view take_word(std::string_view& rest) {
  const std::size_t begin = std::min(rest.find_first_not_of(" \t"), rest.size());
  rest.remove_prefix(begin);
  const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "2010-12-01 08:26:00", the seconds optional, taken as UTC.
std::optional<TimeUs> parse_time(std::string_view text) {
  if (text.size() != 19 && text.size() != 16) return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t size) {
    return parse_number<int>(text.substr(at, size)).value_or(-1);
  };
  const int year = part(0, 4), month = part(5, 2), day = part(8, 2);
  const int hour = part(11, 2), minute = part(14, 2), second = text.size() == 19 ? part(17, 2) : 0;
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60) {
    return std::nullopt;
  }
  const auto days = std::chrono::sys_days{date}.time_since_epoch().count();
  return days * kDayUs + hour * kHourUs + minute * kMinuteUs + second * kSecondUs;
}

// Sorts by time, keeping the order of the file among equals, and numbers events anew along the log.
void sort_by_time(Dataset& data) {
  std::stable_sort(data.interactions.begin(), data.interactions.end(),
                   [](const Interaction& a, const Interaction& b) { return a.time < b.time; });
  std::unordered_map<std::uint32_t, std::uint32_t> number;
  for (Interaction& one : data.interactions) {
    one.event =
        number.try_emplace(one.event, static_cast<std::uint32_t>(number.size())).first->second;
  }
}

constexpr std::uint32_t kColumns = 8;
enum Column { kInvoice, kStockCode, kDescription, kQuantity, kDate, kPrice, kCustomer };

}  // namespace

Result<Dataset> read_sequences(const std::string& path, Progress& progress) {
  VITRINE_TRY(DataFile reader, DataFile::open(path));
  progress.start("reading " + path, reader.file_bytes(), "B");
  Dataset data;
  data.name = path;
  Interner items(data.items);
  Interner users(data.users);
  std::string_view line;
  std::uint32_t event = 0;
  for (;;) {
    VITRINE_TRY(const bool more, reader.next(line));
    if (!more) break;
    const std::string_view user = take_word(line);
    if (user.empty()) continue;
    const UserIndex u{users(user)};
    for (std::string_view item = take_word(line); !item.empty(); item = take_word(line)) {
      data.interactions.push_back({u, ItemIndex{items(item)}, event++, 0});
    }
    progress.update(reader.bytes_read());
  }
  progress.finish();
  if (data.interactions.empty())
    return reader.error("no sequences; expected 'user item item ...' lines");
  return data;
}

Result<Dataset> read_online_retail(const std::string& path, Progress& progress) {
  VITRINE_TRY(auto input, open_data_input(path));
  codec::CsvReader rows(std::move(input));
  progress.start("reading " + path, rows.input().bytes_total(), "B");
  Dataset data;
  data.name = path;
  data.has_times = true;
  Interner items(data.items);
  Interner users(data.users);
  std::vector<std::string> invoices;
  Interner invoice_number(invoices);
  std::vector<std::string_view> fields;
  const auto wrong = [&](const std::string& what) {
    return Error(ErrorCode::kInvalidArgument,
                 path + ":" + std::to_string(rows.line_number()) + ": " + what);
  };
  for (bool header = true;; header = false) {
    auto read = rows.next(fields);
    if (!read.ok()) return data_error(path, rows.line_number(), std::move(read).error());
    if (read.value() == codec::CsvRead::kBadRow) return wrong(rows.problem());
    const bool end = read.value() == codec::CsvRead::kEnd;
    if (header && (end || fields.size() != kColumns || !fields[0].ends_with("InvoiceNo"))) {
      return wrong(
          "expected the header "
          "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country");
    }
    if (end) break;
    if (header) continue;
    if (fields.size() != kColumns) {
      return wrong("expected " + std::to_string(kColumns) + " columns, found " +
                   std::to_string(fields.size()));
    }
    const auto quantity = parse_number<std::int64_t>(fields[kQuantity]);
    const auto time = parse_time(fields[kDate]);
    if (!quantity) {
      return wrong("Quantity '" + std::string(fields[kQuantity]) + "' is no whole number");
    }
    if (!time) {
      return wrong("InvoiceDate '" + std::string(fields[kDate]) + "' is not YYYY-MM-DD HH:MM:SS");
    }
    if (fields[kInvoice].starts_with('C') || *quantity <= 0 || fields[kCustomer].empty() ||
        fields[kStockCode].empty()) {
      ++data.skipped;
      continue;
    }
    data.interactions.push_back({UserIndex{users(fields[kCustomer])},
                                 ItemIndex{items(fields[kStockCode])},
                                 invoice_number(fields[kInvoice]), *time});
    progress.update(rows.input().bytes_done());
  }
  progress.finish();
  sort_by_time(data);
  return data;
}

Result<Dataset> read_events(const std::string& path, Progress& progress) {
  VITRINE_TRY(DataFile reader, DataFile::open(path));
  progress.start("reading " + path, reader.file_bytes(), "B");
  Dataset data;
  data.name = path;
  data.has_times = true;
  Interner items(data.items);
  Interner users(data.users);
  std::vector<std::string> moments;
  Interner moment(moments);
  std::string_view line;
  for (;;) {
    VITRINE_TRY(const bool more, reader.next(line));
    if (!more) break;
    if (line.empty()) continue;
    const std::size_t first = line.find('\t');
    const std::size_t second = first == std::string_view::npos ? first : line.find('\t', first + 1);
    const auto time = second == std::string_view::npos
                          ? std::nullopt
                          : parse_number<double>(line.substr(second + 1));
    if (!time && reader.line_number() == 1) continue;
    if (!time || !(std::fabs(*time) < 1e11) || first == 0 || second == first + 1) {
      return reader.error("expected user, item and seconds since 1970, separated by tabs");
    }
    const std::string_view user = line.substr(0, first);
    data.interactions.push_back(
        {UserIndex{users(user)}, ItemIndex{items(line.substr(first + 1, second - first - 1))},
         moment(std::string(user) + '\t' + std::string(line.substr(second + 1))),
         static_cast<TimeUs>(*time * static_cast<double>(kSecondUs))});
    progress.update(reader.bytes_read());
  }
  progress.finish();
  if (data.interactions.empty()) return reader.error("no events");
  sort_by_time(data);
  return data;
}

}  // namespace vitrine::evaluate
