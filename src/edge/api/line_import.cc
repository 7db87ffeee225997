#include "edge/api/line_import.h"

#include "domain/record/profile_version.h"
#include "edge/api/problem.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {
namespace {

void answer(LineImport& import, const TenantServices& services, eventlog::PositionRange applied,
            std::uint32_t epoch, net::Responder& responder) {
  std::size_t accepted = import.payloads.size();
  for (std::size_t i = 0; i < import.payloads.size(); ++i) {
    const Error refused = outcome_error(services.partition.outcome(applied.first + i));
    if (!refused) continue;
    --accepted;
    import.bad.push_back({import.lines[i], std::string(refused.reason()), refused.message()});
  }
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("accepted").number(accepted);
  json.key("rejected").begin_array();
  for (const auto& bad : import.bad) write_rejection(json, bad.index, bad.code, bad.detail);
  json.end_array();
  json.key("profile_version").string(record::format_profile_version({epoch, applied.last}));
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

}  // namespace

void finish_import(Call& call, std::shared_ptr<TenantServices> services,
                   std::shared_ptr<LineImport> import, record::RecordKind kind,
                   Status (*room)(const Call&, const TenantServices&,
                                  std::span<const std::string_view>),
                   net::Responder responder) {
  const std::uint32_t epoch = call.caller.view->tenant.epoch;
  if (import->payloads.empty()) {
    const auto position = services->partition.applied();
    return answer(*import, *services, {position, position}, epoch, responder);
  }
  const std::vector<std::string_view> ids(import->ids.begin(), import->ids.end());
  const Status fits = room(call, *services, ids);
  if (!fits.ok()) return responder.respond(problem_response(fits.error()));
  std::vector<eventlog::RecordRef> refs;
  for (const auto& payload : import->payloads) {
    refs.push_back({static_cast<std::uint16_t>(kind), 0, payload});
  }
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  append_and_apply(services, refs,
                   [owed, services, import, epoch](Result<eventlog::PositionRange> applied) {
                     if (!applied.ok()) return owed->respond(problem_response(applied.error()));
                     answer(*import, *services, *applied, epoch, *owed);
                   });
}

}  // namespace vitrine::api
