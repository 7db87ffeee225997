#include "application.h"

#include <unistd.h>

#include "application_archive.h"
#include "application_models.h"
#include "commands.h"
#include "edge/api/search_services.h"
#include "platform/codec/json_writer.h"
#include "platform/io/atomic_file.h"
#include "platform/obs/log.h"
#include "service/privacy/answer_kind.h"

namespace vitrine::app {
namespace {

constexpr std::size_t kAsideMost = 4;  // pieces of work that wait for the thread beside

apply::PartitionOptions partition_options(const Settings& s) {
  apply::PartitionOptions o;
  o.directory = s.data_directory;
  o.log.segment_bytes = s.log_segment;
  o.log.group_bytes_max = std::min<std::uint64_t>(o.log.group_bytes_max, s.log_segment / 4);
  o.log.queue_bytes_max = std::max(s.log_queue, o.log.group_bytes_max);
  o.log.retention_us = s.log_retention;
  o.log.retention_bytes = s.log_retention_size;
  // A snapshot writer of a process that was killed may hold the lock for a moment longer.
  o.log.lock_wait_us = 3 * kSecondUs;
  o.snapshot_records = static_cast<std::uint64_t>(s.snapshot_records);
  o.on_snapshot_failed = [](const Error& e) { obs::log_warn("snapshot_failed", {{"error", e}}); };
  o.snapshot_interval_us = s.snapshot_interval;
  o.keep_until_archived = !s.archive_directory.empty();
  o.state = partition_state_options(s);
  return o;
}

std::string in_data(const Settings& s, std::string_view name) {
  return io::join_path(s.data_directory, name);
}

}  // namespace

apply::PartitionStateOptions partition_state_options(const Settings& s) {
  apply::PartitionStateOptions o;
  auto& tenant = o.tenant;
  tenant.history_entries = static_cast<std::uint32_t>(s.history_entries);
  tenant.history_memory_bytes = s.history_memory;
  tenant.id_window_memory_bytes = s.event_id_memory;
  tenant.catalog.items_max = static_cast<std::uint32_t>(s.catalog_items_max);
  tenant.trending_half_life = s.trending_half_life;
  tenant.popular_half_life = s.popular_half_life;
  return o;
}

// Every answer as a record of a log of its own: synced each second, kept by time and size.
class Application::LoggedAnswers final : public api::AnswerLog {
 public:
  static Result<std::unique_ptr<api::AnswerLog>> open(const Settings& s, const Clock& clock,
                                                      obs::Registry& registry) {
    eventlog::WriterOptions o;
    o.directory = in_data(s, "answers");
    o.files = &io::system_files();
    o.clock = &clock;
    o.executor = &thread_executor();
    o.segment_bytes = 16u << 20;
    o.group_bytes_max = 4u << 20;
    o.sync_mode = eventlog::SyncMode::kInterval;
    o.retention_us = s.answers_retention;
    o.retention_bytes = s.answers_size_max;
    o.retain_from = ~eventlog::Position{0};
    o.lock_wait_us = 3 * kSecondUs;
    // Losing the record of an answer is no reason to stop answering.
    o.on_fatal = [](const Error& e) { obs::log_error("answer_log_failed", {{"error", e}}); };
    VITRINE_TRY(auto log, eventlog::Writer::open(std::move(o)));
    return std::unique_ptr<api::AnswerLog>(
        new LoggedAnswers(std::move(log), in_data(s, "answers"), registry));
  }

  LoggedAnswers(std::unique_ptr<eventlog::Writer> log, std::string directory,
                obs::Registry& registry)
      : log_(std::move(log)),
        directory_(std::move(directory)),
        recorded_(registry.counter("vitrine_answers_recorded_total",
                                   "Answers written to the recommendation log.")),
        lost_(registry.counter("vitrine_answers_lost_total",
                               "Answers that found the recommendation log full or failed.")) {}

  void append(std::string_view record) override {
    const eventlog::RecordRef ref{privacy::kAnswerKind, 0, record};
    const bool taken = log_->append(std::span(&ref, 1), nullptr).ok();
    (taken ? recorded_ : lost_).add();
  }
  const std::string& directory() const override { return directory_; }
  Status close() override { return log_->close(); }

 private:
  std::unique_ptr<eventlog::Writer> log_;
  const std::string directory_;
  obs::Counter& recorded_;
  obs::Counter& lost_;
};

class Application::AnswerMetrics final : public recommend::AnswerObserver {
 public:
  explicit AnswerMetrics(obs::Registry& registry)
      : shadow_shown_(registry.counter("vitrine_model_shadow_items_total",
                                       "Items of answers that a shadow model was asked about.")),
        shadow_shared_(registry.counter("vitrine_model_shadow_shared_total",
                                        "Of those, items that the shadow would have shown.")) {
    for (const auto& policy : policy::builtin_policies()) {
      auto& m = by_placement_[policy.placement];
      const std::string name = policy.placement;
      m.answers = &registry.counter("vitrine_answers_total", "Answers by placement.",
                                    {{"placement", name}});
      m.failed = &registry.counter("vitrine_answers_refused_total",
                                   "Requests the Recommender refused, by placement.",
                                   {{"placement", name}});
      m.empty = &registry.counter("vitrine_answers_empty_total",
                                  "Answers without any item, by placement.", {{"placement", name}});
    }
    for (std::size_t s = 0; s < recommend::kStages; ++s) {
      stages_[s] = &registry.histogram(
          "vitrine_recommend_stage_seconds", "Time of each stage of an answer.",
          {{"stage", std::string(recommend::stage_name(static_cast<recommend::Stage>(s)))}});
    }
  }
  void answered(const policy::PlacementPolicy& policy, const recommend::Answer& answer) override {
    const auto it = by_placement_.find(policy.placement);
    if (it == by_placement_.end()) return;
    it->second.answers->add();
    if (answer.items.empty()) it->second.empty->add();
    for (std::size_t s = 0; s < recommend::kStages; ++s) {
      if (answer.stage_ns[s] > 0) stages_[s]->observe(std::chrono::nanoseconds(answer.stage_ns[s]));
    }
  }
  void shadowed(const policy::PlacementPolicy&, std::size_t shared, std::size_t shown) override {
    shadow_shared_.add(shared);
    shadow_shown_.add(shown);
  }
  void failed(const policy::PlacementPolicy& policy, const Error&) override {
    const auto it = by_placement_.find(policy.placement);
    if (it != by_placement_.end()) it->second.failed->add();
  }

 private:
  struct Placement {
    obs::Counter* answers;
    obs::Counter* failed;
    obs::Counter* empty;
  };
  obs::Counter& shadow_shown_;
  obs::Counter& shadow_shared_;
  std::map<std::string, Placement, std::less<>> by_placement_;
  std::array<obs::Histogram*, recommend::kStages> stages_{};
};

Application::Application(const Settings& settings, Progress& progress,
                         std::function<void(const Error&)> on_fatal, const Clock& clock)
    : settings_(settings),
      clock_(clock),
      on_fatal_(std::move(on_fatal)),
      started_ns_(clock.steady_ns()) {
  partitions_ = std::make_unique<apply::PartitionSet>(
      partition_options(settings_), io::system_files(), clock_, thread_executor(), progress,
      [this](const Error& error) { fail(error); });
  answer_metrics_ = std::make_unique<AnswerMetrics>(registry_);
  indexer_ = std::make_unique<search::Indexer>(thread_executor(), [](const Error& error) {
    static obs::LogLimit limit(std::chrono::seconds(10));
    if (limit.allow()) obs::log_error("search_index_failed", {{"error", error}});
  });
}

Result<std::unique_ptr<Application>> Application::start(const Settings& settings,
                                                        Progress& progress,
                                                        std::function<void(const Error&)> on_fatal,
                                                        const Clock& clock) {
  std::unique_ptr<Application> self(
      new Application(settings, progress, std::move(on_fatal), clock));
  VITRINE_TRY(io::system_files().create_directories(settings.data_directory));
  VITRINE_TRY(self->open_edge());  // what is wrong with settings shows before anything is replayed
  VITRINE_TRY(self->open_partitions());  // before the others: its lock keeps a second server out
  VITRINE_TRY(self->open_control());
  VITRINE_TRY(self->open_answers());
  VITRINE_TRY(self->start_archive());
  VITRINE_TRY(self->start_models());
  self->open_jobs();
  self->register_metrics();
  self->api_ = std::make_unique<api::Api>(*self);
  self->models_->look_after_all();
  self->models_->register_metrics(self->registry_);
  VITRINE_TRY(self->start_server());
  self->startup_seconds_ = static_cast<double>(clock.steady_ns() - self->started_ns_) / 1e9;
  VITRINE_TRY(self->write_runtime_file());
  obs::log_info("started", {{"url", self->url()},
                            {"seconds", self->startup_seconds_},
                            {"replayed_records", self->replayed_}});
  return self;
}

Application::~Application() { (void)stop(); }

Status Application::open_partitions() {
  for (std::uint32_t number = 0; number < static_cast<std::uint32_t>(settings_.partitions);
       ++number) {
    VITRINE_TRY(const auto opened, place(number));
    // Indexes are made anew: the sooner, the sooner they are there.
    for (const TenantId tenant : opened->partition.tenants()) {
      box(tenant, opened->partition);
    }
  }
  return ok_status();
}

Result<std::shared_ptr<Application::Place>> Application::place(std::uint32_t number) {
  std::lock_guard lock(places_mutex_);
  auto& place = places_[number];
  if (!place) {
    auto partition = partitions_->ensure(number);
    if (!partition.ok()) {
      places_.erase(number);
      return std::move(partition).error();
    }
    place = std::make_shared<Place>(**partition);
    register_partition(number, *place);
    const auto& report = (*partition)->start_report();
    replayed_ += report.replayed;
    for (const auto& skipped : report.load.skipped) {
      obs::log_error("snapshot_skipped", {{"partition", number}, {"error", skipped}});
    }
    if (report.log.torn_bytes > 0) {
      obs::log_warn("torn_tail_cut", {{"partition", number},
                                      {"file", report.log.torn_file},
                                      {"offset", report.log.torn_offset},
                                      {"bytes", report.log.torn_bytes},
                                      {"saved_as", report.log.torn_saved_as}});
    }
    obs::log_info("partition_opened", {{"partition", number},
                                       {"snapshot_position", report.load.snapshot_position},
                                       {"load_seconds", report.load.seconds},
                                       {"replayed_records", report.replayed},
                                       {"replay_seconds", report.replay_seconds}});
  }
  return place;
}

Status Application::open_control() {
  control::StoreOptions options;
  options.path = in_data(settings_, "control.db");
  options.pool_partitions = static_cast<std::uint32_t>(settings_.partitions);
  options.clock = &clock_;
  VITRINE_TRY(control_, control::ControlStore::open(options));
  VITRINE_TRY(control_->add_listener(gateway_));
  const std::string key_file = in_data(settings_, "admin.key");
  VITRINE_TRY(const bool exists, io::system_files().exists(key_file));
  if (!exists) {
    control::NewKey wanted;
    wanted.scope = tenant::Scope::kAdmin;
    wanted.label = "made at the first start";
    VITRINE_TRY(const auto key, control_->create_key({}, wanted));
    VITRINE_TRY(io::write_file_atomically(io::system_files(), key_file, key.text + "\n", 0600));
    obs::log_info("admin_key_created", {{"file", key_file}});
  }
  return ok_status();
}

Status Application::open_answers() {
  VITRINE_TRY(answers_, LoggedAnswers::open(settings_, clock_, registry_));
  return ok_status();
}

Status Application::start_archive() {
  if (settings_.archive_directory.empty()) return ok_status();
  VITRINE_TRY(archiver_, Archiver::start(settings_, *partitions_, registry_));
  return ok_status();
}

Status Application::start_models() {
  VITRINE_TRY(models_, Models::start(settings_, *this));
  return ok_status();
}

learn::Learner& Application::learner() { return models_->learner(); }

Result<std::shared_ptr<api::TenantServices>> Application::tenant(const gateway::TenantView& view) {
  if (auto found = tenants_.find(view.tenant.id)) return found;
  VITRINE_TRY(const auto where, place(view.tenant.partition));
  return tenants_.find_or_put(view.tenant.id, [&] {
    const Box made = box(view.tenant.id, where->partition);
    recommend::RecommenderOptions options;
    options.content_vectors = made.search->content();
    options.model_vectors = made.model;
    auto services = std::make_shared<api::TenantServices>(where->partition, where->collector,
                                                          options, clock_, answer_metrics_.get());
    services->search_box = made.search;
    services->serving_model = made.model;
    models_->look_after(view.tenant.id, services);
    return services;
  });
}

void Application::save_search_indexes() {
  const std::lock_guard lock(boxes_mutex_);
  for (const auto& [tenant, box] : boxes_) {
    const Status saved = box.search->save();
    // It only makes the next start longer.
    if (!saved.ok()) {
      obs::log_warn("search_index_not_saved", {{"tenant", tenant.value}, {"error", saved.error()}});
    }
  }
}

Application::Box Application::box(TenantId tenant, const apply::Partition& partition) {
  const std::lock_guard lock(boxes_mutex_);
  Box& box = boxes_[tenant];
  if (!box.search) {
    box.model = std::make_shared<learn::ServingModel>();
    search::SearchBoxOptions options;
    options.index.executor = &background_executor();
    options.content.executor = &background_executor();
    options.index.store = {&io::system_files(),
                           io::join_path(io::join_path(partition.directory(), "search"),
                                         "tenant-" + std::to_string(tenant.value))};
    options.content.store = options.index.store;
    options.model_vectors = box.model;
    box.search = std::make_shared<search::SearchBox>(
        options, std::make_shared<api::PartitionStateSource>(partition, tenant));
    indexer_->add(box.search);
  }
  return box;
}

namespace {
// Partitions that events of this server thread's round went to; nearly always one.
thread_local std::vector<apply::Partition*> partitions_to_flush;
}  // namespace

void Application::flush_at_round_end(apply::Partition& partition) {
  for (const apply::Partition* known : partitions_to_flush) {
    if (known == &partition) return;
  }
  partitions_to_flush.push_back(&partition);
}

void Application::round_ended() {
  for (apply::Partition* partition : partitions_to_flush) partition->flush();
  partitions_to_flush.clear();
}

bool Application::run_aside(std::function<void()> work) {
  std::lock_guard lock(aside_mutex_);
  if (aside_queue_.size() >= kAsideMost) return false;
  aside_queue_.push_back(std::move(work));
  if (aside_running_) return true;
  aside_running_ = true;
  aside_.reset();  // of the thread before, which has nothing left to do
  aside_ = thread_executor().run_thread("aside", [this] { work_aside(); });
  return true;
}

void Application::work_aside() {
  while (true) {
    std::function<void()> work;
    {
      std::lock_guard lock(aside_mutex_);
      if (aside_queue_.empty()) {
        aside_running_ = false;
        return;
      }
      work = std::move(aside_queue_.front());
      aside_queue_.pop_front();
    }
    work();
  }
}

Status Application::ready() {
  if (failed_) return Error(ErrorCode::kUnavailable, "the process has failed and is ending");
  if (draining_) return Error(ErrorCode::kUnavailable, "the process is draining");
  return ok_status();
}

Status Application::write_runtime_file() {
  eventlog::Position snapshot = 0;
  for (const auto& [number, partition] : partitions_->all()) {
    snapshot = std::max(snapshot, partition->start_report().load.snapshot_position);
  }
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  json.key("pid").number(getpid());
  json.key("url").string(url());
  if (tls_) json.key("tls_url").string(tls_url());
  json.key("started_us").number(clock_.wall_us());
  json.key("startup_seconds").number(startup_seconds_);
  json.key("replayed_records").number(replayed_);
  json.key("snapshot_position").number(snapshot);
  json.end_object();
  json.finish();
  return io::write_file_atomically(io::system_files(), in_data(settings_, "runtime.json"),
                                   text + "\n");
}

void Application::tick() {
  auto changed = control_->refresh_if_changed();
  if (!changed.ok()) {
    static obs::LogLimit limit(std::chrono::seconds(10));
    if (limit.allow()) obs::log_error("control_refresh_failed", {{"error", changed.error()}});
  }
  watch_certificate();
}

void Application::fail(const Error& error) {
  failed_ = true;
  obs::log_error("fatal", {{"error", error}});
  on_fatal_(error);
}

Status Application::stop() {
  if (!server_) return ok_status();
  draining_ = true;
  obs::log_info("draining");
  const bool drained =
      server_->drain(std::chrono::milliseconds(settings_.server_drain_timeout / 1000));
  if (!drained)
    obs::log_warn("drain_timeout", {{"in_flight", server_->stats().requests_in_flight}});
  jobs_->stop();
  archiver_.reset();  // ends behind its present batch
  if (models_) models_->stop();
  indexer_->stop();
  save_search_indexes();
  Status first = failed_ ? ok_status() : partitions_->stop();
  server_->stop();
  server_.reset();
  std::unique_ptr<Task> aside;
  {
    std::lock_guard lock(aside_mutex_);
    aside = std::move(aside_);
  }
  aside.reset();  // waits for it, without the lock that it needs
  if (answers_) {
    auto closed = answers_->close();
    if (!closed.ok() && first.ok()) first = std::move(closed);
  }
  control_->remove_listener(gateway_);
  registry_.remove_functions(this);
  (void)io::system_files().remove(in_data(settings_, "runtime.json"));
  obs::log_info("stopped");
  return first;
}

}  // namespace vitrine::app
