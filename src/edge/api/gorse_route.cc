#include <charconv>

#include "domain/catalog/item_codec.h"
#include "domain/record/record.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "edge/facade/gorse.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"
#include "platform/net/url.h"

namespace vitrine::api {
namespace {

constexpr std::size_t kListMax = 1000;

net::Response rows_affected(std::size_t rows) {
  return json_response("{\"RowAffected\":" + std::to_string(rows) + "}");
}

net::Response feedback_answer(const facade::Translation& translation,
                              const collect::CollectResult& result) {
  const std::size_t wrong = translation.ignored.size() + result.rejected.size();
  const std::size_t taken = result.accepted + result.duplicates;
  if (wrong == 0) return rows_affected(taken);
  const std::string rest = " (" + std::to_string(wrong) + " of " +
                           std::to_string(translation.messages) +
                           " are wrong, the others were taken)";
  if (result.rejected.empty()) {
    const auto& first = translation.ignored.front();
    return problem_response(400, "invalid_request",
                            "[" + std::to_string(first.index) + "]: " + first.reason + rest);
  }
  const auto& first = result.rejected.front();
  return problem_response(400, event::reject_code_name(first.code),
                          "[" + std::to_string(first.index) + "]: " + first.detail + rest);
}

// Catalog records of one request: all are good before any is appended.
struct Change {
  record::RecordKind kind = record::RecordKind::kItemUpsert;
  std::vector<std::string> payloads;
};

void apply_change(std::shared_ptr<TenantServices> services, Change change,
                  net::Responder responder) {
  if (change.payloads.empty()) return responder.respond(rows_affected(0));
  auto kept = std::make_shared<Change>(std::move(change));
  std::vector<eventlog::RecordRef> refs;
  for (const auto& payload : kept->payloads) {
    refs.push_back({static_cast<std::uint16_t>(kept->kind), 0, payload});
  }
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  append_and_apply(services, refs, [owed, services, kept](Result<eventlog::PositionRange> applied) {
    if (!applied.ok()) return owed->respond(problem_response(applied.error()));
    for (std::size_t i = 0; i < kept->payloads.size(); ++i) {
      const Error refused = outcome_error(services->partition.outcome(applied->first + i));
      if (refused) return owed->respond(problem_response(refused));
    }
    owed->respond(rows_affected(kept->payloads.size()));
  });
}

std::string new_payload(const Call& call) {
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, call.caller.tenant);
  return payload;
}

net::Response no_such(std::string_view what, std::string_view id) {
  return problem_response(404, what == "user" ? "not_found" : "item_not_found",
                          "no " + std::string(what) + " '" + std::string(id.substr(0, 256)) + "'");
}

bool read_number(const Call& call, std::string_view name, std::size_t& out) {
  const auto text = net::query_value(call.request.query(), name);
  if (!text || text->empty()) return true;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), out);
  return code == std::errc{} && end == text->data() + text->size();
}

}  // namespace

void gorse_feedback(Call& call, net::Responder responder) {
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  auto feedback = facade::translate_gorse_feedback(body->bytes, body->readable_behind);
  if (!feedback.ok()) return responder.respond(problem_response(feedback.error()));
  collect_translation(call, std::move(responder), std::move(feedback).value(), feedback_answer);
}

void gorse_put_items(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  const auto items = facade::translate_gorse_items(body->bytes, body->readable_behind);
  if (!items.ok()) return responder.respond(problem_response(items.error()));
  Change change;
  std::vector<std::string_view> ids;
  for (std::size_t i = 0; i < items->size(); ++i) {
    const auto& item = (*items)[i];
    if (!item.ok()) {
      return responder.respond(problem_response(
          400, "invalid_item", "[" + std::to_string(i) + "]: " + catalog::to_string(item.errors)));
    }
    ids.push_back(item.value.id);
    ByteWriter writer(change.payloads.emplace_back(new_payload(call)));
    catalog::encode_upsert(item.value, writer);
  }
  const Status room = check_items_quota(call, *services, ids);
  if (!room.ok()) return responder.respond(problem_response(room.error()));
  apply_change(std::move(services), std::move(change), std::move(responder));
}

void gorse_patch_item(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  const auto patch =
      facade::translate_gorse_patch(call.arguments[0], body->bytes, body->readable_behind);
  if (!patch.ok()) return responder.respond(problem_response(patch.error()));
  if (!patch->ok()) {
    return responder.respond(
        problem_response(400, "invalid_item", catalog::to_string(patch->errors)));
  }
  Change change{record::RecordKind::kItemPatch, {new_payload(call)}};
  ByteWriter writer(change.payloads.front());
  catalog::encode_patch(patch->value, writer);
  apply_change(std::move(services), std::move(change), std::move(responder));
}

void gorse_delete_item(Call& call, net::Responder responder) {
  const auto valid = catalog::check_item_id(call.arguments[0]);
  if (!valid.ok()) return responder.respond(problem_response(valid.error()));
  auto services = tenant_services(call, responder);
  if (!services) return;
  Change change{record::RecordKind::kItemDelete, {new_payload(call)}};
  ByteWriter writer(change.payloads.front());
  catalog::encode_delete(call.arguments[0], writer);
  apply_change(std::move(services), std::move(change), std::move(responder));
}

void gorse_get_item(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const std::string& id = call.arguments[0];
  std::string body;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    const auto& catalog = state->catalog();
    const auto index = catalog.find(id);
    if (index && catalog.listed(*index)) {
      facade::append_gorse_item(*catalog.get_item(*index), catalog.in_stock(*index),
                                catalog.created(*index), body);
    }
  }
  responder.respond(body.empty() ? no_such("item", id) : json_response(std::move(body)));
}

void gorse_list_items(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  std::size_t limit = 10;
  std::size_t from = 0;
  const bool read = read_number(call, "n", limit) && read_number(call, "cursor", from) &&
                    read_number(call, "Cursor", from);
  if (!read || limit == 0 || limit > kListMax) {
    return responder.respond(problem_response(
        400, "invalid_argument", "cursor must be one that a list gave, n a number of 1 to 1000"));
  }
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("Items").begin_array();
  std::size_t next = 0;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    const auto& catalog = state->catalog();
    std::string item;
    std::size_t given = 0;
    for (std::size_t i = from; i < catalog.item_count() && next == 0; ++i) {
      const ItemIndex index{static_cast<std::uint32_t>(i)};
      if (!catalog.listed(index)) continue;
      if (given++ == limit) {
        next = i;
        break;
      }
      item.clear();
      facade::append_gorse_item(*catalog.get_item(index), catalog.in_stock(index),
                                catalog.created(index), item);
      json.raw(item);
    }
  }
  json.end_array();
  json.key("Cursor").string(next == 0 ? std::string() : std::to_string(next));
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

// Users begin with their first feedback; labels of users mean nothing here.
void gorse_put_users(Call& call, net::Responder responder) {
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  thread_local codec::JsonParser parser;
  const auto parsed = parser.parse(body->bytes, body->readable_behind);
  if (!parsed.ok()) {
    return responder.respond(problem_response(400, "invalid_json", parsed.error().message()));
  }
  responder.respond(rows_affected(0));
}

void gorse_get_user(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const std::string& id = call.arguments[0];
  bool known = false;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    const auto user = state->profiles().find_user(profile::user_key(id));
    known = user != kNoUser && state->profiles().info(user).events > 0;
  }
  if (!known) return responder.respond(no_such("user", id));
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("UserId").string(id);
  json.key("Labels").null();
  json.key("Comment").string("");
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(out)));
}

}  // namespace vitrine::api
