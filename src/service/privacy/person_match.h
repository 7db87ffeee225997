// Which records are about a person.
//
// A person is a user and the anonymous visitors that were merged into it. A record is the
// person's when they did it or it describes them. An event that somebody else did on one of the
// person's devices is the other's; of the person it holds only that device's id.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <string_view>

#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "domain/event/event.h"
#include "engine/eventlog/types.h"

namespace vitrine::privacy {

enum class About : std::uint8_t {
  kNobody,  // not of the persons that are looked for
  kPerson,
  kDevice,  // somebody else's event: Match::device is the id of one of the person's devices
};

struct Match {
  About about = About::kNobody;
  std::string_view device{};  // within the record's payload
};

// Keys of persons, each with the position before which records count. One tenant's or many's.
class Persons {
 public:
  // `before`: the larger one counts where a key comes twice.
  void add(TenantId tenant, const Hash128& key, eventlog::Position before);
  bool empty() const { return tenants_.empty(); }

  // Of an event log's record. kCorrupt where its payload can't be read.
  Result<Match> match(const eventlog::RecordView& record) const;
  // Of a recommendation log's record, by who asked; `position` of the state that answered.
  bool matches_answer(TenantId tenant, std::string_view user_id, std::string_view anonymous_id,
                      eventlog::Position position) const;

 private:
  using Keys = boost::unordered_flat_map<std::uint64_t, std::pair<Hash128, eventlog::Position>>;
  static bool has(const Keys& keys, const Hash128& key, eventlog::Position position);
  Result<Match> match_event(const Keys& keys, std::string_view body,
                            eventlog::Position position) const;

  std::map<TenantId, Keys> tenants_;
  mutable event::Event event_;  // keeps its memory; so one thread at a time
};

}  // namespace vitrine::privacy
