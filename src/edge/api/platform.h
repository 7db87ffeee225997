// What the routes work on: the services of this process, joined by the application.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "edge/api/client_address.h"
#include "edge/api/job_queue.h"
#include "platform/net/timers.h"
#include "platform/obs/metrics.h"
#include "service/apply/partition_set.h"
#include "service/collect/collector.h"
#include "service/control/control_store.h"
#include "service/gateway/address_limits.h"
#include "service/gateway/gateway.h"
#include "service/gateway/tenant_router.h"
#include "service/recommend/recommender.h"
#include "service/search/search_box.h"

namespace vitrine::learn {
class Learner;
class ModelUser;
class ServingModel;
}  // namespace vitrine::learn

namespace vitrine::api {

// One tenant as this process serves it. What is here belongs to no other tenant.
struct TenantServices {
  TenantServices(apply::Partition& p, collect::Collector& c,
                 const recommend::RecommenderOptions& options, const Clock& clock,
                 recommend::AnswerObserver* observer)
      : partition(p), collector(c), recommender(options, clock, observer) {}
  apply::Partition& partition;
  collect::Collector& collector;  // shared by the tenants of the partition
  recommend::Recommender recommender;
  // Set before anyone else sees the services.
  std::shared_ptr<search::SearchBox> search_box;
  std::shared_ptr<learn::ModelUser>
      model_user;  // brings the live model here, and to the recommender
  std::shared_ptr<learn::ServingModel> serving_model;
};

// Where answers are recorded.
class AnswerLog {
 public:
  virtual ~AnswerLog() = default;
  // Never blocks; an answer that finds the queue full is counted as lost, not refused.
  virtual void append(std::string_view record) = 0;
  virtual const std::string& directory() const = 0;
  // Makes what was appended durable; nothing may be appended afterwards.
  virtual Status close() = 0;
};

class Platform {
 public:
  virtual ~Platform() = default;
  virtual const Clock& clock() = 0;
  virtual control::ControlStore& control() = 0;
  virtual gateway::Gateway& gateway() = 0;
  // The services of the caller's tenant, made at its first request. kUnavailable while its
  // partition is opening.
  virtual Result<std::shared_ptr<TenantServices>> tenant(const gateway::TenantView& view) = 0;
  virtual AnswerLog& answers() = 0;
  virtual learn::Learner& learner() = 0;
  // What is ordered over HTTP and takes longer than a request.
  virtual JobQueue& jobs() = 0;
  // Limits by client address, and who may say what that is. Constant while the server runs.
  virtual gateway::AddressLimits& address_limits() = 0;
  virtual const TrustedProxies& proxies() = 0;
  virtual obs::Registry& metrics() = 0;
  // Runs `work` on a thread that may wait for the disk, one after the other; false, and nothing is
  // done, where too much is waiting.
  virtual bool run_aside(std::function<void()> work) = 0;
  // Events were appended to `partition` with Wake::kAtFlush: flush it when this thread's round
  // ends. Called on a server thread.
  virtual void flush_at_round_end(apply::Partition& partition) = 0;
  // This server thread has handled what was ready.
  virtual void round_ended() = 0;
  // Valid once the server runs.
  virtual net::Timers& timers() = 0;
  // The process can serve: started, not draining, no fatal error. Else why not.
  virtual Status ready() = 0;
};

}  // namespace vitrine::api
