// Every setting of the server in one place: defaults, bounds, help.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/config.h"

namespace vitrine::app {

struct Settings {
  std::string data_directory = "data";

  std::string server_address = "127.0.0.1";
  std::int64_t server_port = 8080;
  std::int64_t server_threads = 1;
  std::int64_t server_connections_max = 10'000;
  std::uint64_t server_body_max = 16ull << 20;
  TimeUs server_idle_timeout = 60 * kSecondUs;
  TimeUs server_header_timeout = 10 * kSecondUs;
  TimeUs server_drain_timeout = 20 * kSecondUs;

  std::string tls_certificate;  // empty: no HTTPS
  std::string tls_key;
  std::string tls_address = "127.0.0.1";
  std::int64_t tls_port = 8443;
  TimeUs tls_handshake_timeout = 10 * kSecondUs;

  std::int64_t address_requests_per_minute = 0;  // 0: no limit
  std::int64_t address_burst = 0;                // 0: two seconds' worth
  std::int64_t address_connections_max = 0;
  std::string address_unlimited;
  std::string proxy_trusted;
  std::string proxy_header = "x-forwarded-for";

  std::int64_t partitions = 1;
  std::uint64_t log_segment = 64ull << 20;
  std::uint64_t log_queue = 32ull << 20;
  TimeUs log_retention = 0;
  std::uint64_t log_retention_size = 0;

  std::int64_t snapshot_records = 2'000'000;
  TimeUs snapshot_interval = 10 * kMinuteUs;

  std::int64_t history_entries = 100;
  std::uint64_t history_memory = 1ull << 30;
  std::uint64_t event_id_memory = 256ull << 20;
  std::int64_t catalog_items_max = 20'000'000;
  TimeUs trending_half_life = 1 * kDayUs;
  TimeUs popular_half_life = 30 * kDayUs;

  std::string archive_directory;  // empty: no archive
  TimeUs archive_interval = 5 * kMinuteUs;

  std::string models_directory;  // empty: in the data directory
  std::int64_t models_threads = 1;
  std::uint64_t models_memory = 4ull << 30;
  std::uint64_t models_vectors_memory = 4ull << 30;
  TimeUs models_train_every = 0;
  std::string models_train_kind = "ials";
  TimeUs models_train_search = 0;
  std::int64_t models_kept = 20;
  std::string models_mlflow_url;
  std::string models_mlflow_experiment = "vitrine";

  TimeUs answers_retention = 30 * kDayUs;
  std::uint64_t answers_size_max = 10ull << 30;

  std::uint64_t replay_memory = 4ull << 30;
  TimeUs replay_timeout = 10 * kMinuteUs;

  std::string log_level = "info";
  std::string log_file;

  // This program, to run parts of it beside the server; not a setting.
  std::string program = "/proc/self/exe";

  // The table whose targets are this object's members.
  ConfigTable table();
};

}  // namespace vitrine::app
