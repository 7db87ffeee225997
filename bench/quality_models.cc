#include "bench/quality_models.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <unordered_map>

#include <time.h>

#include "engine/vec/random.h"
#include "service/evaluate/evaluator.h"
#include "tool/evaluate/readers.h"
#include "tool/train/embedding_scorer.h"
#include "tool/train/model_scorers.h"

namespace vitrine::bench {
namespace {

using namespace evaluate;
using namespace train_tool;

double thread_cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// The published split: users and items of both files have the same names.
Result<std::pair<Split, std::uint32_t>> read_gowalla(const std::filesystem::path& folder,
                                                     Progress& progress) {
  VITRINE_TRY(const Dataset train, read_sequences(folder / "gowalla/train.txt.gz", progress));
  VITRINE_TRY(const Dataset test, read_sequences(folder / "gowalla/test.txt.gz", progress));
  std::unordered_map<std::string, std::uint32_t> users, items;
  for (const std::string& user : train.users) users.try_emplace(user, users.size());
  for (const std::string& item : train.items) items.try_emplace(item, items.size());
  Split split;
  split.train = train.interactions;
  std::vector<Case> cases(train.users.size());
  for (const Interaction& one : train.interactions) cases[one.user.value].history.push_back(one);
  for (const Interaction& one : test.interactions) {
    const auto user = users.find(test.users[one.user.value]);
    if (user == users.end()) continue;  // without a history there is nothing to ask with
    const auto item = items.try_emplace(test.items[one.item.value], items.size()).first;
    cases[user->second].targets.push_back(ItemIndex{item->second});
  }
  for (std::uint32_t u = 0; u < cases.size(); ++u) {
    cases[u].user = UserIndex{u};
    if (!cases[u].targets.empty()) split.cases.push_back(std::move(cases[u]));
  }
  return std::pair{std::move(split), static_cast<std::uint32_t>(items.size())};
}

// Chosen on each user's second last item.
session::TrainOptions beauty_session() {
  session::TrainOptions options;
  options.negatives = 1024;
  const char* epochs = std::getenv("EPOCHS");
  options.epochs_max = epochs == nullptr ? 16 : static_cast<std::uint32_t>(std::atoi(epochs));
  options.validate_every = 2;
  options.patience = 3;
  return options;
}

}  // namespace

// Chosen on a fifth of each user's training items.
spectral::FilterOptions gowalla_filter() {
  spectral::FilterOptions options;
  options.flatness = 1.5;
  options.degree_power = 0.4;
  options.rank = 512;
  options.rank_weight = 0.3;
  return options;
}

IalsSettings gowalla_ials() {
  IalsSettings options;
  options.ials.dimensions = 512;
  options.ials.unobserved = 0.005;
  options.ials.ridge = 0.01;
  options.epochs = 8;
  return options;
}

EmbeddingSettings gowalla_embedding() {
  EmbeddingSettings settings;
  settings.start.degree_power = 0.4;
  return settings;
}

double cpu_s(const Report& report) { return report.fit_cpu_s + report.rank_cpu_s; }

void add_interval(Keys& keys, const std::string& name, const Interval& interval) {
  keys.emplace_back(name, json_number(interval.value));
  keys.emplace_back(name + "_low", json_number(interval.low));
  keys.emplace_back(name + "_high", json_number(interval.high));
}

Result<Keys> gowalla_models(const std::filesystem::path& folder, Progress& progress) {
  Keys keys;
  if (!std::filesystem::exists(folder / "gowalla/train.txt.gz") ||
      !std::filesystem::exists(folder / "gowalla/test.txt.gz")) {
    std::cout << "Gowalla: absent (gowalla/train.txt.gz, test.txt.gz: the split of NGCF and "
                 "LightGCN), not measured\n\n";
    for (const char* key : {"filter_recall20", "filter_ndcg20", "filter_cpu_s",
                            "embedding_recall20", "embedding_ndcg20", "embedding_cpu_s",
                            "softmax_recall20", "softmax_ndcg20", "softmax_cpu_s"}) {
      keys.emplace_back(key, "null");
    }
    return keys;
  }
  VITRINE_TRY(auto read, read_gowalla(folder, progress));
  EvaluatorOptions options;
  options.k = 20;
  std::cout << "Gowalla: " << read.first.cases.size() << " cases, " << read.second << " items\n\n";
  const Evaluator evaluator(std::move(read.first), read.second, options);
  graph::Workers workers(thread_executor(), 1);
  const Means means{workers, progress};
  FilterScorer filter(gowalla_filter(), means);
  EmbeddingScorer embedding(gowalla_embedding(), means);
  IalsScorer ials(gowalla_ials(), means);
  Popularity popularity;
  std::vector<Report> reports;
  for (Scorer* scorer : std::initializer_list<Scorer*>{&filter, &embedding, &ials, &popularity}) {
    reports.push_back(evaluator.run(*scorer));
  }
  print_table(std::cout, reports);
  std::cout << "softmax embedding: best after " << embedding.report().best_epoch << " of "
            << embedding.report().epochs << " epochs\n\n";
  // The better of the two on validation is the one that is reported as the embedding.
  const char* names[] = {"filter", "softmax", "embedding"};
  for (std::size_t r = 0; r < 3; ++r) {
    const std::string name = names[r];
    add_interval(keys, name + "_recall20", reports[r].recall);
    add_interval(keys, name + "_ndcg20", reports[r].ndcg);
    keys.emplace_back(name + "_cpu_s", json_number(cpu_s(reports[r])));
  }
  return keys;
}

Result<Keys> beauty_models(const Dataset& beauty, Progress& progress) {
  const auto items = static_cast<std::uint32_t>(beauty.items.size());
  const Split validation = leave_one_out(beauty, Stage::kValidation);
  // Every third case: enough to stop by, and a third of the time.
  std::vector<Case> stop_by;
  for (std::size_t n = 0; n < validation.cases.size(); n += 3) {
    stop_by.push_back(validation.cases[n]);
  }
  graph::Workers workers(thread_executor(), 1);
  const Means means{workers, progress};
  SessionScorer session({}, beauty_session(), stop_by, means);
  const Evaluator evaluator(leave_one_out(beauty, Stage::kTest), items, {});
  std::vector<Report> reports{evaluator.run(session)};
  const double start = thread_cpu_s();
  CovisitScorer item_item;
  item_item.fit(evaluator.split().train, items);
  const BlendOptions chosen = choose_blend(session, item_item, validation.cases, 3000, items);
  const double fitted = thread_cpu_s();
  BlendScorer blend(session, item_item, chosen);
  reports.push_back(evaluator.run(blend));
  print_table(std::cout, reports);
  // One visitor at a time, as a server asks: history to vector to all scores.
  session::SessionModel::Scratch scratch;
  std::vector<float> vector(session.model().shape().width), scores;
  std::vector<std::uint32_t> history;
  const std::size_t asked = std::min<std::size_t>(2000, evaluator.split().cases.size());
  const double before = thread_cpu_s();
  for (std::size_t n = 0; n < asked; ++n) {
    history.clear();
    for (const Interaction& one : evaluator.split().cases[n].history) {
      history.push_back(one.item.value);
    }
    session.model().encode(history, vector, scratch, workers);
    session.model().score(vector, 1, scores, workers);
  }
  const double ms = (thread_cpu_s() - before) * 1e3 / static_cast<double>(asked);
  std::cout << "session: best after " << session.report().best_epoch << " of "
            << session.report().epochs << " epochs, " << ms << " ms a visitor; blend: weight "
            << chosen.weight << ", sharpness " << chosen.sharpness << "\n\n";
  Keys keys;
  const char* names[] = {"session", "blend"};
  for (std::size_t r = 0; r < 2; ++r) {
    add_interval(keys, std::string(names[r]) + "_hr10", reports[r].hr);
    add_interval(keys, std::string(names[r]) + "_ndcg10", reports[r].ndcg);
  }
  keys.emplace_back("session_cpu_s", json_number(cpu_s(reports[0])));
  keys.emplace_back("blend_cpu_s",
                    json_number(cpu_s(reports[0]) + fitted - start + reports[1].rank_cpu_s));
  keys.emplace_back("session_ms_per_user", json_number(ms));
  return keys;
}

}  // namespace vitrine::bench
