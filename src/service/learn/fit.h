// Makes a model from a recipe and what happened: one call, the same bits for the same input.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "engine/graph/workers.h"
#include "platform/io/file_system.h"
#include "service/evaluate/dataset.h"
#include "service/learn/fitted_model.h"
#include "service/learn/recipe.h"

namespace vitrine::learn {

// An earlier model to go on from, and which of the data's items each of its items is.
struct WarmStart {
  const FittedModel* model = nullptr;
  std::vector<std::uint32_t> item_of;  // kNoItem.value where it is no longer there
};

// Where a long fit writes how far it is, to go on after a crash or a stop.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;
  // What save() wrote last under `phase` (since clear()), nothing where there is none.
  virtual Result<std::optional<std::string>> load(std::string_view phase) = 0;
  virtual Status save(std::string_view phase, const std::string& bytes) = 0;
  virtual Status remove(std::string_view phase) = 0;  // ok where there is none
  virtual Status clear() = 0;
};

struct FitContext {
  graph::Workers& workers;
  Progress& progress;
  // Larger is better; called after each epoch of models that have any, to keep the best and to know
  // when to end. Without it all epochs run.
  std::function<double(const FittedModel&)> validate{};
  std::optional<std::uint32_t> epochs{};  // so many, instead of the recipe's at most
  const WarmStart* warm = nullptr;
  const std::atomic<bool>* stop = nullptr;  // set: ends with "training_stopped" after an epoch
  std::function<bool()> out_of_time{};      // true: the same
  Checkpoint* checkpoint = nullptr;
  std::string phase{};  // names the fit to its checkpoint
  // Called after each epoch with its loss, for who watches.
  std::function<void(std::uint32_t epoch, double loss, std::optional<double> measure)> on_epoch{};
  // Histories and vectors of users go to files of this folder (iALS); empty: in memory.
  std::string spill_directory{};
  io::FileSystem* files = nullptr;  // of it

  bool stopped() const { return (stop != nullptr && *stop) || (out_of_time && out_of_time()); }
};

struct FitReport {
  // Of a blend: the recipe with what validation chose, which makes it again without validation.
  std::optional<Recipe> settled{};
  std::uint32_t epochs = 0;  // of the model that came out; 0 for kinds without
  std::vector<double> losses;
  std::vector<double> measures;
  double cpu_s = 0;  // of all threads of the process meanwhile
};

struct Fit {
  std::unique_ptr<FittedModel> model;
  FitReport report;
};

// `train` in the order of the log, its items below `items`. kInvalidArgument where there is nothing
// to learn from, kTooLarge where the kind can't hold so many items; kUnavailable with reason
// "training_stopped".
Result<Fit> fit_model(const Recipe& recipe, std::span<const evaluate::Interaction> train,
                      std::uint32_t items, const FitContext& context);

Error training_stopped();

}  // namespace vitrine::learn
