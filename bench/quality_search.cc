// How Gowalla's settings were chosen: on a fifth of every user's training items, for every 20th
// user.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>

#include "bench/quality_models.h"
#include "engine/vec/random.h"
#include "service/evaluate/evaluator.h"
#include "tool/evaluate/readers.h"
#include "tool/train/embedding_scorer.h"

namespace vitrine::bench {
namespace {

using namespace evaluate;
using namespace train_tool;

// A fifth of each user's items become the targets of every 20th of them.
Split hold_out(std::vector<Case> users) {
  constexpr std::size_t kEvery = 20;
  Split split;
  vec::Random random(7);
  for (std::size_t u = 0; u < users.size(); ++u) {
    auto& history = users[u].history;
    for (std::size_t n = history.size(); n > 1; --n) {
      std::swap(history[n - 1], history[random.below(n)]);
    }
    const std::size_t held = history.size() < 3 ? 0 : std::max<std::size_t>(1, history.size() / 5);
    for (std::size_t n = 0; n < held; ++n) {
      users[u].targets.push_back(history.back().item);
      history.pop_back();
    }
    split.train.insert(split.train.end(), history.begin(), history.end());
    if (u % kEvery == 0 && held > 0) split.cases.push_back(std::move(users[u]));
  }
  return split;
}

// "ials dimensions=256 ridge=0.01": a model and what differs from its chosen settings.
struct Attempt {
  std::string model;
  std::map<std::string, double> differs;
  template <class T>
  void take(const char* name, T& value) {
    const auto at = differs.find(name);
    if (at == differs.end()) return;
    value = static_cast<T>(at->second);
    differs.erase(at);
  }
};

Result<Attempt> parse(const std::string& text) {
  std::istringstream in(text);
  Attempt made;
  in >> made.model;
  for (std::string one; in >> one;) {
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos) {
      return Error(ErrorCode::kInvalidArgument, "'" + one + "' is no name=value");
    }
    made.differs[one.substr(0, equals)] = std::atof(one.c_str() + equals + 1);
  }
  return made;
}

Status run_attempt(const std::string& text, const Evaluator& evaluator, const Means& means) {
  VITRINE_TRY(Attempt attempt, parse(text));
  std::unique_ptr<Scorer> scorer;
  EmbeddingScorer* embedding = nullptr;
  if (attempt.model == "filter") {
    spectral::FilterOptions o = gowalla_filter();
    attempt.take("order", o.order);
    attempt.take("flatness", o.flatness);
    attempt.take("degree_power", o.degree_power);
    attempt.take("rank", o.rank);
    attempt.take("rank_weight", o.rank_weight);
    scorer = std::make_unique<FilterScorer>(o, means);
  } else if (attempt.model == "ials") {
    IalsSettings o = gowalla_ials();
    attempt.take("dimensions", o.ials.dimensions);
    attempt.take("unobserved", o.ials.unobserved);
    attempt.take("ridge", o.ials.ridge);
    attempt.take("frequency_power", o.ials.frequency_power);
    attempt.take("gradient_steps", o.ials.gradient_steps);
    attempt.take("epochs", o.epochs);
    attempt.take("hop", o.hop);
    attempt.take("degree_power", o.degree_power);
    scorer = std::make_unique<IalsScorer>(o, means);
  } else if (attempt.model == "embedding") {
    EmbeddingSettings o = gowalla_embedding();
    attempt.take("dimensions", o.start.dimensions);
    attempt.take("smoothness", o.start.smoothness);
    attempt.take("degree_power", o.start.degree_power);
    attempt.take("sharpness", o.start.sharpness);
    attempt.take("batch", o.train.batch);
    attempt.take("negatives", o.train.negatives);
    attempt.take("known", o.train.known);
    attempt.take("rate", o.train.rate);
    attempt.take("epochs", o.train.epochs_max);
    attempt.take("patience", o.train.patience);
    attempt.take("hop", o.train.hop);
    auto made = std::make_unique<EmbeddingScorer>(o, means);
    embedding = made.get();
    scorer = std::move(made);
  } else {
    return Error(ErrorCode::kInvalidArgument,
                 "'" + attempt.model + "' is none of filter, ials, embedding");
  }
  if (!attempt.differs.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 attempt.model + " has no setting '" + attempt.differs.begin()->first + "'");
  }
  const Report report = evaluator.run(*scorer);
  std::cout << text << ": recall@20 " << report.recall.value << ", NDCG@20 " << report.ndcg.value
            << ", " << cpu_s(report) << " CPU s";
  if (embedding != nullptr) {
    const embed::TrainReport& trained = embedding->report();
    std::cout << ", best after " << trained.best_epoch << " of " << trained.epochs << " epochs;";
    for (const double measure : trained.measures) std::cout << " " << json_number(measure);
  }
  std::cout << std::endl;  // what was measured stays if the rest is stopped
  return ok_status();
}

}  // namespace

Status gowalla_search(const std::filesystem::path& folder, const std::vector<std::string>& attempts,
                      Progress& progress) {
  VITRINE_TRY(const Dataset train, read_sequences(folder / "gowalla/train.txt.gz", progress));
  std::vector<Case> users(train.users.size());
  for (std::uint32_t u = 0; u < users.size(); ++u) users[u].user = UserIndex{u};
  for (const Interaction& one : train.interactions) users[one.user.value].history.push_back(one);
  EvaluatorOptions options;
  options.k = 20;
  options.bootstrap.rounds = 10;
  const Evaluator evaluator(hold_out(std::move(users)),
                            static_cast<std::uint32_t>(train.items.size()), options);
  graph::Workers workers(thread_executor(), 1);
  const Means means{workers, progress};
  static const std::vector<std::string> kNeighbours{"filter",
                                                    "filter flatness=1.25",
                                                    "filter flatness=1.75",
                                                    "filter degree_power=0.35",
                                                    "filter degree_power=0.45",
                                                    "filter rank_weight=0.2",
                                                    "filter rank_weight=0.4",
                                                    "ials",
                                                    "ials unobserved=0.0025",
                                                    "ials unobserved=0.01",
                                                    "ials ridge=0.005",
                                                    "ials ridge=0.02",
                                                    "ials hop=0.5",
                                                    "embedding",
                                                    "embedding epochs=0",
                                                    "embedding rate=0.0005",
                                                    "embedding hop=0"};
  for (const std::string& one : attempts.empty() ? kNeighbours : attempts) {
    VITRINE_TRY(run_attempt(one, evaluator, means));
  }
  return ok_status();
}

}  // namespace vitrine::bench
