#include "engine/embed/embedding.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/embed/trainer.h"
#include "engine/vec/random.h"

namespace vitrine::embed {
namespace {

using spectral::Interactions;

constexpr std::uint32_t kUsers = 300;
constexpr std::uint32_t kItems = 90;
constexpr std::uint32_t kGroups = 6;

// Users like the items of their group, and some others. `held`: one liked item of each user that
// the data lacks.
Interactions shop(std::vector<std::uint32_t>* held = nullptr) {
  vec::Random random(4);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t u = 0; u < kUsers; ++u) {
    const auto of_group = [&] {
      return static_cast<std::uint32_t>(random.below(kItems / kGroups)) * kGroups + u % kGroups;
    };
    const std::uint32_t kept_back = of_group();
    if (held != nullptr) held->push_back(kept_back);
    for (int k = 0; k < 6; ++k) {
      const std::uint32_t item =
          k < 4 ? of_group() : static_cast<std::uint32_t>(random.below(kItems));
      if (item != kept_back) pairs.emplace_back(u, item);
    }
  }
  return Interactions::build(kUsers, kItems, std::move(pairs));
}

EmbeddingOptions small() {
  EmbeddingOptions options;
  options.dimensions = 16;
  return options;
}

TrainOptions brief() {
  TrainOptions options;
  options.batch = 64;
  options.negatives = 40;
  options.epochs_max = 6;
  options.rate = 0.01f;
  return options;
}

// Mean reciprocal rank of the items that were kept back.
double rank_of_held(const Embedding& model, const Interactions& data,
                    const std::vector<std::uint32_t>& held) {
  const std::size_t d = model.dimensions();
  std::vector<float> v(d);
  double sum = 0;
  for (std::uint32_t u = 0; u < data.users(); ++u) {
    const auto history = data.items_of(u);
    model.fold_in(history, v);
    const auto score = [&](std::uint32_t item) {
      double s = 0;
      for (std::size_t j = 0; j < d; ++j) s += double{v[j]} * model.item_vectors()[item * d + j];
      return s;
    };
    const double wanted = score(held[u]);
    int above = 0;
    for (std::uint32_t i = 0; i < kItems; ++i) {
      if (!std::binary_search(history.begin(), history.end(), i)) above += score(i) > wanted;
    }
    sum += 1.0 / (above + 1);
  }
  return sum / data.users();
}

Hash128 digest(const Embedding& model) {
  HashSink sink;
  model.save(sink);
  return sink.finish();
}

TEST(Embedding, AVisitorIsTheSumOfItsItemsAtLengthOne) {
  const Interactions data = shop();
  graph::Workers alone(thread_executor(), 1);
  const auto model = Embedding::create(data, small(), alone);
  ASSERT_TRUE(model.ok()) << model.error().to_string();
  const std::vector<std::uint32_t> history{3, 80, 41};
  std::vector<float> v(16);
  model->fold_in(history, v);
  std::vector<double> sum(16);
  double square = 0;
  for (std::size_t j = 0; j < 16; ++j) {
    for (const std::uint32_t item : history) sum[j] += model->history_vectors()[item * 16 + j];
    square += sum[j] * sum[j];
  }
  for (std::size_t j = 0; j < 16; ++j) EXPECT_NEAR(v[j], sum[j] / std::sqrt(square), 1e-6);
  model->fold_in({}, v);
  for (const float x : v) EXPECT_EQ(x, 0.0f);
}

TEST(Embedding, TrainingRanksKeptBackItemsBetterThanItsStart) {
  std::vector<std::uint32_t> held;
  const Interactions data = shop(&held);
  graph::Workers alone(thread_executor(), 1);
  auto model = Embedding::create(data, small(), alone).value();
  const double start = rank_of_held(model, data, held);
  TrainOptions options = brief();
  options.epochs_max = 20;
  options.hop = 0;
  const auto report = model.train(
      data, options, [&](const Embedding& m) { return rank_of_held(m, data, held); }, alone);
  ASSERT_TRUE(report.ok());
  EXPECT_GT(report->best, start);
  EXPECT_EQ(rank_of_held(model, data, held), report->best);
  EXPECT_LT(report->losses.back(), report->losses.front());
  EXPECT_EQ(report->measures.front(), start);
}

TEST(Embedding, GradientsAgreeWithDifferencesOfThePlainLoss) {
  const Interactions data = shop();
  graph::Workers alone(thread_executor(), 1);
  auto model = Embedding::create(data, small(), alone).value();
  EmbeddingTrainer trainer(model, data, brief(), alone);
  const EmbeddingTrainer::Batch batch{{{1, 7, 13}, {2}, {50, 7}}, {{19}, {8, 14, 26}, {1}}};
  const std::vector<std::uint32_t> negatives{5, 19, 60, 61, 62, 5};
  std::vector<double> in(model.history_vectors().begin(), model.history_vectors().end());
  std::vector<double> out(model.item_vectors().begin(), model.item_vectors().end());
  const std::vector<std::uint32_t> all{19, 8, 14, 26, 1, 5, 60, 61, 62};
  const auto plain = [&] {
    double loss = 0;
    for (std::size_t n = 0; n < 3; ++n) {
      std::vector<double> v(16);
      double square = 0;
      for (std::size_t j = 0; j < 16; ++j) {
        for (const std::uint32_t item : batch.known[n]) v[j] += in[item * 16 + j];
        square += v[j] * v[j];
      }
      const auto logit = [&](std::uint32_t item) {
        double s = -trainer.log_chance(item);
        for (std::size_t j = 0; j < 16; ++j) s += v[j] / std::sqrt(square) * out[item * 16 + j];
        return s;
      };
      double sum = 0;
      for (const std::uint32_t item : all) sum += std::exp(logit(item));
      for (const std::uint32_t item : batch.guessed[n]) {
        loss -= (logit(item) - std::log(sum)) / static_cast<double>(batch.guessed[n].size()) / 3;
      }
    }
    return loss;
  };
  EXPECT_NEAR(trainer.step(batch, negatives), plain(), 1e-4);
  EXPECT_EQ(std::vector<std::uint32_t>(trainer.candidates().begin(), trainer.candidates().end()),
            all);
  const auto agree = [&](std::vector<double>& table, std::span<const std::uint32_t> rows,
                         std::span<const float> gradients) {
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (std::size_t j = 0; j < 16; j += 5) {
        double& value = table[rows[r] * 16 + j];
        const double before = value;
        value = before + 1e-5;
        const double above = plain();
        value = before - 1e-5;
        const double below = plain();
        value = before;
        const double wanted = (above - below) / 2e-5;
        EXPECT_NEAR(gradients[r * 16 + j], wanted, 1e-4 + 1e-3 * std::abs(wanted));
      }
    }
  };
  agree(out, trainer.candidates(), trainer.candidate_gradients());
  agree(in, trainer.touched(), trainer.touched_gradients());
}

TEST(Embedding, TheSameBitsForAnyNumberOfWorkersAndOtherBitsForAnotherSeed) {
  const Interactions data = shop();
  const auto trained = [&](unsigned threads, std::uint64_t seed) {
    graph::Workers workers(thread_executor(), threads);
    EmbeddingOptions options = small();
    options.seed = seed;
    auto model = Embedding::create(data, options, workers).value();
    int asked = 0;
    EXPECT_TRUE(model
                    .train(
                        data, brief(), [&](const Embedding&) { return ++asked; }, workers)
                    .ok());
    return digest(model);
  };
  const Hash128 expected = trained(1, 1);
  EXPECT_EQ(trained(3, 1), expected);
  EXPECT_NE(trained(1, 2), expected);
}

TEST(Embedding, EveryLevelOfVectorInstructionsGivesNearlyTheSame) {
  std::vector<float> wanted(64), add(64);
  vec::Random random(9);
  for (std::size_t j = 0; j < 64; ++j) {
    wanted[j] = static_cast<float>(random.normal() * 9);
    add[j] = j < 60 ? static_cast<float>(random.normal()) : -1e30f;
  }
  double sum = 0;
  for (std::size_t j = 0; j < 60; ++j) sum += std::exp(double{wanted[j]} + add[j]);
  for (int level = 0; level <= static_cast<int>(simd::detected_level()); ++level) {
    const EmbedKernel kernel = embed_kernel_for(static_cast<simd::Level>(level));
    std::vector<float> values = wanted;
    EXPECT_NEAR(kernel.softmax(values.data(), add.data(), 64), std::log(sum), 1e-5);
    for (std::size_t j = 0; j < 64; ++j) {
      EXPECT_NEAR(values[j], j < 60 ? std::exp(double{wanted[j]} + add[j]) / sum : 0.0, 1e-6);
    }
  }
}

TEST(Embedding, EndedByItsHooksItGoesOnToTheSameEndValidatedOrNot) {
  std::vector<std::uint32_t> held;
  const Interactions data = shop(&held);
  graph::Workers alone(thread_executor(), 1);
  const auto by_rank = [&](const Embedding& m) { return rank_of_held(m, data, held); };
  for (const bool validated : {true, false}) {
    SCOPED_TRACE(validated ? "validated" : "not validated");
    const std::function<double(const Embedding&)> validate =
        validated ? by_rank : std::function<double(const Embedding&)>();
    auto whole = Embedding::create(data, small(), alone).value();
    const auto expected = whole.train(data, brief(), validate, alone);
    ASSERT_TRUE(expected.ok());
    EXPECT_FALSE(expected->ended);
    if (!validated) {
      EXPECT_EQ(expected->best_epoch, 6u);
    }

    std::string saved;
    TrainHooks hooks;
    hooks.after_epoch = [&](const TrainReport& so_far, const auto& save) {
      if (so_far.epochs < 3) return true;
      StringSink out;
      save(out);
      saved = out.bytes();
      return false;
    };
    auto begun = Embedding::create(data, small(), alone).value();
    const auto ended = begun.train(data, brief(), validate, alone, no_progress(), hooks);
    ASSERT_TRUE(ended.ok());
    EXPECT_TRUE(ended->ended);
    EXPECT_EQ(ended->epochs, 3u);
    StringSource resume(saved);
    hooks = {};
    hooks.resume = &resume;
    auto again = Embedding::create(data, small(), alone).value();
    const auto rest = again.train(data, brief(), validate, alone, no_progress(), hooks);
    ASSERT_TRUE(rest.ok()) << rest.error().to_string();
    EXPECT_EQ(digest(again), digest(whole));
    EXPECT_EQ(rest->losses, expected->losses);
    EXPECT_EQ(rest->measures, expected->measures);
    for (std::size_t cut = 0; cut < saved.size(); cut += 1 + saved.size() / 50) {
      StringSource part(std::string_view(saved).substr(0, cut));
      hooks.resume = &part;
      auto fresh = Embedding::create(data, small(), alone).value();
      EXPECT_FALSE(fresh.train(data, brief(), validate, alone, no_progress(), hooks).ok());
    }
  }
}

TEST(Embedding, AsManyEpochsAsWereBestGiveTheBestWithoutValidation) {
  std::vector<std::uint32_t> held;
  const Interactions data = shop(&held);
  graph::Workers alone(thread_executor(), 1);
  TrainOptions options = brief();
  options.validate_every = 1;
  auto chosen = Embedding::create(data, small(), alone).value();
  const auto report = chosen.train(
      data, options, [&](const Embedding& m) { return rank_of_held(m, data, held); }, alone);
  ASSERT_TRUE(report.ok());
  options.epochs_max = report->best_epoch;
  auto again = Embedding::create(data, small(), alone).value();
  ASSERT_TRUE(again.train(data, options, {}, alone).ok());
  EXPECT_EQ(digest(again), digest(chosen));
}

class EmbeddingFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() /
               ("vitrine_embed_test." + std::to_string(::getpid())))
                  .string();
    std::filesystem::create_directories(folder_);
    options_ = brief();
    options_.files = &io::system_files();
    options_.checkpoint_path = folder_ + "/checkpoint";
    options_.checkpoint_epochs = 2;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<TrainReport> train(Embedding& model, int die_at = -1) {
    int asked = 0;
    return model.train(
        data_, options_,
        [&](const Embedding& m) {
          if (++asked == die_at) ::_exit(7);
          // Falls in between, so that what was best matters.
          const double epoch = std::abs(m.item_vectors()[3]);
          return epoch;
        },
        alone_);
  }
  // A process that dies at its third validation, after the checkpoint of epoch 2.
  void leave_checkpoint() {
    const pid_t child = ::fork();
    if (child == 0) {
      auto model = Embedding::create(data_, small(), alone_).value();
      ::_exit(train(model, 3).ok() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(WEXITSTATUS(status), 7);
    ASSERT_TRUE(std::filesystem::exists(options_.checkpoint_path));
  }

  const Interactions data_ = shop();
  graph::Workers alone_{thread_executor(), 1};
  std::string folder_;
  TrainOptions options_;
};

TEST_F(EmbeddingFiles, KilledItGoesOnFromItsCheckpointToTheSameEnd) {
  auto whole = Embedding::create(data_, small(), alone_).value();
  const auto expected = train(whole);
  ASSERT_TRUE(expected.ok());
  EXPECT_FALSE(std::filesystem::exists(options_.checkpoint_path));
  leave_checkpoint();
  auto again = Embedding::create(data_, small(), alone_).value();
  const auto report = train(again);
  ASSERT_TRUE(report.ok()) << report.error().to_string();
  EXPECT_EQ(digest(again), digest(whole));
  EXPECT_EQ(report->losses, expected->losses);
  EXPECT_EQ(report->measures, expected->measures);
  EXPECT_EQ(report->best_epoch, expected->best_epoch);
}

TEST_F(EmbeddingFiles, ACheckpointOfOtherOptionsOrADamagedOneIsRefused) {
  leave_checkpoint();
  auto model = Embedding::create(data_, small(), alone_).value();
  options_.rate = 0.02f;
  EXPECT_EQ(train(model).error().code(), ErrorCode::kInvalidArgument);
  options_.rate = 0.01f;
  auto file = io::system_files().open(options_.checkpoint_path, io::OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write_at(4000, "damage").ok());
  EXPECT_EQ(train(model).error().code(), ErrorCode::kCorrupt);
}

TEST(Embedding, SavedAndLoadedItAnswersTheSameAndForeignBytesAreRefused) {
  const Interactions data = shop();
  graph::Workers alone(thread_executor(), 1);
  const auto model = Embedding::create(data, small(), alone).value();
  StringSink sink;
  model.save(sink);
  StringSource source(sink.bytes());
  const auto loaded = Embedding::load(source);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(digest(*loaded), digest(model));
  for (std::size_t cut = 0; cut < sink.bytes().size(); cut += 97) {
    StringSource part(std::string_view(sink.bytes()).substr(0, cut));
    EXPECT_EQ(Embedding::load(part).error().code(), ErrorCode::kCorrupt);
  }
}

TEST(Embedding, ImpossibleOptionsAreRefused) {
  const Interactions data = shop();
  graph::Workers alone(thread_executor(), 1);
  for (const std::uint32_t dimensions : {0u, 8u, 96u, 2048u}) {
    EmbeddingOptions options = small();
    options.dimensions = dimensions;
    EXPECT_EQ(Embedding::create(data, options, alone).error().code(), ErrorCode::kInvalidArgument);
  }
  auto model = Embedding::create(data, small(), alone).value();
  TrainOptions options = brief();
  options.known = 1;
  const auto never = [](const Embedding&) { return 0.0; };
  EXPECT_EQ(model.train(data, options, never, alone).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(model.train(Interactions::build(3, 5, {{0, 1}}), brief(), never, alone).error().code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::embed
