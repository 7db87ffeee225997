#include "service/learn/live_models.h"

#include <chrono>
#include <vector>

namespace vitrine::learn {

LiveModels::LiveModels(Executor& executor, ModelStore& store, const Clock& clock,
                       LoaderEvents events, std::uint64_t vectors_bytes_max)
    : store_(store),
      clock_(clock),
      events_(std::move(events)),
      vectors_bytes_max_(vectors_bytes_max) {
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
  count();  // who is gone, or was replaced, has nothing any more
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
    bring(tenant, *user, wanted.live, true, watched->live, [&](Loaded loaded) {
      user->set_live(std::move(loaded.model), std::move(loaded.vectors));
    });
    bring(tenant, *user, wanted.shadow, false, watched->shadow,
          [&](Loaded loaded) { user->set_shadow(std::move(loaded.model)); });
  }
}

void LiveModels::count() {
  Stats sum;
  std::lock_guard lock(mutex_);
  for (const auto& [tenant, watched] : tenants_) {
    sum.model_bytes += watched->live.takes.bytes + watched->shadow.takes.bytes;
    sum.vectors += watched->live.takes.vectors.items;
    sum.vector_bytes += watched->live.takes.vectors.bytes;
  }
  stats_.with([&](Stats& held) { held = sum; });
}

Result<LiveModels::Loaded> LiveModels::load(TenantId tenant, const ModelUser& user,
                                            const std::string& id, bool with_vectors,
                                            const Slot& slot) {
  VITRINE_TRY(const auto manifest, store_.manifest(tenant, id));
  VITRINE_TRY(auto stored, store_.load(manifest));
  Loaded loaded;
  loaded.model = std::make_shared<ServedModel>(manifest.id, manifest.weight, std::move(stored),
                                               user.item_numbers());
  if (!with_vectors) return loaded;
  const std::uint64_t needed = ModelVectors::bytes_needed(*loaded.model);
  const std::uint64_t others = stats().vector_bytes - slot.takes.vectors.bytes;
  if (needed + others > vectors_bytes_max_) {
    if (events_.without_vectors) {
      events_.without_vectors(
          tenant, id,
          Error(ErrorCode::kTooLarge, "its vectors would take " + std::to_string(needed) +
                                          " bytes, with those of other tenants more than the " +
                                          std::to_string(vectors_bytes_max_) +
                                          " of models.vectors_memory")
              .with_reason("memory_budget"));
    }
    return loaded;
  }
  VITRINE_TRY(loaded.vectors, ModelVectors::make(loaded.model, {}, no_progress()));
  return loaded;
}

void LiveModels::bring(TenantId tenant, const ModelUser& user, const std::string& wanted,
                       bool with_vectors, Slot& slot, const std::function<void(Loaded)>& set) {
  if (wanted == slot.loaded) return;
  if (wanted.empty()) {
    set({});
    slot = {};
    return count();
  }
  const std::int64_t began = clock_.steady_ns();
  if (wanted == slot.failed && began < slot.retry_ns) return;
  auto loaded = load(tenant, user, wanted, with_vectors, slot);
  if (!loaded.ok()) {
    slot.failed = wanted;
    slot.retry_ns = clock_.steady_ns() + kRetryAfter * 1000;
    if (events_.failed) events_.failed(tenant, wanted, loaded.error());
    return;
  }
  LoadedModel takes;
  takes.seconds = static_cast<double>(clock_.steady_ns() - began) / 1e9;
  takes.bytes = loaded->model->memory_bytes();
  if (loaded->vectors != nullptr) takes.vectors = loaded->vectors->stats();
  set(std::move(*loaded));
  slot = {wanted, takes, {}, 0};
  count();
  if (events_.loaded) events_.loaded(tenant, wanted, takes);
}

}  // namespace vitrine::learn
