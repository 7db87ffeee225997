#include "service/learn/fit_blend.h"

#include <unordered_map>

#include "service/learn/blend_model.h"

namespace vitrine::learn {
namespace {

constexpr double kTried[] = {0, 0.25, 0.5, 1, 2, 4};
constexpr int kRounds = 2;

// Remembers what a part said: the same histories are asked about for each weight that is tried.
class Remembered final : public FittedModel {
 public:
  explicit Remembered(std::shared_ptr<const FittedModel> model) : model_(std::move(model)) {}
  Kind kind() const override { return model_->kind(); }
  std::uint32_t items() const override { return model_->items(); }
  void top(std::span<const std::uint32_t> history, std::size_t most, ModelScratch& scratch,
           std::vector<Scored>& out) const override {
    const std::string key(reinterpret_cast<const char*>(history.data()), history.size_bytes());
    const auto [at, fresh] = said_.try_emplace(key);
    if (fresh) model_->top(history, kTopMost, scratch, at->second);
    out.assign(at->second.begin(),
               at->second.begin() + static_cast<std::ptrdiff_t>(std::min(most, at->second.size())));
  }
  std::uint64_t memory_bytes() const override { return model_->memory_bytes(); }
  void save(Sink& out) const override { model_->save(out); }

 private:
  std::shared_ptr<const FittedModel> model_;
  mutable std::unordered_map<std::string, std::vector<Scored>> said_;
};

// Sets the weights that are below 0.
void learn_weights(std::vector<BlendPart>& parts, const FitContext& context) {
  std::vector<BlendPart> trial;
  std::vector<bool> learned;
  for (BlendPart& part : parts) {
    learned.push_back(part.weight < 0);
    if (part.weight < 0) part.weight = 1;
    trial.push_back({std::make_shared<Remembered>(part.model), part.weight});
  }
  context.progress.start("weights of the blend", kRounds * parts.size(), "parts");
  double best = context.validate(*make_blend(trial));
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t p = 0; p < trial.size(); ++p) {
      context.progress.update(static_cast<std::uint64_t>(round) * parts.size() + p);
      if (!learned[p]) continue;
      float rest = 0;
      for (std::size_t q = 0; q < trial.size(); ++q) rest += q == p ? 0 : trial[q].weight;
      float chosen = trial[p].weight;
      for (const double weight : kTried) {
        // Somebody has to answer.
        if (weight == 0 && rest == 0) continue;
        trial[p].weight = static_cast<float>(weight);
        const double measure = context.validate(*make_blend(trial));
        if (measure <= best) continue;
        best = measure;
        chosen = trial[p].weight;
      }
      trial[p].weight = chosen;
    }
  }
  context.progress.finish();
  for (std::size_t p = 0; p < parts.size(); ++p) parts[p].weight = trial[p].weight;
}

}  // namespace

Result<Fit> fit_blend(const Recipe& recipe, std::span<const evaluate::Interaction> train,
                      std::uint32_t items, const FitContext& context) {
  Recipe settled = recipe;
  std::vector<BlendPart> parts;
  for (const Kind kind : kBlendParts) {
    const double weight = recipe.get(part_weight(kind));
    if (weight == 0) continue;
    const Recipe own = part_recipe(recipe, kind);
    FitContext inner = context;
    const std::string suffix = "-" + std::string(kind_name(kind));
    inner.phase += suffix;
    if (!inner.spill_directory.empty()) inner.spill_directory += suffix;
    inner.warm = nullptr;
    inner.epochs.reset();
    if (!context.validate && has_epochs(kind)) inner.epochs = own.whole("epochs");
    auto fit = fit_model(own, train, items, inner);
    if (!fit.ok()) {
      return std::move(fit).error().context("the part " + std::string(kind_name(kind)));
    }
    if (has_epochs(kind)) settled.set(part_parameter(kind, "epochs"), fit->report.epochs);
    parts.push_back({std::move(fit->model), static_cast<float>(weight)});
  }
  if (context.validate) {
    learn_weights(parts, context);
  } else {
    for (BlendPart& part : parts) part.weight = part.weight < 0 ? 1 : part.weight;
  }
  for (const BlendPart& part : parts) {
    settled.set(part_weight(part.model->kind()), static_cast<double>(part.weight));
  }
  std::erase_if(parts, [](const BlendPart& part) { return part.weight == 0; });
  Fit fit{make_blend(std::move(parts)), {}};
  fit.report.settled = std::move(settled);
  return fit;
}

}  // namespace vitrine::learn
