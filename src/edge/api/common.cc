#include "edge/api/problem.h"
#include "edge/api/routes.h"

namespace vitrine::api {

net::Response json_response(std::string body, int status) {
  net::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

std::shared_ptr<TenantServices> tenant_services(Call& call, net::Responder& responder) {
  auto services = call.platform.tenant(*call.caller.view);
  if (services.ok()) return std::move(services).value();
  responder.respond(problem_response(services.error()));
  return nullptr;
}

void append_and_apply(std::shared_ptr<TenantServices> services,
                      std::span<const eventlog::RecordRef> records,
                      std::function<void(Result<eventlog::PositionRange>)> done) {
  // Both the log and the applier may want to call it: the log only with an error, after which
  // the applier never gets there.
  auto shared = std::make_shared<std::function<void(Result<eventlog::PositionRange>)>>(std::move(done));
  auto range = services->partition.append(records, [shared](const Status& durable) {
    if (!durable.ok()) (*shared)(durable.error());
  });
  if (!range.ok()) {
    (*shared)(std::move(range).error());
    return;
  }
  // Being applied, the records are durable.
  services->partition.waiters().add(range->last, [services, shared, applied = *range] { (*shared)(applied); });
}

Error outcome_error(const apply::ApplyOutcome& outcome) {
  using apply::ApplyCode;
  switch (outcome.code) {
    case ApplyCode::kApplied:
    case ApplyCode::kDuplicate: return {};
    case ApplyCode::kIdConflict: return Error(ErrorCode::kConflict, outcome.detail).with_reason("event_id_conflict");
    case ApplyCode::kNotFound: return Error(ErrorCode::kNotFound, outcome.detail).with_reason("item_not_found");
    case ApplyCode::kTypeConflict: return Error(ErrorCode::kConflict, outcome.detail).with_reason("type_conflict");
    case ApplyCode::kLimit: return Error(ErrorCode::kConflict, outcome.detail).with_reason("catalog_limit");
  }
  return {};
}

}  // namespace vitrine::api
