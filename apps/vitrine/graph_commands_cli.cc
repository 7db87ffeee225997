// `vitrine graph build|info|bench`: parsing only.
#include <CLI/CLI.hpp>
#include <iostream>

#include "graph_commands.h"
#include "tool/graph/commands.h"

namespace vitrine::app {
namespace {

struct Arguments {
  graphtool::BuildCommand build;
  graphtool::InfoCommand info;
  graphtool::BenchCommand bench;
  std::string memory = "1G";
  std::string lists = "0";
  std::string type = "fp32";
  bool json = false;
};

void add_common(CLI::App& command, std::string& directory, Arguments& args) {
  command.add_option("directory", directory, "The folder of the graph")->required();
  command.add_flag("--json", args.json, "Write JSON for programs instead of a table");
}

void add_build(CLI::App& group, const RunCommand& run, Arguments& args) {
  CLI::App& command = *group.add_subcommand(
      "build", "Make a graph of users and items from a CSV file or an event log");
  add_common(command, args.build.directory, args);
  command.add_option(
      "--csv", args.build.csv,
      "user,item[,time[,weight[,type]]] a line, plain or .gz; type is a number from 0 "
      "to 255, or the name of an event type as purchase-complete");
  command.add_option("--log", args.build.log, "A log directory, or a data directory");
  command.add_option("--partition", args.build.partition, "Partition of the data directory [0]");
  command.add_option("--tenant", args.build.tenant,
                     "Number, not name, of the tenant in the log: a log alone knows no names "
                     "(`vitrine tenant show NAME` prints it)");
  command.add_option("--type", args.build.types,
                     "Event types that count; may be repeated [detail-page-view add-to-cart "
                     "purchase-complete item-click]");
  command.add_option("--memory", args.memory, "What building may take, such as 512M [1G]");
  run(command, [&args]() -> Status {
    VITRINE_TRY(args.build.memory_bytes, graphtool::parse_bytes(args.memory));
    const auto progress = terminal_progress();
    return graphtool::run_graph_build(args.build, args.json, *progress, std::cout);
  });
}

void add_info(CLI::App& group, const RunCommand& run, Arguments& args) {
  CLI::App& command = *group.add_subcommand("info", "What is in a graph");
  add_common(command, args.info.directory, args);
  command.add_flag("--verify", args.info.verify, "Also read and check everything");
  run(command, [&args] {
    const auto progress = terminal_progress();
    return graphtool::run_graph_info(args.info, args.json, *progress, std::cout);
  });
}

void add_bench(CLI::App& group, const RunCommand& run, Arguments& args) {
  CLI::App& command = *group.add_subcommand(
      "bench", "Train a GraphSAGE for some batches with each store and compare");
  add_common(command, args.bench.directory, args);
  command.add_option("--store", args.bench.stores,
                     "memory, mmap, lru, static, belady, packed or auto; may be repeated [auto]");
  command.add_option("--memory", args.memory, "For everything together, such as 512M [1G]");
  command.add_option("--lists", args.lists,
                     "Of it, for neighbour lists that stay in memory; the rest holds rows [0]");
  command.add_option("--rows", args.bench.rows, "A file of rows [random rows, removed afterwards]");
  command.add_option("--dimension", args.bench.dimension, "Of random rows [128]")
      ->check(CLI::Range(1, 8192));
  command.add_option("--row-type", args.type, "Of random rows: fp32 or bf16 [fp32]")
      ->check(CLI::IsMember({"fp32", "bf16"}));
  command.add_option("--batches", args.bench.batches, "Training steps to gather rows for [256]");
  command.add_option("--superbatch", args.bench.superbatch, "Batches planned at a time [128]")
      ->check(CLI::Range(1, 65534));
  command.add_option("--batch", args.bench.batch_examples, "Examples of a batch [1024]");
  command.add_option("--hidden", args.bench.hidden, "Width of the model [256]");
  command.add_option("--threads", args.bench.threads, "Of a step [2]")->check(CLI::Range(1, 256));
  run(command, [&args]() -> Status {
    VITRINE_TRY(args.bench.memory_bytes, graphtool::parse_bytes(args.memory));
    VITRINE_TRY(args.bench.lists_bytes, graphtool::parse_bytes(args.lists));
    args.bench.type = args.type == "bf16" ? graph::RowType::kBf16 : graph::RowType::kFp32;
    const auto progress = terminal_progress();
    return graphtool::run_graph_bench(args.bench, args.json, *progress, std::cout);
  });
}

}  // namespace

void add_graph_commands(CLI::App& app, const RunCommand& run) {
  static Arguments args;
  CLI::App& group = *app.add_subcommand("graph", "Graphs of users and items, for training");
  group.require_subcommand(1);
  add_build(group, run, args);
  add_info(group, run, args);
  add_bench(group, run, args);
}

}  // namespace vitrine::app
