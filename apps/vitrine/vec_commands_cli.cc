#include "vec_commands_cli.h"

#include <iostream>

#include "base/progress.h"
#include "tool/vec/commands.h"

namespace vitrine::app {
namespace {

int report_vec(const Status& status) {
  if (status.ok()) return 0;
  std::cerr << "vitrine: " << status.error().message() << "\n";
  return status.error().code() == ErrorCode::kInvalidArgument ? 2 : 1;
}

void add_build(CLI::App& group, int& exit_code) {
  static vec::VecBuildOptions options;
  CLI::App& build = *group.add_subcommand("build", "Build an index from a file of vectors");
  build.add_option("input", options.input, ".fvecs, .bvecs or .npy");
  build.add_option("-o,--output", options.output, "The index file to write")->required();
  build.add_option("--made", options.shape, "Made-up vectors instead: clustered or spread");
  build.add_option("--count", options.count, "Number of made-up vectors [100000]");
  build.add_option("--metric", options.metric, "l2, ip or cosine [l2]");
  build.add_option("--graph", options.graph,
                   "auto, always or never: a graph for weakly clustered data [auto]");
  build.add_option("--codes", options.codes,
                   "nibbles (4 bits a dimension and 4 more), or product codes of 16 or 256 trained "
                   "words: pq16, pq256 [nibbles]");
  build.add_option("--code-width", options.code_width,
                   "Dimensions a word of a product code stands for: 2, 4 or 8 [2 for pq16, 4 for "
                   "pq256]");
  build.add_flag("--no-second", options.no_second,
                 "No codes for a second look: less memory, more reads of exact rows");
  build.add_option("--lists", options.lists, "Number of lists [about the square root]");
  build.add_option("--seed", options.seed, "Another seed, another clustering [1]");
  build.add_option("--threads", options.threads, "That build it [2]")->check(CLI::Range(1, 256));
  build.callback([&exit_code] {
    const auto progress = terminal_progress();
    exit_code = report_vec(vec::run_vec_build(options, *progress, std::cout));
  });
}

void add_search(CLI::App& group, int& exit_code) {
  static vec::VecSearchOptions options;
  CLI::App& search = *group.add_subcommand("search", "The nearest vectors of each query of a file");
  search.add_option("index", options.index, "An index file")->required();
  search.add_option("queries", options.queries, ".fvecs, .bvecs or .npy")->required();
  search.add_option("-k,--k", options.k, "Neighbours of a query [10]")->check(CLI::Range(1, 1000));
  search.add_option("--recall", options.recall, "Recall to aim at [0.95]")
      ->check(CLI::Range(0.0, 1.0));
  search.add_option("--limit", options.limit, "Queries to answer [10]");
  search.add_flag("--rows-on-disk", options.rows_on_disk,
                  "For indexes larger than memory: exact rows are read when needed, many at once");
  search.add_flag("--json", options.json, "Write JSON, one line a query");
  search.callback(
      [&exit_code] { exit_code = report_vec(vec::run_vec_search(options, std::cout)); });
}

void add_bench(CLI::App& group, int& exit_code) {
  static vec::VecBenchOptions options;
  CLI::App& bench = *group.add_subcommand(
      "bench", "Speed and recall of every calibrated plan, one by one and as a batch");
  bench.add_option("index", options.index, "An index file")->required();
  bench.add_option("queries", options.queries, ".fvecs, .bvecs or .npy")->required();
  bench.add_option("-k,--k", options.k, "Neighbours of a query [10]")->check(CLI::Range(1, 1000));
  bench.add_option("--limit", options.limit, "Queries to use [1000]");
  bench.add_option("--threads", options.threads, "Of the batch [1]")->check(CLI::Range(1, 256));
  bench.add_flag("--rows-on-disk", options.rows_on_disk,
                 "For indexes larger than memory: exact rows are read when needed, many at once");
  bench.add_flag("--json", options.json, "Write JSON, one line a plan");
  bench.callback([&exit_code] { exit_code = report_vec(vec::run_vec_bench(options, std::cout)); });
}

void add_others(CLI::App& group, int& exit_code) {
  static std::string index;
  static bool json = false;
  CLI::App& info = *group.add_subcommand("info", "Size, lists, graph, kernels and plans");
  info.add_option("index", index, "An index file")->required();
  info.add_flag("--json", json, "Write JSON");
  info.callback(
      [&exit_code] { exit_code = report_vec(vec::run_vec_info(index, json, std::cout)); });

  static vec::VecImportOptions import;
  CLI::App& faiss = *group.add_subcommand(
      "import-faiss",
      "Build an index from the vectors of a Faiss index (Flat, IVFFlat, IVFPQ, IVFPQFastScan)");
  faiss.add_option("input", import.input, "The Faiss index")->required();
  faiss.add_option("-o,--output", import.output, "The index file to write")->required();
  faiss.add_option("--threads", import.threads, "That build it [2]")->check(CLI::Range(1, 256));
  faiss.callback([&exit_code] {
    const auto progress = terminal_progress();
    exit_code = report_vec(vec::run_vec_import_faiss(import, *progress, std::cout));
  });

  static vec::VecModelOptions model;
  CLI::App& modelled = *group.add_subcommand(
      "model", "Memory traffic with and without sharing lists in a batch; a model, for planning");
  modelled.add_option("index", model.index, "An index file; without it the paper's example");
  modelled.add_option("queries", model.queries, "The trace: queries as .fvecs, .bvecs or .npy");
  modelled.add_option("--recall", model.recall, "Whose plans are compared [0.95]")
      ->check(CLI::Range(0.0, 1.0));
  modelled.add_option("--batch", model.batch, "Queries of a batch [1000]");
  modelled.add_option("--bandwidth", model.gigabytes_a_second, "Of the memory, in GB/s [13]");
  modelled.add_option("--example-batch", model.paper_batch,
                      "Without an index: queries of a batch [1000]");
  modelled.add_option("--example-probes", model.paper_probes,
                      "Without an index: lists a query asks [128]");
  modelled.add_option("--example-lists", model.paper_lists,
                      "Without an index: lists there are [10000]");
  modelled.add_flag("--json", model.json, "Write JSON");
  modelled.callback([&exit_code] { exit_code = report_vec(vec::run_vec_model(model, std::cout)); });
}

}  // namespace

void add_vec_commands(CLI::App& app, int& exit_code) {
  CLI::App& group = *app.add_subcommand("vec", "Vector indexes: build, search, measure, model");
  group.require_subcommand(1);
  add_build(group, exit_code);
  add_search(group, exit_code);
  add_bench(group, exit_code);
  add_others(group, exit_code);
}

}  // namespace vitrine::app
