// Command line of `vitrine train` and `vitrine models`: parsing only; what they do is in
// model_commands.cc.
#include <CLI/CLI.hpp>
#include <iostream>

#include "command_line.h"
#include "model_commands.h"
#include "service/learn/recipe.h"

namespace vitrine::app {
namespace {

std::string parameter_help() {
  std::string text = "Kinds, their parameters and defaults:\n";
  for (const learn::Kind kind : learn::kKinds) {
    text += "  " + std::string(learn::kind_name(kind)) + ": ";
    std::string list;
    for (const learn::ParameterRow& row : learn::parameter_rows(kind)) {
      char value[32];
      std::snprintf(value, sizeof value, "%g", row.value);
      list += (list.empty() ? "" : ", ") + std::string(row.name) + "=" + value;
    }
    text += list + "\n";
  }
  return text +
         "--search keeps what --set gives and tries the others; the first trial is what would have "
         "been\ntrained without it. Same seed and number of trials: the same result.\n"
         "Ends with 0: trained, and promoted unless --no-promote; 3: trained, kept, not better "
         "than "
         "what\nserves; 4: not enough data; 5: stopped (the same command goes on); 6: above "
         "models.memory;\n2: wrong arguments; 1: another error.";
}

void add_train(CLI::App& app, const CommandLine& line) {
  static TrainCommand args;
  static std::string mlflow;
  CLI::App& command = *app.add_subcommand(
      "train", "Train a model from a tenant's event log, judge it, and promote it if it is better");
  command.add_option("--tenant", args.tenant, "Whose")->required();
  line.add_data(command);
  command.add_option("--model", args.kind, "Its kind: " + learn::kind_names() + " [ials]");
  command.add_option("--set", args.parameters, "A parameter, as dimensions=64; may be repeated");
  command.add_option(
      "--search", args.search,
      "Search settings for so long before, on validation only, as 10m; 0s: the first "
      "trial alone");
  command.add_option("--search-trials", args.search_trials,
                     "At most so many trials; without --search no bound of time");
  command.add_flag("--warm", args.warm,
                   "Go on from the live model where it is of the same kind, with fewer epochs");
  command.add_flag("!--no-promote", args.promote, "Only train and judge");
  command.add_flag("--learning-curve", args.learning_curve,
                   "Also fit on shares of the data, for the report");
  command.add_option("--until", args.until, "Last position of the log to learn from [its end]");
  command.add_option("--html", args.html, "Also write the report with charts to this file");
  line.add_json(command);
  command.footer(parameter_help());
  line.run_with_exit_code(command, [&line] {
    args.json = line.json();
    const auto progress = terminal_progress();
    return run_train(line.settings(), args, *progress, std::cout);
  });
}

void add_models(CLI::App& app, const CommandLine& line) {
  static std::string tenant, model_id, html;
  static ModelsChange wanted;
  CLI::App& group =
      *app.add_subcommand("models", "List, show, promote and roll back trained models");
  group.require_subcommand(1);
  const auto add_common = [&](CLI::App& command) {
    command.add_option("--tenant", tenant, "Whose")->required();
    line.add_data(command);
  };
  CLI::App& list = *group.add_subcommand("list", "All models of a tenant, newest first");
  add_common(list);
  line.add_json(list);
  line.run(list,
           [&line] { return run_models_list(line.settings(), tenant, line.json(), std::cout); });
  CLI::App& show = *group.add_subcommand("show", "One model: how it was made and judged");
  show.add_option("model", model_id, "Its id")->required();
  add_common(show);
  show.add_option("--html", html, "Also write the report with charts to this file");
  line.add_json(show);
  line.run(show, [&line] {
    return run_models_show(line.settings(), tenant, model_id, html, line.json(), std::cout);
  });
  const auto add_change = [&](const char* name, const char* help, model::Action action) {
    CLI::App& command = *group.add_subcommand(name, help);
    CLI::Option* id = command.add_option("model", wanted.change.model_id, "Its id");
    if (action != model::Action::kRollback) id->required();
    add_common(command);
    command.add_option("--reason", wanted.change.reason, "Kept with the change");
    if (action == model::Action::kPromote) {
      command.add_flag("--force", wanted.force, "Though it was not found better than what serves");
    }
    line.run(command, [&line, action] {
      wanted.tenant = tenant;
      wanted.change.action = action;
      return run_models_change(line.settings(), wanted, std::cout);
    });
  };
  add_change("promote", "Make a model live, if it was judged better than what serves",
             model::Action::kPromote);
  add_change("rollback",
             "Make the model before the live one live again; with an id only if that one is live",
             model::Action::kRollback);
  add_change("shadow", "Compare a model's lists with the answers, without showing them",
             model::Action::kShadow);
  add_change("retire", "Put a model away that is not live", model::Action::kRetire);
}

}  // namespace

void add_model_commands(CLI::App& app, const CommandLine& line) {
  add_train(app, line);
  add_models(app, line);
}

}  // namespace vitrine::app
