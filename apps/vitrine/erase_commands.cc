#include <filesystem>

#include "base/progress.h"
#include "commands.h"
#include "platform/codec/json_writer.h"
#include "service/apply/partition_set.h"
#include "service/privacy/erase.h"
#include "tool/inspect/log_commands.h"

namespace vitrine::app {
namespace {

// Each partition that there is.
Result<std::vector<privacy::ErasureTarget>> targets_of(const Settings& settings) {
  std::vector<privacy::ErasureTarget> targets;
  for (std::uint32_t number = 0; number < 100'000; ++number) {
    privacy::ErasureTarget target = erasure_target(settings, number);
    if (std::filesystem::exists(target.state.directory)) {
      targets.push_back(std::move(target));
    } else if (number >= static_cast<std::uint32_t>(settings.partitions)) {
      break;
    }
  }
  if (!targets.empty()) return targets;
  return Error(ErrorCode::kNotFound, "no partition in " + settings.data_directory);
}

void write_status(const privacy::ErasureStatus& status, const std::string& partition, bool json,
                  std::ostream& out) {
  if (!json) {
    out << partition << ": " << status.orders.size() << " orders; " << status.records_left
        << " records, " << status.answers_left << " answers and " << status.snapshots_left
        << " snapshots left\n";
    for (const auto& order : status.orders) {
      out << "  tenant " << order.tenant.value << "  position " << order.position << "  "
          << inspect::format_time_us(order.time) << "  " << order.keys.size() << " ids\n";
    }
    return;
  }
  std::string text;
  codec::JsonWriter writer(text);
  writer.begin_object();
  writer.key("partition").string(partition);
  writer.key("records_left").number(status.records_left);
  writer.key("answers_left").number(status.answers_left);
  writer.key("snapshots_left").number(status.snapshots_left);
  writer.key("orders").begin_array();
  for (const auto& order : status.orders) {
    writer.begin_object();
    writer.key("tenant").number(order.tenant.value);
    writer.key("position").number(order.position);
    writer.key("time").string(inspect::format_time_us(order.time));
    writer.key("ids").number(order.keys.size());
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
  writer.finish();
  out << text << "\n";
}

std::string name_of(const privacy::ErasureTarget& target) {
  return std::filesystem::path(target.state.directory).filename().string();
}

}  // namespace

privacy::ErasureTarget erasure_target(const Settings& settings, std::uint32_t partition) {
  privacy::ErasureTarget target;
  target.files = &io::system_files();
  target.state = partition_state_options(settings);
  target.state.directory = apply::PartitionSet::directory_of(settings.data_directory, partition);
  target.answers_directory = io::join_path(settings.data_directory, "answers");
  return target;
}

Status run_erase_list(const Settings& settings, std::ostream& out) {
  VITRINE_TRY(const auto targets, targets_of(settings));
  privacy::ErasureList list;
  for (const auto& target : targets) {
    VITRINE_TRY(auto orders, privacy::find_orders(target));
    for (auto& order : orders) list.push_back({order.time, order.tenant, std::move(order.keys)});
  }
  privacy::settle(list);
  out << privacy::erasures_text(list);
  return ok_status();
}

Status run_erase_status(const Settings& settings, bool json, bool must_be_done, std::ostream& out) {
  VITRINE_TRY(const auto targets, targets_of(settings));
  bool done = true;
  for (const auto& target : targets) {
    VITRINE_TRY(const auto status, privacy::erasure_status(target));
    write_status(status, name_of(target), json, out);
    done = done && status.done();
  }
  if (done || !must_be_done) return ok_status();
  return Error(ErrorCode::kConflict,
               "something of erased persons is left: stop the server and run `vitrine erase run`");
}

Status run_erase(const Settings& settings, Progress& progress, std::ostream& out) {
  VITRINE_TRY(const auto targets, targets_of(settings));
  for (const auto& target : targets) {
    VITRINE_TRY(const auto report, privacy::run_erasure(target, progress));
    out << name_of(target) << ": " << report.orders << " orders, " << report.log.changed
        << " records and " << report.answers.changed << " answers erased in "
        << report.log.segments + report.answers.segments << " rewritten segments";
    if (report.orders > 0) {
      out << (report.replayed ? "; state replayed from the first record"
                              : "; state kept, the log begins later")
          << ", snapshot " << report.snapshot;
    }
    out << "\n";
  }
  return ok_status();
}

}  // namespace vitrine::app
