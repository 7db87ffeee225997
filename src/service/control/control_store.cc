#include "service/control/control_store.h"

#include <algorithm>
#include <mutex>

#include <sodium.h>

#include "domain/policy/placements.h"
#include "platform/codec/utf8.h"
#include "service/control/internal/audit.h"
#include "service/control/internal/rows.h"
#include "service/control/internal/schema.h"

namespace vitrine::control {
namespace {

using internal::Database;
using tenant::KeyId;
using tenant::KeyInfo;
using tenant::Scope;
using tenant::Tenant;
using tenant::TenantStatus;
using tenant::Tier;

constexpr std::size_t kSettingNameBytesMax = 100;
constexpr std::size_t kSettingBytesMax = 64 * 1024;
constexpr std::size_t kAuditPageMax = 1000;

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Error no_tenant(std::string_view name) {
  return Error(ErrorCode::kNotFound, "there is no tenant '" +
                                         std::string(name.substr(0, tenant::kTenantNameBytesMax)) +
                                         "'")
      .with_reason("tenant_not_found");
}

Error no_key(KeyId id) {
  return Error(ErrorCode::kNotFound, "there is no key " + key_id_text(id))
      .with_reason("key_not_found");
}

Status validate_label(std::string_view label) {
  if (label.size() > kKeyLabelBytesMax) {
    return invalid("a key's label has at most 100 bytes, got " + std::to_string(label.size()));
  }
  if (codec::is_printable_utf8(label)) return ok_status();
  return invalid("a key's label must be UTF-8 without control characters");
}

Status validate_new_key(const NewKey& key, TimeUs now) {
  const bool admin = key.scope == Scope::kAdmin;
  if (admin && !key.tenant_name.empty()) return invalid("an admin key belongs to no tenant");
  if (!admin && key.tenant_name.empty()) {
    return invalid("a " + std::string(scope_name(key.scope)) + " key needs a tenant");
  }
  if (key.expires_us != 0 && key.expires_us <= now) return invalid("the key would be expired");
  tenant::Quotas as_quotas;
  as_quotas.events_per_s = key.limits.events_per_s;
  as_quotas.requests_per_s = key.limits.requests_per_s;
  VITRINE_TRY(validate_quotas(as_quotas));
  return validate_label(key.label);
}

std::string key_target(KeyId id) { return "key " + key_id_text(id); }

// What one transaction changed, for the audit log and the listeners. No action: nothing changed.
struct Change {
  std::string action;
  std::string target;
  std::string detail;
  std::vector<Tenant> tenants;
  std::vector<KeyRecord> keys;
};

}  // namespace

class ControlStore::Impl {
 public:
  Impl(StoreOptions given, std::unique_ptr<Database> opened)
      : options(std::move(given)),
        clock(options.clock != nullptr ? *options.clock : system_clock()),
        database(std::move(opened)) {}

  // Runs `body` as one transaction with its version and audit entry, then tells the listeners.
  Status change(const Actor& actor, const std::function<Status(Change&)>& body);
  // Changes one tenant by name; `edit` fills action and detail or leaves the action empty.
  Result<Tenant> edit_tenant(const Actor& actor, std::string_view name,
                             const std::function<Status(Tenant&, Change&)>& edit);
  Result<std::uint32_t> choose_partition(const NewTenant& wanted);
  Result<IssuedKey> issue_key(const NewKey& wanted, TenantId tenant, Change& change);
  Result<DirectoryChange> read_all();
  Status announce(std::uint64_t version, Change& change);
  Status announce_all();

  const StoreOptions options;
  const Clock& clock;
  std::mutex mutex;  // guards all below
  std::unique_ptr<Database> database;
  std::vector<ChangeListener*> listeners;
  std::uint64_t announced_version = 0;  // what the listeners know
  std::int64_t seen_data_version = -1;  // PRAGMA data_version at the last full reading
  std::int64_t polled_ns = 0;
  bool polled = false;
};

Status ControlStore::Impl::change(const Actor& actor, const std::function<Status(Change&)>& body) {
  std::lock_guard lock(mutex);
  Change change;
  AuditEntry entry;
  Status done = database->transaction([&]() -> Status {
    VITRINE_TRY(body(change));
    if (change.action.empty()) return ok_status();
    VITRINE_TRY(database->execute("UPDATE state SET version = version + 1"));
    VITRINE_TRY(const std::int64_t version, database->query_integer("SELECT version FROM state"));
    entry.sequence = static_cast<std::uint64_t>(version);
    entry.time_us = clock.wall_us();
    entry.actor = actor.key;
    entry.action = change.action;
    entry.target = change.target;
    entry.detail = change.detail;
    return internal::append_audit(*database, entry);
  });
  if (!done.ok()) return std::move(done).error();
  if (change.action.empty()) return ok_status();
  return announce(entry.sequence, change);
}

Status ControlStore::Impl::announce(std::uint64_t version, Change& change) {
  if (listeners.empty()) return ok_status();
  // A gap means that another process wrote in between: the listeners need that too.
  if (version != announced_version + 1) {
    Status status = announce_all();
    if (status.ok()) return status;
    return std::move(status).error().context(
        "the change was made, but this process can't read it back yet");
  }
  DirectoryChange message;
  message.version = version;
  message.tenants = std::move(change.tenants);
  message.keys = std::move(change.keys);
  for (ChangeListener* listener : listeners) listener->on_change(message);
  announced_version = version;
  return ok_status();
}

Result<DirectoryChange> ControlStore::Impl::read_all() {
  DirectoryChange all;
  all.full = true;
  Status done = database->snapshot([&]() -> Status {
    VITRINE_TRY(const std::int64_t version, database->query_integer("SELECT version FROM state"));
    all.version = static_cast<std::uint64_t>(version);
    VITRINE_TRY(all.tenants, internal::read_tenants(*database, true));
    VITRINE_TRY(all.keys, internal::read_keys(*database));
    return ok_status();
  });
  if (!done.ok()) return std::move(done).error();
  return all;
}

Status ControlStore::Impl::announce_all() {
  seen_data_version = -1;  // until it succeeds, the next refresh tries again
  // Read before the data: a change between the two is then noticed at the next look.
  VITRINE_TRY(const std::int64_t data_version, database->query_integer("PRAGMA data_version"));
  VITRINE_TRY(const DirectoryChange all, read_all());
  for (ChangeListener* listener : listeners) listener->on_change(all);
  announced_version = all.version;
  seen_data_version = data_version;
  return ok_status();
}

Result<std::uint32_t> ControlStore::Impl::choose_partition(const NewTenant& wanted) {
  if (wanted.partition) return *wanted.partition;
  const std::uint32_t pool = std::max(options.pool_partitions, 1u);
  if (wanted.tier == Tier::kStandard) {
    VITRINE_TRY(const std::int64_t last, database->query_integer("SELECT max(id) FROM tenants"));
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(last) % pool);
  }
  VITRINE_TRY(const std::int64_t highest,
              database->query_integer("SELECT max(partition) FROM tenants"));
  return std::max(static_cast<std::uint32_t>(highest) + 1, pool);
}

Result<IssuedKey> ControlStore::Impl::issue_key(const NewKey& wanted, TenantId tenant,
                                                Change& change) {
  const auto fill = [&](std::span<unsigned char> out) {
    if (options.random) {
      options.random(out);
    } else {
      randombytes_buf(out.data(), out.size());
    }
  };
  KeyRecord key;
  for (;;) {
    std::array<unsigned char, 6> bytes{};
    fill(bytes);
    std::uint64_t id = 0;
    for (unsigned char byte : bytes) id = id << 8 | byte;
    VITRINE_TRY(const auto taken, internal::find_key(*database, KeyId{id}));
    if (id == 0 || taken) continue;
    key.info.id = KeyId{id};
    break;
  }
  tenant::KeySecret secret{};
  fill(secret);
  IssuedKey issued;
  issued.text = format_key(wanted.scope, key.info.id, secret);
  sodium_memzero(secret.data(), secret.size());
  key.hash = tenant::hash_key(issued.text);
  key.info.scope = wanted.scope;
  key.info.tenant = tenant;
  key.info.label = wanted.label;
  key.info.created_us = clock.wall_us();
  key.info.expires_us = wanted.expires_us;
  key.info.limits = wanted.limits;
  VITRINE_TRY(internal::insert_key(*database, key));
  issued.info = key.info;
  change.keys.push_back(std::move(key));
  return issued;
}

Result<Tenant> ControlStore::Impl::edit_tenant(
    const Actor& actor, std::string_view name,
    const std::function<Status(Tenant&, Change&)>& edit) {
  Tenant result;
  Status done = change(actor, [&](Change& change) -> Status {
    VITRINE_TRY(auto found, internal::find_tenant(*database, name));
    if (!found) return no_tenant(name);
    VITRINE_TRY(edit(*found, change));
    result = *found;
    if (change.action.empty()) return ok_status();
    change.target = "tenant " + found->name;
    change.tenants.push_back(*found);
    return internal::update_tenant(*database, *found);
  });
  if (!done.ok()) return std::move(done).error();
  return result;
}

ControlStore::ControlStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlStore::~ControlStore() = default;

Result<std::unique_ptr<ControlStore>> ControlStore::open(StoreOptions options) {
  if (sodium_init() < 0) return Error(ErrorCode::kInternal, "libsodium does not start");
  VITRINE_TRY(auto database, Database::open(options.path, options.busy_timeout_ms));
  database->before_statement = options.before_statement;
  VITRINE_TRY(internal::migrate(*database));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(database));
  return std::unique_ptr<ControlStore>(new ControlStore(std::move(impl)));
}

Result<CreatedTenant> ControlStore::create_tenant(const Actor& actor, const NewTenant& wanted) {
  Tenant t;
  t.name = wanted.name;
  t.tier = wanted.tier;
  t.quotas = wanted.quotas.value_or(tenant::default_quotas(wanted.tier));
  VITRINE_TRY(tenant::validate_tenant_name(t.name));
  VITRINE_TRY(validate_quotas(t.quotas));
  VITRINE_TRY(t.event_types, tenant::validate_event_types(wanted.event_types));
  VITRINE_TRY(t.allowed_origins, tenant::validate_origins(wanted.allowed_origins));
  CreatedTenant result;
  Status done = impl_->change(actor, [&](Change& change) -> Status {
    VITRINE_TRY(auto existing, internal::find_tenant(*impl_->database, t.name));
    if (existing && wanted.if_not_exists) {
      result = {std::move(*existing), {}, false};
      return ok_status();
    }
    if (existing) {
      return Error(ErrorCode::kConflict, "there is a tenant '" + t.name + "' already")
          .with_reason("tenant_exists");
    }
    VITRINE_TRY(t.partition, impl_->choose_partition(wanted));
    t.created_us = impl_->clock.wall_us();
    VITRINE_TRY(internal::insert_tenant(*impl_->database, t));
    for (Scope scope : {Scope::kPublishable, Scope::kSecret}) {
      if (!wanted.with_keys) break;
      NewKey key;
      key.scope = scope;
      key.label = "first";
      VITRINE_TRY(auto issued, impl_->issue_key(key, t.id, change));
      result.keys.push_back(std::move(issued));
    }
    change.action = "tenant.create";
    change.target = "tenant " + t.name;
    change.detail = "id=" + std::to_string(t.id.value) + " tier=" + std::string(tier_name(t.tier)) +
                    " partition=" + std::to_string(t.partition);
    for (const IssuedKey& key : result.keys) change.detail += " " + key_target(key.info.id);
    change.tenants.push_back(t);
    result.tenant = t;
    return ok_status();
  });
  if (!done.ok()) return std::move(done).error();
  return result;
}

Result<std::vector<Tenant>> ControlStore::list_tenants() {
  std::lock_guard lock(impl_->mutex);
  VITRINE_TRY(auto tenants, internal::read_tenants(*impl_->database, false));
  std::sort(tenants.begin(), tenants.end(),
            [](const Tenant& a, const Tenant& b) { return a.name < b.name; });
  return tenants;
}

Result<Tenant> ControlStore::get_tenant(std::string_view name) {
  std::lock_guard lock(impl_->mutex);
  VITRINE_TRY(auto found, internal::find_tenant(*impl_->database, name));
  if (!found) return no_tenant(name);
  return std::move(*found);
}

Result<Tenant> ControlStore::suspend_tenant(const Actor& actor, std::string_view name) {
  return impl_->edit_tenant(actor, name, [](Tenant& t, Change& change) -> Status {
    if (t.status == TenantStatus::kActive) change.action = "tenant.suspend";
    t.status = TenantStatus::kSuspended;
    return ok_status();
  });
}

Result<Tenant> ControlStore::resume_tenant(const Actor& actor, std::string_view name) {
  return impl_->edit_tenant(actor, name, [](Tenant& t, Change& change) -> Status {
    if (t.status == TenantStatus::kSuspended) change.action = "tenant.resume";
    t.status = TenantStatus::kActive;
    return ok_status();
  });
}

Result<Tenant> ControlStore::delete_tenant(const Actor& actor, std::string_view name) {
  return impl_->edit_tenant(actor, name, [this](Tenant& t, Change& change) -> Status {
    VITRINE_TRY(auto keys, internal::read_keys_of(*impl_->database, t.id));
    for (KeyRecord& key : keys) {
      if (key.info.revoked_us != 0) continue;
      key.info.revoked_us = std::max<TimeUs>(impl_->clock.wall_us(), 1);
      VITRINE_TRY(internal::update_key(*impl_->database, key.info));
      change.keys.push_back(std::move(key));
    }
    t.status = TenantStatus::kDeleted;
    change.action = "tenant.delete";
    change.detail = "id=" + std::to_string(t.id.value) + " " + std::to_string(change.keys.size()) +
                    " keys revoked";
    return ok_status();
  });
}

Result<Tenant> ControlStore::set_quotas(const Actor& actor, std::string_view name,
                                        const tenant::Quotas& quotas) {
  VITRINE_TRY(validate_quotas(quotas));
  return impl_->edit_tenant(actor, name, [&](Tenant& t, Change& change) -> Status {
    if (t.quotas == quotas) return ok_status();
    t.quotas = quotas;
    change.action = "tenant.quotas";
    change.detail = "events_per_s=" + std::to_string(quotas.events_per_s) +
                    " events_burst_s=" + std::to_string(quotas.events_burst_s) +
                    " requests_per_s=" + std::to_string(quotas.requests_per_s) +
                    " requests_burst_s=" + std::to_string(quotas.requests_burst_s) +
                    " items_max=" + std::to_string(quotas.items_max) +
                    " users_max=" + std::to_string(quotas.users_max);
    return ok_status();
  });
}

Result<Tenant> ControlStore::set_event_types(const Actor& actor, std::string_view name,
                                             std::vector<std::string> types) {
  VITRINE_TRY(auto sorted, tenant::validate_event_types(std::move(types)));
  return impl_->edit_tenant(actor, name, [&](Tenant& t, Change& change) -> Status {
    if (t.event_types == sorted) return ok_status();
    t.event_types = sorted;
    change.action = "tenant.event_types";
    for (const std::string& type : sorted)
      change.detail += (change.detail.empty() ? "" : " ") + type;
    return ok_status();
  });
}

Result<Tenant> ControlStore::set_allowed_origins(const Actor& actor, std::string_view name,
                                                 std::vector<std::string> origins) {
  VITRINE_TRY(auto sorted, tenant::validate_origins(std::move(origins)));
  return impl_->edit_tenant(actor, name, [&](Tenant& t, Change& change) -> Status {
    if (t.allowed_origins == sorted) return ok_status();
    t.allowed_origins = sorted;
    change.action = "tenant.allowed_origins";
    for (const std::string& origin : sorted)
      change.detail += (change.detail.empty() ? "" : " ") + origin;
    return ok_status();
  });
}

Result<Tenant> ControlStore::set_placements(const Actor& actor, std::string_view name,
                                            std::vector<std::string> json) {
  VITRINE_TRY(auto sorted, policy::validate_placements(json));
  return impl_->edit_tenant(actor, name, [&](Tenant& t, Change& change) -> Status {
    if (t.placements == sorted) return ok_status();
    t.placements = sorted;
    change.action = "tenant.placements";
    // The whole of it, so that the audit log can say what was shown by which rules.
    for (const std::string& one : sorted) change.detail += (change.detail.empty() ? "" : " ") + one;
    return ok_status();
  });
}

Result<IssuedKey> ControlStore::create_key(const Actor& actor, const NewKey& wanted) {
  VITRINE_TRY(validate_new_key(wanted, impl_->clock.wall_us()));
  IssuedKey issued;
  Status done = impl_->change(actor, [&](Change& change) -> Status {
    TenantId owner;
    if (wanted.scope != Scope::kAdmin) {
      VITRINE_TRY(const auto found, internal::find_tenant(*impl_->database, wanted.tenant_name));
      if (!found) return no_tenant(wanted.tenant_name);
      owner = found->id;
    }
    VITRINE_TRY(issued, impl_->issue_key(wanted, owner, change));
    change.action = "key.create";
    change.target = key_target(issued.info.id);
    change.detail =
        "scope=" + std::string(scope_name(wanted.scope)) + " tenant=" + wanted.tenant_name;
    return ok_status();
  });
  if (!done.ok()) return std::move(done).error();
  return issued;
}

Result<std::vector<KeyInfo>> ControlStore::list_keys(const KeyFilter& filter) {
  std::lock_guard lock(impl_->mutex);
  std::vector<KeyRecord> records;
  if (filter.tenant_name.empty()) {
    VITRINE_TRY(records, internal::read_keys(*impl_->database));
  } else {
    VITRINE_TRY(const auto found, internal::find_tenant(*impl_->database, filter.tenant_name));
    if (!found) return no_tenant(filter.tenant_name);
    VITRINE_TRY(records, internal::read_keys_of(*impl_->database, found->id));
  }
  std::vector<KeyInfo> keys;
  for (KeyRecord& record : records) keys.push_back(std::move(record.info));
  return keys;
}

Result<IssuedKey> ControlStore::rotate_key(const Actor& actor, KeyId id, TimeUs grace_us) {
  if (grace_us < 0 || grace_us > kRotationGraceMaxUs) {
    return invalid("the old key's grace period must be from 0 to 90 days");
  }
  IssuedKey issued;
  Status done = impl_->change(actor, [&](Change& change) -> Status {
    VITRINE_TRY(auto found, internal::find_key(*impl_->database, id));
    if (!found) return no_key(id);
    KeyInfo& old = found->info;
    const TimeUs now = std::max<TimeUs>(impl_->clock.wall_us(), 1);
    const bool expired = old.expires_us != 0 && old.expires_us <= now;
    if (old.revoked_us != 0 || expired || old.replaced_by.value != 0) {
      return Error(ErrorCode::kConflict, key_target(id) +
                                             (old.revoked_us != 0 ? " is revoked"
                                              : expired           ? " is expired"
                                                                  : " was rotated already") +
                                             "; create a new key instead")
          .with_reason("key_not_active");
    }
    NewKey next;
    next.scope = old.scope;
    next.label = old.label;
    next.limits = old.limits;
    next.expires_us = old.expires_us;
    VITRINE_TRY(issued, impl_->issue_key(next, old.tenant, change));
    old.replaced_by = issued.info.id;
    if (grace_us == 0) {
      old.revoked_us = now;
    } else {
      old.expires_us =
          old.expires_us == 0 ? now + grace_us : std::min(old.expires_us, now + grace_us);
    }
    VITRINE_TRY(internal::update_key(*impl_->database, old));
    change.keys.push_back(std::move(*found));
    change.action = "key.rotate";
    change.target = key_target(id);
    change.detail = "replaced by " + key_target(issued.info.id) +
                    " grace_s=" + std::to_string(grace_us / kSecondUs);
    return ok_status();
  });
  if (!done.ok()) return std::move(done).error();
  return issued;
}

Result<KeyInfo> ControlStore::revoke_key(const Actor& actor, KeyId id) {
  KeyInfo info;
  Status done = impl_->change(actor, [&](Change& change) -> Status {
    VITRINE_TRY(auto found, internal::find_key(*impl_->database, id));
    if (!found) return no_key(id);
    if (found->info.revoked_us == 0) {
      found->info.revoked_us = std::max<TimeUs>(impl_->clock.wall_us(), 1);
      VITRINE_TRY(internal::update_key(*impl_->database, found->info));
      change.action = "key.revoke";
      change.target = key_target(id);
      change.keys.push_back(*found);
    }
    info = std::move(found->info);
    return ok_status();
  });
  if (!done.ok()) return std::move(done).error();
  return info;
}

Status ControlStore::set_setting(const Actor& actor, std::string_view name,
                                 std::string_view value) {
  if (name.empty() || name.size() > kSettingNameBytesMax || !codec::is_printable_utf8(name)) {
    return invalid("a setting's name has 1 to 100 bytes of printable UTF-8");
  }
  if (value.size() > kSettingBytesMax) {
    return Error(ErrorCode::kTooLarge,
                 "a setting has at most 64 KiB, got " + std::to_string(value.size()) + " bytes");
  }
  return impl_->change(actor, [&](Change& change) -> Status {
    VITRINE_TRY(auto set, impl_->database->prepare("INSERT INTO settings VALUES(?1, ?2)"
                                                   " ON CONFLICT(name) DO UPDATE SET value = ?2"));
    VITRINE_TRY(set.bind_text(1, name).bind_blob(2, value).run());
    change.action = "setting.set";
    change.target = "setting " + std::string(name);
    return ok_status();
  });
}

Result<std::string> ControlStore::setting(std::string_view name) {
  std::lock_guard lock(impl_->mutex);
  VITRINE_TRY(auto get, impl_->database->prepare("SELECT value FROM settings WHERE name = ?"));
  VITRINE_TRY(const bool found, get.bind_text(1, name).step());
  if (found) return std::string(get.blob(0));
  return Error(ErrorCode::kNotFound,
               "there is no setting '" + std::string(name.substr(0, 100)) + "'");
}

Result<std::uint64_t> ControlStore::version() {
  std::lock_guard lock(impl_->mutex);
  VITRINE_TRY(const std::int64_t v, impl_->database->query_integer("SELECT version FROM state"));
  return static_cast<std::uint64_t>(v);
}

Result<std::vector<AuditEntry>> ControlStore::audit(std::uint64_t after, std::size_t limit) {
  std::lock_guard lock(impl_->mutex);
  return internal::read_audit(*impl_->database, after, std::min(limit, kAuditPageMax));
}

Result<AuditHead> ControlStore::verify_audit() {
  std::lock_guard lock(impl_->mutex);
  AuditHead head;
  Status done = impl_->database->snapshot([&]() -> Status {
    VITRINE_TRY(head, internal::verify_audit(*impl_->database));
    return ok_status();
  });
  if (!done.ok()) return std::move(done).error();
  return head;
}

Status ControlStore::add_listener(ChangeListener& listener) {
  std::lock_guard lock(impl_->mutex);
  impl_->listeners.push_back(&listener);
  Status status = impl_->announce_all();
  if (!status.ok()) impl_->listeners.pop_back();
  return status;
}

void ControlStore::remove_listener(ChangeListener& listener) {
  std::lock_guard lock(impl_->mutex);
  std::erase(impl_->listeners, &listener);
}

Result<bool> ControlStore::refresh_if_changed() {
  std::lock_guard lock(impl_->mutex);
  const std::int64_t now_ns = impl_->clock.steady_ns();
  const std::int64_t interval_ns = impl_->options.refresh_interval_us * 1000;
  if (impl_->polled && now_ns - impl_->polled_ns < interval_ns) return false;
  VITRINE_TRY(const std::int64_t data_version,
              impl_->database->query_integer("PRAGMA data_version"));
  impl_->polled = true;
  impl_->polled_ns = now_ns;
  if (data_version == impl_->seen_data_version) return false;
  VITRINE_TRY(impl_->announce_all());
  return true;
}

Status ControlStore::note_restore(const Actor& actor, std::string_view detail) {
  return impl_->change(actor, [&](Change& change) -> Status {
    VITRINE_TRY(change.tenants, internal::read_tenants(*impl_->database, true));
    for (Tenant& tenant : change.tenants) {
      ++tenant.epoch;
      VITRINE_TRY(internal::update_tenant(*impl_->database, tenant));
    }
    change.action = "backup.restore";
    change.target = "installation";
    change.detail = std::string(detail);
    return ok_status();
  });
}

Status ControlStore::backup_to(const std::string& path) {
  std::lock_guard lock(impl_->mutex);
  VITRINE_TRY(auto copy, impl_->database->prepare("VACUUM INTO ?"));
  Status status = copy.bind_text(1, path).run();
  if (status.ok()) return status;
  return std::move(status).error().context("backup to " + path);
}

}  // namespace vitrine::control
