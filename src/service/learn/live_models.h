// Brings the models that the states of tenants name to their recommenders: loaded and checked on a
// thread of its own, with the index over a live model's vectors (model_vectors.h), then swapped in
// one step. No request waits, or is answered without a model because of it. What can't be loaded
// leaves model and vectors that serve in place, is told, and is tried again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/ids.h"
#include "base/result.h"
#include "service/learn/model_store.h"
#include "service/learn/model_vectors.h"
#include "service/learn/served_model.h"

namespace vitrine::learn {

// A tenant as the loader sees it; called on the loader's thread.
class ModelUser {
 public:
  virtual ~ModelUser() = default;
  struct Wanted {
    std::string live, shadow;  // empty: none
  };
  virtual Wanted wanted() const = 0;
  virtual ItemNumbers item_numbers() const = 0;
  // Null: none. Vectors are of the model, and null where it has none.
  virtual void set_live(std::shared_ptr<const ServedModel> model,
                        std::shared_ptr<const ModelVectors> vectors) = 0;
  virtual void set_shadow(std::shared_ptr<const ServedModel> model) = 0;
};

struct LoadedModel {
  double seconds = 0;
  std::uint64_t bytes = 0;  // of the model, without its vectors
  ModelVectors::Stats vectors;
};
struct LoaderEvents {
  std::function<void(TenantId, const std::string& id, const LoadedModel&)> loaded;
  std::function<void(TenantId, const std::string& id, const Error&)> failed;
  // The model serves, but its vectors would take more memory than there is for them.
  std::function<void(TenantId, const std::string& id, const Error&)> without_vectors;
};

class LiveModels {
 public:
  // How soon a change shows, and how long after a failure it is tried again.
  static constexpr TimeUs kLookEvery = 100'000;
  static constexpr TimeUs kRetryAfter = 10 * kSecondUs;

  // `vectors_bytes_max`: of the vectors of all tenants' live models together. While one takes the
  // place of another, and while its index is built, there are more.
  LiveModels(Executor& executor, ModelStore& store, const Clock& clock, LoaderEvents events,
             std::uint64_t vectors_bytes_max);
  ~LiveModels();
  // What the destructor does, at once; idempotent.
  void close();

  // Looks after the tenant as long as `user` lives.
  void watch(TenantId tenant, std::weak_ptr<ModelUser> user);
  // Looks at all tenants once, on the caller's thread; for tests, and before the first request.
  void look();

  // Of all that is loaded, live ones and shadows; any thread, waits for nothing.
  struct Stats {
    std::uint64_t model_bytes = 0;
    std::uint64_t vectors = 0;  // items with a vector, over all live models
    std::uint64_t vector_bytes = 0;
  };
  Stats stats() const {
    return stats_.with([](const Stats& held) { return held; });
  }

 private:
  struct Slot {
    std::string loaded;  // what serves; empty: none
    LoadedModel takes;   // of that
    std::string failed;  // what could not be loaded
    std::int64_t retry_ns = 0;
  };
  struct Watched {
    std::weak_ptr<ModelUser> user;
    Slot live, shadow;
  };
  void run();
  struct Loaded {
    std::shared_ptr<const ServedModel> model;
    std::shared_ptr<const ModelVectors> vectors;
  };
  // Brings `slot` to `wanted`; calls `set` when there is something new to set.
  void bring(TenantId tenant, const ModelUser& user, const std::string& wanted, bool with_vectors,
             Slot& slot, const std::function<void(Loaded)>& set);
  Result<Loaded> load(TenantId tenant, const ModelUser& user, const std::string& id,
                      bool with_vectors, const Slot& slot);
  void count();  // brings stats() up to date; while looking_ is held

  ModelStore& store_;
  const Clock& clock_;
  const LoaderEvents events_;
  const std::uint64_t vectors_bytes_max_;
  Guarded<Stats> stats_;
  std::mutex looking_;  // one look at a time; guards the Watched behind the pointers
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;                                 // guarded by mutex_
  std::map<TenantId, std::shared_ptr<Watched>> tenants_;  // guarded by mutex_
  std::unique_ptr<Task> thread_;
};

}  // namespace vitrine::learn
