#include "service/control/internal/audit.h"

#include <sodium.h>

#include "base/bytes.h"

namespace vitrine::control::internal {
namespace {

constexpr std::size_t kHashBytes = 32;
constexpr std::string_view kColumns = "sequence, time_us, actor, action, target, detail, hash";

AuditEntry read_entry(const Statement& row) {
  AuditEntry entry;
  entry.sequence = static_cast<std::uint64_t>(row.integer(0));
  entry.time_us = row.integer(1);
  entry.actor = tenant::KeyId{static_cast<std::uint64_t>(row.integer(2))};
  entry.action = row.text(3);
  entry.target = row.text(4);
  entry.detail = row.text(5);
  return entry;
}

std::string hex(std::string_view bytes) {
  std::string out(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                 bytes.size());
  out.pop_back();
  return out;
}

}  // namespace

std::string audit_hash(std::string_view previous, const AuditEntry& entry) {
  std::string bytes(previous);
  ByteWriter out(bytes);
  out.u64(entry.sequence);
  out.i64(entry.time_us);
  out.u64(entry.actor.value);
  out.string(entry.action);
  out.string(entry.target);
  out.string(entry.detail);
  std::string hash(kHashBytes, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr,
                     0);
  return hash;
}

Status append_audit(Database& database, const AuditEntry& entry) {
  std::string previous(kHashBytes, '\0');
  if (entry.sequence > 1) {
    VITRINE_TRY(auto last, database.prepare("SELECT hash FROM audit WHERE sequence = ?"));
    last.bind(1, static_cast<std::int64_t>(entry.sequence - 1));
    VITRINE_TRY(const bool found, last.step());
    if (!found) {
      return Error(ErrorCode::kCorrupt, "control database " + database.path() + ": audit entry " +
                                            std::to_string(entry.sequence - 1) +
                                            " is missing; restore from a backup");
    }
    previous = last.blob(0);
  }
  VITRINE_TRY(auto insert, database.prepare("INSERT INTO audit VALUES(?,?,?,?,?,?,?)"));
  insert.bind(1, static_cast<std::int64_t>(entry.sequence)).bind(2, entry.time_us);
  insert.bind(3, static_cast<std::int64_t>(entry.actor.value)).bind_text(4, entry.action);
  insert.bind_text(5, entry.target).bind_text(6, entry.detail);
  insert.bind_blob(7, audit_hash(previous, entry));
  return insert.run();
}

Result<std::vector<AuditEntry>> read_audit(Database& database, std::uint64_t after,
                                           std::size_t limit) {
  VITRINE_TRY(auto rows, database.prepare("SELECT " + std::string(kColumns) +
                                          " FROM audit WHERE sequence > ?"
                                          " ORDER BY sequence LIMIT ?"));
  rows.bind(1, static_cast<std::int64_t>(after)).bind(2, static_cast<std::int64_t>(limit));
  std::vector<AuditEntry> entries;
  for (;;) {
    VITRINE_TRY(const bool row, rows.step());
    if (!row) return entries;
    entries.push_back(read_entry(rows));
  }
}

Result<AuditHead> verify_audit(Database& database) {
  const auto corrupt = [&](std::uint64_t sequence, std::string_view what) {
    return Error(ErrorCode::kCorrupt, "control database " + database.path() + ": audit entry " +
                                          std::to_string(sequence) + std::string(what));
  };
  VITRINE_TRY(const std::int64_t version, database.query_integer("SELECT version FROM state"));
  VITRINE_TRY(auto rows, database.prepare("SELECT " + std::string(kColumns) +
                                          " FROM audit ORDER BY sequence"));
  AuditHead head;
  std::string hash(kHashBytes, '\0');
  for (;;) {
    VITRINE_TRY(const bool row, rows.step());
    if (!row) break;
    const AuditEntry entry = read_entry(rows);
    if (entry.sequence != head.sequence + 1) return corrupt(head.sequence + 1, " is missing");
    hash = audit_hash(hash, entry);
    if (rows.blob(6) != hash) return corrupt(entry.sequence, " was changed");
    head.sequence = entry.sequence;
  }
  const auto expected = static_cast<std::uint64_t>(version);
  if (head.sequence != expected) {
    return corrupt(head.sequence + 1, " and those after it are missing: " +
                                          std::to_string(expected) + " changes were made");
  }
  head.hash_hex = hex(hash);
  return head;
}

}  // namespace vitrine::control::internal
