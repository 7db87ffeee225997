// Brings the models that the states of tenants name to their recommenders: loaded and checked on a
// thread of its own, then swapped in one step. No request waits, or is answered without a model
// because of it. What can't be loaded leaves the model that serves in place, is told, and is tried
// again.
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
  virtual void set_live(std::shared_ptr<const ServedModel> model) = 0;
  virtual void set_shadow(std::shared_ptr<const ServedModel> model) = 0;
};

struct LoaderEvents {
  std::function<void(TenantId, const std::string& id, double seconds, std::uint64_t bytes)> loaded;
  std::function<void(TenantId, const std::string& id, const Error&)> failed;
};

class LiveModels {
 public:
  // How soon a change shows, and how long after a failure it is tried again.
  static constexpr TimeUs kLookEvery = 100'000;
  static constexpr TimeUs kRetryAfter = 10 * kSecondUs;

  LiveModels(Executor& executor, ModelStore& store, const Clock& clock, LoaderEvents events);
  ~LiveModels();
  // What the destructor does, at once; idempotent.
  void close();

  // Looks after the tenant as long as `user` lives.
  void watch(TenantId tenant, std::weak_ptr<ModelUser> user);
  // Looks at all tenants once, on the caller's thread; for tests, and before the first request.
  void look();

 private:
  struct Slot {
    std::string loaded;  // what serves; empty: none
    std::string failed;  // what could not be loaded
    std::int64_t retry_ns = 0;
  };
  struct Watched {
    std::weak_ptr<ModelUser> user;
    Slot live, shadow;
  };
  void run();
  // Brings `slot` to `wanted`; calls `set` when there is something new to set.
  void bring(TenantId tenant, const ModelUser& user, const std::string& wanted, Slot& slot,
             const std::function<void(std::shared_ptr<const ServedModel>)>& set);

  ModelStore& store_;
  const Clock& clock_;
  LoaderEvents events_;
  std::mutex looking_;  // one look at a time; guards the Watched behind the pointers
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;                                 // guarded by mutex_
  std::map<TenantId, std::shared_ptr<Watched>> tenants_;  // guarded by mutex_
  std::unique_ptr<Task> thread_;
};

}  // namespace vitrine::learn
