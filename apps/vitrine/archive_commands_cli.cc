// `vitrine archive ...`: the event log by tenant and date, as compressed NDJSON.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "command_line.h"
#include "commands.h"
#include "engine/blob/directory_store.h"
#include "service/apply/partition_set.h"
#include "service/archive/archive_verify.h"

namespace vitrine::app {
namespace {

struct Arguments {
  std::string archive;
  bool with_data = false;
};

archive::ArchiveOptions options_for(blob::ObjectStore& store, const std::string& log,
                                    const std::string& directory) {
  archive::ArchiveOptions options;
  options.store = &store;
  options.files = &io::system_files();
  options.log = log;
  options.log_directory = directory;
  options.print = write_record_payload;
  return options;
}

std::string log_directory_of(const Settings& settings, const std::string& log) {
  return settings.data_directory + "/" + log + "/log";
}

const std::string& archive_directory(const Arguments& args, const Settings& settings) {
  return args.archive.empty() ? settings.archive_directory : args.archive;
}

Status need_directory(const std::string& directory) {
  if (!directory.empty()) return ok_status();
  return Error(ErrorCode::kInvalidArgument, "say where the archive is: --archive DIR");
}

Status run_archive(const Settings& settings, const std::string& directory, bool json) {
  VITRINE_TRY(need_directory(directory));
  VITRINE_TRY(const auto store, blob::DirectoryStore::create(io::system_files(), directory));
  VITRINE_TRY(const auto lock, store->lock());
  const auto progress = terminal_progress();
  bool any = false;
  for (std::uint32_t number = 0; number < 100'000; ++number) {
    const std::string log = "partition-" + std::to_string(number);
    if (!std::filesystem::exists(log_directory_of(settings, log))) {
      if (number >= static_cast<std::uint32_t>(settings.partitions)) break;
      continue;
    }
    any = true;
    VITRINE_TRY(const auto report,
                archive_log(options_for(*store, log, log_directory_of(settings, log)), *progress));
    if (json) {
      std::cout << "{\"log\":\"" << log << "\",\"records\":" << report.records
                << ",\"objects\":" << report.objects << ",\"bytes\":" << report.bytes
                << ",\"archived\":" << report.archived << "}\n";
    } else {
      std::cout << log << ": " << report.records << " records in " << report.objects << " objects, "
                << human_bytes(static_cast<double>(report.bytes)) << "; archived up to position "
                << report.archived << "\n";
    }
  }
  if (any) return ok_status();
  return Error(ErrorCode::kNotFound, "there is no log in " + settings.data_directory);
}

Status run_verify(const Settings& settings, const Arguments& args, bool json) {
  const std::string& directory = archive_directory(args, settings);
  VITRINE_TRY(need_directory(directory));
  VITRINE_TRY(const auto store, blob::DirectoryStore::open(io::system_files(), directory));
  VITRINE_TRY(const auto logs, archive::archived_logs(*store));
  if (logs.empty()) return Error(ErrorCode::kNotFound, "there is no archive in " + directory);
  const auto progress = terminal_progress();
  std::size_t problems = 0;
  for (const auto& log : logs) {
    const auto options =
        options_for(*store, log, args.with_data ? log_directory_of(settings, log) : "");
    VITRINE_TRY(const auto report, verify_archive(options, *progress));
    problems += report.problems.size();
    for (const auto& problem : report.problems) std::cout << "DAMAGED " << problem << "\n";
    if (json) {
      std::cout << "{\"log\":\"" << log << "\",\"first\":" << report.range.first
                << ",\"last\":" << report.range.last << ",\"records\":" << report.records
                << ",\"objects\":" << report.objects << ",\"compared\":" << report.compared
                << ",\"problems\":" << report.problems.size() << "}\n";
    } else {
      std::cout << log << ": positions " << report.range.first << " to " << report.range.last
                << ", " << report.records << " records in " << report.objects << " objects";
      if (args.with_data) std::cout << ", " << report.compared << " compared with the log";
      std::cout << "\n";
    }
  }
  if (problems == 0) return ok_status();
  return Error(ErrorCode::kCorrupt, std::to_string(problems) + " problems");
}

}  // namespace

void add_archive_commands(CLI::App& app, const CommandLine& line) {
  static Arguments args;
  CLI::App& group =
      *app.add_subcommand("archive", "Keep the event log by tenant and date, as compressed NDJSON");
  group.require_subcommand(1);
  const auto add_common = [&](CLI::App& command) {
    line.add_data(command);
    line.add_json(command);
    command.add_option("--archive", args.archive, "Directory of the archive [archive.directory]");
  };
  CLI::App& run =
      *group.add_subcommand("run", "Archive what is durable now; may run beside a server");
  add_common(run);
  line.run(run, [&line] {
    return run_archive(line.settings(), archive_directory(args, line.settings()), line.json());
  });
  CLI::App& verify = *group.add_subcommand(
      "verify", "Read everything; exit code 1 where something is damaged, missing or double");
  add_common(verify);
  verify.add_flag("--with-data", args.with_data,
                  "Also compare with the log in the data directory, as far as that goes back");
  line.run(verify, [&line] { return run_verify(line.settings(), args, line.json()); });
}

}  // namespace vitrine::app
