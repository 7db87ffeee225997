#include <charconv>

#include "domain/catalog/time_text.h"
#include "domain/person/person_codec.h"
#include "domain/person/person_json.h"
#include "domain/record/profile_version.h"
#include "domain/record/record.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/json_writer.h"
#include "platform/net/url.h"

namespace vitrine::api {
namespace {

constexpr std::size_t kListLimitMax = 1000;

template <class Encode>
std::string payload_for(const Call& call, Encode&& encode) {
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, call.caller.tenant);
  encode(writer);
  return payload;
}

// One record about a user: appended, applied, answered with its outcome.
void change_user(Call& call, net::Responder responder, record::RecordKind kind,
                 const std::string& payload) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  if (kind != record::RecordKind::kUserPatch && kind != record::RecordKind::kUserDelete) {
    const std::string_view id = call.arguments[0];
    const Status room = check_users_quota(call, *services, std::span(&id, 1));
    if (!room.ok()) return responder.respond(problem_response(room.error()));
  }
  const eventlog::RecordRef ref{static_cast<std::uint16_t>(kind), 0, payload};
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  append_and_apply(
      services, std::span(&ref, 1),
      [owed, services, user_id = call.arguments[0],
       epoch = call.caller.view->tenant.epoch](Result<eventlog::PositionRange> applied) {
        if (!applied.ok()) return owed->respond(problem_response(applied.error()));
        const Error refused = outcome_error(services->partition.outcome(applied->last));
        if (refused) return owed->respond(problem_response(refused));
        std::string body;
        codec::JsonWriter json(body);
        json.begin_object();
        json.key("user_id").string(user_id);
        json.key("profile_version").string(record::format_profile_version({epoch, applied->last}));
        json.end_object();
        json.finish();
        owed->respond(json_response(std::move(body)));
      });
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
  std::uint32_t from = 0;
  std::size_t limit = 100;
  const auto number = [&](std::string_view name, auto& out) {
    const auto text = net::query_value(call.request.query(), name);
    if (!text || text->empty()) return true;
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), out);
    return code == std::errc{} && end == text->data() + text->size();
  };
  if (!number("cursor", from) || !number("limit", limit) || limit == 0 || limit > kListLimitMax) {
    return responder.respond(
        problem_response(400, "invalid_argument",
                         "cursor must be one that a list gave, limit a number of 1 to 1000"));
  }
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("users").begin_array();
  UserIndex next = kNoUser;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    next = state->people().next(UserIndex{from});
    for (std::size_t given = 0; given < limit && next != kNoUser; ++given) {
      write_user(*state, next, {}, json);
      next = state->people().next(UserIndex{next.value + 1});
    }
  }
  json.end_array();
  json.key("next_cursor");
  if (next == kNoUser) {
    json.null();
  } else {
    json.string(std::to_string(next.value));
  }
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

}  // namespace vitrine::api
