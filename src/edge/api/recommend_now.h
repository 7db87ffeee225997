// One answer of the Recommender, for the routes that give answers.
#pragma once

#include "base/result.h"
#include "domain/policy/placements.h"
#include "edge/api/api.h"
#include "edge/api/platform.h"
#include "edge/api/state_views.h"
#include "service/recommend/answer.h"
#include "service/recommend/answer_record.h"
#include "service/recommend/request.h"

namespace vitrine::api {

// Unguessable, and cheap. Carries the time, by which its record is found (answer_record.h).
recommend::RequestId new_request_id(TimeUs now);

// The state of a tenant without any record yet: nothing to show, and nothing wrong.
const recommend::StateView& empty_state();

// Answers from what shows now and puts the answer on record. `answer` is replaced; it is reused
// from call to call. Errors are the Recommender's. A request with
// to_rank is ranked.
Result<recommend::RequestId> recommend_now(Platform& platform, TenantServices& services,
                                           TenantId tenant, const policy::Placement& placement,
                                           recommend::Request request, recommend::Answer& answer);

// The caller's placement of that name, which lives as long as call.caller.view; null after
// answering that there is none.
const policy::Placement* find_placement(const Call& call, std::string_view name,
                                        net::Responder& responder);

// Calls fn(const recommend::StateView&) with what the tenant's answers are made from, held still.
template <class Fn>
auto with_state(const TenantServices& services, TenantId tenant, Fn&& fn) {
  const auto runtime = services.partition.tenant(tenant);
  if (!runtime) return fn(empty_state());
  const auto state = runtime->read();
  return fn(shop_view(*state));
}

}  // namespace vitrine::api
