// `vitrine text ...`: parsing only; the work is in tool/text.
#include "text_commands_cli.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "tool/text/text_commands.h"

namespace vitrine::app {
namespace {

template <class Work>
void run(CLI::App& command, int& exit_code, Work work) {
  command.callback([&exit_code, work] {
    const Status status = work();
    if (status.ok()) return;
    std::cerr << "vitrine: " << status.error().message() << "\n";
    exit_code = status.error().code() == ErrorCode::kInvalidArgument ? 2 : 1;
  });
}

void add_log_options(CLI::App& command, text_tool::LogOptions& log) {
  command.add_option("directory", log.directory, "The index")->required();
  command
      .add_option("queries", log.queries,
                  "A file with one query a line, as text search takes them, plain or .gz")
      ->required();
  command.add_option("--k", log.k, "Results of a query [10]");
  command.add_flag("--any", log.any_word, "Words side by side: any of them instead of all");
  command.add_flag("--plain", log.plain, "Queries are words alone, such as shoppers type");
}

}  // namespace

void add_text_commands(CLI::App& app, int& exit_code) {
  CLI::App& group = *app.add_subcommand("text", "Build, search and measure text indexes");
  group.require_subcommand(1);
  static bool json = false;
  static text_tool::BuildOptions build;
  static text_tool::SearchOptions search;
  static text_tool::LogOptions log;
  static std::string directory;
  const auto add_json = [](CLI::App& c) { c.add_flag("--json", json, "Write JSON for programs"); };

  CLI::App& building = *group.add_subcommand("build", "Make an index from a file of lines");
  building
      .add_option("input", build.input,
                  "One document a line, plain or .gz: fields separated by a tab, or .ndjson")
      ->required();
  building.add_option("directory", build.directory, "Where the index goes")->required();
  building.add_option("--fields", build.fields,
                      "Names of the columns with weights: title:3,description [text]");
  building.add_option("--language", build.language, "Stemming for a language of Snowball [none]");
  building.add_flag("--id", build.first_is_id,
                    "The first column is the document's number [line number from 0]");
  building.add_flag("--positions", build.positions, "Keep positions, which phrases need");
  building.add_flag("--stop-words", build.stop_words, "Drop the language's stop words");
  building.add_flag("--reorder", build.reorder,
                    "Put similar documents near each other: slower to build, faster to search");
  run(building, exit_code, [] {
    const auto progress = terminal_progress();
    return text_tool::run_build(io::system_files(), build, *progress, std::cout);
  });

  CLI::App& searching = *group.add_subcommand("search", "The best documents for a query");
  searching.add_option("directory", search.directory, "The index")->required();
  searching
      .add_option("query", search.query,
                  "red shoe, red AND (shoe OR boot), NOT red, -red, \"running shoe\", runn*, "
                  "title:red, (red blue green)~2; a backslash takes away a character's meaning")
      ->required();
  searching.add_option("--k", search.k, "Results [10]");
  searching.add_flag("--any", search.any_word, "Words side by side: any of them instead of all");
  searching.add_flag("--plain", search.plain, "The query is words alone: no operators");
  searching.add_flag("--count", search.count, "Count all matches exactly");
  searching.add_flag("--explain", search.explain, "Show the parts of each score");
  add_json(searching);
  run(searching, exit_code,
      [] { return text_tool::run_search(io::system_files(), search, json, std::cout); });

  CLI::App& bench = *group.add_subcommand("bench", "Time a query log on one thread");
  add_log_options(bench, log);
  add_json(bench);
  run(bench, exit_code, [] {
    const auto progress = terminal_progress();
    return text_tool::run_bench(io::system_files(), log, json, *progress, std::cout);
  });

  CLI::App& info = *group.add_subcommand("info", "Sizes, and which lists are coded how");
  info.add_option("directory", directory, "The index")->required();
  static std::string term;
  info.add_option("--term", term, "Also how the list of this term is coded");
  add_json(info);
  run(info, exit_code,
      [] { return text_tool::run_info(io::system_files(), directory, term, json, std::cout); });

  CLI::App& model =
      *group.add_subcommand("model", "A model of what a query log fetches from memory or disk");
  add_log_options(model, log);
  model.add_option("--bandwidth", log.bandwidth, "Bytes a second of another medium");
  model.add_option("--latency-ns", log.latency_ns, "Latency of that medium");
  add_json(model);
  run(model, exit_code, [] {
    const auto progress = terminal_progress();
    return text_tool::run_model(io::system_files(), log, json, *progress, std::cout);
  });
}

}  // namespace vitrine::app
