#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {

net::Response json_response(std::string body, int status) {
  net::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

void write_rejection(codec::JsonWriter& json, std::size_t index, std::string_view code,
                     std::string_view detail) {
  json.begin_object();
  json.key("index").number(index);
  json.key("code").string(code);
  json.key("detail").string(detail);
  json.end_object();
}

void write_rejected(codec::JsonWriter& json, std::span<const collect::RejectedEvent> rejected) {
  json.key("rejected").begin_array();
  for (const auto& event : rejected) {
    write_rejection(json, event.index, event::reject_code_name(event.code), event.detail);
  }
  json.end_array();
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
  auto shared =
      std::make_shared<std::function<void(Result<eventlog::PositionRange>)>>(std::move(done));
  auto range = services->partition.append(records, [shared](const Status& durable) {
    if (!durable.ok()) (*shared)(durable.error());
  });
  if (!range.ok()) {
    (*shared)(std::move(range).error());
    return;
  }
  // Being applied, the records are durable.
  services->partition.waiters().add(range->last,
                                    [services, shared, applied = *range] { (*shared)(applied); });
}

Status check_items_quota(const Call& call, const TenantServices& services,
                         std::span<const std::string_view> ids) {
  const std::uint64_t most = call.caller.view->tenant.quotas.items_max;
  if (most == 0) return ok_status();
  const auto runtime = services.partition.tenant(call.caller.tenant);
  std::uint64_t listed = 0;
  std::uint64_t added = ids.size();
  if (runtime) {
    const auto state = runtime->read();
    listed = state->catalog().listed_count();
    if (listed + ids.size() <= most) return ok_status();
    for (std::string_view id : ids) {
      const auto found = state->catalog().find(id);
      if (found && state->catalog().listed(*found)) --added;
    }
  }
  if (added == 0 || listed + added <= most) return ok_status();
  return Error(ErrorCode::kConflict, "the catalog holds " + std::to_string(listed) +
                                         " items and may hold " + std::to_string(most) +
                                         " (quota items_max); delete some or raise the quota")
      .with_reason("catalog_limit");
}

Status check_users_quota(const Call& call, const TenantServices& services,
                         std::span<const std::string_view> ids) {
  const std::uint64_t most = call.caller.view->tenant.quotas.users_max;
  if (most == 0) return ok_status();
  const auto runtime = services.partition.tenant(call.caller.tenant);
  std::uint64_t known = 0;
  std::uint64_t added = ids.size();
  if (runtime) {
    const auto state = runtime->read();
    known = state->profiles().user_count();
    if (known + added <= most) return ok_status();
    for (std::string_view id : ids) {
      if (state->profiles().find_user(profile::user_key(id)) != kNoUser) --added;
    }
  }
  if (added == 0 || known + added <= most) return ok_status();
  return Error(ErrorCode::kConflict, std::to_string(known) +
                                         " users and visitors are known and may be " +
                                         std::to_string(most) + " (quota users_max)")
      .with_reason("users_limit");
}

Error outcome_error(const apply::ApplyOutcome& outcome) {
  using apply::ApplyCode;
  switch (outcome.code) {
    case ApplyCode::kApplied:
    case ApplyCode::kDuplicate: return {};
    case ApplyCode::kIdConflict:
      return Error(ErrorCode::kConflict, outcome.detail).with_reason("event_id_conflict");
    case ApplyCode::kNotFound:
      return Error(ErrorCode::kNotFound, outcome.detail).with_reason("item_not_found");
    case ApplyCode::kUserNotFound:
      return Error(ErrorCode::kNotFound, outcome.detail).with_reason("user_not_found");
    case ApplyCode::kUserLimit:
      return Error(ErrorCode::kConflict, outcome.detail).with_reason("users_limit");
    case ApplyCode::kModelConflict:
      return Error(ErrorCode::kConflict, outcome.detail).with_reason("model_conflict");
    case ApplyCode::kMergedElsewhere:
      return Error(ErrorCode::kConflict, outcome.detail).with_reason("merged_elsewhere");
    case ApplyCode::kTypeConflict:
      return Error(ErrorCode::kConflict, outcome.detail).with_reason("type_conflict");
    case ApplyCode::kLimit:
      return Error(ErrorCode::kConflict, outcome.detail).with_reason("catalog_limit");
  }
  return {};
}

}  // namespace vitrine::api
