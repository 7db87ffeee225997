// Where edges come from: a CSV file, or a tenant's events in an event log.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "domain/event/event.h"
#include "engine/eventlog/reader.h"
#include "engine/graph/edge.h"
#include "platform/codec/csv.h"
#include "tool/graph/names.h"

namespace vitrine::graphtool {

// Columns user and item, and, in this order, time (RFC 3339, a date, or epoch seconds or
// milliseconds), weight and type (a number 0 to 255, or the name of an event type, which becomes
// the number it has in graphs from a log), the last three optional. A first row that begins with
// "user" is a head. Plain or gzip; kInvalidArgument names the line that can't be read.
class CsvEdges final : public graph::EdgeStream {
 public:
  static Result<std::unique_ptr<CsvEdges>> open(const std::string& path, Names& users,
                                                Names& items);
  Result<std::size_t> next(std::span<graph::Edge> out) override;
  std::uint64_t edges_max() const override { return 0; }

 private:
  CsvEdges(std::string path, std::unique_ptr<codec::ByteInput> input, Names& users, Names& items)
      : path_(std::move(path)), reader_(std::move(input)), users_(users), items_(items) {}
  Result<graph::Edge> parse(const std::vector<std::string_view>& fields);
  Error bad(std::string_view what) const;

  std::string path_;
  codec::CsvReader reader_;
  Names& users_;
  Names& items_;
  bool first_ = true;
};

struct LogEdgesOptions {
  io::FileSystem* files = nullptr;  // required
  std::string directory;            // of the log
  TenantId tenant;
  // Which events count; those that show interest by default.
  std::set<event::EventType> types{event::EventType::kDetailPageView, event::EventType::kAddToCart,
                                   event::EventType::kPurchaseComplete,
                                   event::EventType::kItemClick};
};

// One edge for each item of each event: the user (or, without one, the anonymous visitor), the
// event's time, the item's quantity as weight, the event's type. An event that was sent twice
// within the memory of ids counts once for shops, but is in the log, and here, twice.
class LogEdges final : public graph::EdgeStream {
 public:
  static Result<std::unique_ptr<LogEdges>> open(const LogEdgesOptions& options, Names& users,
                                                Names& items);
  Result<std::size_t> next(std::span<graph::Edge> out) override;
  std::uint64_t edges_max() const override { return 0; }

 private:
  LogEdges(LogEdgesOptions options, std::unique_ptr<eventlog::Reader> reader, Names& users,
           Names& items)
      : options_(std::move(options)), reader_(std::move(reader)), users_(users), items_(items) {}
  Status take(const eventlog::RecordView& record);

  LogEdgesOptions options_;
  std::unique_ptr<eventlog::Reader> reader_;
  Names& users_;
  Names& items_;
  event::Event event_;
  std::vector<graph::Edge> pending_;  // of the present event, last first
};

}  // namespace vitrine::graphtool
