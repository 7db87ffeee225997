// Command line of `vitrine simulate`: parsing only.
#include <CLI/CLI.hpp>
#include <iostream>

#include "command_line.h"
#include "simulate_command.h"
#include "tool/simulate/abuse_trial.h"

namespace vitrine::app {
namespace {

// Monday, 2026-01-05 00:00 UTC: any time will do, but always the same.
constexpr TimeUs kStart = 1'767'571'200 * kSecondUs;

}  // namespace

void add_simulate_commands(CLI::App& app, const CommandLine& line) {
  CLI::App& command = *app.add_subcommand(
      "simulate", "Try policies in a made-up shop whose visitors react to what they are shown");
  static SimulateOptions options;
  static std::vector<std::string> policies;
  simulate::ShopOptions& shop = options.simulation.shop;
  shop.start = kStart;
  command.add_option("--seed", shop.seed, "Another seed, another shop [1]");
  command.add_option("--seeds", options.seeds, "So many shops, one after the other [1]")
      ->check(CLI::Range(1, 100));
  const auto number_of = [&](const char* name, std::uint32_t& value, const std::string& help) {
    command.add_option(name, value, help + " [" + std::to_string(value) + "]");
  };
  number_of("--items", shop.items, "Items of the shop, 100 to 5,000");
  number_of("--categories", shop.categories, "Their categories, 2 to 100");
  number_of("--visitors", shop.visitors, "Visitors, 10 to 1,000,000");
  number_of("--days", shop.days, "Days with recommendations, 1 to 365");
  number_of("--history-days", shop.history_days, "Days before them, without");
  command
      .add_option("--policies", policies,
                  "Some of random, popularity, item-item, vitrine, oracle [all]")
      ->delimiter(',');
  command.add_option("--html", options.html,
                     "Also write a report with charts to this file: one page, offline");
  command.add_option("--scratch", options.scratch,
                     "Folder for the server's data meanwhile [memory, or TMPDIR]");
  static std::uint32_t robots = 0;
  static std::string abuse_settings;
  command
      .add_option("--robots", robots,
                  "Try how robots are told from people instead: so many per cent of all events are "
                  "theirs, 1 to 90. No server, no policies")
      ->check(CLI::Range(1, 90));
  command
      .add_option("--abuse-settings", abuse_settings,
                  "With --robots: the bounds, as PUT /v1/abuse-settings takes them [the defaults]")
      ->needs("--robots");
  line.add_config_file(command);
  line.add_json(command);
  command.footer(
      "Every policy gets the same visitors, catalog, stock and history in a copy of the shop of "
      "its "
      "own.\nvitrine is asked over HTTP; its server, with a clock of its own, runs in this process "
      "on a\nfree port and is gone afterwards. The last line is JSON. docs/simulate.md describes "
      "the shop.");
  line.run(command, [&line]() -> Status {
    if (!policies.empty()) options.simulation.policies = policies;
    options.json = line.json();
    const auto progress = terminal_progress();
    if (robots != 0) {
      simulate::AbuseOptions trial;
      trial.shop = options.simulation.shop;
      trial.percent = robots;
      trial.seeds = options.seeds;
      if (!abuse_settings.empty()) {
        VITRINE_TRY(trial.settings, conduct::parse_settings(abuse_settings));
      }
      return simulate::run_abuse_trial(trial, options.json, std::cout, *progress);
    }
    return run_simulate(options, line.settings(), std::cout, *progress);
  });
}

}  // namespace vitrine::app
