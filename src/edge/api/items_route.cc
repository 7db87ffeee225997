#include "domain/catalog/item_codec.h"
#include "domain/catalog/item_json.h"
#include "edge/api/changes.h"
#include "edge/api/problem.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {
namespace {

void change_item(Call& call, net::Responder responder, record::RecordKind kind,
                 const std::string& payload) {
  if (kind != record::RecordKind::kItemUpsert) {
    return change_one(call, std::move(responder), kind, payload, "item_id");
  }
  change_within_quota(call, std::move(responder), kind, payload, "item_id", check_items_quota);
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
  change_item(call, std::move(responder), record::RecordKind::kItemUpsert,
              payload_for(call, [&](auto& out) { catalog::encode_upsert(item.value, out); }));
}

void patch_item(Call& call, net::Responder responder) {
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  const auto patch = catalog::parse_patch(body->bytes, call.arguments[0]);
  if (refused_fields(patch, responder)) return;
  change_item(call, std::move(responder), record::RecordKind::kItemPatch,
              payload_for(call, [&](auto& out) { catalog::encode_patch(patch.value, out); }));
}

void post_inventory(Call& call, net::Responder responder) {
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  const auto patch = catalog::parse_inventory(body->bytes, call.arguments[0]);
  if (refused_fields(patch, responder)) return;
  change_item(call, std::move(responder), record::RecordKind::kInventory,
              payload_for(call, [&](auto& out) { catalog::encode_patch(patch.value, out); }));
}

void delete_item(Call& call, net::Responder responder) {
  const auto valid = catalog::check_item_id(call.arguments[0]);
  if (!valid.ok()) return responder.respond(problem_response(valid.error()));
  change_item(
      call, std::move(responder), record::RecordKind::kItemDelete,
      payload_for(call, [&](auto& out) { catalog::encode_delete(call.arguments[0], out); }));
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
  const auto page = list_page(call, responder);
  if (!page) return;
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("items").begin_array();
  std::optional<std::uint32_t> next;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    const auto state = runtime->read();
    const auto& catalog = state->catalog();
    const auto count = static_cast<std::uint32_t>(catalog.item_count());
    std::string item;
    std::size_t given = 0;
    for (std::uint32_t i = page->from; i < count && !next; ++i) {
      if (!catalog.listed(ItemIndex{i})) continue;
      if (given++ == page->limit) {
        next = i;
        break;
      }
      item.clear();
      append_item(catalog, ItemIndex{i}, item);
      json.raw(item);
    }
  }
  json.end_array();
  write_next_cursor(next, json);
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
