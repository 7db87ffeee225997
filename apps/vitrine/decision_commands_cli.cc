// `vitrine state replay-decision` and `vitrine tenant placements`.
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <sstream>

#include "command_line.h"
#include "commands.h"
#include "domain/policy/placements.h"
#include "domain/policy/policy_json.h"
#include "service/control/commands.h"

namespace vitrine::app {
namespace {

struct Arguments {
  ReplayOptions replay;
  std::string tenant;
  std::vector<std::string> files;
};

// Each file one policy, or lines with one each.
Result<std::vector<std::string>> read_policies(const std::vector<std::string>& files) {
  std::vector<std::string> policies;
  for (const std::string& name : files) {
    std::ifstream file(name);
    if (!file) return Error(ErrorCode::kNotFound, "can't read " + name);
    std::stringstream text;
    text << file.rdbuf();
    if (policy::parse_policy(text.str()).ok()) {
      policies.push_back(text.str());
      continue;
    }
    std::string line;
    while (std::getline(text, line)) {
      if (line.find_first_not_of(" \t\r") != std::string::npos) policies.push_back(line);
    }
  }
  return policies;
}

Status set_placements(const Settings& settings, const Arguments& args) {
  VITRINE_TRY(auto policies, read_policies(args.files));
  VITRINE_TRY(const auto store, open_control_store(settings));
  VITRINE_TRY(const auto tenant, store->set_placements({}, args.tenant, std::move(policies)));
  for (const std::string& placement : tenant.placements) std::cout << placement << "\n";
  wait_for_running_server(settings);
  return ok_status();
}

}  // namespace

void add_decision_commands(CLI::App& app, const CommandLine& line) {
  static Arguments args;
  CLI::App& replay = *app.get_subcommand("state")->add_subcommand(
      "replay-decision",
      "Make a recorded answer again from snapshot and log, and compare every bit; the server may "
      "be running");
  line.add_data(replay);
  line.add_json(replay);
  replay.add_option("request_id", args.replay.request_id, "Of the answer")->required();
  replay.add_option("--tenant", args.replay.tenant, "Whose it is [the only one]");
  replay.add_option("--item", args.replay.item_id, "Also say what became of this item");
  // How a server runs it: ends with the server, gives way to it, takes no more than that.
  replay.add_option("--as-job", args.replay.job_memory)->group("");
  line.run(replay, [&line] {
    args.replay.json = line.json();
    return run_replay_decision(line.settings(), args.replay, std::cout);
  });

  CLI::App& placements = *app.get_subcommand("tenant")->add_subcommand(
      "placements",
      "Replace the placements of a tenant's own by those of the files; none: only the built-in "
      "ones. A running server knows them at once");
  line.add_data(placements);
  placements.add_option("name", args.tenant, "The tenant")->required();
  placements.add_option("file", args.files, "JSON: one policy, or one in each line");
  line.run(placements, [&line] { return set_placements(line.settings(), args); });
}

}  // namespace vitrine::app
