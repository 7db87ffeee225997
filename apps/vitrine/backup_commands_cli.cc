// `vitrine backup ...`: parsing only.
#include <CLI/CLI.hpp>
#include <iostream>

#include "backup_commands.h"
#include "command_line.h"
#include "tool/backup/commands.h"

namespace vitrine::app {
namespace {

struct Arguments {
  backup::CommandOptions common;
  std::string path;
  std::string id;
  unsigned threads = 2;
  int level = 1;
  bool reread = false;
  bool answers = false;
  bool keep_scratch = false;
  bool no_source = false;
  std::size_t keep = 7;
  backup::TenantRestoreOptions tenant;
};

Arguments& arguments() {
  static Arguments made;
  return made;
}

void add_common(CLI::App& command, const CommandLine& line) {
  Arguments& args = arguments();
  command.add_option("--repository", args.common.repository, "Directory that holds the backups")
      ->envname("VITRINE_BACKUP_REPOSITORY")
      ->required();
  command
      .add_option("--key-file", args.common.key_file,
                  "Key of the repository; without one it is not encrypted")
      ->envname("VITRINE_BACKUP_KEY_FILE");
  line.add_json(command);
}

void add_threads(CLI::App& command) {
  command.add_option("--threads", arguments().threads, "Threads that work at a time [2]")
      ->check(CLI::Range(1, 64));
}

void add_id(CLI::App& command, const char* help) {
  command.add_option("--backup", arguments().id, help);
}

// Calls `work` with the common options once they are complete.
template <class Work>
void run(CLI::App& command, const CommandLine& line, Work work) {
  line.run(command, [&line, work]() -> Status {
    arguments().common.json = line.json();
    const auto progress = terminal_progress();
    return work(*progress);
  });
}

backup::RestoreOptions restore_options() {
  const Arguments& args = arguments();
  backup::RestoreOptions options;
  options.files = &io::system_files();
  options.clock = &system_clock();
  options.executor = &thread_executor();
  options.threads = args.threads;
  options.id = args.id;
  options.target = args.path;
  return options;
}

void add_create(CLI::App& group, const CommandLine& line) {
  Arguments& args = arguments();
  CLI::App& command =
      *group.add_subcommand("create", "Back up a data directory while its server runs");
  line.add_data(command);
  add_common(command, line);
  add_threads(command);
  command.add_option("--level", args.level, "Compression, 1 (fast) to 19 (small) [1]")
      ->check(CLI::Range(1, 19));
  command.add_flag("--answers", args.answers, "Also the recommendation log");
  command.add_flag("--reread", args.reread,
                   "Read sealed segments of the log again though the last backup has them");
  run(command, line, [&](Progress& progress) {
    backup::CreateOptions options = backup_create_options(line.settings());
    options.threads = args.threads;
    options.level = args.level;
    options.reread = args.reread;
    options.source.with_answers = args.answers;
    return backup::run_create(args.common, options, progress, std::cout);
  });
}

void add_restore(CLI::App& group, const CommandLine& line) {
  Arguments& args = arguments();
  CLI::App& command = *group.add_subcommand(
      "restore", "Put a backup into an empty directory, or one tenant into a running server");
  add_common(command, line);
  add_threads(command);
  add_id(command, "Which one, by its name or the beginning of it [latest]");
  command
      .add_option("--to", args.path,
                  "The new data directory; with --tenant a folder for the log meanwhile")
      ->required();
  command.add_option("--erasures", args.common.erasures,
                     "Also carry out the orders to erase in this file (`vitrine erase list`), "
                     "besides those the newest backup knows");
  command.add_option("--tenant", args.tenant.tenant, "Only this tenant, into a running server");
  command.add_option("--url", args.tenant.url, "With --tenant: the server [http://127.0.0.1:8080]")
      ->envname("VITRINE_URL");
  command
      .add_option("--ca-file", args.tenant.ca_file,
                  "PEM file of the authorities to trust with an https:// URL [the system's]")
      ->envname("VITRINE_CA_FILE");
  command
      .add_option("--key", args.tenant.key,
                  "With --tenant: a secret key of the tenant to restore into (or VITRINE_KEY)")
      ->envname("VITRINE_KEY");
  command.add_flag("--allow-partial", args.tenant.allow_partial,
                   "With --tenant: though the log does not reach back to the beginning");
  command.add_flag("--allow-existing", args.tenant.allow_existing,
                   "With --tenant: though the target has items");
  run(command, line, [&](Progress& progress) -> Status {
    if (args.tenant.tenant.empty()) {
      backup::RestoreOptions options = restore_options();
      VITRINE_TRY(const auto opened, backup::open_repository(args.common, false));
      VITRINE_TRY(const auto manifest, opened.repository->get_manifest(args.id));
      options.id = manifest.id;
      options.erase = [&progress](const std::string& folder, std::uint32_t partition,
                                  const privacy::ErasureList& orders) {
        return erase_in_restored(folder, partition, orders, progress);
      };
      options.finish = [id = manifest.id](const std::string& folder) {
        return finish_restore(folder, id);
      };
      return backup::run_restore(args.common, options, progress, std::cout);
    }
    if (args.tenant.url.empty()) args.tenant.url = "http://127.0.0.1:8080";
    if (args.tenant.key.empty()) {
      return Error(ErrorCode::kInvalidArgument,
                   "--tenant needs --key, a secret key of the tenant to restore into");
    }
    args.tenant.restore = restore_options();
    return backup::run_restore_tenant(args.common, args.tenant, progress, std::cout);
  });
}

void add_drill(CLI::App& group, const CommandLine& line) {
  Arguments& args = arguments();
  CLI::App& command = *group.add_subcommand(
      "drill", "Restore into a scratch folder, start a server on it, compare, measure");
  line.add_data(command);
  add_common(command, line);
  add_threads(command);
  add_id(command, "Which one [latest]");
  command.add_option("--to", args.path, "Scratch folder; must be absent or empty")->required();
  command.add_flag("--keep", args.keep_scratch, "Leave the scratch folder as it is at the end");
  command.add_flag("--no-source", args.no_source,
                   "The data directory is not at hand: compare with nothing");
  run(command, line, [&](Progress& progress) {
    backup::DrillOptions options = backup_drill_options(line.settings());
    options.restore.threads = args.threads;
    options.restore.id = args.id;
    options.restore.target = args.path;
    options.keep = args.keep_scratch;
    if (args.no_source) options.source.clear();
    return backup::run_backup_drill(args.common, options, progress, std::cout);
  });
}

}  // namespace

void add_backup_commands(CLI::App& app, const CommandLine& line) {
  Arguments& args = arguments();
  CLI::App& group = *app.add_subcommand("backup", "Back up, check, restore and practise it");
  group.require_subcommand(1);

  CLI::App& key = *group.add_subcommand("key", "Make a key for an encrypted repository");
  key.add_option("file", args.path, "The new key file")->required();
  line.run(key, [&args] { return backup::run_key(args.path, std::cout); });

  add_create(group, line);
  CLI::App& list = *group.add_subcommand("list", "List the backups of a repository");
  add_common(list, line);
  run(list, line, [&](Progress&) { return backup::run_list(args.common, std::cout); });

  CLI::App& verify = *group.add_subcommand(
      "verify", "Read every object; exit code 1 where a bit is wrong or something is missing");
  add_common(verify, line);
  add_threads(verify);
  add_id(verify, "Only this one and what it needs [all]");
  run(verify, line, [&](Progress& progress) {
    return backup::run_verify(args.common, args.id, args.threads, progress, std::cout);
  });
  add_restore(group, line);
  add_drill(group, line);

  CLI::App& prune = *group.add_subcommand("prune", "Remove old backups and what only they need");
  add_common(prune, line);
  prune.add_option("--keep", args.keep, "How many of the newest stay [7]")
      ->check(CLI::Range(1, 1'000'000));
  run(prune, line, [&](Progress& progress) {
    return backup::run_prune(args.common, args.keep, progress, std::cout);
  });
}

}  // namespace vitrine::app
