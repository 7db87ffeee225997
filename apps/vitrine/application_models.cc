#include "application_models.h"

#include <algorithm>
#include <condition_variable>

#include "domain/record/record.h"
#include "platform/obs/log.h"
#include "service/learn/flagged.h"
#include "tool/learn/mlflow.h"

namespace vitrine::app {
namespace {

// How long a promotion by a job may take to show.
constexpr std::chrono::seconds kChangeWait{30};

// A tenant's recommender for the loader of models.
class TenantModels final : public learn::ModelUser {
 public:
  TenantModels(TenantId tenant, std::weak_ptr<api::TenantServices> services)
      : tenant_(tenant), services_(std::move(services)) {}

  Wanted wanted() const override {
    const auto services = services_.lock();
    const auto runtime = services ? services->partition.tenant(tenant_) : nullptr;
    if (runtime == nullptr) return {};
    const auto state = runtime->read();
    return {state->models().live(), state->models().shadow()};
  }
  learn::ItemNumbers item_numbers() const override {
    return [this](std::span<const std::string> ids, std::span<learn::CatalogItem> items) {
      const auto services = services_.lock();
      const auto runtime = services ? services->partition.tenant(tenant_) : nullptr;
      if (runtime == nullptr) return;
      const auto state = runtime->read();
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto number = state->catalog().find(ids[i]);
        if (number) items[i] = {*number, state->catalog().listed(*number)};
      }
    };
  }
  void set_live(std::shared_ptr<const learn::ServedModel> model,
                std::shared_ptr<const learn::ModelVectors> vectors) override {
    const auto services = services_.lock();
    if (services == nullptr) return;
    services->serving_model->set(model, std::move(vectors));
    services->recommender.set_model(std::move(model));
  }
  void set_shadow(std::shared_ptr<const learn::ServedModel> model) override {
    if (const auto services = services_.lock()) services->recommender.set_shadow(std::move(model));
  }

 private:
  const TenantId tenant_;
  const std::weak_ptr<api::TenantServices> services_;
};

learn::LoaderEvents loader_events(obs::Counter& loaded, obs::Counter& failures) {
  learn::LoaderEvents events;
  events.loaded = [&loaded](TenantId tenant, const std::string& id,
                            const learn::LoadedModel& model) {
    loaded.add();
    obs::log_info("model_loaded", {{"tenant", tenant.value},
                                   {"model", id},
                                   {"seconds", model.seconds},
                                   {"bytes", model.bytes},
                                   {"vectors", model.vectors.items},
                                   {"vectors_indexed", model.vectors.indexed},
                                   {"vector_bytes", model.vectors.bytes}});
  };
  events.without_vectors = [](TenantId tenant, const std::string& id, const Error& error) {
    obs::log_warn("model_without_vectors",
                  {{"tenant", tenant.value}, {"model", id}, {"error", error}});
  };
  events.failed = [&failures](TenantId tenant, const std::string& id, const Error& error) {
    failures.add();
    obs::log_error("model_load_failed",
                   {{"tenant", tenant.value}, {"model", id}, {"error", error}});
  };
  return events;
}

}  // namespace

std::string models_directory(const Settings& settings) {
  return settings.models_directory.empty() ? io::join_path(settings.data_directory, "objects")
                                           : settings.models_directory;
}

Result<std::unique_ptr<Application::Models>> Application::Models::start(const Settings& settings,
                                                                        Application& application) {
  learn::JobRequest scheduled;
  scheduled.warm = true;
  const auto kind = learn::find_kind(settings.models_train_kind);
  if (!kind) {
    return Error(ErrorCode::kInvalidArgument, "models.train_kind must be one of " +
                                                  learn::kind_names() + ", got '" +
                                                  settings.models_train_kind + "'");
  }
  VITRINE_TRY(scheduled.recipe, learn::make_recipe(*kind));
  if (settings.models_train_search > 0) {
    scheduled.search.emplace().time = settings.models_train_search;
    VITRINE_TRY(learn::check_search(*kind, *scheduled.search));
  }
  VITRINE_TRY(auto objects,
              blob::DirectoryStore::create(io::system_files(), models_directory(settings)));
  return std::unique_ptr<Models>(
      new Models(settings, application, std::move(objects), std::move(scheduled)));
}

Application::Models::Models(const Settings& settings, Application& application,
                            std::unique_ptr<blob::DirectoryStore> objects,
                            learn::JobRequest scheduled)
    : application_(application),
      settings_(settings),
      objects_(std::move(objects)),
      store_(*objects_),
      loaded_(application.registry_.counter("vitrine_models_loaded_total",
                                            "Trained models that began to serve.")),
      load_failures_(application.registry_.counter(
          "vitrine_model_load_failures_total",
          "Trained models that could not be loaded; the one before goes on serving.")),
      trained_(application.registry_.counter("vitrine_model_trainings_total",
                                             "Trainings that made a model.")),
      promoted_(application.registry_.counter("vitrine_model_promotions_total",
                                              "Models that a training promoted.")),
      failed_(application.registry_.counter("vitrine_model_training_failures_total",
                                            "Trainings that ended with an error.")) {
  live_ = std::make_unique<learn::LiveModels>(background_executor(), store_, application.clock_,
                                              loader_events(loaded_, load_failures_),
                                              settings.models_vectors_memory);
  learn::LearnerOptions options;
  options.work_directory = io::join_path(settings.data_directory, "training");
  options.threads = static_cast<unsigned>(settings.models_threads);
  options.memory_bytes_max = settings.models_memory;
  options.train_every = settings.models_train_every;
  options.scheduled = std::move(scheduled);
  options.code_version = VITRINE_VERSION;
  learner_ = std::make_unique<learn::Learner>(std::move(options), io::system_files(), store_, *this,
                                              background_executor(), application.clock_);
}

Application::Models::~Models() = default;

void Application::Models::stop() {
  learner_->close();
  live_->close();
}

void Application::Models::look_after(TenantId tenant,
                                     const std::shared_ptr<api::TenantServices>& services) {
  services->model_user = std::make_shared<TenantModels>(tenant, services);
  live_->watch(tenant, services->model_user);
}

void Application::Models::look_after_all() {
  for (const TenantId tenant : tenants()) {
    const auto partition = partition_of(tenant);
    if (!partition.ok() || (*partition)->tenant(tenant)->read()->models().live().empty()) continue;
    if (const auto view = application_.gateway_.find_tenant(tenant))
      (void)application_.tenant(*view);
  }
}

void Application::Models::register_metrics(obs::Registry& registry) {
  const auto add = [&](const char* name, const char* help,
                       std::uint64_t learn::LiveModels::Stats::*member) {
    registry.function(obs::Registry::FunctionKind::kGauge, name, help, {}, &application_,
                      [this, member] { return static_cast<double>(live_->stats().*member); });
  };
  add("vitrine_models_bytes", "Memory of the models that are loaded, live ones and shadows.",
      &learn::LiveModels::Stats::model_bytes);
  add("vitrine_model_vectors", "Items with a vector of a live model.",
      &learn::LiveModels::Stats::vectors);
  add("vitrine_model_vectors_bytes", "Memory of these vectors and of the indexes over them.",
      &learn::LiveModels::Stats::vector_bytes);
}

Result<apply::Partition*> Application::Models::partition_of(TenantId tenant) const {
  for (const auto& [number, partition] : application_.partitions_->all()) {
    if (partition->tenant(tenant) != nullptr) return partition;
  }
  return Error(ErrorCode::kInvalidArgument, "nothing was ever sent by this tenant")
      .with_reason("not_enough_data");
}

Result<learn::LearnPorts::Place> Application::Models::place(TenantId tenant) {
  VITRINE_TRY(const auto* partition, partition_of(tenant));
  const auto runtime = partition->tenant(tenant);
  const auto state = runtime->read();
  return Place{partition->log_directory(), state->models().live(), learn::flagged_keys(*state)};
}

Status Application::Models::change(TenantId tenant, const model::Change& change) {
  VITRINE_TRY(auto* const found, partition_of(tenant));
  apply::Partition& partition = *found;
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, tenant);
  model::encode_change(change, writer);
  const eventlog::RecordRef ref{static_cast<std::uint16_t>(record::RecordKind::kModelChange), 0,
                                payload};
  struct Wait {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    Status status;
  };
  const auto wait = std::make_shared<Wait>();
  const auto finish = [wait](Status status) {
    std::lock_guard lock(wait->mutex);
    if (wait->done) return;
    wait->done = true;
    wait->status = std::move(status);
    wait->changed.notify_all();
  };
  VITRINE_TRY(const auto range, partition.append(std::span(&ref, 1), [finish](const Status& s) {
    if (!s.ok()) finish(s.error());
  }));
  partition.waiters().add(range.last, [finish] { finish(ok_status()); });
  std::unique_lock lock(wait->mutex);
  if (!wait->changed.wait_for(lock, kChangeWait, [&] { return wait->done; })) {
    return Error(ErrorCode::kDeadlineExceeded, "the change of models does not show after 30 s");
  }
  VITRINE_TRY(std::move(wait->status));
  const auto outcome = partition.outcome(range.last);
  if (outcome.code == apply::ApplyCode::kApplied) return ok_status();
  return Error(ErrorCode::kConflict, outcome.detail).with_reason("model_conflict");
}

std::vector<TenantId> Application::Models::tenants() {
  std::vector<TenantId> out;
  for (const auto& [number, partition] : application_.partitions_->all()) {
    for (const TenantId tenant : partition->tenants()) out.push_back(tenant);
  }
  return out;
}

void Application::Models::ended(const learn::Job& job, const model::Manifest* manifest) {
  const auto seconds = static_cast<double>(job.ended - job.started) / 1e6;
  log_to_mlflow(job, manifest);
  if (manifest == nullptr) {
    failed_.add();
    obs::log_warn("model_not_trained", {{"tenant", job.tenant.value},
                                        {"job", job.id},
                                        {"code", job.error_code},
                                        {"detail", job.error}});
    return;
  }
  trained_.add();
  if (job.promoted) promoted_.add();
  obs::log_info("model_trained", {{"tenant", job.tenant.value},
                                  {"job", job.id},
                                  {"model", job.model_id},
                                  {"promoted", job.promoted},
                                  {"why", job.why},
                                  {"seconds", seconds}});
  prune(job.tenant);
}

// A server that can't be reached loses no model: it is told, and that is all.
void Application::Models::log_to_mlflow(const learn::Job& job, const model::Manifest* manifest) {
  if (settings_.models_mlflow_url.empty() || job.state == learn::JobState::kStopped) return;
  std::string name = std::to_string(job.tenant.value);
  if (const auto tenants = application_.control_->list_tenants(); tenants.ok()) {
    for (const auto& one : *tenants) {
      if (one.id == job.tenant) name = one.name;
    }
  }
  const char* token = std::getenv("MLFLOW_TRACKING_TOKEN");
  const learn_tool::MlflowTarget target{settings_.models_mlflow_url,
                                        settings_.models_mlflow_experiment,
                                        token == nullptr ? "" : token};
  const auto logged = learn_tool::log_run(
      target, manifest != nullptr
                  ? learn_tool::run_of(*manifest, name, job.promoted)
                  : learn_tool::failed_run(std::string(learn::kind_name(job.request.recipe.kind)),
                                           name, job.started, job.ended, job.error));
  if (!logged.ok()) obs::log_warn("mlflow_failed", {{"job", job.id}, {"error", logged.error()}});
}

// What no rollback and no answer of now needs, oldest first.
void Application::Models::prune(TenantId tenant) {
  auto models = store_.list(tenant);
  const auto partition = partition_of(tenant);
  if (!models.ok() || !partition.ok()) return;
  const model::Registry registry = (*partition)->tenant(tenant)->read()->models();
  std::erase_if(*models, [&](const model::Manifest& m) {
    return m.id == registry.live() || m.id == registry.shadow() || registry.remembers(m.id);
  });
  std::sort(models->begin(), models->end(),
            [](const auto& a, const auto& b) { return a.created > b.created; });
  for (std::size_t i = static_cast<std::size_t>(settings_.models_kept); i < models->size(); ++i) {
    const Status removed = store_.remove(tenant, (*models)[i].id);
    if (removed.ok()) {
      obs::log_info("model_removed", {{"tenant", tenant.value}, {"model", (*models)[i].id}});
    } else {
      obs::log_warn("model_not_removed", {{"tenant", tenant.value}, {"error", removed.error()}});
    }
  }
}

}  // namespace vitrine::app
