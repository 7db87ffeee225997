// Beauty: items that nobody has turned to yet.
#include <algorithm>
#include <functional>
#include <iostream>

#include "bench/quality_models.h"
#include "engine/vec/random.h"
#include "platform/codec/json_parse.h"
#include "service/evaluate/evaluator.h"
#include "tool/evaluate/data_file.h"
#include "tool/train/embedding_scorer.h"

namespace vitrine::bench {
namespace {

using namespace evaluate;
using namespace train_tool;

struct Content {
  embed::Features of_item;
  std::uint32_t features = 0;
};

Result<Content> read_content(const std::filesystem::path& path, const Dataset& data) {
  VITRINE_TRY(auto file, DataFile::open(path.string()));
  std::string text;
  std::string_view line;
  while (true) {
    VITRINE_TRY(const bool more, file.next(line));
    if (!more) break;
    text += line;
  }
  codec::JsonParser parser;
  VITRINE_TRY(const simdjson::dom::element root, parser.parse(text));
  Content content;
  content.of_item.resize(data.items.size());
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) {
    return Error(ErrorCode::kInvalidArgument, path.string() + " holds no object");
  }
  for (std::size_t i = 0; i < data.items.size(); ++i) {
    simdjson::dom::array numbers;
    if (object[data.items[i]].get(numbers) != simdjson::SUCCESS) continue;
    for (const simdjson::dom::element one : numbers) {
      std::uint64_t number = 0;
      if (one.get(number) != simdjson::SUCCESS || number >= embed::kFeaturesMax) {
        return Error(ErrorCode::kInvalidArgument,
                     path.string() + ": item " + data.items[i] + " has an attribute that is none");
      }
      content.of_item[i].push_back(static_cast<std::uint32_t>(number));
      content.features = std::max(content.features, static_cast<std::uint32_t>(number) + 1);
    }
  }
  return content;
}

// 0: always known; 1: hidden when settings are chosen; 2: hidden at test.
std::vector<std::uint8_t> parts_of(std::size_t items) {
  std::vector<std::uint8_t> part(items);
  vec::Random random(11);
  for (std::uint8_t& p : part) {
    const std::uint64_t drawn = random.below(10);
    p = drawn < 2 ? static_cast<std::uint8_t>(drawn + 1) : 0;
  }
  return part;
}

struct ColdSplit {
  Split split;
  Mask cold;
  std::vector<float> hidden;  // events of each cold item
};

// Nothing of the items that are hidden at `stage` is learned from; when settings are chosen nothing
// of those of the test is seen at all. A case: what a visitor turned to before a hidden item.
ColdSplit hide(const Dataset& data, std::uint8_t stage) {
  const auto part = parts_of(data.items.size());
  ColdSplit out;
  out.cold.resize(data.items.size());
  out.hidden.resize(data.items.size());
  for (std::size_t i = 0; i < part.size(); ++i) out.cold[i] = part[i] == stage;
  std::vector<std::vector<Interaction>> histories(data.users.size());
  for (const Interaction& one : data.interactions) {
    const std::uint8_t p = part[one.item.value];
    if (p == 2 && stage == 1) continue;
    auto& history = histories[one.user.value];
    if (p == stage) {
      out.hidden[one.item.value] += 1;
      if (!history.empty()) out.split.cases.push_back({one.user, history, {one.item}});
      continue;
    }
    history.push_back(one);
    out.split.train.push_back(one);
  }
  return out;
}

// Popularity among the hidden items. Foretold, it has the events that were hidden, which is more
// than anyone can know; else it knows none of these items from another and draws lots.
class ColdPopularity final : public DenseScorer {
 public:
  ColdPopularity(const ColdSplit& of, bool foretold) : foretold_(foretold), score_(of.hidden) {
    if (foretold) return;
    vec::Random random(5);
    for (std::size_t i = 0; i < score_.size(); ++i) {
      score_[i] = of.cold[i] ? static_cast<float>(1 + random.below(1u << 20)) : 0;
    }
  }
  std::string name() const override {
    return foretold_ ? "popularity, foretold" : "popularity, as known";
  }
  void fit(std::span<const Interaction>, std::uint32_t) override {}
  std::size_t batch() const override { return 64; }
  void score(std::span<const Case> cases, DenseScores& out) override {
    out.case_stride = score_.size();
    out.item_stride = 1;
    out.values.clear();
    for (std::size_t n = 0; n < cases.size(); ++n) {
      out.values.insert(out.values.end(), score_.begin(), score_.end());
    }
  }

 private:
  bool foretold_;
  std::vector<float> score_;  // by item
};

EmbeddingSettings cold_settings() {
  EmbeddingSettings settings;
  settings.start.dimensions = 128;
  settings.train.epochs_max = 0;
  settings.k = 10;
  return settings;
}
constexpr double kRidge = 3;

}  // namespace

Status cold_search(const std::filesystem::path& folder, const Dataset& beauty, Progress& progress) {
  VITRINE_TRY(const Content content,
              read_content(folder / "amazon-beauty/item_attributes.json.gz", beauty));
  const ColdSplit cold = hide(beauty, 1);
  EvaluatorOptions options;
  options.bootstrap.rounds = 10;
  const Evaluator evaluator(cold.split, static_cast<std::uint32_t>(beauty.items.size()), options);
  graph::Workers workers(thread_executor(), 1);
  const Means means{workers, progress};
  const auto attempt = [&](const std::string& what,
                           const std::function<void(EmbeddingSettings&, double&)>& change) {
    EmbeddingSettings settings = cold_settings();
    double ridge = kRidge;
    change(settings, ridge);
    ContentScorer scorer(settings, ridge, content.of_item, content.features, cold.cold, means);
    const Report report = evaluator.run(scorer);
    std::cout << "cold items, " << what << ": HR@10 " << report.hr.value << ", NDCG@10 "
              << report.ndcg.value << ", " << cpu_s(report) << " CPU s\n";
  };
  ColdPopularity popularity(cold, true);
  std::cout << "cold items, popularity: HR@10 " << evaluator.run(popularity).hr.value << "\n";
  attempt("as chosen", [](EmbeddingSettings&, double&) {});
  attempt("8 epochs of training", [](EmbeddingSettings& s, double&) { s.train.epochs_max = 8; });
  for (const double v : {1.0, 10.0, 30.0}) {
    attempt("ridge " + json_number(v), [v](EmbeddingSettings&, double& ridge) { ridge = v; });
  }
  for (const std::uint32_t v : {64u, 256u}) {
    attempt("dimensions " + std::to_string(v),
            [v](EmbeddingSettings& s, double&) { s.start.dimensions = v; });
  }
  return ok_status();
}

Result<Keys> cold_models(const std::filesystem::path& folder, const Dataset& beauty,
                         Progress& progress) {
  Keys keys;
  const auto path = folder / "amazon-beauty/item_attributes.json.gz";
  if (!std::filesystem::exists(path)) {
    std::cout << "Beauty, cold items: absent (amazon-beauty/item_attributes.json.gz: numbers of "
                 "attributes by item), not measured\n\n";
    for (const char* key : {"cold_hr10", "cold_popularity_hr10", "cold_over_popularity",
                            "cold_over_known_popularity"}) {
      keys.emplace_back(key, "null");
    }
    return keys;
  }
  VITRINE_TRY(const Content content, read_content(path, beauty));
  const ColdSplit cold = hide(beauty, 2);
  const Evaluator evaluator(cold.split, static_cast<std::uint32_t>(beauty.items.size()), {});
  graph::Workers workers(thread_executor(), 1);
  const Means means{workers, progress};
  ContentScorer scorer(cold_settings(), kRidge, content.of_item, content.features, cold.cold,
                       means);
  ColdPopularity foretold(cold, true), known(cold, false);
  const std::vector<Report> reports{evaluator.run(scorer), evaluator.run(foretold),
                                    evaluator.run(known)};
  std::cout << "Beauty, cold items: " << evaluator.split().cases.size() << " cases, "
            << std::count(cold.cold.begin(), cold.cold.end(), 1) << " items without any event\n\n";
  print_table(std::cout, reports);
  const auto over = [&reports](std::size_t rival) {
    return bootstrap_ratio(reports[0].column(&CaseScore::hr), reports[rival].column(&CaseScore::hr),
                           {});
  };
  const Interval over_foretold = over(1), over_known = over(2);
  const auto say = [](const char* rival, const Interval& ratio) {
    std::cout << "HR@10 over " << rival << ": " << ratio.value << " [" << ratio.low << ", "
              << ratio.high << "]\n";
  };
  say("popularity that is told the hidden events", over_foretold);
  say("popularity as a shop knows it, which has none for these items", over_known);
  std::cout << "\n";
  add_interval(keys, "cold_hr10", reports[0].hr);
  add_interval(keys, "cold_ndcg10", reports[0].ndcg);
  add_interval(keys, "cold_popularity_hr10", reports[1].hr);
  add_interval(keys, "cold_over_popularity", over_foretold);
  add_interval(keys, "cold_over_known_popularity", over_known);
  keys.emplace_back("cold_cpu_s", json_number(cpu_s(reports[0])));
  return keys;
}

}  // namespace vitrine::bench
