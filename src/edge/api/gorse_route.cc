#include <charconv>

#include "domain/catalog/item_codec.h"
#include "edge/api/changes.h"
#include "edge/api/gorse_changes.h"
#include "edge/api/problem.h"
#include "edge/facade/gorse.h"
#include "platform/codec/json_writer.h"
#include "platform/net/url.h"

namespace vitrine::api {
namespace {

net::Response feedback_answer(const facade::Translation& translation, const Taken& taken) {
  const std::size_t wrong = translation.ignored.size() + taken.rejected.size();
  if (wrong == 0) return rows_affected(taken.accepted + taken.duplicates);
  const std::string rest = " (" + std::to_string(wrong) + " of " +
                           std::to_string(translation.messages) +
                           " are wrong, the others were taken)";
  if (taken.rejected.empty()) {
    const auto& first = translation.ignored.front();
    return problem_response(400, "invalid_request",
                            "[" + std::to_string(first.index) + "]: " + first.reason + rest);
  }
  const auto& [index, error] = taken.rejected.front();
  return problem_response(400, error.reason(),
                          "[" + std::to_string(index) + "]: " + error.message() + rest);
}

net::Response no_such_item(std::string_view id) {
  return problem_response(404, "item_not_found",
                          "no item '" + std::string(id.substr(0, 256)) + "'");
}

}  // namespace

net::Response rows_affected(std::size_t rows) {
  return json_response("{\"RowAffected\":" + std::to_string(rows) + "}");
}

void apply_gorse_change(std::shared_ptr<TenantServices> services, GorseChange change,
                        net::Responder responder) {
  if (change.payloads.empty()) return responder.respond(rows_affected(0));
  auto kept = std::make_shared<GorseChange>(std::move(change));
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

std::optional<GorsePage> gorse_page(const Call& call, net::Responder& responder) {
  GorsePage page;
  const auto number = [&](std::string_view name, std::size_t& out) {
    const auto text = net::query_value(call.request.query(), name);
    if (!text || text->empty()) return true;
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), out);
    return code == std::errc{} && end == text->data() + text->size();
  };
  const bool read =
      number("n", page.limit) && number("cursor", page.from) && number("Cursor", page.from);
  if (read && page.limit > 0 && page.limit <= facade::kGorseListMax) return page;
  responder.respond(problem_response(
      400, "invalid_argument", "cursor must be one that a list gave, n a number of 1 to 1000"));
  return std::nullopt;
}

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
  const auto encode = [](const auto& item, auto& out) { catalog::encode_upsert(item, out); };
  put_gorse_list(call, std::move(services), record::RecordKind::kItemUpsert, *items, "invalid_item",
                 catalog::to_string, encode, check_items_quota, std::move(responder));
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
  GorseChange change{
      record::RecordKind::kItemPatch,
      {payload_for(call, [&](auto& out) { catalog::encode_patch(patch->value, out); })}};
  apply_gorse_change(std::move(services), std::move(change), std::move(responder));
}

void gorse_delete_item(Call& call, net::Responder responder) {
  const auto valid = catalog::check_item_id(call.arguments[0]);
  if (!valid.ok()) return responder.respond(problem_response(valid.error()));
  auto services = tenant_services(call, responder);
  if (!services) return;
  GorseChange change{
      record::RecordKind::kItemDelete,
      {payload_for(call, [&](auto& out) { catalog::encode_delete(call.arguments[0], out); })}};
  apply_gorse_change(std::move(services), std::move(change), std::move(responder));
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
  responder.respond(body.empty() ? no_such_item(id) : json_response(std::move(body)));
}

void gorse_list_items(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const auto page = gorse_page(call, responder);
  if (!page) return;
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
    for (std::size_t i = page->from; i < catalog.item_count() && next == 0; ++i) {
      const ItemIndex index{static_cast<std::uint32_t>(i)};
      if (!catalog.listed(index)) continue;
      if (given++ == page->limit) {
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

}  // namespace vitrine::api
