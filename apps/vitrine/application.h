// The roles wired together: what `vitrine serve` runs.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "base/progress.h"
#include "edge/api/api.h"
#include "edge/api/platform.h"
#include "engine/eventlog/writer.h"
#include "platform/net/server.h"
#include "service/apply/partition_set.h"
#include "service/collect/partition_ports.h"
#include "service/search/indexer.h"
#include "settings.h"

namespace vitrine::app {

class Application final : public api::Platform {
 public:
  // Opens the data directory (created where absent), replays what the snapshots don't cover, then
  // listens. `on_fatal` is called once if the process can't go on. `clock` says what time it is for
  // events, answers and the log; it outlives the application and its wall time never goes back.
  static Result<std::unique_ptr<Application>> start(const Settings& settings, Progress& progress,
                                                    std::function<void(const Error&)> on_fatal,
                                                    const Clock& clock = system_clock());
  ~Application() override;

  // Finishes what is in flight, writes snapshots, closes the logs.
  Status stop();
  // To be called about ten times a second: changes of the control database by other processes.
  void tick();
  // Reads the certificate of HTTPS anew, whether its files have changed or not.
  void reload_certificate();

  std::string url() const;
  std::string tls_url() const;  // empty without HTTPS
  std::uint16_t port() const { return server_->port(); }
  std::uint16_t tls_port() const { return server_->tls_port(); }

  const Clock& clock() override { return clock_; }
  control::ControlStore& control() override { return *control_; }
  gateway::Gateway& gateway() override { return gateway_; }
  Result<std::shared_ptr<api::TenantServices>> tenant(const gateway::TenantView& view) override;
  api::AnswerLog& answers() override { return *answers_; }
  learn::Learner& learner() override;
  gateway::AddressLimits& address_limits() override { return *address_limits_; }
  const api::TrustedProxies& proxies() override { return proxies_; }
  api::JobQueue& jobs() override { return *jobs_; }
  obs::Registry& metrics() override { return registry_; }
  net::Timers& timers() override { return server_->timers(); }
  Status ready() override;
  void flush_at_round_end(apply::Partition& partition) override;
  void round_ended() override;
  bool run_aside(std::function<void()> work) override;

 private:
  class LoggedAnswers;
  class Archiver;
  class AnswerMetrics;
  class Models;
  // A partition with the collector that alone appends events to it.
  struct Place {
    explicit Place(apply::Partition& p)
        : partition(p), ports(p, eventlog::Wake::kAtFlush), collector(ports, ports) {}
    apply::Partition& partition;
    collect::PartitionPorts ports;
    collect::Collector collector;
  };

  Application(const Settings& settings, Progress& progress,
              std::function<void(const Error&)> on_fatal, const Clock& clock);
  Status open_control();
  Status open_partitions();
  Status open_answers();
  Status start_archive();
  Status start_models();
  // What stands at the edge: the certificate, limits by address, trusted proxies.
  Status open_edge();
  Status start_server();
  void watch_certificate();
  void open_jobs();
  void register_job_metrics();
  void register_edge_metrics();
  Status write_runtime_file();
  void work_aside();
  void register_metrics();
  void register_partition(std::uint32_t number, Place& place);
  Result<std::shared_ptr<Place>> place(std::uint32_t number);
  // The tenant's search box, and the place where its live model comes to; made and looked after
  // from their first use on.
  struct Box {
    std::shared_ptr<search::SearchBox> search;
    std::shared_ptr<learn::ServingModel> model;
  };
  Box box(TenantId tenant, const apply::Partition& partition);
  void save_search_indexes();
  void fail(const Error& error);

  Settings settings_;
  const Clock& clock_;
  std::function<void(const Error&)> on_fatal_;
  std::atomic<bool> failed_{false};
  std::atomic<bool> draining_{false};
  std::int64_t started_ns_;
  double startup_seconds_ = 0;
  std::uint64_t replayed_ = 0;

  obs::Registry registry_;
  std::unique_ptr<control::ControlStore> control_;
  gateway::Gateway gateway_;
  std::unique_ptr<apply::PartitionSet> partitions_;
  std::mutex places_mutex_;
  std::map<std::uint32_t, std::shared_ptr<Place>> places_;  // guarded by places_mutex_
  std::mutex boxes_mutex_;
  std::map<TenantId, Box> boxes_;             // guarded by boxes_mutex_
  std::unique_ptr<search::Indexer> indexer_;  // reads the partitions: goes before them
  std::unique_ptr<api::AnswerLog> answers_;
  std::unique_ptr<AnswerMetrics> answer_metrics_;
  gateway::TenantRouter<api::TenantServices> tenants_;
  std::unique_ptr<Models> models_;  // reads partitions and services: goes before them
  std::unique_ptr<api::Api> api_;
  std::mutex aside_mutex_;
  std::deque<std::function<void()>> aside_queue_;  // guarded by aside_mutex_
  bool aside_running_ = false;                     // guarded by aside_mutex_
  std::unique_ptr<Task> aside_;                    // guarded by aside_mutex_
  std::unique_ptr<Archiver> archiver_;
  std::shared_ptr<net::TlsIdentity> tls_;  // null without HTTPS
  std::int64_t certificate_looked_ns_ = 0;
  std::unique_ptr<gateway::AddressLimits> address_limits_;
  net::IpNetworks unlimited_addresses_;
  api::TrustedProxies proxies_;
  std::unique_ptr<api::JobQueue> jobs_;
  std::unique_ptr<net::Server> server_;  // last: first to go
};

}  // namespace vitrine::app
