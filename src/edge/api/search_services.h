// What the search routes need of a tenant's partition.
#pragma once

#include "edge/api/recommend_now.h"
#include "edge/api/state_views.h"
#include "service/apply/partition.h"

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
    work(search_view(*state));
    return true;
  }

 private:
  const apply::Partition& partition_;
  const TenantId tenant_;
};

// For a tenant without any record yet: nothing to find, and nothing wrong.
inline void with_empty_search_state(const std::function<void(const search::SearchState&)>& work) {
  static const query::QueryLog queries;
  static const query::SearchSettings settings;
  work({empty_state(), queries, settings, 0});
}

}  // namespace vitrine::api
