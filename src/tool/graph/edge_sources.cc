#include "tool/graph/edge_sources.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "domain/event/event_codec.h"
#include "domain/record/record.h"
#include "platform/codec/time_format.h"

namespace vitrine::graphtool {
namespace {

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<TimeUs> parse_time(std::string_view text) {
  if (const auto number = parse_number(text)) return codec::time_from_epoch_number(*number);
  const auto time = codec::parse_rfc3339(text);
  if (time.ok()) return time.value();
  const auto date = codec::parse_date(text);
  if (date.ok()) return date.value();
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<CsvEdges>> CsvEdges::open(const std::string& path, Names& users,
                                                 Names& items) {
  VITRINE_TRY(auto input, codec::open_input_file(path));
  return std::unique_ptr<CsvEdges>(new CsvEdges(path, std::move(input), users, items));
}

Error CsvEdges::bad(std::string_view what) const {
  return {ErrorCode::kInvalidArgument,
          path_ + ", line " + std::to_string(reader_.line_number()) + ": " + std::string(what)};
}

Result<std::size_t> CsvEdges::next(std::span<graph::Edge> out) {
  std::vector<std::string_view> fields;
  std::size_t n = 0;
  while (n < out.size()) {
    VITRINE_TRY(const codec::CsvRead read, reader_.next(fields));
    if (read == codec::CsvRead::kEnd) break;
    if (read == codec::CsvRead::kBadRow) return bad(reader_.problem());
    const bool head = first_ && !fields.empty() && fields[0].starts_with("user");
    first_ = false;
    if (head) continue;
    VITRINE_TRY(out[n], parse(fields));
    ++n;
  }
  return n;
}

Result<graph::Edge> CsvEdges::parse(const std::vector<std::string_view>& fields) {
  if (fields.size() < 2 || fields.size() > 5) return bad("must have 2 to 5 fields");
  if (fields[0].empty() || fields[1].empty()) return bad("user and item must not be empty");
  graph::Edge edge;
  VITRINE_TRY(edge.user, users_.number_of(fields[0]));
  VITRINE_TRY(edge.item, items_.number_of(fields[1]));
  if (fields.size() > 2 && !fields[2].empty()) {
    const auto time = parse_time(fields[2]);
    if (!time) return bad("'" + std::string(fields[2]) + "' is no time");
    edge.time_us = *time;
  }
  if (fields.size() > 3 && !fields[3].empty()) {
    const auto weight = parse_number(fields[3]);
    if (!weight) return bad("'" + std::string(fields[3]) + "' is no weight");
    edge.weight = static_cast<float>(*weight);
  }
  if (fields.size() > 4 && !fields[4].empty()) {
    const auto number = parse_number(fields[4]);
    // Edges from a log have the same numbers.
    const auto known = event::find_event_type(fields[4]);
    if (known) {
      edge.type = static_cast<std::uint8_t>(*known);
    } else if (number && *number == std::floor(*number) && *number >= 0 && *number <= 255) {
      edge.type = static_cast<std::uint8_t>(*number);
    } else {
      return bad("'" + std::string(fields[4]) +
                 "' is no type: write a whole number from 0 to 255, or the name of an event type "
                 "as purchase-complete");
    }
  }
  return edge;
}

Result<std::unique_ptr<LogEdges>> LogEdges::open(const LogEdgesOptions& options, Names& users,
                                                 Names& items) {
  VITRINE_TRY(auto reader, eventlog::Reader::open(*options.files, options.directory, 0,
                                                  eventlog::ReadScope::kWholeFrames));
  return std::unique_ptr<LogEdges>(new LogEdges(options, std::move(reader), users, items));
}

Result<std::size_t> LogEdges::next(std::span<graph::Edge> out) {
  std::size_t n = 0;
  eventlog::RecordView record;
  while (n < out.size()) {
    if (!pending_.empty()) {
      out[n++] = pending_.back();
      pending_.pop_back();
      continue;
    }
    VITRINE_TRY(const eventlog::ReadEnd end, reader_->next(record));
    if (end == eventlog::ReadEnd::kEndOfLog) break;
    VITRINE_TRY(take(record));
  }
  return n;
}

Status LogEdges::take(const eventlog::RecordView& record) {
  const auto kind = static_cast<record::RecordKind>(record.kind);
  if (kind != record::RecordKind::kEvent && kind != record::RecordKind::kImportedEvent) {
    return ok_status();
  }
  ByteReader bytes(record.payload);
  if (record::read_tenant(bytes) != options_.tenant || !bytes.ok()) return ok_status();
  Status status = event::decode_event(record.payload.substr(record::kTenantBytes), event_);
  if (!status.ok()) {
    return std::move(status).error().context(options_.directory + ", position " +
                                             std::to_string(record.position));
  }
  if (!options_.types.contains(event_.type) || event_.items.empty()) return ok_status();
  // The prefix keeps a visitor apart from a user with the same text as id.
  const std::string user = event_.user_id.empty() ? "anonymous:" + std::string(event_.anonymous_id)
                                                  : "user:" + std::string(event_.user_id);
  graph::Edge edge;
  VITRINE_TRY(edge.user, users_.number_of(user));
  edge.time_us = event_.event_time;
  edge.type = static_cast<std::uint8_t>(event_.type);
  for (const auto& item : event_.items) {
    VITRINE_TRY(edge.item, items_.number_of(item.item_id));
    edge.weight = static_cast<float>(item.quantity);
    pending_.push_back(edge);
  }
  std::reverse(pending_.begin(), pending_.end());
  return ok_status();
}

}  // namespace vitrine::graphtool
