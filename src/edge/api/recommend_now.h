// One answer of the Recommender, for the routes that give answers.
#pragma once

#include "base/result.h"
#include "domain/policy/policy.h"
#include "edge/api/platform.h"
#include "service/recommend/answer.h"
#include "service/recommend/answer_record.h"
#include "service/recommend/request.h"

namespace vitrine::api {

// Unguessable, and cheap.
recommend::RequestId new_request_id();

// Answers from what shows now and puts the answer on record. `answer` is replaced; it is reused
// from call to call. Errors are the Recommender's.
Result<recommend::RequestId> recommend_now(Platform& platform, TenantServices& services,
                                           TenantId tenant, const policy::PlacementPolicy& policy,
                                           const recommend::Request& request,
                                           recommend::Answer& answer);

}  // namespace vitrine::api
