// What recommenders and searches see of a tenant's state.
#pragma once

#include "service/apply/tenant_state.h"
#include "service/recommend/state_view.h"
#include "service/search/search_state.h"

namespace vitrine::api {

// Both own nothing and are valid while `state` is held still.
inline recommend::StateView shop_view(const apply::TenantState& state) {
  return {state.catalog(),  state.profiles(), state.showings(), state.covisit(), state.baskets(),
          state.trending(), state.popular(),  state.repeats(),  state.position()};
}
inline search::SearchState search_view(const apply::TenantState& state) {
  return {shop_view(state), state.queries(), state.search_settings(), state.last_append_time()};
}

}  // namespace vitrine::api
