#include "service/control/internal/schema.h"

#include <array>

namespace vitrine::control::internal {
namespace {

// Step i brings version i to i+1. Released steps never change: add one.
constexpr std::array<const char*, kSchemaVersion> kSteps = {
    R"sql(
CREATE TABLE state(
  one INTEGER PRIMARY KEY CHECK(one = 1),
  version INTEGER NOT NULL              -- number of changes ever made
);
INSERT INTO state VALUES(1, 0);

CREATE TABLE tenants(
  id INTEGER PRIMARY KEY AUTOINCREMENT CHECK(id BETWEEN 1 AND 4294967295),
  name TEXT NOT NULL,
  tier INTEGER NOT NULL CHECK(tier BETWEEN 1 AND 3),
  partition INTEGER NOT NULL CHECK(partition BETWEEN 0 AND 4294967295),
  epoch INTEGER NOT NULL CHECK(epoch BETWEEN 1 AND 4294967295),
  status INTEGER NOT NULL CHECK(status BETWEEN 1 AND 3),
  events_per_s REAL NOT NULL,
  requests_per_s REAL NOT NULL,
  events_burst_s REAL NOT NULL,
  requests_burst_s REAL NOT NULL,
  items_max INTEGER NOT NULL,
  users_max INTEGER NOT NULL,
  created_us INTEGER NOT NULL
);
CREATE UNIQUE INDEX tenants_by_name ON tenants(name) WHERE status != 3;

CREATE TABLE event_types(
  tenant INTEGER NOT NULL REFERENCES tenants(id),
  name TEXT NOT NULL,
  PRIMARY KEY(tenant, name)
) WITHOUT ROWID;

CREATE TABLE keys(
  id INTEGER PRIMARY KEY CHECK(id BETWEEN 1 AND 281474976710655),
  scope INTEGER NOT NULL CHECK(scope BETWEEN 1 AND 3),
  tenant INTEGER REFERENCES tenants(id),
  label TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE CHECK(length(hash) = 32),
  created_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL,
  revoked_us INTEGER NOT NULL,
  replaced_by INTEGER NOT NULL,
  events_per_s REAL NOT NULL,
  requests_per_s REAL NOT NULL,
  CHECK((scope = 3) = (tenant IS NULL))
);
CREATE INDEX keys_by_tenant ON keys(tenant);

CREATE TABLE settings(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE audit(
  sequence INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,
  actor INTEGER NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL,
  hash BLOB NOT NULL
);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
)sql",
    R"sql(
CREATE TABLE allowed_origins(
  tenant INTEGER NOT NULL REFERENCES tenants(id),
  name TEXT NOT NULL,
  PRIMARY KEY(tenant, name)
) WITHOUT ROWID;
)sql",
    R"sql(
CREATE TABLE placements(
  tenant INTEGER NOT NULL REFERENCES tenants(id),
  name TEXT NOT NULL,
  PRIMARY KEY(tenant, name)
) WITHOUT ROWID;
)sql",
};

Error foreign(const Database& database) {
  return {ErrorCode::kCorrupt, "control database " + database.path() +
                                   ": this is a database of another program; check the path"};
}

Status run_step(Database& database, std::int64_t from) {
  return database.transaction([&]() -> Status {
    // Another process may have migrated while this one waited for the lock.
    VITRINE_TRY(const std::int64_t now, database.query_integer("PRAGMA user_version"));
    if (now != from) return ok_status();
    VITRINE_TRY(database.execute(kSteps[static_cast<std::size_t>(from)]));
    VITRINE_TRY(database.execute("PRAGMA user_version=" + std::to_string(from + 1)));
    return database.execute("PRAGMA application_id=" + std::to_string(kApplicationId));
  });
}

}  // namespace

Status migrate(Database& database) {
  VITRINE_TRY(const std::int64_t owner, database.query_integer("PRAGMA application_id"));
  VITRINE_TRY(const std::int64_t tables,
              database.query_integer("SELECT count(*) FROM sqlite_master"));
  if (owner != kApplicationId && (owner != 0 || tables != 0)) {
    // Read again: another process may have created it between the two questions.
    VITRINE_TRY(const std::int64_t again, database.query_integer("PRAGMA application_id"));
    if (again != kApplicationId) return foreign(database);
  }
  for (;;) {
    VITRINE_TRY(const std::int64_t version, database.query_integer("PRAGMA user_version"));
    if (version == kSchemaVersion) return ok_status();
    if (version > kSchemaVersion || version < 0) {
      return Error(ErrorCode::kUnsupported,
                   "control database " + database.path() + ": has schema version " +
                       std::to_string(version) + ", this build knows up to " +
                       std::to_string(kSchemaVersion) + "; use a newer build");
    }
    VITRINE_TRY(run_step(database, version));
  }
}

}  // namespace vitrine::control::internal
