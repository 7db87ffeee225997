#include <charconv>

#include "domain/catalog/item_codec.h"
#include "domain/catalog/item_json.h"
#include "domain/record/profile_version.h"
#include "domain/record/record.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/json_writer.h"
#include "platform/net/url.h"

namespace vitrine::api {
namespace {

constexpr std::size_t kListLimitMax = 1000;

std::string payload_for(const Call& call) {
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, call.caller.tenant);
  return payload;
}

// One catalog record: appended, applied, answered with its outcome.
void change_item(Call& call, net::Responder responder, record::RecordKind kind,
                 std::string payload) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  if (kind == record::RecordKind::kItemUpsert) {
    const std::string_view id = call.arguments[0];
    const Status room = check_items_quota(call, *services, std::span(&id, 1));
    if (!room.ok()) return responder.respond(problem_response(room.error()));
  }
  const eventlog::RecordRef ref{static_cast<std::uint16_t>(kind), 0, payload};
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  append_and_apply(
      services, std::span(&ref, 1),
      [owed, services, item_id = call.arguments[0],
       epoch = call.caller.view->tenant.epoch](Result<eventlog::PositionRange> applied) {
        if (!applied.ok()) return owed->respond(problem_response(applied.error()));
        const Error refused = outcome_error(services->partition.outcome(applied->last));
        if (refused) return owed->respond(problem_response(refused));
        std::string body;
        codec::JsonWriter json(body);
        json.begin_object();
        json.key("item_id").string(item_id);
        json.key("profile_version").string(record::format_profile_version({epoch, applied->last}));
        json.end_object();
        json.finish();
        owed->respond(json_response(std::move(body)));
      });
}

template <class Checked>
bool refused_fields(const Checked& checked, net::Responder& responder) {
  if (checked.ok()) return false;
  responder.respond(problem_response(400, "invalid_item", catalog::to_string(checked.errors)));
  return true;
}

bool known_item(const apply::TenantRuntime::Read& state, std::string_view item_id, ItemIndex& out) {
  const auto found = state->catalog().find(item_id);
  if (!found || !state->catalog().listed(*found)) return false;
  out = *found;
  return true;
}

net::Response no_such_item(std::string_view item_id) {
  return problem_response(404, "item_not_found",
                          "no item '" + std::string(item_id.substr(0, 256)) + "' in the catalog");
}

void append_item(const catalog::Catalog& catalog, ItemIndex index, std::string& out) {
  const auto item = catalog.get_item(index);
  catalog::append_json(*item, {catalog.created(index), catalog.updated(index)}, out);
}

}  // namespace

void put_item(Call& call, net::Responder responder) {
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  const auto item = catalog::parse_item(body->bytes, call.arguments[0]);
  if (refused_fields(item, responder)) return;
  std::string payload = payload_for(call);
  ByteWriter writer(payload);
  catalog::encode_upsert(item.value, writer);
  change_item(call, std::move(responder), record::RecordKind::kItemUpsert, std::move(payload));
}

void patch_item(Call& call, net::Responder responder) {
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  const auto patch = catalog::parse_patch(body->bytes, call.arguments[0]);
  if (refused_fields(patch, responder)) return;
  std::string payload = payload_for(call);
  ByteWriter writer(payload);
  catalog::encode_patch(patch.value, writer);
  change_item(call, std::move(responder), record::RecordKind::kItemPatch, std::move(payload));
}

void post_inventory(Call& call, net::Responder responder) {
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  const auto patch = catalog::parse_inventory(body->bytes, call.arguments[0]);
  if (refused_fields(patch, responder)) return;
  std::string payload = payload_for(call);
  ByteWriter writer(payload);
  catalog::encode_patch(patch.value, writer);
  change_item(call, std::move(responder), record::RecordKind::kInventory, std::move(payload));
}

void delete_item(Call& call, net::Responder responder) {
  const auto valid = catalog::check_item_id(call.arguments[0]);
  if (!valid.ok()) return responder.respond(problem_response(valid.error()));
  std::string payload = payload_for(call);
  ByteWriter writer(payload);
  catalog::encode_delete(call.arguments[0], writer);
  change_item(call, std::move(responder), record::RecordKind::kItemDelete, std::move(payload));
}

void get_item(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const auto runtime = services->partition.tenant(call.caller.tenant);
  if (!runtime) return responder.respond(no_such_item(call.arguments[0]));
  std::string body;
  {
    const auto state = runtime->read();
    ItemIndex index;
    if (known_item(state, call.arguments[0], index)) append_item(state->catalog(), index, body);
  }
  responder.respond(body.empty() ? no_such_item(call.arguments[0])
                                 : json_response(std::move(body)));
}

void list_items(Call& call, net::Responder responder) {
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
  json.key("items").begin_array();
  std::uint32_t next = 0;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    const auto& catalog = state->catalog();
    const auto count = static_cast<std::uint32_t>(catalog.item_count());
    std::string item;
    std::size_t given = 0;
    for (std::uint32_t i = from; i < count && next == 0; ++i) {
      if (!catalog.listed(ItemIndex{i})) continue;
      if (given++ == limit) {
        next = i;
        break;
      }
      item.clear();
      append_item(catalog, ItemIndex{i}, item);
      json.raw(item);
    }
  }
  json.end_array();
  json.key("next_cursor");
  if (next == 0) {
    json.null();
  } else {
    json.string(std::to_string(next));
  }
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

void list_attributes(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("attributes").begin_array();
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    for (std::string_view name : state->catalog().field_names()) {
      const auto field = state->catalog().find_field(name);
      json.begin_object();
      json.key("name").string(name);
      json.key("type").string(catalog::attribute_type_name(field->type));
      json.end_object();
    }
  }
  json.end_array();
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

}  // namespace vitrine::api
