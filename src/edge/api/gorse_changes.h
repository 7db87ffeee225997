// What the routes of Gorse's items and users have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/record/record.h"
#include "edge/api/changes.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"

namespace vitrine::api {

net::Response rows_affected(std::size_t rows);

// Records of one request: all are good before any is appended.
struct GorseChange {
  record::RecordKind kind = record::RecordKind::kItemUpsert;
  std::vector<std::string> payloads;
};
// Answers how many were applied, or with the first that was refused.
void apply_gorse_change(std::shared_ptr<TenantServices> services, GorseChange change,
                        net::Responder responder);

// Appends all of a list or nothing. `entries`: results of checking, whose values have an `id`.
// `describe` says what is wrong with one, under `code`; `encode` writes its record; `room` asks the
// quota for the ids.
template <class Entries, class Describe, class Encode, class Room>
void put_gorse_list(Call& call, std::shared_ptr<TenantServices> services, record::RecordKind kind,
                    const Entries& entries, std::string_view code, Describe describe, Encode encode,
                    Room room, net::Responder responder) {
  GorseChange change{kind, {}};
  std::vector<std::string_view> ids;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    if (!entry.ok()) {
      return responder.respond(
          problem_response(400, code, "[" + std::to_string(i) + "]: " + describe(entry.errors)));
    }
    ids.push_back(entry.value.id);
    change.payloads.push_back(payload_for(call, [&](auto& out) { encode(entry.value, out); }));
  }
  const Status free = room(call, *services, ids);
  if (!free.ok()) return responder.respond(problem_response(free.error()));
  apply_gorse_change(std::move(services), std::move(change), std::move(responder));
}

// ?cursor=&n= of a list.
struct GorsePage {
  std::size_t from = 0;
  std::size_t limit = 10;  // at most kGorseListMax
};
// Nothing after answering that they make no sense.
std::optional<GorsePage> gorse_page(const Call& call, net::Responder& responder);

}  // namespace vitrine::api
