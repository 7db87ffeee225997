// What /metrics shows of parts that count for themselves.
#include <fstream>

#include "application.h"

namespace vitrine::app {
namespace {

using Kind = obs::Registry::FunctionKind;

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return static_cast<double>(resident) * 4096;
}

}  // namespace

void Application::register_metrics() {
  registry_.function(Kind::kGauge, "vitrine_resident_bytes", "Memory of the process.", {}, this,
                     resident_bytes);
  registry_.function(Kind::kGauge, "vitrine_startup_seconds", "From exec to listening.", {}, this,
                     [this] { return startup_seconds_; });
  registry_.function(
      Kind::kGauge, "vitrine_search_index_age_seconds",
      "The indexes of search and of likeness hold every catalog change older than this.", {}, this,
      [this] { return std::chrono::duration<double>(indexer_->age()).count(); });
  const auto server = [this](Kind kind, const char* name, const char* help,
                             std::uint64_t net::ServerStats::*member) {
    registry_.function(kind, name, help, {}, this, [this, member] {
      return server_ ? static_cast<double>(server_->stats().*member) : 0.0;
    });
  };
  server(Kind::kGauge, "vitrine_connections_open", "Open connections.",
         &net::ServerStats::connections_open);
  server(Kind::kCounter, "vitrine_connections_refused_total", "Connections above the limit.",
         &net::ServerStats::connections_refused);
  server(Kind::kCounter, "vitrine_connections_refused_by_address_total",
         "Connections above the limit of one address.",
         &net::ServerStats::connections_refused_by_address);
  server(Kind::kGauge, "vitrine_requests_in_flight", "Requests not answered yet.",
         &net::ServerStats::requests_in_flight);
  server(Kind::kCounter, "vitrine_requests_refused_total", "Requests refused before a route.",
         &net::ServerStats::requests_refused);
  server(Kind::kCounter, "vitrine_connection_timeouts_total",
         "Connections closed for being idle or slow.", &net::ServerStats::timeouts);
  server(Kind::kCounter, "vitrine_handler_exceptions_total", "Routes that ended with an exception.",
         &net::ServerStats::handler_exceptions);
  if (tls_) {
    server(Kind::kCounter, "vitrine_tls_handshakes_total", "TLS handshakes that succeeded.",
           &net::ServerStats::tls_handshakes);
    server(Kind::kCounter, "vitrine_tls_resumptions_total", "Of these, sessions taken up again.",
           &net::ServerStats::tls_resumptions);
    server(Kind::kCounter, "vitrine_tls_handshake_failures_total",
           "TLS handshakes that failed or took too long.",
           &net::ServerStats::tls_handshake_failures);
  }
  register_edge_metrics();
  register_job_metrics();
}

void Application::register_partition(std::uint32_t number, Place& place) {
  const obs::Labels labels{{"partition", std::to_string(number)}};
  auto* partition = &place.partition;
  const auto add = [&](Kind kind, const char* name, const char* help, auto read) {
    registry_.function(kind, name, help, labels, this, [partition, read] {
      return static_cast<double>(read(partition->metrics()));
    });
  };
  using M = const apply::PartitionMetrics&;
  add(Kind::kGauge, "vitrine_log_appended_position", "Last position given out.",
      [](M m) { return m.appended; });
  add(Kind::kGauge, "vitrine_log_durable_position", "Everything up to here is synced.",
      [](M m) { return m.durable; });
  add(Kind::kGauge, "vitrine_applied_position", "Everything up to here shows in answers.",
      [](M m) { return m.applied; });
  add(Kind::kGauge, "vitrine_snapshot_position", "Position of the newest snapshot.",
      [](M m) { return m.snapshot; });
  add(Kind::kCounter, "vitrine_snapshots_written_total", "Snapshots written.",
      [](M m) { return m.snapshots_written; });
  add(Kind::kCounter, "vitrine_snapshots_failed_total", "Snapshots that could not be written.",
      [](M m) { return m.snapshots_failed; });
  add(Kind::kCounter, "vitrine_apply_busy_seconds_total", "Time the applier spent applying.",
      [](M m) { return static_cast<double>(m.apply_busy_us) / 1e6; });
  add(Kind::kGauge, "vitrine_version_waiters",
      "Answers and catalog changes waiting for a position.", [](M m) { return m.waiters; });
  add(Kind::kGauge, "vitrine_log_queue_bytes", "Bytes waiting for the disk.",
      [](M m) { return m.log.queue_bytes; });
  add(Kind::kCounter, "vitrine_log_groups_total", "Groups written and synced.",
      [](M m) { return m.log.groups; });
  add(Kind::kCounter, "vitrine_log_bytes_total", "Bytes written to the log.",
      [](M m) { return m.log.bytes; });
  add(Kind::kCounter, "vitrine_log_refused_total",
      "Appends refused because queue or disk was full.",
      [](M m) { return m.log.refused_queue + m.log.refused_disk; });
  add(Kind::kGauge, "vitrine_log_disk_full",
      "1 while the disk is full: writes are refused, reads go on.",
      [](M m) { return m.log.disk_full ? 1 : 0; });
  add(Kind::kGauge, "vitrine_log_segments", "Segment files kept.",
      [](M m) { return m.log.segments; });
  add(Kind::kGauge, "vitrine_log_sync_p50_seconds",
      "Median of write and fdatasync since the start.",
      [](M m) { return static_cast<double>(m.log.sync_us.quantile_us(0.5)) / 1e6; });
  add(Kind::kGauge, "vitrine_log_sync_p99_seconds", "99th percentile of the same.",
      [](M m) { return static_cast<double>(m.log.sync_us.quantile_us(0.99)) / 1e6; });
  registry_.function(Kind::kGauge, "vitrine_apply_lag_seconds",
                     "How far answers are behind the log.", labels, this, [this, partition] {
                       return static_cast<double>(partition->lag_us(clock_.wall_us())) / 1e6;
                     });
  registry_.function(
      Kind::kGauge, "vitrine_replay_records", "Records replayed at start-up.", labels, this,
      [partition] { return static_cast<double>(partition->start_report().replayed); });
  registry_.function(Kind::kGauge, "vitrine_replay_records_per_second", "Their rate.", labels, this,
                     [partition] {
                       const auto& report = partition->start_report();
                       return report.replay_seconds > 0
                                  ? static_cast<double>(report.replayed) / report.replay_seconds
                                  : 0.0;
                     });
  const auto of_tenants = [&](Kind kind, const char* name, const char* help, auto member) {
    registry_.function(kind, name, help, labels, this, [partition, member] {
      double sum = 0;
      for (const TenantId tenant : partition->tenants()) {
        sum += static_cast<double>((partition->tenant(tenant).get()->*member)());
      }
      return sum;
    });
  };
  of_tenants(Kind::kGauge, "vitrine_visitors_flagged",
             "Visitors that are kept out of what is counted.",
             &apply::TenantRuntime::flagged_count);
  of_tenants(Kind::kCounter, "vitrine_events_kept_out_total",
             "Events that were stored and not counted, because of who sent them.",
             &apply::TenantRuntime::events_kept_out);
  auto* collector = &place.collector;
  const auto count = [&](const char* name, const char* help, auto member) {
    registry_.function(Kind::kCounter, name, help, labels, this, [collector, member] {
      return static_cast<double>((collector->metrics().*member).load(std::memory_order_relaxed));
    });
  };
  count("vitrine_events_accepted_total", "Events appended to the log.",
        &collect::CollectMetrics::events_accepted);
  count("vitrine_events_duplicate_total", "Events recognised as sent before.",
        &collect::CollectMetrics::events_duplicate);
}

}  // namespace vitrine::app
