// What the routes of Gorse's items and users have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/record/record.h"
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

// ?cursor=&n= of a list.
struct GorsePage {
  std::size_t from = 0;
  std::size_t limit = 10;  // at most kGorseListMax
};
// Nothing after answering that they make no sense.
std::optional<GorsePage> gorse_page(const Call& call, net::Responder& responder);

}  // namespace vitrine::api
