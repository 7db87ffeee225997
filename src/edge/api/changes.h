// What the routes of items and of users have in common: one record about one thing, and lists by
// page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "domain/record/record.h"
#include "edge/api/routes.h"

namespace vitrine::api {

// A record's payload: the caller's tenant, then what `encode` writes.
template <class Encode>
std::string payload_for(const Call& call, Encode&& encode) {
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, call.caller.tenant);
  encode(writer);
  return payload;
}

// Appends one record about the path's first argument, waits until it is applied and answers
// {ID_NAME: ..., "profile_version": ...} or with what became of it. `id_name` is a literal.
void change_one(Call& call, net::Responder responder, record::RecordKind kind,
                std::string_view payload, std::string_view id_name);

// The same for a record that may make something new; `room` refuses it above the quota.
void change_within_quota(Call& call, net::Responder responder, record::RecordKind kind,
                         std::string_view payload, std::string_view id_name,
                         Status (*room)(const Call&, const TenantServices&,
                                        std::span<const std::string_view>));

// ?cursor=&limit= of a list.
struct ListPage {
  std::uint32_t from = 0;
  std::size_t limit = 100;  // at most 1000
};
// Nothing after answering that they make no sense.
std::optional<ListPage> list_page(const Call& call, net::Responder& responder);
// "next_cursor": null on the last page.
void write_next_cursor(std::optional<std::uint32_t> next, codec::JsonWriter& json);

}  // namespace vitrine::api
