#include "settings.h"

namespace vitrine::app {

ConfigTable Settings::table() {
  constexpr std::uint64_t kMiB = 1ull << 20;
  constexpr std::uint64_t kTiB = 1ull << 40;
  constexpr TimeUs kYear = 365 * kDayUs;
  ConfigTable t;
  t.add_string("data.directory", &data_directory,
               "Folder for everything that is kept: log, snapshots, control database.");
  t.add_string("server.address", &server_address,
               "Numeric address to listen on; 0.0.0.0 or :: for all.");
  t.add_integer("server.port", &server_port, 0, 65535,
                "TCP port; 0 lets the system choose (see runtime.json).");
  t.add_integer("server.threads", &server_threads, 1, 256, "Threads that serve requests.");
  t.add_integer("server.connections_max", &server_connections_max, 1, 1'000'000,
                "Open connections, as far as open files allow; one more gets 503.");
  t.add_size("server.body_max", &server_body_max, 64 << 10, 1ull << 30,
             "Largest request body; above it 413.");
  t.add_duration("server.idle_timeout", &server_idle_timeout, kSecondUs, kDayUs,
                 "A connection without a request is closed after this long.");
  t.add_duration("server.header_timeout", &server_header_timeout, kSecondUs, kHourUs,
                 "A request's head must have arrived after this long; else 408.");
  t.add_duration("server.drain_timeout", &server_drain_timeout, 0, kHourUs,
                 "On SIGTERM requests in flight get this long to finish.");
  t.add_string("tls.certificate", &tls_certificate,
               "PEM file: the certificate for HTTPS, then those that lead to its authority. Empty: "
               "no HTTPS. Read again when it changes and on SIGHUP.");
  t.add_string("tls.key", &tls_key, "PEM file: the certificate's private key, not encrypted.");
  t.add_string("tls.address", &tls_address, "Numeric address to listen on for HTTPS.");
  t.add_integer("tls.port", &tls_port, 0, 65535, "Port for HTTPS; 0 lets the system choose.");
  t.add_duration("tls.handshake_timeout", &tls_handshake_timeout, kSecondUs, kHourUs,
                 "A TLS handshake must have ended after this long.");
  t.add_integer("address.requests_per_minute", &address_requests_per_minute, 0, 60'000'000,
                "Requests a minute from one client address (IPv6: one /64); above it 429. 0: any.");
  t.add_integer("address.burst", &address_burst, 0, 10'000'000,
                "Requests it may send at once after a pause; 0: two seconds' worth.");
  t.add_integer("address.connections_max", &address_connections_max, 0, 1'000'000,
                "Open connections from one peer; one more gets 429. 0: any.");
  t.add_string("address.unlimited", &address_unlimited,
               "Addresses and networks without these limits: 10.0.0.0/8, 2001:db8::/32.");
  t.add_string("proxy.trusted", &proxy_trusted,
               "Addresses and networks of proxies whose word about the client's address counts.");
  t.add_string("proxy.header", &proxy_header,
               "Where they say it: x-forwarded-for or forwarded. The other is not looked at.");
  t.add_integer(
      "partitions", &partitions, 1, 256,
      "Logs that pool tenants are spread over. Set once: a tenant stays where it was made.");
  t.add_size("log.segment", &log_segment, kMiB, 1ull << 32, "Size of an event log segment file.");
  t.add_size("log.queue", &log_queue, kMiB, 1ull << 32,
             "Events waiting for the disk; above it requests get 429.");
  t.add_duration(
      "log.retention", &log_retention, 0, 100 * kYear,
      "Segments older than this are dropped once two snapshots cover them; 0 keeps all.");
  t.add_size("log.retention_size", &log_retention_size, 0, 1024 * kTiB,
             "Size above which the oldest covered segments are dropped; 0 keeps all.");
  t.add_integer(
      "snapshot.records", &snapshot_records, 1000, 1'000'000'000,
      "A snapshot is written after this many records. Smaller: faster start, more writing.");
  t.add_duration("snapshot.interval", &snapshot_interval, kSecondUs, 30 * kDayUs,
                 "A snapshot is written at least this often if anything changed.");
  t.add_integer("history.entries", &history_entries, 4, 255, "Events remembered per user.");
  t.add_size("history.memory", &history_memory, kMiB, kTiB,
             "Histories in memory per tenant; older ones are read from disk.");
  t.add_size("event_ids.memory", &event_id_memory, kMiB, kTiB,
             "Event ids in memory per tenant; older ones are read from disk.");
  t.add_integer("catalog.items_max", &catalog_items_max, 1000, 1'000'000'000,
                "Distinct item ids per tenant.");
  t.add_duration("trending.half_life", &trending_half_life, kMinuteUs, kYear,
                 "What was wanted this long ago counts half, in trending. Part of the state: "
                 "changing it needs a replay.");
  t.add_duration("popular.half_life", &popular_half_life, kMinuteUs, 10 * kYear,
                 "The same for popular.");
  t.add_string("archive.directory", &archive_directory,
               "Where the event log is archived by tenant and date; empty: nowhere. With it, "
               "log.retention drops only what is archived.");
  t.add_duration("archive.interval", &archive_interval, kSecondUs, kDayUs,
                 "How often new events are archived; each time makes objects of its own.");
  t.add_string("models.directory", &models_directory,
               "Where trained models are kept, by tenant; empty: objects/ in data.directory.");
  t.add_integer("models.threads", &models_threads, 1, 256,
                "Threads of a training; they give way to those that serve.");
  t.add_size("models.memory", &models_memory, 16 * kMiB, 64 * kTiB,
             "A training that would take more is refused (ials first moves its users to disk).");
  t.add_size(
      "models.vectors_memory", &models_vectors_memory, 0, 64 * kTiB,
      "Item vectors of live models, of all tenants, with the indexes over them; a model whose "
      "vectors would take more serves without them.");
  t.add_duration("models.train_every", &models_train_every, 0, kYear,
                 "Each tenant's model is trained again after this long, warmed up with the live "
                 "one, and promoted where it is better; 0: only on request.");
  t.add_string("models.train_kind", &models_train_kind,
               "What is trained then: item-filter, ease, ials, session, embedding or blend.");
  t.add_duration("models.train_search", &models_train_search, 0, 30 * kDayUs,
                 "Before each of these trainings settings are searched for so long, which then "
                 "begins anew instead of from the live model; 0: the defaults.");
  t.add_integer("models.kept", &models_kept, 1, 100'000,
                "Trained models of a tenant that are kept besides the live one, the shadow and "
                "those a rollback may need.");
  t.add_string("models.mlflow_url", &models_mlflow_url,
               "Every training is also logged to this MLflow server, as http://host:5000; empty: "
               "to none.");
  t.add_string("models.mlflow_experiment", &models_mlflow_experiment,
               "Name of the MLflow experiment; made where it is absent.");
  t.add_duration("answers.retention", &answers_retention, kMinuteUs, 10 * kYear,
                 "Recorded answers are kept this long.");
  t.add_size("answers.size_max", &answers_size_max, 16 * kMiB, 1024 * kTiB,
             "Recorded answers take at most this much disk.");
  t.add_size("replay.memory", &replay_memory, 256 * kMiB, kTiB,
             "Address space of the process that makes an answer of the past again.");
  t.add_duration("replay.timeout", &replay_timeout, kSecondUs, kDayUs, "The time it may take.");
  t.add_string("log.level", &log_level, "debug, info, warn, error or off.");
  t.add_string("log.file", &log_file,
               "Where log lines go; empty: standard error. Opened again on SIGHUP.");
  return t;
}

}  // namespace vitrine::app
