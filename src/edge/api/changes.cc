#include "edge/api/changes.h"

#include <charconv>

#include "domain/record/profile_version.h"
#include "edge/api/problem.h"
#include "platform/net/url.h"

namespace vitrine::api {
namespace {

constexpr std::size_t kListLimitMax = 1000;

void append_change(const Call& call, std::shared_ptr<TenantServices> services,
                   net::Responder responder, record::RecordKind kind, std::string_view payload,
                   std::string_view id_name) {
  const eventlog::RecordRef ref{static_cast<std::uint16_t>(kind), 0, payload};
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  append_and_apply(
      services, std::span(&ref, 1),
      [owed, services, id_name, id = call.arguments[0],
       epoch = call.caller.view->tenant.epoch](Result<eventlog::PositionRange> applied) {
        if (!applied.ok()) return owed->respond(problem_response(applied.error()));
        const Error refused = outcome_error(services->partition.outcome(applied->last));
        if (refused) return owed->respond(problem_response(refused));
        std::string body;
        codec::JsonWriter json(body);
        json.begin_object();
        json.key(id_name).string(id);
        json.key("profile_version").string(record::format_profile_version({epoch, applied->last}));
        json.end_object();
        json.finish();
        owed->respond(json_response(std::move(body)));
      });
}

}  // namespace

void change_one(Call& call, net::Responder responder, record::RecordKind kind,
                std::string_view payload, std::string_view id_name) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  append_change(call, std::move(services), std::move(responder), kind, payload, id_name);
}

void change_within_quota(Call& call, net::Responder responder, record::RecordKind kind,
                         std::string_view payload, std::string_view id_name,
                         Status (*room)(const Call&, const TenantServices&,
                                        std::span<const std::string_view>)) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const std::string_view id = call.arguments[0];
  const Status fits = room(call, *services, std::span(&id, 1));
  if (!fits.ok()) return responder.respond(problem_response(fits.error()));
  append_change(call, std::move(services), std::move(responder), kind, payload, id_name);
}

std::optional<ListPage> list_page(const Call& call, net::Responder& responder) {
  ListPage out;
  const auto number = [&](std::string_view name, auto& value) {
    const auto text = net::query_value(call.request.query(), name);
    if (!text || text->empty()) return true;
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
    return code == std::errc{} && end == text->data() + text->size();
  };
  if (number("cursor", out.from) && number("limit", out.limit) && out.limit > 0 &&
      out.limit <= kListLimitMax) {
    return out;
  }
  responder.respond(problem_response(
      400, "invalid_argument", "cursor must be one that a list gave, limit a number of 1 to 1000"));
  return std::nullopt;
}

void write_next_cursor(std::optional<std::uint32_t> next, codec::JsonWriter& json) {
  json.key("next_cursor");
  next ? json.string(std::to_string(*next)) : json.null();
}

}  // namespace vitrine::api
