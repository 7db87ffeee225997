#include "service/learn/live_models.h"

#include <chrono>
#include <vector>

namespace vitrine::learn {

LiveModels::LiveModels(Executor& executor, ModelStore& store, const Clock& clock,
                       LoaderEvents events)
    : store_(store), clock_(clock), events_(std::move(events)) {
  thread_ = executor.run_thread("models", [this] { run(); });
}

LiveModels::~LiveModels() { close(); }

void LiveModels::close() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_->wait();
}

void LiveModels::watch(TenantId tenant, std::weak_ptr<ModelUser> user) {
  std::lock_guard lock(mutex_);
  auto watched = std::make_shared<Watched>();
  watched->user = std::move(user);
  tenants_[tenant] = std::move(watched);
}

void LiveModels::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    look();
    lock.lock();
    changed_.wait_for(lock, std::chrono::microseconds(kLookEvery), [this] { return stopping_; });
  }
}

void LiveModels::look() {
  std::lock_guard one_at_a_time(looking_);
  std::vector<std::pair<TenantId, std::shared_ptr<Watched>>> all;
  {
    std::lock_guard lock(mutex_);
    all.assign(tenants_.begin(), tenants_.end());
  }
  for (const auto& [tenant, watched] : all) {
    const auto user = watched->user.lock();
    if (user == nullptr) {
      std::lock_guard lock(mutex_);
      const auto at = tenants_.find(tenant);
      if (at != tenants_.end() && at->second == watched) tenants_.erase(at);
      continue;
    }
    const ModelUser::Wanted wanted = user->wanted();
    bring(tenant, *user, wanted.live, watched->live,
          [&](auto model) { user->set_live(std::move(model)); });
    bring(tenant, *user, wanted.shadow, watched->shadow,
          [&](auto model) { user->set_shadow(std::move(model)); });
  }
}

void LiveModels::bring(TenantId tenant, const ModelUser& user, const std::string& wanted,
                       Slot& slot,
                       const std::function<void(std::shared_ptr<const ServedModel>)>& set) {
  if (wanted == slot.loaded) return;
  if (wanted.empty()) {
    set(nullptr);
    slot = {};
    return;
  }
  const std::int64_t began = clock_.steady_ns();
  if (wanted == slot.failed && began < slot.retry_ns) return;
  const auto load = [&]() -> Result<std::shared_ptr<const ServedModel>> {
    VITRINE_TRY(const auto manifest, store_.manifest(tenant, wanted));
    VITRINE_TRY(auto stored, store_.load(manifest));
    return std::shared_ptr<const ServedModel>(std::make_shared<ServedModel>(
        manifest.id, manifest.weight, std::move(stored), user.item_numbers()));
  };
  auto model = load();
  if (!model.ok()) {
    slot.failed = wanted;
    slot.retry_ns = clock_.steady_ns() + kRetryAfter * 1000;
    if (events_.failed) events_.failed(tenant, wanted, model.error());
    return;
  }
  const std::uint64_t bytes = (*model)->memory_bytes();
  set(std::move(*model));
  slot = {wanted, {}, 0};
  if (events_.loaded) {
    events_.loaded(tenant, wanted, static_cast<double>(clock_.steady_ns() - began) / 1e9, bytes);
  }
}

}  // namespace vitrine::learn
