// What the collector needs of its partition: the log to append to, and the ids applied so far.
// The process joins them with the real ones; tests bring their own.
#pragma once

#include <cstdint>
#include <span>

#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "engine/eventlog/on_durable.h"
#include "engine/eventlog/types.h"
#include "engine/kv/id_window.h"

namespace vitrine::collect {

// The log of one partition. Thread-safe.
class RecordAppender {
 public:
  virtual ~RecordAppender() = default;

  // All of `records` or nothing, at consecutive positions; the payloads are copied. `done` is
  // called once, in order of positions, with ok when they are durable, else with the error, after
  // which no later append succeeds either. kExhausted: queue or disk is full.
  virtual Result<eventlog::PositionRange> append(std::span<const eventlog::RecordRef> records,
                                                 eventlog::OnDurable done) = 0;

  // Everything up to here shows in an IdDirectory::find() that begins afterwards.
  virtual eventlog::Position applied() const = 0;
};

using kv::IdVerdict;

struct IdQuery {
  Hash128 id;               // event::event_id_hash
  std::uint64_t body_hash;  // event::body_hash
};

// The event ids the state of a tenant remembers. Thread-safe.
class IdDirectory {
 public:
  virtual ~IdDirectory() = default;

  // One verdict for each query. A tenant without state knows no id. One call for a whole request,
  // so that a lock is taken once.
  virtual Status find(TenantId tenant, std::span<const IdQuery> queries,
                      std::span<IdVerdict> verdicts) = 0;

  // How many users and visitors are told apart, and which of `keys` (profile::user_key,
  // profile::anonymous_key) are among them: 1 in `known`. For quotas.
  virtual std::uint64_t user_count(TenantId /*tenant*/) { return 0; }
  virtual void find_users(TenantId /*tenant*/, std::span<const Hash128> /*keys*/,
                          std::span<std::uint8_t> /*known*/) {}
};

}  // namespace vitrine::collect
