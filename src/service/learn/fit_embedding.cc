#include <algorithm>

#include "engine/embed/embedding.h"
#include "service/learn/epoch_watch.h"
#include "service/learn/fit_epochs.h"

namespace vitrine::learn {

Result<Fit> fit_embedding(const Recipe& recipe, const spectral::Interactions& data,
                          const FitContext& context) {
  // A direction more than there are items can't be found.
  const std::uint32_t most = data.items() / 16 * 16;
  if (most == 0) {
    return Error(ErrorCode::kInvalidArgument,
                 "an embedding needs at least 16 items, here are " + std::to_string(data.items()))
        .with_reason("not_enough_data");
  }
  embed::EmbeddingOptions start;
  start.dimensions = std::min(recipe.whole("dimensions"), most);
  start.smoothness = recipe.get("smoothness");
  start.degree_power = recipe.get("degree_power");
  start.sharpness = recipe.get("sharpness");
  start.seed = recipe.seed();
  embed::TrainOptions options;
  options.batch = recipe.whole("batch");
  options.negatives = std::min(recipe.whole("negatives"), data.items());
  options.known = recipe.get("known");
  options.rate = static_cast<float>(recipe.get("rate"));
  options.epochs_max = context.epochs.value_or(recipe.whole("epochs"));
  options.patience = recipe.whole("patience");
  options.validate_every = 1;
  options.hop = recipe.get("hop");
  const std::vector<float> popularity = popularity_of(data);
  VITRINE_TRY(auto model, embed::Embedding::create(data, start, context.workers, context.progress));
  if (context.stopped()) return training_stopped();

  EpochWatch<embed::TrainHooks, embed::TrainReport> watch(context);
  std::function<double(const embed::Embedding&)> validate;
  if (context.validate) {
    validate = [&](const embed::Embedding& now) {
      return watch.measure(make_embedding(now, popularity));
    };
  }
  VITRINE_TRY(const auto hooks, watch.hooks());
  auto trained = model.train(data, options, validate, context.workers, context.progress, hooks);
  if (!trained.ok()) return std::move(trained).error();
  if (!watch.kept().ok()) return watch.kept().error();
  if (trained->ended) return training_stopped();
  FitReport report;
  report.epochs = trained->best_epoch;
  report.losses = trained->losses;
  report.measures = trained->measures;
  VITRINE_TRY(auto fitted, make_embedding(std::move(model), popularity));
  return Fit{std::move(fitted), std::move(report)};
}

}  // namespace vitrine::learn
