#include "engine/train/graph_sage.h"

#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

namespace vitrine::train {
namespace {

using graph::MiniBatch;

MiniBatch random_batch(std::mt19937_64& random, std::uint32_t rows, std::uint32_t inner,
                       std::uint32_t outer, std::uint32_t examples) {
  MiniBatch batch;
  batch.rows = rows;
  const auto lists = [&](std::uint32_t targets, std::uint32_t from_max, std::uint32_t fanout,
                         auto& own, auto& begin, auto& from) {
    begin.push_back(0);
    for (std::uint32_t i = 0; i < targets; ++i) {
      own.push_back(static_cast<std::uint32_t>(random() % from_max));
      const std::uint32_t n = static_cast<std::uint32_t>(random() % (fanout + 1));  // also none
      for (std::uint32_t k = 0; k < n; ++k) {
        from.push_back(static_cast<std::uint32_t>(random() % from_max));
      }
      begin.push_back(static_cast<std::uint32_t>(from.size()));
    }
  };
  lists(inner, rows, 4, batch.inner, batch.inner_begin, batch.inner_from);
  lists(outer, inner, 5, batch.outer, batch.outer_begin, batch.outer_from);
  for (std::uint32_t i = 0; i < examples * 3; ++i) {
    batch.triples.push_back(static_cast<std::uint32_t>(random() % outer));
  }
  return batch;
}

// The formulas of the header in doubles, one node at a time.
double plain_loss(const SageShape& s, std::span<const double> p, const MiniBatch& batch,
                  const std::vector<float>& rows) {
  const double* w1 = p.data();
  const double* b1 = w1 + 2 * s.features * s.hidden;
  const double* w2 = b1 + s.hidden;
  const double* b2 = w2 + 2 * s.hidden * s.out;
  const auto layer = [](const std::vector<std::vector<double>>& in, const auto& own,
                        const auto& begin, const auto& from, const double* w, const double* b,
                        std::size_t outputs, bool relu) {
    std::vector<std::vector<double>> out;
    for (std::size_t i = 0; i < own.size(); ++i) {
      std::vector<double> input = in[own[i]];
      std::vector<double> mean(input.size());
      for (auto e = begin[i]; e < begin[i + 1]; ++e) {
        for (std::size_t k = 0; k < mean.size(); ++k) {
          mean[k] += in[from[e]][k] / (begin[i + 1] - begin[i]);
        }
      }
      input.insert(input.end(), mean.begin(), mean.end());
      std::vector<double> z(outputs);
      for (std::size_t o = 0; o < outputs; ++o) {
        z[o] = b[o];
        for (std::size_t k = 0; k < input.size(); ++k) z[o] += input[k] * w[k * outputs + o];
        if (relu) z[o] = std::max(z[o], 0.0);
      }
      out.push_back(z);
    }
    return out;
  };
  std::vector<std::vector<double>> x(batch.rows);
  for (std::size_t r = 0; r < batch.rows; ++r) {
    x[r].assign(rows.begin() + static_cast<std::ptrdiff_t>(r * s.features),
                rows.begin() + static_cast<std::ptrdiff_t>((r + 1) * s.features));
  }
  const auto h = layer(x, batch.inner, batch.inner_begin, batch.inner_from, w1, b1, s.hidden, true);
  const auto z = layer(h, batch.outer, batch.outer_begin, batch.outer_from, w2, b2, s.out, false);
  double loss = 0;
  for (std::size_t e = 0; e < batch.triples.size(); e += 3) {
    double wrong = 0;
    for (std::size_t k = 0; k < s.out; ++k) {
      wrong += z[batch.triples[e]][k] * (z[batch.triples[e + 2]][k] - z[batch.triples[e + 1]][k]);
    }
    loss += std::log1p(std::exp(wrong));
  }
  return loss / (static_cast<double>(batch.triples.size()) / 3);
}

struct Case {
  SageShape shape;
  MiniBatch batch;
  std::vector<float> rows;
  graph::RowFormat format;
};

Case make_case(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Case c;
  c.shape = {16, 7, 5};
  c.batch = random_batch(random, 40, 25, 12, 9);
  c.rows.resize(40 * 16);
  for (float& x : c.rows) x = static_cast<float>(random() % 2001) / 1000 - 1;
  c.format = {40, 16, graph::RowType::kFp32};
  return c;
}

std::span<const char> bytes_of(const std::vector<float>& rows) {
  return {reinterpret_cast<const char*>(rows.data()), rows.size() * 4};
}

TEST(GraphSage, GradientsAgreeWithDifferencesOfThePlainFormulas) {
  graph::Workers workers(thread_executor(), 2);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Case c = make_case(seed);
    GraphSage model(c.shape, seed, {}, workers);
    for (float& p : model.parameters()) p += 0.01f;  // biases too
    model.take_rows(c.batch, bytes_of(c.rows), c.format);
    model.forward(c.batch);
    const double loss = model.backward(c.batch);
    std::vector<double> p(model.parameters().begin(), model.parameters().end());
    EXPECT_NEAR(loss, plain_loss(c.shape, p, c.batch, c.rows), 1e-5);
    for (std::size_t i = 0; i < p.size(); ++i) {
      constexpr double kStep = 1e-6;
      const double at = p[i];
      p[i] = at + kStep;
      const double above = plain_loss(c.shape, p, c.batch, c.rows);
      p[i] = at - kStep;
      const double below = plain_loss(c.shape, p, c.batch, c.rows);
      p[i] = at;
      ASSERT_NEAR(model.gradients()[i], (above - below) / (2 * kStep), 2e-5)
          << "parameter " << i << " of seed " << seed;
    }
  }
}

TEST(GraphSage, StepsLowerTheLossAndGiveTheSameBitsOnAnyNumberOfThreads) {
  std::vector<float> parameters;
  for (unsigned threads = 1; threads <= 3; ++threads) {
    graph::Workers workers(thread_executor(), threads);
    const Case c = make_case(9);
    GraphSage model(c.shape, 1, {}, workers);
    double first = 0;
    double last = 0;
    for (int i = 0; i < 300; ++i) {
      model.take_rows(c.batch, bytes_of(c.rows), c.format);
      last = model.step(c.batch);
      if (i == 0) first = last;
    }
    EXPECT_LT(last, first / 2);
    if (threads == 1) {
      parameters.assign(model.parameters().begin(), model.parameters().end());
    } else {
      EXPECT_TRUE(std::equal(parameters.begin(), parameters.end(), model.parameters().begin()));
    }
  }
}

TEST(GraphSage, RowsInBf16AreRowsRoundedToBf16) {
  graph::Workers workers(thread_executor(), 1);
  Case c = make_case(3);
  const graph::RowFormat half{40, 16, graph::RowType::kBf16};
  std::vector<char> bytes(40 * half.stride());
  for (std::size_t r = 0; r < 40; ++r) {
    for (std::size_t k = 0; k < 16; ++k) {
      float& value = c.rows[r * 16 + k];
      const std::uint16_t rounded = graph::to_bf16(value);
      std::memcpy(bytes.data() + r * half.stride() + k * 2, &rounded, 2);
      value = graph::from_bf16(rounded);
    }
  }
  GraphSage a(c.shape, 1, {}, workers);
  GraphSage b(c.shape, 1, {}, workers);
  a.take_rows(c.batch, bytes_of(c.rows), c.format);
  b.take_rows(c.batch, bytes, half);
  const auto from_a = a.forward(c.batch);
  const auto from_b = b.forward(c.batch);
  EXPECT_TRUE(std::equal(from_a.begin(), from_a.end(), from_b.begin(), from_b.end()));
}

TEST(GraphSage, SavedAndLoadedItGoesOnTheSame) {
  graph::Workers workers(thread_executor(), 1);
  const Case c = make_case(4);
  const auto train = [&](GraphSage& model, int steps) {
    for (int i = 0; i < steps; ++i) {
      model.take_rows(c.batch, bytes_of(c.rows), c.format);
      model.step(c.batch);
    }
  };
  GraphSage whole(c.shape, 1, {}, workers);
  train(whole, 20);
  GraphSage half(c.shape, 1, {}, workers);
  train(half, 11);
  StringSink saved;
  half.save(saved);
  GraphSage loaded(c.shape, 99, {}, workers);
  StringSource source(saved.bytes());
  ASSERT_TRUE(loaded.load(source).ok());
  train(loaded, 9);
  EXPECT_TRUE(std::equal(whole.parameters().begin(), whole.parameters().end(),
                         loaded.parameters().begin()));
  GraphSage other({16, 8, 5}, 1, {}, workers);
  StringSource again(saved.bytes());
  EXPECT_FALSE(other.load(again).ok());
  StringSource cut(std::string_view(saved.bytes()).substr(0, 500));
  EXPECT_EQ(loaded.load(cut).error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace vitrine::train
