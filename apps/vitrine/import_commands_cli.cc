// `vitrine import ...` and `vitrine tour`: clients of a running server.
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>

#include "command_line.h"
#include "commands.h"
#include "tool/import/commands.h"
#include "tool/import/tour.h"

namespace vitrine::app {
namespace {

// --url and --key, or their environment variables: the same for every command that is a client.
template <class Options>
void add_client(CLI::App& command, Options& options) {
  options.url = "http://127.0.0.1:8080";
  command.add_option("--url", options.url, "The server [http://127.0.0.1:8080]")
      ->envname("VITRINE_URL");
  command
      .add_option("--ca-file", options.ca_file,
                  "PEM file of the authorities to trust with an https:// URL [the system's]")
      ->envname("VITRINE_CA_FILE");
  command.add_option("--key", options.key, "A secret key of the tenant (or VITRINE_KEY)")
      ->envname("VITRINE_KEY")
      ->required();
}

template <class Options>
void add_import_options(CLI::App& command, Options& options) {
  add_client(command, options);
  command.add_option("--batch", options.batch, "Lines of a request, 1 to 1000 [1000]")
      ->check(CLI::Range(1, 1000));
  command.add_option("--connections", options.connections, "Requests at a time [1]")
      ->check(CLI::Range(1, 64));
  command.add_flag("--allow-errors", options.allow_errors, "Exit with 0 though rows were rejected");
}

void add_table_options(CLI::App& command, importer::TableOptions& options) {
  using importer::TableFormat;
  static const std::map<std::string, TableFormat> kFormats = {
      {"csv", TableFormat::kCsv},
      {"tsv", TableFormat::kTsv},
      {"semicolon", TableFormat::kSemicolon},
      {"ndjson", TableFormat::kNdjson}};
  command.add_option("file", options.file, "CSV or NDJSON, plain or .gz")->required();
  command
      .add_option("--format", options.format, "csv, tsv, semicolon or ndjson [by its first line]")
      ->transform(CLI::CheckedTransformer(kFormats, CLI::ignore_case))
      ->option_text("TEXT");
  command.add_option("--map", options.map.columns,
                     "Which column a field is in: FIELD=COLUMN; may be repeated");
  command.add_option("--set", options.map.constants,
                     "What a field is in every row: FIELD=VALUE; may be repeated");
  command.add_flag("--dry-run", options.dry_run, "Read and check everything, send nothing");
  command.add_flag("--resume", options.resume,
                   "Go on where the same import was broken off; keeps FILE.vitrine-resume");
  add_import_options(command, options);
}

void add_import(CLI::App& app, const CommandLine& line) {
  CLI::App& group = *app.add_subcommand(
      "import", "Load a file, or a made-up shop, into a tenant of a running server");
  group.require_subcommand(1);
  static importer::OnlineRetailOptions retail;
  static importer::TableOptions items, events, users;
  static importer::GeneratedOptions generated;

  CLI::App& online = *group.add_subcommand(
      "online-retail", "The UCI Online Retail format: items, purchases and refunds of a year");
  online.add_option("file", retail.file, "CSV, plain or .gz")->required();
  online.add_flag("--shift-to-now", retail.shift_to_now,
                  "Move all times so that the last event is now");
  add_import_options(online, retail);
  line.run(online, [] {
    const auto progress = terminal_progress();
    return importer::run_import_online_retail(retail, *progress, std::cout);
  });
  CLI::App& item_file = *group.add_subcommand("items", "Items from any CSV or NDJSON file");
  add_table_options(item_file, items);
  item_file.add_flag("--only-mapped", items.map.only_mapped,
                     "Leave out columns that --map does not name");
  line.run(item_file, [] {
    const auto progress = terminal_progress();
    return importer::run_import_items(items, *progress, std::cout);
  });
  CLI::App& event_file = *group.add_subcommand("events", "Events from any CSV or NDJSON file");
  add_table_options(event_file, events);
  event_file.add_option("--type", events.map.types,
                        "What the file calls a type of event: VALUE=TYPE; may be repeated");
  line.run(event_file, [] {
    const auto progress = terminal_progress();
    return importer::run_import_events(events, *progress, std::cout);
  });
  CLI::App& user_file = *group.add_subcommand("users", "Users from any CSV or NDJSON file");
  add_table_options(user_file, users);
  user_file.add_flag("--only-mapped", users.map.only_mapped,
                     "Leave out columns that --map does not name");
  user_file.footer(
      "Each row is a user: user_id, and every other column an attribute. A user that is there is\n"
      "replaced.\n"
      "  vitrine import users customers.csv --key vt_sec_... --map user_id=customer_no "
      "--map points:number=score\n"
      "  vitrine import users customers.ndjson --key vt_sec_... --dry-run");
  line.run(user_file, [] {
    const auto progress = terminal_progress();
    return importer::run_import_users(users, *progress, std::cout);
  });
  CLI::App& made =
      *group.add_subcommand("generated", "A small made-up shop with a history up to now");
  made.add_option("--seed", generated.seed, "Another seed, another shop [1]");
  made.add_option("--items", generated.items, "How many items [600]");
  made.add_option("--customers", generated.customers, "How many customers [400]");
  made.add_option("--days", generated.days, "How many days of history, up to now [60]");
  add_import_options(made, generated);
  line.run(made, [] {
    const auto progress = terminal_progress();
    return importer::run_import_generated(generated, *progress, std::cout);
  });
}

void add_tour(CLI::App& app, const CommandLine& line) {
  CLI::App& command = *app.add_subcommand(
      "tour", "Walk through a shop's windows: what a visitor sees and how it changes");
  static importer::TourOptions options;
  add_client(command, options);
  command.add_option("--user", options.user, "A known customer [17850]");
  command.add_option("--rows", options.rows, "Rows of a table [8]")->check(CLI::Range(3, 20));
  line.run(command, [] { return importer::run_tour(options, std::cout); });
}

}  // namespace

void add_import_commands(CLI::App& app, const CommandLine& line) {
  add_import(app, line);
  add_tour(app, line);
}

}  // namespace vitrine::app
