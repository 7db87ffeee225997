// The command line: parsing only. What commands do is in the modules and in commands.h.
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>

#include "base/config.h"
#include "command_line.h"
#include "commands.h"
#include "examples_cli.h"
#include "graph_commands.h"
#include "text_commands_cli.h"
#include "vec_commands_cli.h"

extern char** environ;

namespace vitrine::app {
namespace {

// What every command shares: settings from file, environment and flags, output form.
struct Shared {
  Settings settings;
  ConfigTable table = settings.table();
  std::string config_file;
  std::vector<std::pair<std::string, std::string>> flags;  // key, value; in order
  bool json = false;
  int exit_code = 0;
};

int report(const Status& status) {
  if (status.ok()) return 0;
  std::cerr << "vitrine: " << status.error().message() << "\n";
  return status.error().code() == ErrorCode::kInvalidArgument ? 2 : 1;
}

Status load_settings(Shared& shared) {
  std::map<std::string, std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  std::string file = shared.config_file;
  if (file.empty() && environment.contains("VITRINE_CONFIG")) file = environment["VITRINE_CONFIG"];
  if (!file.empty()) VITRINE_TRY(shared.table.apply_toml_file(file));
  VITRINE_TRY(shared.table.apply_environment(environment));
  for (const auto& [key, value] : shared.flags) VITRINE_TRY(shared.table.apply_flag(key, value));
  return ok_status();
}

void add_config_file(CLI::App& command, Shared& shared) {
  command.add_option("--config", shared.config_file, "TOML file with settings (or VITRINE_CONFIG)");
}

// --data for commands that need no other setting.
void add_data(CLI::App& command, Shared& shared) {
  add_config_file(command, shared);
  command.add_option_function<std::string>(
      "--data",
      [&shared](const std::string& value) { shared.flags.emplace_back("data.directory", value); },
      "Data directory (default: data, or VITRINE_DATA_DIRECTORY)");
}

void add_json(CLI::App& command, Shared& shared) {
  command.add_flag("--json", shared.json, "Write JSON for programs instead of a table");
}

// Runs `work` once settings are loaded; its Status becomes the exit code.
template <class Work>
void run(CLI::App& command, Shared& shared, Work work) {
  command.callback([&shared, work] {
    Status status = load_settings(shared);
    if (status.ok()) status = work();
    shared.exit_code = report(status);
  });
}

void add_serve(CLI::App& app, Shared& shared) {
  CLI::App& serve =
      *app.add_subcommand("serve", "Run the server: collect events, keep state, answer");
  add_config_file(serve, shared);
  for (const auto& row : shared.table.rows()) {
    std::string help = row.help + " [" + row.default_text + "]";
    const std::string key = row.key;
    serve.add_option_function<std::string>(
        "--" + key,
        [&shared, key](const std::string& value) { shared.flags.emplace_back(key, value); }, help);
  }
  serve.footer(
      "Settings come from the TOML file, then the environment (VITRINE_SERVER_PORT=...), then "
      "flags.\n"
      "SIGTERM finishes what is in flight, writes a snapshot and ends; SIGHUP opens the log file "
      "and "
      "reads the certificate again.");
  serve.callback([&shared] {
    shared.exit_code = report(load_settings(shared));
    if (shared.exit_code == 0) shared.exit_code = run_serve(shared.settings);
  });
}

void add_config(CLI::App& app, Shared& shared) {
  CLI::App& command = *app.add_subcommand("config", "Show every setting with its present value");
  add_config_file(command, shared);
  static bool markdown = false;
  command.add_flag("--markdown", markdown, "The table of the documentation instead");
  run(command, shared, [&shared] {
    if (!markdown) {
      std::cout << shared.table.to_toml();
      return ok_status();
    }
    std::cout << "| setting | environment | default | allowed | meaning |\n|---|---|---|---|---|\n";
    for (const auto& row : shared.table.rows()) {
      std::cout << "| `" << row.key << "` | `" << row.environment_name << "` | "
                << (row.default_text.empty() ? "" : "`" + row.default_text + "`") << " | "
                << (row.range.empty() ? row.type : row.range) << " | " << row.help << " |\n";
    }
    return ok_status();
  });
}

// Shared for the commands of other files.
class SharedCommandLine final : public CommandLine {
 public:
  explicit SharedCommandLine(Shared& shared) : shared_(shared) {}
  void add_data(CLI::App& command) const override { app::add_data(command, shared_); }
  void add_config_file(CLI::App& command) const override { app::add_config_file(command, shared_); }
  void add_json(CLI::App& command) const override { app::add_json(command, shared_); }
  void run(CLI::App& command, std::function<Status()> work) const override {
    app::run(command, shared_, std::move(work));
  }
  void run_with_exit_code(CLI::App& command, std::function<Result<int>()> work) const override {
    command.callback([&shared = shared_, work = std::move(work)] {
      shared.exit_code = report(load_settings(shared));
      if (shared.exit_code != 0) return;
      const auto code = work();
      shared.exit_code = code.ok() ? *code : report(code.error());
    });
  }
  const Settings& settings() const override { return shared_.settings; }
  bool json() const override { return shared_.json; }

 private:
  Shared& shared_;
};

int main_with(int argc, char** argv) {
  CLI::App app{"Vitrine: a personal shop window for every visitor, in real time"};
  app.set_version_flag("--version", std::string("vitrine ") + VITRINE_VERSION);
  app.require_subcommand(1);
  Shared shared;
  const SharedCommandLine line(shared);
  add_serve(app, shared);
  add_control_commands(app, line);
  add_import_commands(app, line);
  add_evaluate_commands(app, line);
  add_model_commands(app, line);
  add_simulate_commands(app, line);
  add_inspect_commands(app, line);
  add_decision_commands(app, line);
  add_backup_commands(app, line);
  add_archive_commands(app, line);
  add_text_commands(app, shared.exit_code);
  add_graph_commands(app, [&shared](CLI::App& command, std::function<Status()> work) {
    run(command, shared, std::move(work));
  });
  add_config(app, shared);
  add_vec_commands(app, shared.exit_code);
  add_examples(app);
  // After the commands, which would begin with the same last words.
  app.footer(
      "Start with: vitrine serve --data.directory data\n"
      "then:       vitrine tenant create my-shop --with-keys --data data\n"
      "The running server describes its API at /openapi.json. `vitrine COMMAND --help` tells the "
      "rest.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    // 0 for --help and --version; 2, as everywhere, for a command line that can't be read.
    return app.exit(e) == 0 ? 0 : 2;
  }
  return shared.exit_code;
}

}  // namespace
}  // namespace vitrine::app

int main(int argc, char** argv) {
  try {
    return vitrine::app::main_with(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "vitrine: " << e.what() << "\n";
    return 1;
  }
}
