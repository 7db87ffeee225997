#include "domain/catalog/time_text.h"
#include "domain/person/person_codec.h"
#include "domain/person/person_json.h"
#include "edge/api/changes.h"
#include "edge/api/problem.h"
#include "platform/codec/json_writer.h"
#include "platform/net/url.h"

namespace vitrine::api {
namespace {

// One record about a user. What may make a user known is bound by the quota.
void change_user(Call& call, net::Responder responder, record::RecordKind kind,
                 const std::string& payload) {
  if (kind == record::RecordKind::kUserPatch || kind == record::RecordKind::kUserDelete) {
    return change_one(call, std::move(responder), kind, payload, "user_id");
  }
  change_within_quota(call, std::move(responder), kind, payload, "user_id", check_users_quota);
}

template <class Checked>
bool refused_fields(const Checked& checked, net::Responder& responder) {
  if (checked.ok()) return false;
  std::string detail;
  for (const auto& [field, reason] : checked.errors) {
    if (!detail.empty()) detail += "; ";
    detail += (field.empty() ? std::string("the body") : field + ":") + " " + reason;
  }
  responder.respond(problem_response(400, "invalid_user", detail));
  return true;
}

bool refused_id(std::string_view id, net::Responder& responder) {
  const Status good = person::check_id(id);
  if (good.ok()) return false;
  responder.respond(problem_response(400, "invalid_user", "user_id: " + good.error().message()));
  return true;
}

net::Response no_such_user(std::string_view user_id) {
  return problem_response(404, "user_not_found",
                          "nothing is known of user '" + std::string(user_id.substr(0, 256)) + "'");
}

// What GET gives of one user. `id`: where the shop has not described it.
void write_user(const apply::TenantState& state, UserIndex user, std::string_view id,
                codec::JsonWriter& json) {
  const auto described = state.people().get(user);
  const auto info = state.profiles().info(user);
  json.begin_object();
  json.key("user_id").string(described ? std::string_view(described->user.id) : id);
  person::write_attributes(
      described ? described->user.attributes : std::vector<person::Attribute>(), json);
  person::write_consents(info.consents, json);
  json.key("activity").begin_object();
  json.key("events").number(info.events);
  json.key("purchases").number(info.purchases);
  json.key("history").number(info.entries);
  json.key("last_activity");
  if (info.events == 0) {
    json.null();
  } else {
    json.string(catalog::format_time(info.last_activity));
  }
  json.end_object();
  if (described) {
    json.key("created").string(catalog::format_time(described->created));
    json.key("updated").string(catalog::format_time(described->updated));
  }
  json.end_object();
}

bool anything_known(const apply::TenantState& state, UserIndex user) {
  if (user == kNoUser) return false;
  const auto info = state.profiles().info(user);
  return state.people().known(user) || info.events > 0 || info.entries > 0 || info.consents.any();
}

}  // namespace

void put_user(Call& call, net::Responder responder) {
  const auto user = person::parse_user(call.request.body(), call.arguments[0]);
  if (refused_fields(user, responder)) return;
  change_user(call, std::move(responder), record::RecordKind::kUserUpsert,
              payload_for(call, [&](auto& out) { person::encode_user(user.value, out); }));
}

void patch_user(Call& call, net::Responder responder) {
  const auto patch = person::parse_patch(call.request.body(), call.arguments[0]);
  if (refused_fields(patch, responder)) return;
  change_user(call, std::move(responder), record::RecordKind::kUserPatch,
              payload_for(call, [&](auto& out) { person::encode_patch(patch.value, out); }));
}

void delete_user(Call& call, net::Responder responder) {
  const std::string& id = call.arguments[0];
  if (refused_id(id, responder)) return;
  if (const auto erase = net::query_value(call.request.query(), "erase"); erase == "true") {
    return erase_user(call, std::move(responder));
  }
  change_user(call, std::move(responder), record::RecordKind::kUserDelete,
              payload_for(call, [&](auto& out) { person::encode_delete(id, out); }));
}

void merge_user(Call& call, net::Responder responder) {
  const auto merge = person::parse_merge(call.request.body(), call.arguments[0]);
  if (refused_fields(merge, responder)) return;
  change_user(call, std::move(responder), record::RecordKind::kUserMerge,
              payload_for(call, [&](auto& out) { person::encode_merge(merge.value, out); }));
}

void patch_consents(Call& call, net::Responder responder) {
  const auto change = person::parse_consents(call.request.body(), call.arguments[0]);
  if (refused_fields(change, responder)) return;
  change_user(call, std::move(responder), record::RecordKind::kUserConsent,
              payload_for(call, [&](auto& out) { person::encode_consent(change.value, out); }));
}

void get_user(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const std::string& id = call.arguments[0];
  std::string body;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    const UserIndex user = state->profiles().find_user(profile::user_key(id));
    if (anything_known(*state, user)) {
      codec::JsonWriter json(body);
      write_user(*state, user, id, json);
    }
  }
  responder.respond(body.empty() ? no_such_user(id) : json_response(std::move(body)));
}

void get_consents(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const std::string& id = call.arguments[0];
  event::Consents consents;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    const UserIndex user = state->profiles().find_user(profile::user_key(id));
    if (user != kNoUser) consents = state->profiles().consents(user);
  }
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("user_id").string(id);
  person::write_consents(consents, json);
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

void list_users(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const auto page = list_page(call, responder);
  if (!page) return;
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("users").begin_array();
  UserIndex next = kNoUser;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    next = state->people().next(UserIndex{page->from});
    for (std::size_t given = 0; given < page->limit && next != kNoUser; ++given) {
      write_user(*state, next, {}, json);
      next = state->people().next(UserIndex{next.value + 1});
    }
  }
  json.end_array();
  write_next_cursor(next == kNoUser ? std::nullopt : std::optional(next.value), json);
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

}  // namespace vitrine::api
