#include "tool/import/import_report.h"

#include <algorithm>

#include "base/progress.h"
#include "platform/codec/time_format.h"
#include "tool/import/text_table.h"

namespace vitrine::importer {
namespace {

constexpr std::size_t kCodesShown = 12;

std::string day_and_time(TimeUs time) {
  std::string text = codec::format_rfc3339(time - time % kSecondUs);
  text[10] = ' ';
  return text.substr(0, 19) + " UTC";
}

void add_totals(TextTable& table, std::string_view what, const SendTotals& sent) {
  if (sent.lines == 0) return;
  std::string text = group_digits(sent.accepted) + " accepted";
  if (sent.duplicates > 0) text += ", " + group_digits(sent.duplicates) + " there before";
  const std::uint64_t before = already_imported(sent);
  if (before > 0) text += ", " + group_digits(before) + " there before with other contents";
  if (sent.rejected > before) text += ", " + group_digits(sent.rejected - before) + " rejected";
  table.row({std::string(what), text});
}

void print_skipped(const ImportReport& report, std::ostream& out) {
  if (report.skipped.empty()) return;
  out << "\nSkipped rows\n";
  TextTable table({{"rows", TextTable::kRight}, {"reason", TextTable::kLeft}});
  for (const auto& [reason, count] : report.skipped) table.row({group_digits(count), reason});
  table.print(out);
  if (report.skipped_codes.empty()) return;
  std::vector<std::pair<std::uint64_t, std::string>> codes;
  for (const auto& [code, count] : report.skipped_codes) codes.emplace_back(count, code);
  std::sort(codes.begin(), codes.end(), std::greater<>());
  out << "  codes that are no products: ";
  for (std::size_t i = 0; i < std::min(codes.size(), kCodesShown); ++i) {
    out << (i == 0 ? "" : ", ") << codes[i].second << " (" << codes[i].first << ")";
  }
  out << (codes.size() > kCodesShown ? ", ...\n" : "\n");
}

void print_bad(const ImportReport& report, std::ostream& out) {
  if (report.rows_bad > 0) {
    out << "\nRows that could not be read: " << group_digits(report.rows_bad);
    if (report.bad_rows.size() < report.rows_bad) out << ", the first " << report.bad_rows.size();
    out << "\n";
    TextTable table({{"line", TextTable::kRight}, {"reason", TextTable::kLeft}});
    for (const BadRow& row : report.bad_rows) table.row({std::to_string(row.line), row.reason});
    table.print(out);
  }
  for (const SendTotals* sent : {&report.items, &report.events, &report.users}) {
    if (sent->first_rejected.empty()) continue;
    const std::string_view what = sent == &report.items    ? "items"
                                  : sent == &report.events ? "events"
                                                           : "users";
    out << "\nRejected " << what << ": " << group_digits(sent->rejected);
    for (const auto& [code, count] : sent->rejected_by_code) out << ", " << code << " " << count;
    out << "\n";
    TextTable table({{sent == &report.events ? "event" : "line", TextTable::kRight},
                     {"code", TextTable::kLeft},
                     {"detail", TextTable::kLeft}});
    for (const auto& line : sent->first_rejected) {
      table.row({std::to_string(line.origin), line.code, line.detail});
    }
    table.print(out);
  }
}

}  // namespace

std::uint64_t already_imported(const SendTotals& events) {
  const auto found = events.rejected_by_code.find("event_id_conflict");
  return found == events.rejected_by_code.end() ? 0 : found->second;
}

std::uint64_t failed_lines(const ImportReport& report) {
  return report.items.rejected + report.events.rejected - already_imported(report.events) +
         report.users.rejected + report.rows_bad;
}

void print_report(const ImportReport& report, std::ostream& out) {
  out << "Imported " << report.source << "\n";
  TextTable table({{"", TextTable::kLeft}, {"", TextTable::kLeft}});
  if (report.rows > 0) table.row({"rows read", group_digits(report.rows)});
  add_totals(table, "items", report.items);
  add_totals(table, "events", report.events);
  add_totals(table, "users", report.users);
  if (report.customers > 0) {
    table.row({"customers", group_digits(report.customers) + ", and " +
                                group_digits(report.anonymous) + " anonymous visitors"});
  }
  if (report.last_time != 0) {
    table.row({"time", day_and_time(report.first_time) + " to " + day_and_time(report.last_time)});
  }
  if (report.shift_us != 0) {
    table.row({"time shift", std::to_string(report.shift_us / kDayUs) + " days"});
  }
  const std::uint64_t sent = report.items.lines + report.events.lines + report.users.lines;
  table.row(
      {"took", human_duration(report.seconds) + ", " +
                   human_count(static_cast<double>(sent) / std::max(1e-9, report.seconds)) +
                   (report.users.lines > 0 ? " users a second" : " items and events a second")});
  const std::uint64_t retries = report.items.retries + report.events.retries + report.users.retries;
  if (retries > 0) {
    const auto throttled =
        report.items.throttled + report.events.throttled + report.users.throttled;
    table.row({"repeated", group_digits(retries) + " requests, " +
                               human_duration(static_cast<double>(throttled.count()) / 1000) +
                               " waited because of quotas"});
  }
  if (report.applied_ms >= 0) {
    table.row({"applied", human_duration(report.applied_ms / 1000) + " after the last answer"});
  }
  table.print(out);
  for (const auto& note : report.notes) out << "  " << note << "\n";
  print_skipped(report, out);
  print_bad(report, out);
  if (!report.sample_customer.empty()) {
    out << "\nA customer with a history to look at: " << report.sample_customer << "\n";
  }
}

}  // namespace vitrine::importer
