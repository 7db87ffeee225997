#include "tool/train/embedding_scorer.h"

#include <algorithm>

#include "engine/train/gemm.h"
#include "engine/vec/random.h"
#include "service/evaluate/metrics.h"

namespace vitrine::train_tool {
namespace {

constexpr float kNever = -1e30f;

template <class T>
T value_of(Result<T> result) {
  VITRINE_CHECK_MSG(result.ok(), result.error().to_string());
  return std::move(*result);
}

void score_all(const embed::Embedding& model, const std::vector<float>& turned,
               std::span<const Case> cases, DenseScores& out, graph::Workers& workers) {
  const std::size_t d = model.dimensions();
  const std::size_t items = model.items();
  std::vector<float> users(cases.size() * d);
  for (std::size_t n = 0; n < cases.size(); ++n) {
    model.fold_in(distinct_items(cases[n]), std::span(users).subspan(n * d, d));
  }
  out.values.resize(cases.size() * items);
  out.case_stride = items;
  out.item_stride = 1;
  train::multiply({.rows = cases.size(),
                   .cols = items,
                   .inner = d,
                   .a = users.data(),
                   .a_row = d,
                   .b = turned.data(),
                   .b_row = items,
                   .c = out.values.data(),
                   .c_row = items},
                  workers);
}

// What some users of the train part are asked to see when training should stop.
struct StopBy {
  spectral::Interactions learned;
  std::vector<Case> cases;
};

StopBy cut(const spectral::Interactions& all, std::uint32_t every) {
  StopBy out;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  vec::Random random(7);
  for (std::uint32_t u = 0; u < all.users(); ++u) {
    std::vector<std::uint32_t> items(all.items_of(u).begin(), all.items_of(u).end());
    std::size_t kept = items.size();
    if (u % every == 0 && items.size() >= 3) {
      for (std::size_t n = items.size(); n > 1; --n) {
        std::swap(items[n - 1], items[random.below(n)]);
      }
      kept -= std::max<std::size_t>(1, items.size() / 5);
      Case one;
      one.user = UserIndex{u};
      for (std::size_t n = 0; n < items.size(); ++n) {
        if (n < kept) {
          one.history.push_back({UserIndex{u}, ItemIndex{items[n]}, 0, 0});
        } else {
          one.targets.push_back(ItemIndex{items[n]});
        }
      }
      out.cases.push_back(std::move(one));
    }
    for (std::size_t n = 0; n < kept; ++n) pairs.emplace_back(u, items[n]);
  }
  out.learned = spectral::Interactions::build(all.users(), all.items(), std::move(pairs));
  return out;
}

}  // namespace

void EmbeddingScorer::fit(std::span<const Interaction> train, std::uint32_t items) {
  StopBy by = cut(interactions_of(train, items), settings_.validation_every);
  model_.emplace(value_of(
      embed::Embedding::create(by.learned, settings_.start, means_.workers, means_.progress)));
  // Ranks by any model; this scorer's own are those of model_.
  class Trial final : public DenseScorer {
   public:
    Trial(const embed::Embedding& model, graph::Workers& workers)
        : model_(model), workers_(workers), turned_(model.item_vectors().size()) {
      train::transpose(model.item_vectors().data(), model.items(), model.dimensions(),
                       turned_.data());
    }
    std::string name() const override { return "trial"; }
    void fit(std::span<const Interaction>, std::uint32_t) override {}
    std::size_t batch() const override { return 64; }
    void score(std::span<const Case> cases, DenseScores& out) override {
      score_all(model_, turned_, cases, out, workers_);
    }

   private:
    const embed::Embedding& model_;
    graph::Workers& workers_;
    std::vector<float> turned_;
  };
  report_ = value_of(model_->train(
      by.learned, settings_.train,
      [&](const embed::Embedding& model) {
        Trial trial(model, means_.workers);
        trial.prepare(by.cases);
        Mask mask(items);
        std::vector<ItemIndex> answer;
        double sum = 0;
        for (const Case& one : by.cases) {
          for (const Interaction& seen : one.history) mask[seen.item.value] = 1;
          trial.rank(one, mask, settings_.k, answer);
          for (const Interaction& seen : one.history) mask[seen.item.value] = 0;
          sum += evaluate::score_case(answer, one.targets, settings_.k).ndcg;
        }
        return sum / static_cast<double>(std::max<std::size_t>(1, by.cases.size()));
      },
      means_.workers, means_.progress));
  turned_.resize(model_->item_vectors().size());
  train::transpose(model_->item_vectors().data(), items, model_->dimensions(), turned_.data());
}

void EmbeddingScorer::score(std::span<const Case> cases, DenseScores& out) {
  score_all(*model_, turned_, cases, out, means_.workers);
}

void ContentScorer::fit(std::span<const Interaction> train, std::uint32_t items) {
  warm_.emplace(settings_, means_);
  warm_->fit(train, items);
  const embed::Embedding& model = warm_->model();
  const std::size_t d = model.dimensions();
  std::vector<float> events(items);
  for (const Interaction& one : train) events[one.item.value] += one.positive() ? 1.0f : 0.0f;
  // A vector that stands on few events is worth less; more than some tens add nothing.
  for (float& n : events) n = n / (n + 10);
  const auto content = value_of(
      embed::ContentProjection::fit(model.item_vectors(), model.dimensions(), content_, features_,
                                    events, ridge_, means_.workers, means_.progress));
  std::vector<float> vectors(std::size_t{items} * d);
  for (std::size_t i = 0; i < items; ++i) {
    if (cold_[i] != 0) content.project(content_[i], std::span(vectors).subspan(i * d, d));
  }
  turned_.resize(vectors.size());
  train::transpose(vectors.data(), items, d, turned_.data());
}

void ContentScorer::score(std::span<const Case> cases, DenseScores& out) {
  score_all(warm_->model(), turned_, cases, out, means_.workers);
  for (std::size_t n = 0; n < cases.size(); ++n) {
    float* row = out.values.data() + n * out.case_stride;
    for (std::size_t i = 0; i < out.case_stride; ++i) row[i] = cold_[i] != 0 ? row[i] : kNever;
  }
}

}  // namespace vitrine::train_tool
