// The parts of one tenant's state that a search reads, and how the indexer gets at them.
#pragma once

#include <functional>

#include "base/clock.h"
#include "domain/query/query_log.h"
#include "domain/query/search_settings.h"
#include "service/recommend/state_view.h"

namespace vitrine::search {

// Owns nothing; valid while the tenant's read lock is held.
struct SearchState {
  recommend::StateView shop;
  const query::QueryLog& queries;
  const query::SearchSettings& settings;
  TimeUs last_append_time = 0;  // changes applied from now on have at least this `updated`

  const catalog::Catalog& catalog() const { return shop.catalog; }
};

// Lets work see the state under the tenant's read lock. Thread-safe.
class StateSource {
 public:
  virtual ~StateSource() = default;
  // False, without a call, where the tenant has no state yet. `work` must be short: it keeps the
  // applier waiting.
  virtual bool read(const std::function<void(const SearchState&)>& work) const = 0;
};

}  // namespace vitrine::search
