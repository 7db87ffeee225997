#include "tool/inspect/log_commands.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <vector>

#include "engine/eventlog/info.h"
#include "engine/eventlog/reader.h"

namespace vitrine::inspect {
namespace {

using eventlog::LogReport;
using eventlog::Problem;
using eventlog::SegmentReport;

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\u%04x", byte);
      out += escaped.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

// "1,234,567".
std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

// Columns as wide as their widest cell, numbers to the right; the first row is the heading.
void print_table(const std::vector<std::vector<std::string>>& rows, std::ostream& out) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      out << (i == 0 ? row[i] + space : "  " + space + row[i]);
    }
    out << '\n';
  }
}

std::string time_or_dash(TimeUs time_us) { return time_us == 0 ? "-" : format_time_us(time_us); }

std::vector<std::string> segment_row(const SegmentReport& segment) {
  return {segment.file,
          grouped(segment.first),
          segment.last < segment.first ? "-" : grouped(segment.last),
          grouped(segment.last + 1 - segment.first),
          segment.frames == 0 ? "-" : grouped(segment.frames),
          human_bytes(static_cast<double>(segment.bytes_used)),
          std::to_string(segment.generation),
          format_time_us(segment.created_us),
          time_or_dash(segment.last_time_us)};
}

void print_people(const LogReport& report, std::ostream& out) {
  std::vector<std::vector<std::string>> rows{
      {"segment", "first", "last", "records", "frames", "used", "writer", "begun", "last append"}};
  for (const SegmentReport& segment : report.segments) rows.push_back(segment_row(segment));
  print_table(rows, out);
  std::uint64_t bytes = 0;
  for (const SegmentReport& segment : report.segments) bytes += segment.file_bytes;
  out << '\n'
      << "records   " << grouped(report.last + 1 - report.oldest) << " (positions " << report.oldest
      << " to " << report.last << ")\n"
      << "durable   "
      << (report.durable == 0 ? std::string("not said by a writer since the machine started")
                              : "up to " + grouped(report.durable))
      << '\n'
      << "on disk   " << human_bytes(static_cast<double>(bytes)) << " in " << report.segments.size()
      << " segments\n"
      << "writer    " << report.generation << '\n';
  if (report.torn_bytes > 0) {
    out << "torn end  " << grouped(report.torn_bytes)
        << " bytes: a write in progress, or one cut short by a crash (the next start cuts it "
           "off)\n";
  }
  for (const std::string& file : report.torn_files) out << "cut off   " << file << '\n';
  for (const Problem& problem : report.problems) {
    out << "DAMAGED   " << problem.file << " at byte " << problem.offset << ": " << problem.what
        << '\n';
  }
}

void print_json(const LogReport& report, std::ostream& out) {
  out << "{\"oldest\":" << report.oldest << ",\"last\":" << report.last
      << ",\"durable\":" << report.durable << ",\"generation\":" << report.generation
      << ",\"torn_bytes\":" << report.torn_bytes << ",\"bytes_checked\":" << report.bytes_checked
      << ",\"segments\":[";
  const char* comma = "";
  for (const SegmentReport& segment : report.segments) {
    out << comma << "{\"file\":" << json_string(segment.file) << ",\"first\":" << segment.first
        << ",\"last\":" << segment.last << ",\"frames\":" << segment.frames
        << ",\"bytes_used\":" << segment.bytes_used << ",\"file_bytes\":" << segment.file_bytes
        << ",\"generation\":" << segment.generation
        << ",\"created\":" << json_string(format_time_us(segment.created_us)) << '}';
    comma = ",";
  }
  out << "],\"torn_files\":[";
  comma = "";
  for (const std::string& file : report.torn_files) {
    out << comma << json_string(file);
    comma = ",";
  }
  out << "],\"problems\":[";
  comma = "";
  for (const Problem& problem : report.problems) {
    out << comma << "{\"file\":" << json_string(problem.file) << ",\"offset\":" << problem.offset
        << ",\"what\":" << json_string(problem.what) << '}';
    comma = ",";
  }
  out << "]}\n";
}

void print_report(const LogOptions& options, const LogReport& report, std::ostream& out) {
  options.json ? print_json(report, out) : print_people(report, out);
}

void print_record(const eventlog::RecordView& record, const PayloadPrinter& payload,
                  std::ostream& out) {
  out << "{\"position\":" << record.position
      << ",\"time\":" << json_string(format_time_us(record.append_time_us))
      << ",\"kind\":" << record.kind << ",\"key_id\":" << record.key_id
      << ",\"size\":" << record.payload.size() << ",\"payload\":";
  if (payload) {
    payload(record, out);
  } else {
    out << '"' << hex(record.payload) << '"';
  }
  out << "}\n";
}

}  // namespace

std::string format_time_us(TimeUs time_us) {
  // Days to a date: H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
  TimeUs days = time_us / kDayUs;
  TimeUs rest = time_us % kDayUs;
  if (rest < 0) {
    rest += kDayUs;
    --days;
  }
  const TimeUs shifted = days + 719468;
  const TimeUs era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const TimeUs day_of_era = shifted - era * 146097;
  const TimeUs year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const TimeUs day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const TimeUs month_from_march = (5 * day_of_year + 2) / 153;
  const TimeUs day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const TimeUs month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const TimeUs year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  std::array<char, 64> text{};
  std::snprintf(
      text.data(), text.size(), "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%06lldZ",
      static_cast<long long>(year), static_cast<long long>(month), static_cast<long long>(day),
      static_cast<long long>(rest / kHourUs), static_cast<long long>(rest / kMinuteUs % 60),
      static_cast<long long>(rest / kSecondUs % 60), static_cast<long long>(rest % kSecondUs));
  return text.data();
}

Status run_log_info(const LogOptions& options, std::ostream& out) {
  VITRINE_TRY(const LogReport report, eventlog::log_info(*options.files, options.directory));
  print_report(options, report, out);
  return ok_status();
}

Status run_log_verify(const LogOptions& options, Progress& progress, std::ostream& out) {
  VITRINE_TRY(const LogReport report,
              eventlog::log_verify(*options.files, options.directory, progress));
  print_report(options, report, out);
  if (!report.problems.empty()) {
    return Error(ErrorCode::kCorrupt, std::to_string(report.problems.size()) +
                                          " places of the log in " + options.directory +
                                          " are damaged");
  }
  if (!options.json) {
    out << "all " << grouped(report.bytes_checked) << " bytes checked: no damage\n";
  }
  return ok_status();
}

Status run_log_dump(const DumpOptions& options, std::ostream& out) {
  VITRINE_TRY(auto reader, eventlog::Reader::open(*options.log.files, options.log.directory,
                                                  options.from, eventlog::ReadScope::kWholeFrames));
  eventlog::RecordView record;
  for (std::uint64_t printed = 0; options.limit == 0 || printed < options.limit;) {
    VITRINE_TRY(const eventlog::ReadEnd end, reader->next(record));
    if (end == eventlog::ReadEnd::kEndOfLog) break;
    if (options.kind >= 0 && record.kind != options.kind) continue;
    print_record(record, options.payload, out);
    ++printed;
  }
  return ok_status();
}

}  // namespace vitrine::inspect
