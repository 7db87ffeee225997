// The control database: tenants, keys, settings and the audit log of their changes. Besides
// the event log it is the only truth (docs/ARCHITECTURE.md), so it is part of every backup.
//
// SQLite in WAL mode with synchronous=FULL: a change is on disk when its call returns. Each
// change is one transaction that also raises `version` by one and appends one audit entry, so
// a crash at any point leaves either all of it or nothing.
//
// Several processes may open the same file (the command line while the server runs). SQLite
// serialises their writers; refresh_if_changed() notices the others' changes.
//
// Thread-safe: one connection behind one mutex. Calls take ~0.3 ms and more (they sync), so
// nothing on a request's path calls here: the gateway keeps its own directory in memory, fed
// by a ChangeListener.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/control/admin.h"

namespace vitrine::control {

// A key as a checker needs it: what may be shown, and the hash to compare with.
struct KeyRecord {
  tenant::KeyInfo info;
  tenant::KeyHash hash{};
};

// What changed. With `full`, the lists hold everything there is and replace all known before;
// else they hold the tenants and keys that are new or different.
struct DirectoryChange {
  bool full = false;
  std::uint64_t version = 0;
  std::vector<tenant::Tenant> tenants;  // deleted ones too
  std::vector<KeyRecord> keys;          // revoked and expired ones too
};

// Called in the order of versions, inside the call that makes the change and before it
// returns; so when revoke_key() is back, the key is refused. Must not call the store.
class ChangeListener {
 public:
  virtual ~ChangeListener() = default;
  virtual void on_change(const DirectoryChange& change) = 0;
};

struct StoreOptions {
  std::string path;  // its folder must exist; the file is created with mode 0600

  // How long a call waits for another process's write before kUnavailable.
  std::uint32_t busy_timeout_ms = 5000;

  // refresh_if_changed() looks at the file at most this often. One look costs ~3 us.
  TimeUs refresh_interval_us = 100'000;

  // Standard tenants are spread over partitions 0 .. pool_partitions-1; a silo tenant gets
  // the smallest number from pool_partitions on that no tenant ever had.
  std::uint32_t pool_partitions = 1;

  const Clock* clock = nullptr;  // null: the machine's

  // Fills with unpredictable bytes. Empty: the operating system's. Tests give their own.
  std::function<void(std::span<unsigned char>)> random;

  // Called before each statement of a change and before its commit; an error makes it fail
  // there. For tests that fail at every step.
  std::function<Status(std::string_view sql)> before_statement;
};

struct AuditHead {
  std::uint64_t sequence = 0;  // 0: no entry yet
  std::string hash_hex;  // 64 hex digits: kept elsewhere, it proves that nothing was changed or cut
};

class ControlStore final : public Admin {
 public:
  // Creates or migrates the database. kCorrupt when the file is damaged or something else's
  // (path and finding in the message), kUnsupported when a newer build wrote it, kUnavailable
  // when another process holds it for longer than busy_timeout_ms.
  static Result<std::unique_ptr<ControlStore>> open(StoreOptions options);
  ~ControlStore() override;

  Result<CreatedTenant> create_tenant(const Actor&, const NewTenant&) override;
  Result<std::vector<tenant::Tenant>> list_tenants() override;
  Result<tenant::Tenant> get_tenant(std::string_view name) override;
  Result<tenant::Tenant> suspend_tenant(const Actor&, std::string_view name) override;
  Result<tenant::Tenant> resume_tenant(const Actor&, std::string_view name) override;
  Result<tenant::Tenant> delete_tenant(const Actor&, std::string_view name) override;
  Result<tenant::Tenant> set_quotas(const Actor&, std::string_view name,
                                    const tenant::Quotas&) override;
  Result<tenant::Tenant> set_event_types(const Actor&, std::string_view name,
                                         std::vector<std::string> types) override;
  Result<tenant::Tenant> set_allowed_origins(const Actor&, std::string_view name,
                                             std::vector<std::string> origins) override;
  Result<tenant::Tenant> set_placements(const Actor&, std::string_view name,
                                        std::vector<std::string> json) override;
  Result<IssuedKey> create_key(const Actor&, const NewKey&) override;
  Result<std::vector<tenant::KeyInfo>> list_keys(const KeyFilter&) override;
  Result<IssuedKey> rotate_key(const Actor&, tenant::KeyId, TimeUs grace_us) override;
  Result<tenant::KeyInfo> revoke_key(const Actor&, tenant::KeyId) override;

  // Small facts of the installation: name 1..100 bytes, value <= 64 KiB. The audit log gets the
  // name only. kNotFound when unset.
  Status set_setting(const Actor&, std::string_view name, std::string_view value);
  Result<std::string> setting(std::string_view name);

  // Number of changes ever made; also the sequence of the newest audit entry.
  Result<std::uint64_t> version();

  // Entries after `after`, oldest first, at most `limit` (<= 1000).
  Result<std::vector<AuditEntry>> audit(std::uint64_t after, std::size_t limit);
  // Recomputes the chain from the first entry. kCorrupt names the first entry that isn't what
  // was written, or says how many are missing at the end.
  Result<AuditHead> verify_audit();

  // Sends everything (full) now, then every change. The listener must outlive the store or be
  // removed first.
  Status add_listener(ChangeListener& listener);
  void remove_listener(ChangeListener& listener);

  // Notices changes of other processes and sends them to the listeners. True when there were
  // any. To be called every refresh_interval_us by whoever runs the process's timers.
  Result<bool> refresh_if_changed();

  // To be called on a copy that begins another life: raises the epoch of every tenant, so that
  // profile versions of the life before, whose positions are given out again, count as satisfied.
  Status note_restore(const Actor&, std::string_view detail);

  // Writes a consistent copy to a new file; kConflict when it exists. Readers and writers go on.
  Status backup_to(const std::string& path);

 private:
  class Impl;
  explicit ControlStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::control
