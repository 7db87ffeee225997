#include "service/control/commands.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "platform/codec/time_format.h"

namespace vitrine::control {
namespace {

using codec::JsonWriter;
using tenant::KeyInfo;
using tenant::Tenant;

constexpr std::string_view kShownOnce =
    "Keep it now: only its hash is stored, so it can't be shown again.\n";

std::string number_text(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return {buffer, end.ptr};
}

std::string rate_text(double value) { return value == 0 ? "unlimited" : number_text(value) + "/s"; }
std::string count_text(std::uint64_t n) { return n == 0 ? "unlimited" : std::to_string(n); }

// Columns as wide as their widest cell, two blanks between; the first row is the heading.
// Widths are counted in characters, so that labels of any language stay aligned.
void write_table(const std::vector<std::vector<std::string>>& rows, std::ostream& out) {
  const auto width = [](const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  };
  std::vector<std::size_t> widths(rows.at(0).size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

// Calls fill(JsonWriter&) and writes the document with a newline.
template <class Fn>
void write_document(std::ostream& out, Fn&& fill) {
  std::string text;
  {
    JsonWriter json(text);
    fill(json);
  }
  out << text << '\n';
}

void write_time(JsonWriter& json, std::string_view name, TimeUs time) {
  json.key(name);
  if (time == 0) {
    json.null();
  } else {
    json.string(codec::format_rfc3339(time));
  }
}

// The fields of a key, without the braces.
void write_fields(JsonWriter& json, const KeyInfo& key, TimeUs now_us) {
  json.key("id").string(key_id_text(key.id));
  json.key("scope").string(scope_name(key.scope));
  json.key("tenant_id");
  if (key.tenant.value == 0) {
    json.null();
  } else {
    json.number(key.tenant.value);
  }
  json.key("label").string(key.label);
  json.key("state").string(key_state(key, now_us));
  write_time(json, "created", key.created_us);
  write_time(json, "expires", key.expires_us);
  write_time(json, "revoked", key.revoked_us);
  json.key("replaced_by");
  if (key.replaced_by.value == 0) {
    json.null();
  } else {
    json.string(key_id_text(key.replaced_by));
  }
  json.key("events_per_s").number(key.limits.events_per_s);
  json.key("requests_per_s").number(key.limits.requests_per_s);
}

void write_details(const Tenant& t, std::ostream& out) {
  std::string types;
  for (const std::string& type : t.event_types) types += (types.empty() ? "" : ", ") + type;
  std::string origins;
  for (const std::string& origin : t.allowed_origins) {
    origins += (origins.empty() ? "" : ", ") + origin;
  }
  const tenant::Quotas& q = t.quotas;
  write_table(
      {{"name", t.name},
       {"id", std::to_string(t.id.value)},
       {"tier", std::string(tier_name(t.tier))},
       {"status", std::string(status_name(t.status))},
       {"partition", std::to_string(t.partition)},
       {"created", codec::format_rfc3339(t.created_us)},
       {"events", rate_text(q.events_per_s) + ", burst " + number_text(q.events_burst_s) + " s"},
       {"requests",
        rate_text(q.requests_per_s) + ", burst " + number_text(q.requests_burst_s) + " s"},
       {"items", count_text(q.items_max)},
       {"users", count_text(q.users_max)},
       {"event types", types.empty() ? "built-in only" : types},
       {"origins", origins.empty() ? "any" : origins}},
      out);
}

Status show_tenant(Result<Tenant> result, std::string_view done, const OutputOptions& options,
                   std::ostream& out) {
  if (!result.ok()) return std::move(result).error();
  if (options.json) {
    write_document(out, [&](JsonWriter& json) { write_json(json, *result); });
    return ok_status();
  }
  if (!done.empty()) out << "Tenant " << result->name << ' ' << done << ".\n";
  write_details(*result, out);
  return ok_status();
}

Status show_issued(const Result<IssuedKey>& issued, const OutputOptions& options,
                   std::ostream& out) {
  if (!issued.ok()) return issued.error();
  if (options.json) {
    write_document(out, [&](JsonWriter& json) { write_json(json, *issued, options.now_us); });
    return ok_status();
  }
  out << "New " << scope_name(issued->info.scope) << " key " << key_id_text(issued->info.id)
      << ":\n\n  " << issued->text << "\n\n"
      << kShownOnce;
  return ok_status();
}

// An id, or a whole key: people have the key at hand and not its id.
Result<tenant::KeyId> read_key_id(std::string_view text) {
  tenant::ParsedKey parsed;
  if (tenant::parse_key_shape(text, parsed)) return parsed.id;
  return tenant::parse_key_id(text);
}

}  // namespace

std::string_view key_state(const KeyInfo& key, TimeUs now_us) {
  if (key.revoked_us != 0) return "revoked";
  if (key.expires_us != 0 && key.expires_us <= now_us) return "expired";
  return key.replaced_by.value != 0 ? "rotated" : "active";
}

void write_json(JsonWriter& json, const Tenant& t) {
  json.begin_object();
  json.key("id").number(t.id.value);
  json.key("name").string(t.name);
  json.key("tier").string(tier_name(t.tier));
  json.key("status").string(status_name(t.status));
  json.key("partition").number(t.partition);
  json.key("epoch").number(t.epoch);
  json.key("created").string(codec::format_rfc3339(t.created_us));
  json.key("quotas").begin_object();
  json.key("events_per_s").number(t.quotas.events_per_s);
  json.key("events_burst_s").number(t.quotas.events_burst_s);
  json.key("requests_per_s").number(t.quotas.requests_per_s);
  json.key("requests_burst_s").number(t.quotas.requests_burst_s);
  json.key("items_max").number(t.quotas.items_max);
  json.key("users_max").number(t.quotas.users_max);
  json.end_object();
  json.key("event_types").begin_array();
  for (const std::string& type : t.event_types) json.string(type);
  json.end_array();
  json.key("allowed_origins").begin_array();
  for (const std::string& origin : t.allowed_origins) json.string(origin);
  json.end_array();
  json.key("placements").begin_array();
  for (const std::string& placement : t.placements) json.raw(placement);
  json.end_array();
  json.end_object();
}

void write_json(JsonWriter& json, const KeyInfo& key, TimeUs now_us) {
  json.begin_object();
  write_fields(json, key, now_us);
  json.end_object();
}

void write_json(JsonWriter& json, const IssuedKey& key, TimeUs now_us) {
  json.begin_object();
  json.key("key").string(key.text);
  write_fields(json, key.info, now_us);
  json.end_object();
}

Status run_tenant_create(Admin& admin, const Actor& actor, const NewTenant& wanted,
                         const OutputOptions& options, std::ostream& out) {
  VITRINE_TRY(const CreatedTenant made, admin.create_tenant(actor, wanted));
  if (options.json) {
    write_document(out, [&](JsonWriter& json) {
      json.begin_object();
      json.key("created").boolean(made.created);
      json.key("tenant");
      write_json(json, made.tenant);
      json.key("keys").begin_array();
      for (const IssuedKey& key : made.keys) write_json(json, key, options.now_us);
      json.end_array();
      json.end_object();
    });
    return ok_status();
  }
  out << "Tenant " << made.tenant.name << (made.created ? " created.\n" : " exists already.\n");
  write_details(made.tenant, out);
  if (made.keys.empty()) return ok_status();
  out << '\n';
  std::vector<std::vector<std::string>> rows = {{"SCOPE", "KEY"}};
  for (const IssuedKey& key : made.keys) {
    rows.push_back({std::string(scope_name(key.info.scope)), key.text});
  }
  write_table(rows, out);
  out << "\nKeep the keys now: only their hashes are stored, so they can't be shown again.\n";
  return ok_status();
}

Status run_tenant_list(Admin& admin, const OutputOptions& options, std::ostream& out) {
  VITRINE_TRY(const std::vector<Tenant> tenants, admin.list_tenants());
  if (options.json) {
    write_document(out, [&](JsonWriter& json) {
      json.begin_array();
      for (const Tenant& tenant : tenants) write_json(json, tenant);
      json.end_array();
    });
    return ok_status();
  }
  if (tenants.empty()) {
    out << "No tenants yet. Create one with: vitrine tenant create NAME\n";
    return ok_status();
  }
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "ID", "TIER", "STATUS", "PARTITION", "EVENTS", "REQUESTS", "CREATED"}};
  for (const Tenant& t : tenants) {
    rows.push_back({t.name, std::to_string(t.id.value), std::string(tier_name(t.tier)),
                    std::string(status_name(t.status)), std::to_string(t.partition),
                    rate_text(t.quotas.events_per_s), rate_text(t.quotas.requests_per_s),
                    codec::format_rfc3339(t.created_us)});
  }
  write_table(rows, out);
  return ok_status();
}

Status run_tenant_show(Admin& admin, std::string_view name, const OutputOptions& options,
                       std::ostream& out) {
  return show_tenant(admin.get_tenant(name), "", options, out);
}

Status run_tenant_suspend(Admin& admin, const Actor& actor, std::string_view name,
                          const OutputOptions& options, std::ostream& out) {
  return show_tenant(admin.suspend_tenant(actor, name), "is suspended", options, out);
}

Status run_tenant_resume(Admin& admin, const Actor& actor, std::string_view name,
                         const OutputOptions& options, std::ostream& out) {
  return show_tenant(admin.resume_tenant(actor, name), "is active", options, out);
}

Status run_tenant_delete(Admin& admin, const Actor& actor, std::string_view name,
                         const OutputOptions& options, std::ostream& out) {
  return show_tenant(admin.delete_tenant(actor, name), "is deleted and its keys are revoked",
                     options, out);
}

Status run_tenant_quotas(Admin& admin, const Actor& actor, std::string_view name,
                         const tenant::Quotas& quotas, const OutputOptions& options,
                         std::ostream& out) {
  return show_tenant(admin.set_quotas(actor, name, quotas), "has these quotas now", options, out);
}

Status run_key_create(Admin& admin, const Actor& actor, const NewKey& wanted,
                      const OutputOptions& options, std::ostream& out) {
  return show_issued(admin.create_key(actor, wanted), options, out);
}

Status run_key_list(Admin& admin, const KeyFilter& filter, const OutputOptions& options,
                    std::ostream& out) {
  VITRINE_TRY(const std::vector<KeyInfo> keys, admin.list_keys(filter));
  if (options.json) {
    write_document(out, [&](JsonWriter& json) {
      json.begin_array();
      for (const KeyInfo& key : keys) write_json(json, key, options.now_us);
      json.end_array();
    });
    return ok_status();
  }
  if (keys.empty()) {
    out << "No keys yet. Create one with: vitrine key create\n";
    return ok_status();
  }
  std::vector<std::vector<std::string>> rows = {
      {"ID", "SCOPE", "TENANT", "STATE", "CREATED", "EXPIRES", "LABEL"}};
  for (const KeyInfo& key : keys) {
    rows.push_back(
        {key_id_text(key.id), std::string(scope_name(key.scope)),
         key.tenant.value == 0 ? "-" : std::to_string(key.tenant.value),
         std::string(key_state(key, options.now_us)), codec::format_rfc3339(key.created_us),
         key.expires_us == 0 ? "never" : codec::format_rfc3339(key.expires_us), key.label});
  }
  write_table(rows, out);
  return ok_status();
}

Status run_key_rotate(Admin& admin, const Actor& actor, std::string_view key_id, TimeUs grace_us,
                      const OutputOptions& options, std::ostream& out) {
  VITRINE_TRY(const tenant::KeyId id, read_key_id(key_id));
  VITRINE_TRY(show_issued(admin.rotate_key(actor, id, grace_us), options, out));
  if (options.json) return ok_status();
  if (grace_us == 0) {
    out << "Key " << key_id_text(id) << " is revoked.\n";
  } else {
    out << "Key " << key_id_text(id) << " works for another " << grace_us / kSecondUs << " s.\n";
  }
  return ok_status();
}

Status run_key_revoke(Admin& admin, const Actor& actor, std::string_view key_id,
                      const OutputOptions& options, std::ostream& out) {
  VITRINE_TRY(const tenant::KeyId id, read_key_id(key_id));
  VITRINE_TRY(const KeyInfo info, admin.revoke_key(actor, id));
  if (options.json) {
    write_document(out, [&](JsonWriter& json) { write_json(json, info, options.now_us); });
  } else {
    out << "Key " << key_id_text(id) << " is revoked.\n";
  }
  return ok_status();
}

}  // namespace vitrine::control
