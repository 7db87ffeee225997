// Trained models as part of the server: where they are kept, how they are trained, and how they
// come to the recommenders.
#pragma once

#include <memory>

#include "application.h"
#include "engine/blob/directory_store.h"
#include "service/learn/learner.h"
#include "service/learn/live_models.h"

namespace vitrine::app {

class Application::Models final : public learn::LearnPorts {
 public:
  // `application` outlives it.
  static Result<std::unique_ptr<Models>> start(const Settings& settings, Application& application);
  ~Models() override;

  learn::Learner& learner() { return *learner_; }
  // Brings the tenant's live model to its recommender from now on.
  void look_after(TenantId tenant, const std::shared_ptr<api::TenantServices>& services);
  // The same for all tenants that have a live model, from the start on and not from their first
  // request.
  void look_after_all();
  void register_metrics(obs::Registry& registry);
  // Ends what is being trained after its present epoch, and looks after nobody any more.
  void stop();

  Result<Place> place(TenantId tenant) override;
  Status change(TenantId tenant, const model::Change& change) override;
  std::vector<TenantId> tenants() override;
  void ended(const learn::Job& job, const model::Manifest* manifest) override;

 private:
  Models(const Settings& settings, Application& application,
         std::unique_ptr<blob::DirectoryStore> objects, learn::JobRequest scheduled);
  Result<apply::Partition*> partition_of(TenantId tenant) const;
  void prune(TenantId tenant);
  void log_to_mlflow(const learn::Job& job, const model::Manifest* manifest);

  Application& application_;
  const Settings& settings_;
  std::unique_ptr<blob::DirectoryStore> objects_;
  learn::ModelStore store_;
  obs::Counter& loaded_;
  obs::Counter& load_failures_;
  obs::Counter& trained_;
  obs::Counter& promoted_;
  obs::Counter& failed_;
  std::unique_ptr<learn::LiveModels> live_;
  std::unique_ptr<learn::Learner> learner_;
};

// Where the models of an installation are kept.
std::string models_directory(const Settings& settings);

}  // namespace vitrine::app
