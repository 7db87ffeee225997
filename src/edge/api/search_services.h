// What the search routes need of a tenant's partition.
#pragma once

#include "service/apply/partition.h"
#include "service/search/search_state.h"

namespace vitrine::api {

// The state of one tenant as searches read it, under the tenant's lock.
class PartitionStateSource final : public search::StateSource {
 public:
  // `partition` outlives it.
  PartitionStateSource(const apply::Partition& partition, TenantId tenant)
      : partition_(partition), tenant_(tenant) {}
  bool read(const std::function<void(const search::SearchState&)>& work) const override {
    const auto runtime = partition_.tenant(tenant_);
    if (!runtime) return false;
    const auto state = runtime->read();
    work({{state->catalog(), state->profiles(), state->covisit(), state->baskets(),
           state->trending(), state->popular(), state->repeats(), state->position()},
          state->queries(),
          state->search_settings(),
          state->last_append_time()});
    return true;
  }

 private:
  const apply::Partition& partition_;
  const TenantId tenant_;
};

// For a tenant without any record yet: nothing to find, and nothing wrong.
inline void with_empty_search_state(const std::function<void(const search::SearchState&)>& work) {
  struct Empty {
    catalog::Catalog catalog;
    profile::Profiles profiles{{}};
    covisit::Covisit covisit;
    counters::Counters counters{kDayUs};
    repeat::Repeat repeats;
    query::QueryLog queries;
    query::SearchSettings settings;
  };
  static const Empty empty;
  work({{empty.catalog, empty.profiles, empty.covisit, empty.covisit, empty.counters,
         empty.counters, empty.repeats, 0},
        empty.queries,
        empty.settings,
        0});
}

}  // namespace vitrine::api
