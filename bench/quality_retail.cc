// Online Retail: models on new items, and what is bought again by itself.
#include <algorithm>
#include <iostream>
#include <map>

#include "bench/quality_models.h"
#include "engine/repeat/repeat.h"
#include "service/evaluate/baselines.h"
#include "service/evaluate/evaluator.h"
#include "tool/train/embedding_scorer.h"

namespace vitrine::bench {
namespace {

using namespace evaluate;
using namespace train_tool;

// Ranks what a visitor bought before, nothing else.
class RepeatScorer : public Scorer {
 public:
  explicit RepeatScorer(TimeUs now) : now_(now) {}
  void fit(std::span<const Interaction>, std::uint32_t) override {}
  void rank(const Case& one, const Mask&, std::size_t k, std::vector<ItemIndex>& out) override {
    std::map<std::uint32_t, std::vector<TimeUs>> times;
    for (const Interaction& seen : one.history) {
      if (seen.positive()) times[seen.item.value].push_back(seen.time);
    }
    std::vector<std::pair<double, std::uint32_t>> ranked;
    for (auto& [item, bought] : times) {
      std::sort(bought.begin(), bought.end());
      ranked.emplace_back(-score(ItemIndex{item}, bought), item);
    }
    std::sort(ranked.begin(), ranked.end());
    out.clear();
    for (const auto& [value, item] : ranked) {
      if (out.size() < k) out.push_back(ItemIndex{item});
    }
  }

 protected:
  virtual double score(ItemIndex item, std::span<const TimeUs> times) const = 0;
  TimeUs now_;
};

class Due final : public RepeatScorer {
 public:
  using RepeatScorer::RepeatScorer;
  std::string name() const override { return "when it is due"; }
  void fit(std::span<const Interaction> train, std::uint32_t) override {
    std::map<std::pair<std::uint32_t, std::uint32_t>, TimeUs> last;
    for (const Interaction& one : train) {
      if (!one.positive()) continue;
      const auto [at, first] = last.try_emplace({one.user.value, one.item.value}, one.time);
      if (first) {
        repeat_.first_purchase(one.item);
      } else {
        repeat_.again(one.item, one.time - at->second);
        at->second = one.time;
      }
    }
  }

 private:
  double score(ItemIndex item, std::span<const TimeUs> times) const override {
    std::vector<TimeUs> gaps;
    for (std::size_t n = 1; n < times.size(); ++n) gaps.push_back(times[n] - times[n - 1]);
    return repeat_.due(item, {times.back(), gaps}, now_);
  }
  repeat::Repeat repeat_;
};

class Often final : public RepeatScorer {
 public:
  using RepeatScorer::RepeatScorer;
  std::string name() const override { return "bought most often"; }

 private:
  double score(ItemIndex, std::span<const TimeUs> times) const override {
    // Among equals the newest.
    return static_cast<double>(times.size()) +
           static_cast<double>(times.back()) / static_cast<double>(now_) / 2;
  }
};

class Newest final : public RepeatScorer {
 public:
  using RepeatScorer::RepeatScorer;
  std::string name() const override { return "bought last"; }

 private:
  double score(ItemIndex, std::span<const TimeUs> times) const override {
    return static_cast<double>(times.back());
  }
};

// Of each customer's first later invoice the items that it had bought before.
Split repeats_of(const Dataset& retail, TimeUs cut) {
  Split split = temporal(retail, {cut, false});
  for (Case& one : split.cases) {
    std::erase_if(one.targets, [&](ItemIndex item) {
      return std::none_of(one.history.begin(), one.history.end(),
                          [&](const Interaction& seen) { return seen.item == item; });
    });
  }
  std::erase_if(split.cases, [](const Case& one) { return one.targets.empty(); });
  return split;
}

}  // namespace

Result<Keys> retail_models(const Dataset& retail, const Split& split, TimeUs cut,
                           Progress& progress) {
  graph::Workers workers(thread_executor(), 1);
  const Means means{workers, progress};
  const Evaluator evaluator(split, static_cast<std::uint32_t>(retail.items.size()), {});
  EaseScorer ease({}, means);
  spectral::FilterOptions filter_options;
  filter_options.rank = 64;
  FilterScorer filter(filter_options, means);
  IalsScorer ials({}, means);
  EmbeddingSettings embedding_settings;
  embedding_settings.start.dimensions = 128;
  EmbeddingScorer embedding(embedding_settings, means);
  std::vector<Report> reports;
  for (Scorer* scorer : std::initializer_list<Scorer*>{&ease, &filter, &ials, &embedding}) {
    reports.push_back(evaluator.run(*scorer));
  }
  std::cout << "Online Retail, new items, the same cases\n\n";
  print_table(std::cout, reports);
  Keys keys;
  const char* names[] = {"retail_ease", "retail_filter", "retail_ials", "retail_embedding"};
  for (std::size_t r = 0; r < reports.size(); ++r) {
    add_interval(keys, std::string(names[r]) + "_hr10", reports[r].hr);
    keys.emplace_back(std::string(names[r]) + "_cpu_s", json_number(cpu_s(reports[r])));
  }
  EvaluatorOptions options;
  options.mask_history = false;
  const Evaluator repeats(repeats_of(retail, cut), static_cast<std::uint32_t>(retail.items.size()),
                          options);
  Due due(cut);
  Often often(cut);
  Newest newest(cut);
  reports.clear();
  for (Scorer* scorer : std::initializer_list<Scorer*>{&due, &often, &newest}) {
    reports.push_back(repeats.run(*scorer));
  }
  std::cout << "\nOnline Retail, what is bought again: " << repeats.split().cases.size()
            << " cases\n\n";
  print_table(std::cout, reports);
  std::cout << "\n";
  const char* repeat_names[] = {"repeat_due", "repeat_often", "repeat_newest"};
  for (std::size_t r = 0; r < reports.size(); ++r) {
    add_interval(keys, std::string(repeat_names[r]) + "_hr10", reports[r].hr);
    add_interval(keys, std::string(repeat_names[r]) + "_recall10", reports[r].recall);
  }
  keys.emplace_back("repeat_cpu_s", json_number(cpu_s(reports[0])));
  return keys;
}

}  // namespace vitrine::bench
