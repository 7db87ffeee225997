// Commands that live in a file of their own, and what main.cc gives them.
#pragma once

#include <functional>

#include "base/result.h"
#include "settings.h"

namespace CLI {
class App;
}

namespace vitrine::app {

// What every command shares: the settings from file, environment and flags, and the output form.
// Made by main.cc; outlives the parsing and running of the command line.
class CommandLine {
 public:
  virtual ~CommandLine() = default;
  virtual void add_data(CLI::App& command) const = 0;         // --data and --config
  virtual void add_config_file(CLI::App& command) const = 0;  // --config
  virtual void add_json(CLI::App& command) const = 0;         // --json
  // Runs `work` once settings are loaded; its Status becomes the exit code.
  virtual void run(CLI::App& command, std::function<Status()> work) const = 0;
  // For commands whose exit code says more; errors end as those of run().
  virtual void run_with_exit_code(CLI::App& command, std::function<Result<int>()> work) const = 0;
  virtual const Settings& settings() const = 0;  // within `work`
  virtual bool json() const = 0;                 // within `work`
};

void add_archive_commands(CLI::App& app, const CommandLine& line);
void add_backup_commands(CLI::App& app, const CommandLine& line);
void add_control_commands(CLI::App& app, const CommandLine& line);
void add_decision_commands(CLI::App& app, const CommandLine& line);
void add_evaluate_commands(CLI::App& app, const CommandLine& line);
void add_import_commands(CLI::App& app, const CommandLine& line);
// `log`, `state` and `erase`; before add_decision_commands(), which adds to `state`.
void add_inspect_commands(CLI::App& app, const CommandLine& line);
void add_model_commands(CLI::App& app, const CommandLine& line);
void add_simulate_commands(CLI::App& app, const CommandLine& line);

}  // namespace vitrine::app
