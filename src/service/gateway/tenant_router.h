// From a tenant's number to whatever serves that tenant in this process.
//
// Runtime is the integrator's type (a recommender, a partition handle). Lookups are on the
// request path and cost tens of ns; changes copy the table, which is fine at the rate tenants
// come and go. Thread-safe. A runtime taken out lives on until its last request is done.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "service/gateway/published.h"

namespace vitrine::gateway {

template <class Runtime>
class TenantRouter {
 public:
  // Null when the tenant is not served here.
  std::shared_ptr<Runtime> find(TenantId tenant) const {
    return table_.read([&](const Table& table) {
      const auto at = table.find(tenant);
      return at == table.end() ? nullptr : at->second;
    });
  }

  // The one found, or the one `make()` gives, put in. Two callers at once get the same one and
  // only one of them calls make(). Lookups go on meanwhile, other changes of the table wait:
  // what takes seconds is to be started by make(), not done in it. A null is not put in.
  template <class Make>
  std::shared_ptr<Runtime> find_or_put(TenantId tenant, Make&& make) {
    if (auto found = find(tenant)) return found;
    std::lock_guard lock(writer_);
    // Again, now that no other writer can come between (find() can't be stale here).
    if (auto found = find(tenant)) return found;
    std::shared_ptr<Runtime> made = make();
    if (made) change([&](Table& table) { table[tenant] = made; });
    return made;
  }

  // Replaces what was there; gives that back.
  std::shared_ptr<Runtime> put(TenantId tenant, std::shared_ptr<Runtime> runtime) {
    std::lock_guard lock(writer_);
    change([&](Table& table) { table[tenant].swap(runtime); });
    return runtime;
  }

  std::shared_ptr<Runtime> take(TenantId tenant) {
    std::lock_guard lock(writer_);
    std::shared_ptr<Runtime> taken;
    change([&](Table& table) {
      if (auto node = table.extract(tenant)) taken = std::move(node.mapped());
    });
    return taken;
  }

  // All of one moment, in no order.
  std::vector<std::pair<TenantId, std::shared_ptr<Runtime>>> all() const {
    const auto table = table_.get();
    return {table->begin(), table->end()};
  }

 private:
  using Table = std::unordered_map<TenantId, std::shared_ptr<Runtime>>;

  template <class Fn>
  void change(Fn&& fn) {
    auto next = std::make_shared<Table>(*table_.get());
    fn(*next);
    table_.replace(std::move(next));
  }

  std::mutex writer_;
  Published<Table> table_{std::make_shared<const Table>()};
};

}  // namespace vitrine::gateway
