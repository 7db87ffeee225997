// The command line: parsing only. What commands do is in the modules and in commands.h.
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>

#include "base/config.h"
#include "command_line.h"
#include "commands.h"
#include "graph_commands.h"
#include "service/control/commands.h"
#include "text_commands_cli.h"
#include "tool/import/commands.h"
#include "tool/import/tour.h"
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

control::OutputOptions output(const Shared& shared) {
  return {shared.json, system_clock().wall_us()};
}

// A command on the control database.
template <class Work>
void run_on_control(CLI::App& command, Shared& shared, Work work) {
  add_data(command, shared);
  add_json(command, shared);
  run(command, shared, [&shared, work]() -> Status {
    VITRINE_TRY(const auto store, open_control_store(shared.settings));
    VITRINE_TRY(work(*store));
    wait_for_running_server(shared.settings);
    return ok_status();
  });
}

struct TenantArguments {
  std::string name;
  std::string tier = "standard";
  control::NewTenant wanted;
  tenant::Quotas quotas;
};

void add_tenant(CLI::App& app, Shared& shared) {
  CLI::App& group = *app.add_subcommand("tenant", "Make, list and change tenants (shops)");
  group.require_subcommand(1);
  static TenantArguments args;

  CLI::App& create =
      *group.add_subcommand("create", "Make a tenant; a running server knows it at once");
  create.add_option("name", args.name, "1 to 40 of a-z, 0-9 and -")->required();
  create.add_option("--tier", args.tier, "standard, premium or enterprise [standard]");
  create.add_option("--event-type", args.wanted.event_types,
                    "An event type of its own; may be repeated");
  create.add_option("--allowed-origin", args.wanted.allowed_origins,
                    "Web pages that may call with its keys, as https://shop.example; may be "
                    "repeated [any]");
  create.add_flag("--with-keys", args.wanted.with_keys,
                  "Also make one publishable and one secret key");
  create.add_flag("--if-not-exists", args.wanted.if_not_exists,
                  "An existing tenant is fine and left as it is");
  run_on_control(create, shared, [&shared](control::ControlStore& store) -> Status {
    const auto tier = tenant::find_tier(args.tier);
    if (!tier)
      return Error(ErrorCode::kInvalidArgument, "--tier must be standard, premium or enterprise");
    args.wanted.name = args.name;
    args.wanted.tier = *tier;
    return control::run_tenant_create(store, {}, args.wanted, output(shared), std::cout);
  });

  CLI::App& list = *group.add_subcommand("list", "List tenants");
  run_on_control(list, shared, [&shared](control::ControlStore& store) {
    return control::run_tenant_list(store, output(shared), std::cout);
  });

  using OnName =
      Status (*)(control::Admin&, std::string_view, const control::OutputOptions&, std::ostream&);
  const auto add_on_name = [&](const char* name, const char* help, OnName function) {
    CLI::App& command = *group.add_subcommand(name, help);
    command.add_option("name", args.name, "The tenant")->required();
    run_on_control(command, shared, [&shared, function](control::ControlStore& store) {
      return function(store, args.name, output(shared), std::cout);
    });
  };
  add_on_name("show", "Show one tenant",
              [](control::Admin& a, std::string_view n, const control::OutputOptions& o,
                 std::ostream& out) { return control::run_tenant_show(a, n, o, out); });
  add_on_name("suspend", "Refuse every request of a tenant; its data is kept",
              [](control::Admin& a, std::string_view n, const control::OutputOptions& o,
                 std::ostream& out) { return control::run_tenant_suspend(a, {}, n, o, out); });
  add_on_name("resume", "Take a suspension back",
              [](control::Admin& a, std::string_view n, const control::OutputOptions& o,
                 std::ostream& out) { return control::run_tenant_resume(a, {}, n, o, out); });
  add_on_name("delete", "Mark a tenant deleted and revoke its keys",
              [](control::Admin& a, std::string_view n, const control::OutputOptions& o,
                 std::ostream& out) { return control::run_tenant_delete(a, {}, n, o, out); });

  CLI::App& origins = *group.add_subcommand(
      "origins", "Change whose web pages may call with a tenant's keys; none: any");
  origins.add_option("name", args.name, "The tenant")->required();
  origins.add_option("origin", args.wanted.allowed_origins, "As https://shop.example");
  run_on_control(origins, shared, [&shared](control::ControlStore& store) -> Status {
    VITRINE_TRY(store.set_allowed_origins({}, args.name, args.wanted.allowed_origins));
    return control::run_tenant_show(store, args.name, output(shared), std::cout);
  });

  CLI::App& quotas =
      *group.add_subcommand("quotas", "Change a tenant's quotas; what isn't named stays");
  quotas.add_option("name", args.name, "The tenant")->required();
  static std::optional<double> events_per_s, requests_per_s, events_burst_s, requests_burst_s;
  quotas.add_option("--events-per-s", events_per_s, "Accepted events per second; 0 = unlimited");
  quotas.add_option("--requests-per-s", requests_per_s, "Requests per second; 0 = unlimited");
  quotas.add_option("--events-burst-s", events_burst_s, "Seconds' worth of events spent at once");
  quotas.add_option("--requests-burst-s", requests_burst_s,
                    "Seconds' worth of requests spent at once");
  run_on_control(quotas, shared, [&shared](control::ControlStore& store) -> Status {
    VITRINE_TRY(const auto present, store.get_tenant(args.name));
    tenant::Quotas wanted = present.quotas;
    wanted.events_per_s = events_per_s.value_or(wanted.events_per_s);
    wanted.requests_per_s = requests_per_s.value_or(wanted.requests_per_s);
    wanted.events_burst_s = events_burst_s.value_or(wanted.events_burst_s);
    wanted.requests_burst_s = requests_burst_s.value_or(wanted.requests_burst_s);
    return control::run_tenant_quotas(store, {}, args.name, wanted, output(shared), std::cout);
  });
}

void add_key(CLI::App& app, Shared& shared) {
  CLI::App& group = *app.add_subcommand("key", "Make, list, rotate and revoke API keys");
  group.require_subcommand(1);
  static std::string tenant_name, scope, label, key_id, grace = "0";

  CLI::App& create = *group.add_subcommand("create", "Make a key; its text is shown this once");
  create.add_option("tenant", tenant_name, "The tenant; leave it out for an admin key");
  create.add_option("--scope", scope, "publishable, secret or admin")->required();
  create.add_option("--label", label, "What it is for");
  run_on_control(create, shared, [&shared](control::ControlStore& store) -> Status {
    const auto found = tenant::find_scope(scope);
    if (!found)
      return Error(ErrorCode::kInvalidArgument, "--scope must be publishable, secret or admin");
    control::NewKey wanted;
    wanted.scope = *found;
    wanted.tenant_name = tenant_name;
    wanted.label = label;
    return control::run_key_create(store, {}, wanted, output(shared), std::cout);
  });
  CLI::App& list = *group.add_subcommand("list", "List keys, never their secrets");
  list.add_option("tenant", tenant_name, "Only this tenant's");
  run_on_control(list, shared, [&shared](control::ControlStore& store) {
    return control::run_key_list(store, {tenant_name}, output(shared), std::cout);
  });
  CLI::App& rotate = *group.add_subcommand("rotate", "Replace a key by a new one");
  rotate.add_option("key", key_id, "The key's id (12 hex digits) or its whole text")->required();
  rotate.add_option("--grace", grace, "How long the old one stays good, such as 24h [0]");
  run_on_control(rotate, shared, [&shared](control::ControlStore& store) -> Status {
    VITRINE_TRY(const auto grace_us, parse_duration_us(grace));
    return control::run_key_rotate(store, {}, key_id, grace_us, output(shared), std::cout);
  });
  CLI::App& revoke = *group.add_subcommand("revoke", "Refuse a key from now on");
  revoke.add_option("key", key_id, "The key's id (12 hex digits) or its whole text")->required();
  run_on_control(revoke, shared, [&shared](control::ControlStore& store) {
    return control::run_key_revoke(store, {}, key_id, output(shared), std::cout);
  });
}

void add_log(CLI::App& app, Shared& shared) {
  CLI::App& group = *app.add_subcommand("log", "Look into an event log");
  group.require_subcommand(1);
  static std::string directory;
  static std::uint32_t partition = 0;
  static inspect::DumpOptions dump;
  const auto options = [&shared] {
    return inspect::LogOptions{&io::system_files(), log_directory(directory, partition),
                               shared.json};
  };
  const auto add_common = [&](CLI::App& command) {
    command.add_option("directory", directory, "A log directory, or a data directory")->required();
    command.add_option("--partition", partition, "Partition of the data directory [0]");
    add_json(command, shared);
  };
  CLI::App& info = *group.add_subcommand("info", "Segments, positions, times, sizes");
  add_common(info);
  run(info, shared, [options] { return inspect::run_log_info(options(), std::cout); });
  CLI::App& verify = *group.add_subcommand(
      "verify", "Check every checksum; exit code 1 where anything is damaged");
  add_common(verify);
  run(verify, shared, [options] {
    const auto progress = terminal_progress();
    return inspect::run_log_verify(options(), *progress, std::cout);
  });
  CLI::App& dumping = *group.add_subcommand("dump", "Write records as JSON, one a line");
  add_common(dumping);
  dumping.add_option("--from", dump.from, "First position [the oldest]");
  dumping.add_option("--limit", dump.limit, "Number of records [all]");
  dumping.add_option("--kind", dump.kind, "Only records of this kind [all]");
  run(dumping, shared, [options] {
    dump.log = options();
    dump.payload = payload_printer();
    return inspect::run_log_dump(dump, std::cout);
  });
}

void add_state(CLI::App& app, Shared& shared) {
  CLI::App& group = *app.add_subcommand("state", "Look into tenants' state");
  group.require_subcommand(1);
  CLI::App& digest = *group.add_subcommand(
      "digest",
      "Snapshot plus tail of the log, as one digest per tenant: equal states, equal digests");
  add_data(digest, shared);
  add_json(digest, shared);
  run(digest, shared,
      [&shared] { return run_state_digest(shared.settings, shared.json, std::cout); });
}

void add_erase(CLI::App& app, Shared& shared) {
  CLI::App& group =
      *app.add_subcommand("erase", "Erase persons from the files of a data directory");
  group.require_subcommand(1);
  CLI::App& status = *group.add_subcommand(
      "status", "What was ordered to be erased, and what of it is still in the files");
  add_data(status, shared);
  add_json(status, shared);
  run(status, shared,
      [&shared] { return run_erase_status(shared.settings, shared.json, false, std::cout); });
  CLI::App& verify = *group.add_subcommand(
      "verify", "The same; exit code 1 where anything of an erased person is left");
  add_data(verify, shared);
  add_json(verify, shared);
  run(verify, shared,
      [&shared] { return run_erase_status(shared.settings, shared.json, true, std::cout); });
  CLI::App& list = *group.add_subcommand(
      "list", "The orders as lines of hashes, to be kept for `backup restore --erasures`");
  add_data(list, shared);
  run(list, shared, [&shared] { return run_erase_list(shared.settings, std::cout); });
  CLI::App& erase = *group.add_subcommand(
      "run", "Rewrite the logs without them and make the state anew; the server must be stopped");
  add_data(erase, shared);
  run(erase, shared, [&shared] {
    const auto progress = terminal_progress();
    return run_erase(shared.settings, *progress, std::cout);
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
      ->transform(CLI::CheckedTransformer(kFormats, CLI::ignore_case));
  command.add_option("--map", options.map.columns,
                     "Which column a field is in: FIELD=COLUMN; may be repeated");
  command.add_option("--set", options.map.constants,
                     "What a field is in every row: FIELD=VALUE; may be repeated");
  command.add_flag("--dry-run", options.dry_run, "Read and check everything, send nothing");
  command.add_flag("--resume", options.resume,
                   "Go on where the same import was broken off; keeps FILE.vitrine-resume");
  add_import_options(command, options);
}

void add_import(CLI::App& app, Shared& shared) {
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
  run(online, shared, [] {
    const auto progress = terminal_progress();
    return importer::run_import_online_retail(retail, *progress, std::cout);
  });
  CLI::App& item_file = *group.add_subcommand("items", "Items from any CSV or NDJSON file");
  add_table_options(item_file, items);
  item_file.add_flag("--only-mapped", items.map.only_mapped,
                     "Leave out columns that --map does not name");
  run(item_file, shared, [] {
    const auto progress = terminal_progress();
    return importer::run_import_items(items, *progress, std::cout);
  });
  CLI::App& event_file = *group.add_subcommand("events", "Events from any CSV or NDJSON file");
  add_table_options(event_file, events);
  event_file.add_option("--type", events.map.types,
                        "What the file calls a type of event: VALUE=TYPE; may be repeated");
  run(event_file, shared, [] {
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
  run(user_file, shared, [] {
    const auto progress = terminal_progress();
    return importer::run_import_users(users, *progress, std::cout);
  });
  CLI::App& made =
      *group.add_subcommand("generated", "A small made-up shop with a history up to now");
  made.add_option("--seed", generated.seed, "Another seed, another shop [1]");
  made.add_option("--items", generated.items, "[600]");
  made.add_option("--customers", generated.customers, "[400]");
  made.add_option("--days", generated.days, "[60]");
  add_import_options(made, generated);
  run(made, shared, [] {
    const auto progress = terminal_progress();
    return importer::run_import_generated(generated, *progress, std::cout);
  });
}

void add_tour(CLI::App& app, Shared& shared) {
  CLI::App& command = *app.add_subcommand(
      "tour", "Walk through a shop's windows: what a visitor sees and how it changes");
  static importer::TourOptions options;
  add_client(command, options);
  command.add_option("--user", options.user, "A known customer [17850]");
  command.add_option("--rows", options.rows, "Rows of a table [8]")->check(CLI::Range(3, 20));
  run(command, shared, [] { return importer::run_tour(options, std::cout); });
}

int main_with(int argc, char** argv) {
  CLI::App app{"Vitrine: a personal shop window for every visitor, in real time"};
  app.set_version_flag("--version", std::string("vitrine ") + VITRINE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Start with: vitrine serve --data.directory data\n"
      "then:       vitrine tenant create my-shop --with-keys --data data\n"
      "The running server describes its API at /openapi.json. `vitrine COMMAND --help` tells the "
      "rest.");
  Shared shared;
  const SharedCommandLine line(shared);
  add_serve(app, shared);
  add_tenant(app, shared);
  add_key(app, shared);
  add_import(app, shared);
  add_tour(app, shared);
  add_evaluate_commands(app, line);
  add_model_commands(app, line);
  add_simulate_commands(app, line);
  add_log(app, shared);
  add_state(app, shared);
  add_decision_commands(app, line);
  add_erase(app, shared);
  add_backup_commands(app, line);
  add_archive_commands(app, line);
  add_text_commands(app, shared.exit_code);
  add_graph_commands(app, [&shared](CLI::App& command, std::function<Status()> work) {
    run(command, shared, std::move(work));
  });
  add_config(app, shared);
  add_vec_commands(app, shared.exit_code);
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
