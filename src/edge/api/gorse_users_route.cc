#include "domain/person/person_codec.h"
#include "edge/api/changes.h"
#include "edge/api/gorse_changes.h"
#include "edge/api/problem.h"
#include "edge/facade/gorse_users.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {
namespace {

std::string to_text(const std::vector<person::FieldError>& errors) {
  std::string out;
  for (const auto& [field, reason] : errors) {
    if (!out.empty()) out += "; ";
    out += (field.empty() ? std::string("the user") : field + ":") + " " + reason;
  }
  return out;
}

}  // namespace

void gorse_put_users(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  const auto users = facade::translate_gorse_users(body->bytes, body->readable_behind);
  if (!users.ok()) return responder.respond(problem_response(users.error()));
  const auto encode = [](const auto& user, auto& out) { person::encode_user(user, out); };
  put_gorse_list(call, std::move(services), record::RecordKind::kUserUpsert, *users, "invalid_user",
                 to_text, encode, check_users_quota, std::move(responder));
}

// A user whom Gorse's own feedback route made is one that nobody has described: so this describes.
void gorse_patch_user(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  const std::string_view id = call.arguments[0];
  const auto patch = facade::translate_gorse_user_patch(id, body->bytes, body->readable_behind);
  if (!patch.ok()) return responder.respond(problem_response(patch.error()));
  if (!patch->ok()) {
    return responder.respond(problem_response(400, "invalid_user", to_text(patch->errors)));
  }
  const Status room = check_users_quota(call, *services, std::span(&id, 1));
  if (!room.ok()) return responder.respond(problem_response(room.error()));
  GorseChange change{
      record::RecordKind::kUserPatch,
      {payload_for(call, [&](auto& out) { person::encode_describing_patch(patch->value, out); })}};
  apply_gorse_change(std::move(services), std::move(change), std::move(responder));
}

void gorse_get_user(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const std::string& id = call.arguments[0];
  std::string out;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    const UserIndex user = state->profiles().find_user(profile::user_key(id));
    if (user != kNoUser) {
      if (const auto described = state->people().get(user)) {
        facade::append_gorse_user(described->user, out);
      } else if (state->profiles().info(user).events > 0) {
        facade::append_gorse_user({id, {}}, out);
      }
    }
  }
  responder.respond(
      out.empty() ? problem_response(404, "user_not_found", "no user '" + id.substr(0, 256) + "'")
                  : json_response(std::move(out)));
}

// Those that were described: of others only a hash of the id is known.
void gorse_list_users(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const auto page = gorse_page(call, responder);
  if (!page) return;
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("Users").begin_array();
  UserIndex next = kNoUser;
  const auto runtime = services->partition.tenant(call.caller.tenant);
  if (runtime && page->from < kNoUser.value) {
    const auto state = runtime->read();
    const auto& people = state->people();
    std::string user;
    next = people.next(UserIndex{static_cast<std::uint32_t>(page->from)});
    for (std::size_t given = 0; given < page->limit && next != kNoUser; ++given) {
      user.clear();
      facade::append_gorse_user(people.get(next)->user, user);
      json.raw(user);
      next = people.next(UserIndex{next.value + 1});
    }
  }
  json.end_array();
  json.key("Cursor").string(next == kNoUser ? std::string() : std::to_string(next.value));
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

// Gorse removes the user and its feedback: here that is an erasure.
void gorse_delete_user(Call& call, net::Responder responder) {
  order_erasure(call, std::move(responder), [](const ErasureOrdered&) { return rows_affected(1); });
}

}  // namespace vitrine::api
