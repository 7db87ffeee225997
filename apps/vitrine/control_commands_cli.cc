// `vitrine tenant ...` and `vitrine key ...`: the control database.
#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>

#include "base/config.h"
#include "command_line.h"
#include "commands.h"
#include "service/control/commands.h"

namespace vitrine::app {
namespace {

control::OutputOptions output(const CommandLine& line) {
  return {line.json(), system_clock().wall_us()};
}

// A command on the control database.
template <class Work>
void run_on_control(CLI::App& command, const CommandLine& line, Work work) {
  line.add_data(command);
  line.add_json(command);
  line.run(command, [&line, work]() -> Status {
    VITRINE_TRY(const auto store, open_control_store(line.settings()));
    VITRINE_TRY(work(*store));
    wait_for_running_server(line.settings());
    return ok_status();
  });
}

struct TenantArguments {
  std::string name;
  std::string tier = "standard";
  control::NewTenant wanted;
  tenant::Quotas quotas;
};

void add_tenant(CLI::App& app, const CommandLine& line) {
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
  run_on_control(create, line, [&line](control::ControlStore& store) -> Status {
    const auto tier = tenant::find_tier(args.tier);
    if (!tier)
      return Error(ErrorCode::kInvalidArgument, "--tier must be standard, premium or enterprise");
    args.wanted.name = args.name;
    args.wanted.tier = *tier;
    return control::run_tenant_create(store, {}, args.wanted, output(line), std::cout);
  });

  CLI::App& list = *group.add_subcommand("list", "List tenants");
  run_on_control(list, line, [&line](control::ControlStore& store) {
    return control::run_tenant_list(store, output(line), std::cout);
  });

  using OnName =
      Status (*)(control::Admin&, std::string_view, const control::OutputOptions&, std::ostream&);
  const auto add_on_name = [&](const char* name, const char* help, OnName function) {
    CLI::App& command = *group.add_subcommand(name, help);
    command.add_option("name", args.name, "The tenant")->required();
    run_on_control(command, line, [&line, function](control::ControlStore& store) {
      return function(store, args.name, output(line), std::cout);
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
  run_on_control(origins, line, [&line](control::ControlStore& store) -> Status {
    VITRINE_TRY(store.set_allowed_origins({}, args.name, args.wanted.allowed_origins));
    return control::run_tenant_show(store, args.name, output(line), std::cout);
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
  run_on_control(quotas, line, [&line](control::ControlStore& store) -> Status {
    VITRINE_TRY(const auto present, store.get_tenant(args.name));
    tenant::Quotas wanted = present.quotas;
    wanted.events_per_s = events_per_s.value_or(wanted.events_per_s);
    wanted.requests_per_s = requests_per_s.value_or(wanted.requests_per_s);
    wanted.events_burst_s = events_burst_s.value_or(wanted.events_burst_s);
    wanted.requests_burst_s = requests_burst_s.value_or(wanted.requests_burst_s);
    return control::run_tenant_quotas(store, {}, args.name, wanted, output(line), std::cout);
  });
}

void add_key(CLI::App& app, const CommandLine& line) {
  CLI::App& group = *app.add_subcommand("key", "Make, list, rotate and revoke API keys");
  group.require_subcommand(1);
  static std::string tenant_name, scope, label, key_id, grace = "0";

  CLI::App& create = *group.add_subcommand("create", "Make a key; its text is shown this once");
  create.add_option("tenant", tenant_name, "The tenant; leave it out for an admin key");
  create.add_option("--scope", scope, "publishable, secret or admin")->required();
  create.add_option("--label", label, "What it is for");
  run_on_control(create, line, [&line](control::ControlStore& store) -> Status {
    const auto found = tenant::find_scope(scope);
    if (!found)
      return Error(ErrorCode::kInvalidArgument, "--scope must be publishable, secret or admin");
    control::NewKey wanted;
    wanted.scope = *found;
    wanted.tenant_name = tenant_name;
    wanted.label = label;
    return control::run_key_create(store, {}, wanted, output(line), std::cout);
  });
  CLI::App& list = *group.add_subcommand("list", "List keys, never their secrets");
  list.add_option("tenant", tenant_name, "Only this tenant's");
  run_on_control(list, line, [&line](control::ControlStore& store) {
    return control::run_key_list(store, {tenant_name}, output(line), std::cout);
  });
  CLI::App& rotate = *group.add_subcommand("rotate", "Replace a key by a new one");
  rotate.add_option("key", key_id, "The key's id (12 hex digits) or its whole text")->required();
  rotate.add_option("--grace", grace, "How long the old one stays good, such as 24h [0]");
  run_on_control(rotate, line, [&line](control::ControlStore& store) -> Status {
    VITRINE_TRY(const auto grace_us, parse_duration_us(grace));
    return control::run_key_rotate(store, {}, key_id, grace_us, output(line), std::cout);
  });
  CLI::App& revoke = *group.add_subcommand("revoke", "Refuse a key from now on");
  revoke.add_option("key", key_id, "The key's id (12 hex digits) or its whole text")->required();
  run_on_control(revoke, line, [&line](control::ControlStore& store) {
    return control::run_key_revoke(store, {}, key_id, output(line), std::cout);
  });
}

}  // namespace

void add_control_commands(CLI::App& app, const CommandLine& line) {
  add_tenant(app, line);
  add_key(app, line);
}

}  // namespace vitrine::app
