#include "service/learn/fit_epochs.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "engine/factor/user_store.h"
#include "service/learn/epoch_watch.h"

namespace vitrine::learn {
namespace {

using evaluate::Interaction;

// Epochs of iALS without a better validation before it ends.
constexpr std::uint32_t kIalsPatience = 3;
constexpr std::size_t kLossUsersMost = 500;

// A trained-on copy, as it would be served.
Result<std::unique_ptr<FittedModel>> frozen(const factor::Ials& model,
                                            std::span<const float> popularity) {
  StringSink bytes;
  model.save(bytes);
  StringSource source(bytes.bytes());
  VITRINE_TRY(auto copy, factor::Ials::load(source));
  return make_ials(std::move(copy), popularity);
}

// A model that begins where the earlier one ended; new items begin as create() draws them.
Result<factor::Ials> begin_ials(const factor::IalsOptions& options, std::uint32_t items,
                                std::uint32_t users, const WarmStart* warm) {
  VITRINE_TRY(auto fresh, factor::Ials::create(options, items, users));
  const factor::Ials* old = warm == nullptr ? nullptr : ials_of(*warm->model);
  if (old == nullptr || old->options().dimensions != options.dimensions) return fresh;
  const std::size_t d = options.dimensions;
  std::vector<float> vectors(fresh.item_vectors().begin(), fresh.item_vectors().end());
  for (std::size_t i = 0; i < warm->item_of.size(); ++i) {
    if (warm->item_of[i] >= items) continue;
    std::copy_n(old->item_vectors().data() + i * d, d,
                vectors.data() + std::size_t{warm->item_of[i]} * d);
  }
  return factor::Ials::from_vectors(options, items, users, vectors);
}

// Mean of (1 - p . q)^2 over the events of some users, spread evenly.
double loss_of(const factor::Ials& model, const spectral::Interactions& data) {
  const std::size_t d = model.options().dimensions;
  const std::uint32_t every =
      std::max<std::uint32_t>(1, static_cast<std::uint32_t>(data.users() / kLossUsersMost));
  std::vector<float> user(d);
  double sum = 0, events = 0;
  for (std::uint32_t u = 0; u < data.users(); u += every) {
    const auto items = data.items_of(u);
    if (items.empty()) continue;
    model.fold_in(items, user);
    for (const std::uint32_t item : items) {
      float dot = 0;
      for (std::size_t j = 0; j < d; ++j) dot += user[j] * model.item_vectors()[item * d + j];
      sum += static_cast<double>((1 - dot) * (1 - dot));
      ++events;
    }
  }
  return events == 0 ? 0 : sum / events;
}

struct IalsState {
  FitReport report;
  std::uint32_t done = 0;
  double best_measure = 0;
  std::string best;  // the best epoch's model

  void save(Sink& out, const factor::Ials& model) const {
    out.value(done);
    out.value(report.epochs);
    out.value(best_measure);
    out.array(std::span<const double>(report.losses));
    out.array(std::span<const double>(report.measures));
    out.string(best);
    model.save(out);
  }
  Result<factor::Ials> load(Source& in) {
    VITRINE_TRY(in.value(done));
    VITRINE_TRY(in.value(report.epochs));
    VITRINE_TRY(in.value(best_measure));
    VITRINE_TRY(in.array(report.losses));
    VITRINE_TRY(in.array(report.measures));
    VITRINE_TRY(in.string(best));
    return factor::Ials::load(in);
  }
};

Result<std::unique_ptr<factor::UserStore>> user_store(const spectral::Interactions& data,
                                                      const FitContext& context) {
  auto in_memory = factor::memory_users(data);
  if (context.spill_directory.empty()) return in_memory;
  // What a training that was stopped left there was of another file, or is half of this one.
  std::error_code error;
  std::filesystem::remove_all(context.spill_directory, error);
  if (error) return io_error("remove", context.spill_directory, error.value());
  VITRINE_TRY(context.files->create_directories(context.spill_directory));
  VITRINE_TRY(factor::write_users(*in_memory, *context.files, context.spill_directory));
  return factor::open_users(*context.files, context.spill_directory);
}

}  // namespace

std::vector<float> popularity_of(const spectral::Interactions& data) {
  std::vector<float> out(data.items());
  for (std::uint32_t i = 0; i < data.items(); ++i) {
    out[i] = static_cast<float>(data.users_of(i).size());
  }
  return out;
}

Result<Fit> fit_ials(const Recipe& recipe, const spectral::Interactions& data,
                     const FitContext& context) {
  factor::IalsOptions options;
  options.dimensions = recipe.whole("dimensions");
  options.unobserved = recipe.get("unobserved");
  options.ridge = recipe.get("ridge");
  options.frequency_power = recipe.get("frequency_power");
  options.seed = recipe.seed();
  const std::uint32_t most =
      context.epochs.value_or(recipe.whole(context.warm != nullptr ? "warm_epochs" : "epochs"));
  const std::vector<float> popularity = popularity_of(data);
  VITRINE_TRY(const auto store, user_store(data, context));
  VITRINE_TRY(auto model, begin_ials(options, data.items(), data.users(), context.warm));
  IalsState state;
  if (context.checkpoint != nullptr) {
    VITRINE_TRY(const auto saved, context.checkpoint->load(context.phase));
    if (saved) {
      StringSource in(*saved);
      IalsState old;
      auto resumed = old.load(in);
      // What can't be read is begun anew.
      if (resumed.ok() && resumed->items() == data.items()) {
        model = std::move(*resumed);
        state = std::move(old);
      }
    }
  }
  context.progress.start("iALS", most, "epochs");
  const auto patient = [&] { return state.done - state.report.epochs < kIalsPatience; };
  while (state.done < most && patient()) {
    if (context.stopped()) return training_stopped();
    VITRINE_TRY(model.epoch(*store, context.workers));
    ++state.done;
    state.report.losses.push_back(loss_of(model, data));
    std::optional<double> measure;
    if (context.validate) {
      VITRINE_TRY(const auto now, frozen(model, popularity));
      measure = context.validate(*now);
      state.report.measures.push_back(*measure);
    }
    if (!measure || state.report.epochs == 0 || *measure > state.best_measure) {
      state.report.epochs = state.done;
      state.best_measure = measure.value_or(0);
      StringSink best;
      if (measure) model.save(best);
      state.best = best.bytes();
    }
    if (context.on_epoch) context.on_epoch(state.done, state.report.losses.back(), measure);
    context.progress.update(state.done);
    if (context.checkpoint != nullptr) {
      StringSink out;
      state.save(out, model);
      VITRINE_TRY(context.checkpoint->save(context.phase, out.bytes()));
    }
  }
  context.progress.finish();
  if (!state.best.empty()) {
    StringSource in(state.best);
    VITRINE_TRY(model, factor::Ials::load(in));
  }
  VITRINE_TRY(auto fitted, make_ials(std::move(model), popularity));
  return Fit{std::move(fitted), std::move(state.report)};
}

namespace {

session::Sequences sequences_of(std::span<const Interaction> train) {
  session::Sequences out;
  for (const Interaction& one : train) {
    if (!one.positive()) continue;
    if (one.user.value >= out.size()) out.resize(one.user.value + 1);
    auto& sequence = out[one.user.value];
    // Looking at an item again says nothing about what follows it.
    if (sequence.empty() || sequence.back() != one.item.value) sequence.push_back(one.item.value);
  }
  std::erase_if(out, [](const auto& sequence) { return sequence.empty(); });
  return out;
}

// Known items begin with the weights they had, and so does all that belongs to no item.
void warm_up(session::SessionModel& model, const WarmStart& warm) {
  const session::SessionModel* old = session_of(*warm.model);
  if (old == nullptr) return;
  session::Shape same = model.shape();
  same.items = old->shape().items;
  if (!(same == old->shape())) return;
  const session::Layout from(old->shape()), to(model.shape());
  const std::size_t d = same.width;
  StringSink bytes;
  old->save(bytes);
  // Behind five numbers and the count: the weights (SessionModel::save).
  const auto* weights =
      reinterpret_cast<const char*>(bytes.bytes().data()) + 5 * sizeof(std::uint32_t) + 8;
  std::vector<float> values(from.size);
  std::memcpy(values.data(), weights, from.size * sizeof(float));
  const std::span<float> into = model.parameters();
  for (std::size_t i = 0; i < warm.item_of.size(); ++i) {
    if (warm.item_of[i] >= model.shape().items) continue;
    std::copy_n(values.data() + from.table + i * d, d,
                into.data() + to.table + std::size_t{warm.item_of[i]} * d);
  }
  std::copy_n(values.data() + from.gain, from.size - from.gain, into.data() + to.gain);
}

}  // namespace

Result<Fit> fit_session(const Recipe& recipe, std::span<const Interaction> train,
                        std::uint32_t items, const FitContext& context) {
  session::Shape shape;
  shape.items = items;
  shape.width = recipe.whole("width");
  shape.inner = recipe.whole("inner");
  shape.layers = recipe.whole("layers");
  shape.length = recipe.whole("length");
  session::TrainOptions options;
  options.batch = recipe.whole("batch");
  options.negatives = recipe.whole("negatives");
  if (options.negatives >= items) options.negatives = 0;
  options.dropout = static_cast<float>(recipe.get("dropout"));
  options.rate = static_cast<float>(recipe.get("rate"));
  options.epochs_max = context.epochs.value_or(recipe.whole("epochs"));
  options.patience = recipe.whole("patience");
  // Without validation the last epoch is the one that counts.
  if (!context.validate) options.validate_every = options.epochs_max;
  options.seed = recipe.seed();
  const std::vector<float> popularity = popularity_of([&] {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    std::uint32_t users = 0;
    for (const Interaction& one : train) {
      users = std::max(users, one.user.value + 1);
      if (one.positive()) pairs.emplace_back(one.user.value, one.item.value);
    }
    return spectral::Interactions::build(users, items, std::move(pairs));
  }());
  VITRINE_TRY(auto model, session::SessionModel::create(shape, options.seed));
  if (context.warm != nullptr) warm_up(model, *context.warm);

  FitReport report;
  EpochWatch<session::TrainHooks, session::TrainReport> watch(context);
  const auto validate = [&](const session::SessionModel& now) -> double {
    return context.validate ? watch.measure(make_session(now, popularity)) : 1.0;
  };
  VITRINE_TRY(const auto hooks, watch.hooks());
  auto trained =
      model.train(sequences_of(train), options, validate, context.workers, context.progress, hooks);
  if (!trained.ok() && trained.error().code() == ErrorCode::kInvalidArgument) {
    return std::move(trained).error().with_reason("not_enough_data");
  }
  if (!trained.ok()) return std::move(trained).error();
  if (!watch.kept().ok()) return watch.kept().error();
  if (trained->ended && context.stopped()) return training_stopped();
  report.epochs = trained->best_epoch;
  report.losses = trained->losses;
  if (context.validate) report.measures = trained->measures;
  VITRINE_TRY(auto fitted, make_session(std::move(model), popularity));
  return Fit{std::move(fitted), std::move(report)};
}

}  // namespace vitrine::learn
