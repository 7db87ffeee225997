#include "tool/vec/generate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "engine/vec/random.h"

namespace vitrine::vec {
namespace {

constexpr std::size_t kChunk = 4096;

// A tree of topics: 96 themes, 24 topics each, 20 subjects each. A row is the sum of what its
// path contributes plus its own part.
struct Topics {
  static constexpr std::array<std::uint32_t, 3> kFanOut{96, 24, 20};
  static constexpr std::array<float, 3> kSpread{1.0F, 0.72F, 0.52F};
  static constexpr float kOwn = 1.4F;

  Topics(std::uint64_t seed, std::uint32_t dim_) : dim(dim_), deviation(dim_) {
    // Real embeddings from a decomposition lose variance from dimension to dimension.
    for (std::uint32_t d = 0; d < dim; ++d)
      deviation[d] = 1.0F / (1.0F + 6.0F * static_cast<float>(d) / static_cast<float>(dim));
    std::uint32_t nodes = 1;
    Random random(seed);
    for (std::size_t level = 0; level < kFanOut.size(); ++level) {
      nodes *= kFanOut[level];
      centers[level].resize(std::size_t{nodes} * dim);
      for (std::size_t i = 0; i < centers[level].size(); ++i)
        centers[level][i] =
            static_cast<float>(random.normal()) * deviation[i % dim] * kSpread[level];
    }
  }

  // Small numbers are likelier, as in Zipf's law with a flattened head.
  static std::uint32_t pick(Random& random, std::uint32_t n) {
    const double u = random.uniform();
    return std::min(n - 1, static_cast<std::uint32_t>(n * u * (0.35 + 0.65 * u)));
  }

  void row(Random& random, float* out) const {
    std::array<std::size_t, 3> node{};
    std::size_t at = 0;
    for (std::size_t level = 0; level < kFanOut.size(); ++level) {
      at = at * kFanOut[level] + pick(random, kFanOut[level]);
      node[level] = at;
    }
    // Texts are more or less typical of their subject.
    const double typical = random.uniform();
    const auto own = kOwn * static_cast<float>(0.15 + 1.35 * typical * typical);
    double square = 0;
    for (std::uint32_t d = 0; d < dim; ++d) {
      float value = own * deviation[d] * static_cast<float>(random.normal());
      for (std::size_t level = 0; level < kFanOut.size(); ++level)
        value += centers[level][node[level] * dim + d];
      out[d] = value;
      square += static_cast<double>(value) * value;
    }
    const auto inverse = static_cast<float>(1.0 / std::sqrt(square + 1e-30));
    for (std::uint32_t d = 0; d < dim; ++d) out[d] *= inverse;
  }

  std::uint32_t dim;
  std::vector<float> deviation;
  std::array<std::vector<float>, 3> centers;
};

// Two random layers over 24 hidden dimensions of falling weight.
struct Surface {
  static constexpr std::uint32_t kHidden = 24;
  static constexpr std::uint32_t kMiddle = 64;

  Surface(std::uint64_t seed, std::uint32_t dim_)
      : dim(dim_), first(kHidden * kMiddle), second(std::size_t{kMiddle} * dim_) {
    Random random(seed);
    for (float& w : first) w = static_cast<float>(random.normal() / std::sqrt(double{kHidden}));
    for (float& w : second) w = static_cast<float>(random.normal() / std::sqrt(double{kMiddle}));
  }

  void row(Random& random, float* out) const {
    std::array<float, kMiddle> middle{};
    for (std::uint32_t h = 0; h < kHidden; ++h) {
      const auto value = static_cast<float>(random.normal() * 2.4 / std::sqrt(1.0 + 0.15 * h));
      for (std::uint32_t m = 0; m < kMiddle; ++m) middle[m] += value * first[h * kMiddle + m];
    }
    for (std::uint32_t d = 0; d < dim; ++d) out[d] = 0.06F * static_cast<float>(random.normal());
    for (std::uint32_t m = 0; m < kMiddle; ++m) {
      const float bent = std::tanh(middle[m]);
      for (std::uint32_t d = 0; d < dim; ++d) out[d] += bent * second[std::size_t{m} * dim + d];
    }
  }

  std::uint32_t dim;
  std::vector<float> first;
  std::vector<float> second;
};

template <class Maker>
std::vector<float> rows_of(const Maker& maker, std::uint64_t seed, std::size_t first,
                           std::size_t count, std::uint32_t dim, const Workers& workers) {
  std::vector<float> out(count * dim);
  parallel_for(workers, (count + kChunk - 1) / kChunk, [&](std::size_t chunk, unsigned) {
    for (std::size_t i = chunk * kChunk; i < std::min(count, (chunk + 1) * kChunk); ++i) {
      Random random(seed * 0x9E3779B97F4A7C15ULL + (first + i) * 0xD1B54A32D192ED03ULL + 1);
      static_cast<void>(random.next());
      maker.row(random, out.data() + i * dim);
    }
  });
  return out;
}

}  // namespace

Result<Shape> parse_shape(std::string_view text) {
  if (text == "clustered") return Shape::kClustered;
  if (text == "spread") return Shape::kSpread;
  return Error(ErrorCode::kInvalidArgument,
               "unknown shape '" + std::string(text) + "'; known: clustered, spread");
}

std::vector<float> generate_rows(Shape shape, std::uint64_t seed, std::size_t first,
                                 std::size_t count, std::uint32_t dim, const Workers& workers) {
  if (shape == Shape::kClustered)
    return rows_of(Topics(seed, dim), seed, first, count, dim, workers);
  return rows_of(Surface(seed, dim), seed, first, count, dim, workers);
}

}  // namespace vitrine::vec
