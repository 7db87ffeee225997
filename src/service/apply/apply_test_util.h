// Builds log records the way the services do, for tests of the state.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "domain/catalog/item_codec.h"
#include "domain/event/event_codec.h"
#include "domain/record/record.h"
#include "engine/eventlog/types.h"

namespace vitrine::apply::testing {

struct TestRecord {
  record::RecordKind kind;
  std::string payload;
  eventlog::RecordRef ref() const { return {static_cast<std::uint16_t>(kind), 0, payload}; }
};

inline TestRecord event_record(TenantId tenant, event::EventType type, std::string_view event_id,
                               std::string_view user, std::vector<std::string_view> items,
                               TimeUs at) {
  event::Event e;
  e.event_id = event_id;
  e.type = type;
  e.event_time = at;
  e.user_id = user;
  for (auto item : items) {
    event::EventItem event_item;
    event_item.item_id = item;
    e.items.push_back(event_item);
  }
  TestRecord out{record::RecordKind::kEvent, {}};
  ByteWriter w(out.payload);
  record::write_tenant(w, tenant);
  event::encode_event(e, out.payload);
  return out;
}

inline TestRecord upsert_record(TenantId tenant, std::string_view item_id, double price) {
  catalog::Item item;
  item.id = item_id;
  item.attributes = {{"price", price}};
  TestRecord out{record::RecordKind::kItemUpsert, {}};
  ByteWriter w(out.payload);
  record::write_tenant(w, tenant);
  catalog::encode_upsert(item, w);
  return out;
}

}  // namespace vitrine::apply::testing
