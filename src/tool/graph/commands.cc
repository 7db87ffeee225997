#include "tool/graph/commands.h"

#include <charconv>
#include <ostream>

#include "engine/graph/snapshot.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/time_format.h"
#include "tool/graph/edge_sources.h"

namespace vitrine::graphtool {
namespace {

Result<std::unique_ptr<graph::EdgeStream>> open_source(const BuildCommand& command, Names& users,
                                                       Names& items) {
  if (command.csv.empty() == command.log.empty()) {
    return Error(ErrorCode::kInvalidArgument, "give either --csv FILE or --log DIRECTORY");
  }
  if (!command.csv.empty()) {
    VITRINE_TRY(auto csv, CsvEdges::open(command.csv, users, items));
    return std::unique_ptr<graph::EdgeStream>(std::move(csv));
  }
  if (command.tenant == 0) {
    return Error(ErrorCode::kInvalidArgument,
                 "a log holds many tenants: say which with --tenant NUMBER");
  }
  LogEdgesOptions options;
  options.files = &io::system_files();
  const std::string below =
      command.log + "/partition-" + std::to_string(command.partition) + "/log";
  VITRINE_TRY(const bool is_data, options.files->exists(below));
  options.directory = is_data ? below : command.log;
  options.tenant = TenantId{command.tenant};
  if (!command.types.empty()) options.types.clear();
  for (const std::string& name : command.types) {
    const auto type = event::find_event_type(name);
    if (!type) return Error(ErrorCode::kInvalidArgument, "no event type is called " + name);
    options.types.insert(*type);
  }
  VITRINE_TRY(auto log, LogEdges::open(options, users, items));
  return std::unique_ptr<graph::EdgeStream>(std::move(log));
}

std::string time_text(std::int64_t time_us) {
  return time_us < codec::kTimeUsMin || time_us > codec::kTimeUsMax
             ? std::to_string(time_us)
             : codec::format_rfc3339(time_us);
}

void print_info(const graph::SnapshotInfo& info, bool json, std::ostream& out) {
  if (json) {
    std::string text;
    codec::JsonWriter writer(text);
    writer.begin_object();
    writer.key("users").number(info.users);
    writer.key("items").number(info.items);
    writer.key("edges").number(info.edges);
    writer.key("degree_max").number(info.degree_max);
    writer.key("neighbour_bytes").number(info.blocks * graph::kBlockBytes);
    writer.key("attribute_bytes").number(info.attribute_bytes);
    writer.key("first_time").string(time_text(info.time_first_us));
    writer.key("last_time").string(time_text(info.time_last_us));
    writer.end_object();
    writer.finish();
    out << text << "\n";
    return;
  }
  const auto entries = static_cast<double>(info.entries);
  const auto neighbours = static_cast<double>(info.blocks * graph::kBlockBytes);
  out << "users         " << info.users << "\nitems         " << info.items << "\nedges         "
      << info.edges << ", each in the lists of its user and its item\nmost edges    "
      << info.degree_max << " of one node\nfrom          " << time_text(info.time_first_us)
      << "\nto            " << time_text(info.time_last_us) << "\nneighbours    "
      << human_bytes(neighbours) << ", " << neighbours / entries << " bytes each\nattributes    "
      << human_bytes(static_cast<double>(info.attribute_bytes)) << ", "
      << static_cast<double>(info.attribute_bytes) / entries << " bytes each\n";
}

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  int shift = -1;
  if (unit.empty()) shift = 0;
  if (unit == "K" || unit == "KiB") shift = 10;
  if (unit == "M" || unit == "MiB") shift = 20;
  if (unit == "G" || unit == "GiB") shift = 30;
  if (error != std::errc{} || shift < 0 || value > (~std::uint64_t{0} >> 1 >> shift)) {
    return Error(ErrorCode::kInvalidArgument,
                 "'" + std::string(text) + "' is no size; write 512M, 2G or a number of bytes");
  }
  return value << shift;
}

Status run_graph_build(const BuildCommand& command, bool json, Progress& progress,
                       std::ostream& out) {
  auto& files = io::system_files();
  graph::MemoryBudget budget(command.memory_bytes);
  Names users(budget);
  Names items(budget);
  VITRINE_TRY(const auto source, open_source(command, users, items));
  graph::BuildOptions options;
  options.files = &files;
  options.directory = command.directory;
  options.budget = &budget;
  options.sort_bytes = command.memory_bytes / 4;
  VITRINE_TRY(const graph::SnapshotInfo info, build_snapshot(*source, options, progress));
  VITRINE_TRY(save_names(files, io::join_path(command.directory, "users.names"), users));
  VITRINE_TRY(save_names(files, io::join_path(command.directory, "items.names"), items));
  print_info(info, json, out);
  return ok_status();
}

Status run_graph_info(const InfoCommand& command, bool json, Progress& progress,
                      std::ostream& out) {
  graph::MemoryBudget budget;
  VITRINE_TRY(auto graph, graph::Snapshot::open(io::system_files(), command.directory, budget));
  if (command.verify) VITRINE_TRY(graph->verify(progress));
  print_info(graph->info(), json, out);
  if (command.verify && !json) out << "every checksum is right\n";
  return ok_status();
}

}  // namespace vitrine::graphtool
