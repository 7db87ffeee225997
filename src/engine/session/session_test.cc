#include <cmath>

#include <gtest/gtest.h>

#include "engine/session/blocks.h"
#include "engine/session/session_model.h"
#include "engine/session/trainer.h"

namespace vitrine::session {
namespace {

Shape tiny() {
  Shape shape;
  shape.items = 45;
  shape.width = 16;
  shape.inner = 32;
  shape.length = 6;
  return shape;
}

Sequences random_sequences(std::uint32_t count, std::uint32_t items, std::uint64_t seed) {
  vec::Random random(seed);
  Sequences out(count);
  for (auto& sequence : out) {
    for (std::uint64_t k = random.below(9); k > 0; --k) {
      sequence.push_back(static_cast<std::uint32_t>(random.below(items)));
    }
  }
  return out;
}

// Each item is followed by the next number, with a jump now and then.
Sequences chains(std::uint32_t count, std::uint32_t items) {
  vec::Random random(3);
  Sequences out(count);
  for (auto& sequence : out) {
    auto item = static_cast<std::uint32_t>(random.below(items));
    for (int k = 0; k < 6; ++k) {
      sequence.push_back(item);
      item = (item + 1) % items;
    }
  }
  return out;
}

// Larger weights than at the start, so that no part of the gradient hides behind small ones.
SessionModel shaken(std::uint64_t seed) {
  auto model = SessionModel::create(tiny(), seed);
  EXPECT_TRUE(model.ok());
  vec::Random random(seed);
  for (float& w : model->parameters()) w += static_cast<float>(0.3 * random.normal());
  // What is derived from the weights follows when they are loaded.
  StringSink saved;
  model->save(saved);
  StringSource source(saved.bytes());
  auto loaded = SessionModel::load(source);
  EXPECT_TRUE(loaded.ok());
  return std::move(*loaded);
}

TEST(SessionModel, GradientIsWhatDifferencesSay) {
  graph::Workers workers(thread_executor(), 1);
  SessionModel model = shaken(1);
  const Sequences data{{1, 4, 9, 2}, {7, 7, 3}, {5}, {0, 1, 2, 3, 4, 5, 6, 7, 8}};
  std::vector<float> gradient, ignored;
  model.loss_and_gradient(data, gradient, workers);
  ASSERT_EQ(gradient.size(), model.parameters().size());
  double largest = 0;
  std::size_t nonzero = 0;
  for (std::size_t i = 0; i < gradient.size(); i += 3) {
    float& w = model.parameters()[i];
    const float kept = w;
    constexpr float kStep = 4e-3f;
    w = kept + kStep;
    const double above = model.loss_and_gradient(data, ignored, workers);
    w = kept - kStep;
    const double below = model.loss_and_gradient(data, ignored, workers);
    w = kept;
    const double difference = (above - below) / (2 * kStep);
    EXPECT_NEAR(gradient[i], difference, 2e-3 + 0.02 * std::abs(difference)) << "parameter " << i;
    largest = std::max(largest, std::abs(difference));
    nonzero += std::abs(difference) > 1e-3 ? 1 : 0;
  }
  EXPECT_GT(largest, 0.01);
  EXPECT_GT(nonzero, gradient.size() / 10);
}

TEST(SessionModel, EncodeIsWhatTrainingComputes) {
  graph::Workers workers(thread_executor(), 1);
  const SessionModel model = shaken(2);
  // The loss of one sequence with one target, from the outside.
  const Sequences data{{3, 8, 20, 11, 40}};
  std::vector<float> gradient;
  const double loss = model.loss_and_gradient(data, gradient, workers);
  double wanted = 0;
  SessionModel::Scratch scratch;
  std::vector<float> vector(16), scores;
  for (std::size_t n = 1; n < 5; ++n) {
    model.encode({data[0].data(), n}, vector, scratch, workers);
    model.score(vector, 1, scores, workers);
    double sum = 0;
    for (const float s : scores) sum += std::exp(double{s});
    wanted += (std::log(sum) - scores[data[0][n]]) / 4;
  }
  EXPECT_NEAR(loss, wanted, 1e-4);
}

TEST(SessionModel, OnlyTheNewestEventsOfItsLengthCountAndNoneGivesZeros) {
  graph::Workers workers(thread_executor(), 1);
  const SessionModel model = shaken(3);
  SessionModel::Scratch scratch;
  std::vector<float> a(16), b(16);
  const std::vector<std::uint32_t> longer{9, 8, 1, 2, 3, 4, 5, 6};
  model.encode(longer, a, scratch, workers);
  model.encode(std::span(longer).last(6), b, scratch, workers);
  EXPECT_EQ(a, b);
  model.encode({}, a, scratch, workers);
  EXPECT_EQ(a, std::vector<float>(16, 0.0f));
}

TEST(SessionModel, SampledSoftmaxHasTheGradientOfTheWholeOneOnAverage) {
  graph::Workers workers(thread_executor(), 1);
  SessionModel model = shaken(4);
  for (float& w : model.parameters()) w *= 0.3f;
  const Sequences data{{1, 4, 9, 2}, {7, 30, 3}};
  std::vector<float> whole;
  model.loss_and_gradient(data, whole, workers);
  TrainOptions options;
  options.dropout = 0;
  options.negatives = 20;
  SessionTrainer trainer(model, options, workers);
  Batch batch;
  for (const auto& sequence : data) batch.add(sequence, 6);
  std::vector<double> mean(whole.size());
  constexpr int kDraws = 2000;
  for (int k = 0; k < kDraws; ++k) {
    trainer.step(batch);
    for (std::size_t i = 0; i < mean.size(); ++i)
      mean[i] += trainer.gradients()[i] / double{kDraws};
  }
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    error += (mean[i] - whole[i]) * (mean[i] - whole[i]);
    size += double{whole[i]} * whole[i];
  }
  EXPECT_LT(std::sqrt(error / size), 0.05);
}

TEST(SessionModel, LearnsChainsAndKeepsItsBestEpoch) {
  graph::Workers workers(thread_executor(), 1);
  auto model = SessionModel::create(tiny(), 1);
  ASSERT_TRUE(model.ok());
  TrainOptions options;
  options.batch = 64;
  options.dropout = 0.1f;
  options.rate = 1e-2f;
  options.epochs_max = 30;
  const auto hits = [&](const SessionModel& m) {
    SessionModel::Scratch scratch;
    std::vector<float> vector(16), scores;
    int hit = 0;
    for (std::uint32_t i = 0; i < 45; ++i) {
      const std::vector<std::uint32_t> history{(i + 44) % 45, i};
      m.encode(history, vector, scratch, workers);
      m.score(vector, 1, scores, workers);
      hit += std::max_element(scores.begin(), scores.end()) - scores.begin() == (i + 1) % 45;
    }
    return static_cast<double>(hit) / 45;
  };
  const auto report = model->train(chains(200, 45), options, hits, workers);
  ASSERT_TRUE(report.ok());
  EXPECT_GT(report->best, 0.9);
  EXPECT_EQ(hits(*model), report->best);
  EXPECT_LT(report->losses.back(), report->losses.front());
}

TEST(SessionModel, SameSeedSameBitsForAnyNumberOfThreads) {
  std::vector<float> first;
  for (const unsigned threads : {1u, 3u}) {
    graph::Workers workers(thread_executor(), threads);
    auto model = SessionModel::create(tiny(), 7);
    ASSERT_TRUE(model.ok());
    TrainOptions options;
    options.epochs_max = 2;
    options.batch = 50;
    options.negatives = 16;
    const auto report = model->train(
        random_sequences(80, 45, 2), options, [](const SessionModel&) { return 0.0; }, workers);
    ASSERT_TRUE(report.ok());
    const std::vector<float> now(model->parameters().begin(), model->parameters().end());
    if (first.empty()) first = now;
    EXPECT_EQ(now, first);
  }
}

TEST(SessionModel, SavedAndLoadedItAnswersTheSame) {
  graph::Workers workers(thread_executor(), 1);
  const SessionModel model = shaken(5);
  StringSink saved;
  model.save(saved);
  StringSource source(saved.bytes());
  const auto loaded = SessionModel::load(source);
  ASSERT_TRUE(loaded.ok());
  SessionModel::Scratch scratch;
  std::vector<float> a(16), b(16);
  const std::vector<std::uint32_t> history{1, 2, 3};
  model.encode(history, a, scratch, workers);
  loaded->encode(history, b, scratch, workers);
  EXPECT_EQ(a, b);
  for (std::size_t size = 0; size < saved.bytes().size(); size += 101) {
    StringSource cut(std::string_view(saved.bytes()).substr(0, size));
    EXPECT_FALSE(SessionModel::load(cut).ok()) << size;
  }
}

TEST(SessionModel, RefusesShapesAndDataItCannotUse) {
  Shape shape = tiny();
  shape.width = 20;
  EXPECT_EQ(SessionModel::create(shape, 1).error().code(), ErrorCode::kInvalidArgument);
  graph::Workers workers(thread_executor(), 1);
  auto model = SessionModel::create(tiny(), 1);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model
                ->train(
                    {{1}, {}, {2}}, {}, [](const SessionModel&) { return 0.0; }, workers)
                .error()
                .code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::session
