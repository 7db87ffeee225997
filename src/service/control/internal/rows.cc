#include "service/control/internal/rows.h"

#include <algorithm>
#include <cstring>

namespace vitrine::control::internal {
namespace {

using tenant::KeyId;
using tenant::KeyInfo;
using tenant::Tenant;

constexpr std::string_view kTenantColumns =
    "SELECT id, name, tier, partition, epoch, status, events_per_s, requests_per_s,"
    " events_burst_s, requests_burst_s, items_max, users_max, created_us FROM tenants ";
constexpr std::string_view kKeyColumns =
    "SELECT id, scope, tenant, label, hash, created_us, expires_us, revoked_us, replaced_by,"
    " events_per_s, requests_per_s FROM keys ";

Error corrupt(const Database& database, std::string_view what, std::int64_t id) {
  return {ErrorCode::kCorrupt, "control database " + database.path() + ": " + std::string(what) +
                                   " " + std::to_string(id) + " has impossible values"};
}

std::int64_t as_integer(std::uint64_t value) { return static_cast<std::int64_t>(value); }

Result<Tenant> tenant_of_row(const Database& database, const Statement& row) {
  Tenant t;
  t.id = TenantId{static_cast<std::uint32_t>(row.integer(0))};
  t.name = row.text(1);
  const std::int64_t tier = row.integer(2);
  t.partition = static_cast<std::uint32_t>(row.integer(3));
  t.epoch = static_cast<std::uint32_t>(row.integer(4));
  const std::int64_t status = row.integer(5);
  t.quotas.events_per_s = row.real(6);
  t.quotas.requests_per_s = row.real(7);
  t.quotas.events_burst_s = row.real(8);
  t.quotas.requests_burst_s = row.real(9);
  t.quotas.items_max = static_cast<std::uint64_t>(row.integer(10));
  t.quotas.users_max = static_cast<std::uint64_t>(row.integer(11));
  t.created_us = row.integer(12);
  const bool known = tier >= 1 && tier <= 3 && status >= 1 && status <= 3;
  if (!known || !tenant::validate_tenant_name(t.name).ok() || !validate_quotas(t.quotas).ok()) {
    return corrupt(database, "tenant", row.integer(0));
  }
  t.tier = static_cast<tenant::Tier>(tier);
  t.status = static_cast<tenant::TenantStatus>(status);
  return t;
}

Result<KeyRecord> key_of_row(const Database& database, const Statement& row) {
  KeyRecord key;
  KeyInfo& info = key.info;
  info.id = KeyId{static_cast<std::uint64_t>(row.integer(0))};
  const std::int64_t scope = row.integer(1);
  info.tenant = TenantId{static_cast<std::uint32_t>(row.integer(2))};
  info.label = row.text(3);
  const std::string_view hash = row.blob(4);
  info.created_us = row.integer(5);
  info.expires_us = row.integer(6);
  info.revoked_us = row.integer(7);
  info.replaced_by = KeyId{static_cast<std::uint64_t>(row.integer(8))};
  info.limits.events_per_s = row.real(9);
  info.limits.requests_per_s = row.real(10);
  const bool admin = scope == static_cast<std::int64_t>(tenant::Scope::kAdmin);
  const bool known = scope >= 1 && scope <= 3 && admin == (info.tenant.value == 0);
  if (!known || hash.size() != key.hash.size()) return corrupt(database, "key", row.integer(0));
  info.scope = static_cast<tenant::Scope>(scope);
  std::memcpy(key.hash.data(), hash.data(), hash.size());
  return key;
}

// The lists of names that a tenant has, each in a table of its own: (tenant, name).
struct NameList {
  const char* table;
  std::vector<std::string> Tenant::*member;
};
constexpr NameList kNameLists[] = {{"event_types", &Tenant::event_types},
                                   {"allowed_origins", &Tenant::allowed_origins},
                                   {"placements", &Tenant::placements}};

Status write_names(Database& database, const Tenant& tenant) {
  for (const auto& [table, member] : kNameLists) {
    VITRINE_TRY(auto clear,
                database.prepare("DELETE FROM " + std::string(table) + " WHERE tenant = ?"));
    VITRINE_TRY(clear.bind(1, std::int64_t{tenant.id.value}).run());
    for (const std::string& name : tenant.*member) {
      VITRINE_TRY(auto insert,
                  database.prepare("INSERT INTO " + std::string(table) + " VALUES(?, ?)"));
      VITRINE_TRY(insert.bind(1, std::int64_t{tenant.id.value}).bind_text(2, name).run());
    }
  }
  return ok_status();
}

// All names of a list in one pass, merged into tenants that are sorted by id.
Status read_names(Database& database, const NameList& list, std::vector<Tenant>& tenants) {
  VITRINE_TRY(auto rows, database.prepare("SELECT tenant, name FROM " + std::string(list.table) +
                                          " ORDER BY tenant, name"));
  std::size_t at = 0;
  for (;;) {
    VITRINE_TRY(const bool row, rows.step());
    if (!row) return ok_status();
    const TenantId id{static_cast<std::uint32_t>(rows.integer(0))};
    while (at < tenants.size() && tenants[at].id < id) ++at;
    if (at < tenants.size() && tenants[at].id == id) {
      (tenants[at].*list.member).emplace_back(rows.text(1));
    }
  }
}

Status read_names_of(Database& database, Tenant& tenant) {
  for (const NameList& list : kNameLists) {
    VITRINE_TRY(auto names, database.prepare("SELECT name FROM " + std::string(list.table) +
                                             " WHERE tenant = ? ORDER BY name"));
    names.bind(1, std::int64_t{tenant.id.value});
    for (;;) {
      VITRINE_TRY(const bool row, names.step());
      if (!row) break;
      (tenant.*list.member).emplace_back(names.text(0));
    }
  }
  return ok_status();
}

Result<std::vector<KeyRecord>> collect_keys(Database& database, Statement& rows) {
  std::vector<KeyRecord> keys;
  for (;;) {
    VITRINE_TRY(const bool row, rows.step());
    if (!row) return keys;
    VITRINE_TRY(auto key, key_of_row(database, rows));
    keys.push_back(std::move(key));
  }
}

// Parameters first.. of tier, partition, epoch, status, quotas in the columns' order.
void bind_tenant(Statement& statement, int first, const Tenant& t) {
  statement.bind(first, static_cast<std::int64_t>(t.tier));
  statement.bind(first + 1, std::int64_t{t.partition});
  statement.bind(first + 2, std::int64_t{t.epoch});
  statement.bind(first + 3, static_cast<std::int64_t>(t.status));
  statement.bind(first + 4, t.quotas.events_per_s);
  statement.bind(first + 5, t.quotas.requests_per_s);
  statement.bind(first + 6, t.quotas.events_burst_s);
  statement.bind(first + 7, t.quotas.requests_burst_s);
  statement.bind(first + 8, as_integer(t.quotas.items_max));
  statement.bind(first + 9, as_integer(t.quotas.users_max));
}

}  // namespace

Result<std::optional<Tenant>> find_tenant(Database& database, std::string_view name) {
  VITRINE_TRY(auto rows,
              database.prepare(std::string(kTenantColumns) + "WHERE name = ? AND status != 3"));
  VITRINE_TRY(const bool found, rows.bind_text(1, name).step());
  if (!found) return std::optional<Tenant>();
  VITRINE_TRY(auto tenant, tenant_of_row(database, rows));
  VITRINE_TRY(read_names_of(database, tenant));
  return std::optional<Tenant>(std::move(tenant));
}

Result<std::vector<Tenant>> read_tenants(Database& database, bool with_deleted) {
  const std::string where = with_deleted ? "" : "WHERE status != 3 ";
  VITRINE_TRY(auto rows, database.prepare(std::string(kTenantColumns) + where + "ORDER BY id"));
  std::vector<Tenant> tenants;
  for (;;) {
    VITRINE_TRY(const bool row, rows.step());
    if (!row) break;
    VITRINE_TRY(auto tenant, tenant_of_row(database, rows));
    tenants.push_back(std::move(tenant));
  }
  for (const NameList& list : kNameLists) VITRINE_TRY(read_names(database, list, tenants));
  return tenants;
}

Status insert_tenant(Database& database, Tenant& tenant) {
  VITRINE_TRY(auto insert,
              database.prepare("INSERT INTO tenants VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?)"));
  insert.bind_text(1, tenant.name);
  bind_tenant(insert, 2, tenant);
  VITRINE_TRY(insert.bind(12, tenant.created_us).run());
  VITRINE_TRY(const std::int64_t id, database.query_integer("SELECT last_insert_rowid()"));
  tenant.id = TenantId{static_cast<std::uint32_t>(id)};
  return write_names(database, tenant);
}

Status update_tenant(Database& database, const Tenant& tenant) {
  VITRINE_TRY(
      auto update,
      database.prepare(
          "UPDATE tenants SET name=?, tier=?, partition=?, epoch=?, status=?, events_per_s=?,"
          " requests_per_s=?, events_burst_s=?, requests_burst_s=?, items_max=?, users_max=?"
          " WHERE id=?"));
  update.bind_text(1, tenant.name);
  bind_tenant(update, 2, tenant);
  VITRINE_TRY(update.bind(12, std::int64_t{tenant.id.value}).run());
  return write_names(database, tenant);
}

Result<std::optional<KeyRecord>> find_key(Database& database, KeyId id) {
  VITRINE_TRY(auto rows, database.prepare(std::string(kKeyColumns) + "WHERE id = ?"));
  VITRINE_TRY(const bool found, rows.bind(1, as_integer(id.value)).step());
  if (!found) return std::optional<KeyRecord>();
  VITRINE_TRY(auto key, key_of_row(database, rows));
  return std::optional<KeyRecord>(std::move(key));
}

Result<std::vector<KeyRecord>> read_keys(Database& database) {
  VITRINE_TRY(auto rows, database.prepare(std::string(kKeyColumns) + "ORDER BY created_us, id"));
  return collect_keys(database, rows);
}

Result<std::vector<KeyRecord>> read_keys_of(Database& database, TenantId tenant) {
  VITRINE_TRY(auto rows, database.prepare(std::string(kKeyColumns) +
                                          "WHERE tenant = ? ORDER BY created_us, id"));
  rows.bind(1, std::int64_t{tenant.value});
  return collect_keys(database, rows);
}

Status insert_key(Database& database, const KeyRecord& key) {
  const KeyInfo& info = key.info;
  VITRINE_TRY(auto insert, database.prepare("INSERT INTO keys VALUES(?,?,?,?,?,?,?,?,?,?,?)"));
  insert.bind(1, as_integer(info.id.value)).bind(2, static_cast<std::int64_t>(info.scope));
  if (info.tenant.value == 0) {
    insert.bind_null(3);
  } else {
    insert.bind(3, std::int64_t{info.tenant.value});
  }
  insert.bind_text(4, info.label);
  insert.bind_blob(5, {reinterpret_cast<const char*>(key.hash.data()), key.hash.size()});
  insert.bind(6, info.created_us).bind(7, info.expires_us).bind(8, info.revoked_us);
  insert.bind(9, as_integer(info.replaced_by.value));
  insert.bind(10, info.limits.events_per_s).bind(11, info.limits.requests_per_s);
  return insert.run();
}

Status update_key(Database& database, const KeyInfo& key) {
  VITRINE_TRY(auto update, database.prepare("UPDATE keys SET expires_us=?, revoked_us=?,"
                                            " replaced_by=? WHERE id=?"));
  update.bind(1, key.expires_us).bind(2, key.revoked_us);
  update.bind(3, as_integer(key.replaced_by.value)).bind(4, as_integer(key.id.value));
  return update.run();
}

}  // namespace vitrine::control::internal
