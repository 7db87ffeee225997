// `vitrine log ...`, `vitrine state digest` and `vitrine erase ...`: the files of a data directory.
#include <CLI/CLI.hpp>
#include <iostream>

#include "command_line.h"
#include "commands.h"

namespace vitrine::app {
namespace {

void add_log(CLI::App& app, const CommandLine& line) {
  CLI::App& group = *app.add_subcommand("log", "Look into an event log");
  group.require_subcommand(1);
  static std::string directory;
  static std::uint32_t partition = 0;
  static inspect::DumpOptions dump;
  const auto options = [&line] {
    return inspect::LogOptions{&io::system_files(), log_directory(directory, partition),
                               line.json()};
  };
  const auto add_common = [&](CLI::App& command) {
    command.add_option("directory", directory, "A log directory, or a data directory")->required();
    command.add_option("--partition", partition, "Partition of the data directory [0]");
    line.add_json(command);
  };
  CLI::App& info = *group.add_subcommand("info", "Segments, positions, times, sizes");
  add_common(info);
  line.run(info, [options] { return inspect::run_log_info(options(), std::cout); });
  CLI::App& verify = *group.add_subcommand(
      "verify", "Check every checksum; exit code 1 where anything is damaged");
  add_common(verify);
  line.run(verify, [options] {
    const auto progress = terminal_progress();
    return inspect::run_log_verify(options(), *progress, std::cout);
  });
  CLI::App& dumping = *group.add_subcommand("dump", "Write records as JSON, one a line");
  add_common(dumping);
  dumping.add_option("--from", dump.from, "First position [the oldest]");
  dumping.add_option("--limit", dump.limit, "Number of records [all]");
  dumping.add_option("--kind", dump.kind, "Only records of this kind [all]");
  line.run(dumping, [options] {
    dump.log = options();
    dump.payload = payload_printer();
    return inspect::run_log_dump(dump, std::cout);
  });
}

void add_state(CLI::App& app, const CommandLine& line) {
  CLI::App& group = *app.add_subcommand("state", "Look into tenants' state");
  group.require_subcommand(1);
  CLI::App& digest = *group.add_subcommand(
      "digest",
      "Snapshot plus tail of the log, as one digest per tenant: equal states, equal digests");
  line.add_data(digest);
  line.add_json(digest);
  line.run(digest, [&line] { return run_state_digest(line.settings(), line.json(), std::cout); });
}

void add_erase(CLI::App& app, const CommandLine& line) {
  CLI::App& group =
      *app.add_subcommand("erase", "Erase persons from the files of a data directory");
  group.require_subcommand(1);
  CLI::App& status = *group.add_subcommand(
      "status", "What was ordered to be erased, and what of it is still in the files");
  line.add_data(status);
  line.add_json(status);
  line.run(status,
           [&line] { return run_erase_status(line.settings(), line.json(), false, std::cout); });
  CLI::App& verify = *group.add_subcommand(
      "verify", "The same; exit code 1 where anything of an erased person is left");
  line.add_data(verify);
  line.add_json(verify);
  line.run(verify,
           [&line] { return run_erase_status(line.settings(), line.json(), true, std::cout); });
  CLI::App& list = *group.add_subcommand(
      "list", "The orders as lines of hashes, to be kept for `backup restore --erasures`");
  line.add_data(list);
  line.run(list, [&line] { return run_erase_list(line.settings(), std::cout); });
  CLI::App& erase = *group.add_subcommand(
      "run", "Rewrite the logs without them and make the state anew; the server must be stopped");
  line.add_data(erase);
  line.run(erase, [&line] {
    const auto progress = terminal_progress();
    return run_erase(line.settings(), *progress, std::cout);
  });
}

}  // namespace

void add_inspect_commands(CLI::App& app, const CommandLine& line) {
  add_log(app, line);
  add_state(app, line);
  add_erase(app, line);
}

}  // namespace vitrine::app
