// Command line of `vitrine evaluate`: parsing only; what it does is in tool/evaluate.
#include <CLI/CLI.hpp>
#include <iostream>

#include "command_line.h"
#include "commands.h"
#include "settings.h"
#include "tool/evaluate/run_evaluate.h"

namespace vitrine::app {
namespace {

struct Arguments {
  evaluate::EvaluateOptions options;
  std::string tenant, format, split, models;
  std::vector<std::string> parameters;
  bool validation = false;
  bool search = false;
  SearchEvaluation judged;
};

Status read_search_arguments(Arguments& args) {
  args.judged.tenant = args.tenant;
  if (args.tenant.empty() || args.judged.queries.empty() || args.judged.qrels.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "--search needs --tenant NAME, --queries FILE and --qrels FILE");
  }
  return ok_status();
}

Status read_arguments(Arguments& args) {
  if (args.options.path.empty() == args.tenant.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "give a data set FILE, or --tenant NAME (with --data DIR) for its event log");
  }
  if (!args.format.empty()) {
    args.options.format = evaluate::find_format(args.format);
    if (!args.options.format)
      return Error(ErrorCode::kInvalidArgument,
                   "--format must be sequences, online-retail or events");
  }
  if (!args.split.empty()) {
    args.options.split = evaluate::find_split(args.split);
    if (!args.options.split)
      return Error(ErrorCode::kInvalidArgument, "--split must be leave-one-out or temporal");
  }
  VITRINE_TRY(args.options.models, evaluate::read_models(args.models, args.parameters));
  if (args.validation) args.options.stage = evaluate::Stage::kValidation;
  return ok_status();
}

}  // namespace

void add_evaluate_commands(CLI::App& app, const CommandLine& line) {
  CLI::App& command = *app.add_subcommand(
      "evaluate",
      "Measure recommendations offline: full ranking, with popularity and random beside");
  static Arguments args;
  command.add_option("file", args.options.path, "Data set, plain or .gz");
  command.add_option("--tenant", args.tenant,
                     "Instead of a file: the event log of this tenant; its server may run");
  line.add_data(command);
  command.add_option("--format", args.format,
                     "sequences, online-retail or events [told from the file]");
  command.add_option("--split", args.split,
                     "leave-one-out or temporal [temporal where there are times]");
  command.add_option("--model", args.models,
                     "Also train and judge these kinds, as ials,ease: " + learn::kind_names());
  command.add_option("--set", args.parameters,
                     "A parameter of one, as ials.dimensions=32; may be repeated");
  command.add_flag("--learning-curve", args.options.learning_curve,
                   "With --model and --html: train on shares of the data, too");
  command.add_option("--k", args.options.k, "Length of the lists [10]");
  command.add_flag("--validation", args.validation,
                   "Leave-one-out: the second-last item is the target, the last is not used");
  command.add_flag("--search", args.search,
                   "Judge the tenant's search instead: nDCG@10, MRR, recall@100");
  command.add_option("--queries", args.judged.queries, "With --search: lines \"id<TAB>text\"");
  command.add_option("--qrels", args.judged.qrels,
                     "With --search: lines \"id 0 item grade\", as TREC has them");
  command.add_option("--html", args.options.html,
                     "Also write a report with charts to this file: one page, offline");
  line.add_json(command);
  command.footer(
      "Every item is ranked for every user, nothing is sampled. temporal learns from the first "
      "80 %\nof the time line and asks for the next new items; leave-one-out asks for each user's "
      "last item.\nIntervals are 95 % bootstrap intervals over users.\n"
      "  vitrine evaluate year.csv.gz\n"
      "  vitrine evaluate year.csv.gz --model ials,ease,embedding --html report.html\n"
      "  vitrine evaluate --data data --tenant my-shop --split leave-one-out");
  line.run(command, [&line]() -> Status {
    if (args.search) {
      VITRINE_TRY(read_search_arguments(args));
      args.judged.json = line.json();
      return run_search_evaluation(line.settings(), args.judged, std::cout);
    }
    VITRINE_TRY(read_arguments(args));
    args.options.json = line.json();
    args.options.models_memory = line.settings().models_memory;
    const auto progress = terminal_progress();
    if (args.tenant.empty()) return evaluate::run_evaluate(args.options, std::cout, *progress);
    return evaluate::run_evaluate_tenant(line.settings().data_directory, args.tenant, args.options,
                                         std::cout, *progress);
  });
}

}  // namespace vitrine::app
