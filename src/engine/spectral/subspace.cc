#include <algorithm>
#include <cmath>
#include <string>

#include "engine/spectral/dense.h"
#include "engine/spectral/item_filter.h"
#include "engine/train/gemm.h"
#include "engine/vec/random.h"

namespace vitrine::spectral {
namespace {

constexpr std::size_t kMore = 64;         // directions beyond the wanted ones: faster convergence
constexpr std::size_t kColumnsPart = 64;  // columns that go through the graph together

// x = N^T N x, a part of the columns at a time so that scratch stays small.
void apply_in_parts(const NormalisedGraph& graph, std::vector<float>& x, std::size_t cols,
                    std::vector<float>& part, std::vector<float>& between,
                    graph::Workers& workers) {
  const std::size_t items = graph.data().items();
  for (std::size_t c = 0; c < cols; c += kColumnsPart) {
    const std::size_t width = std::min(kColumnsPart, cols - c);
    part.resize(items * width);
    for (std::size_t i = 0; i < items; ++i) {
      std::copy_n(&x[i * cols + c], width, &part[i * width]);
    }
    graph.apply(part.data(), width, part.data(), between, workers);
    for (std::size_t i = 0; i < items; ++i) {
      std::copy_n(&part[i * width], width, &x[i * cols + c]);
    }
  }
}

// An orthonormal basis. Fewer visitors than columns, or visitors with the same items, leave the
// graph fewer directions than that: then a little noise fills up, and is left behind as the
// roughest.
Status orthonormalise_noisily(std::vector<float>& x, std::size_t rows, std::size_t cols,
                              vec::Random& random, graph::Workers& workers) {
  Status done = orthonormalise(x, rows, cols, workers);
  for (double noise = 1e-3; !done.ok() && noise < 1; noise *= 10) {
    const double each = noise / std::sqrt(static_cast<double>(rows));
    for (float& value : x) value += static_cast<float>(each * random.normal());
    done = orthonormalise(x, rows, cols, workers);
  }
  return done;
}

}  // namespace

Status smoothest(const NormalisedGraph& graph, std::uint32_t rank, std::uint32_t rounds,
                 std::uint64_t seed, graph::Workers& workers, Progress& progress,
                 std::vector<double>& values, std::vector<float>& vectors) {
  const std::size_t items = graph.data().items();
  if (rank > items) {
    return Error(
        ErrorCode::kInvalidArgument,
        "rank " + std::to_string(rank) + " of a filter over " + std::to_string(items) + " items");
  }
  std::size_t cols = (rank + kMore + kColumnsMultiple - 1) / kColumnsMultiple * kColumnsMultiple;
  // Small catalogs: no more directions than there are, the panel's width apart.
  const bool whole = cols > items;
  if (whole) cols = (items + kColumnsMultiple - 1) / kColumnsMultiple * kColumnsMultiple;
  const std::size_t used = std::min(cols, items);
  std::vector<float> x(items * cols, 0.0f);
  vec::Random random(seed);
  for (std::size_t i = 0; i < items; ++i) {
    for (std::size_t c = 0; c < used; ++c) {
      x[i * cols + c] = whole ? (i == c ? 1.0f : 0.0f) : static_cast<float>(random.normal());
    }
  }
  std::vector<float> part, between;
  progress.start("smoothest directions", rounds + 1, "rounds");
  for (std::uint32_t round = 0; !whole && round < rounds; ++round) {
    apply_in_parts(graph, x, cols, part, between, workers);
    VITRINE_TRY(orthonormalise_noisily(x, items, cols, random, workers));
    progress.update(round + 1);
  }
  // Rayleigh and Ritz: the best eigenvectors that the subspace holds.
  std::vector<float> image = x;
  apply_in_parts(graph, image, cols, part, between, workers);
  std::vector<float> small(cols * cols);
  train::multiply({.rows = cols,
                   .cols = cols,
                   .inner = items,
                   .a = x.data(),
                   .a_row = 1,
                   .a_col = cols,
                   .b = image.data(),
                   .b_row = cols,
                   .c = small.data(),
                   .c_row = cols},
                  workers);
  std::vector<double> middle(used * used);
  for (std::size_t r = 0; r < used; ++r) {
    for (std::size_t c = 0; c < used; ++c) {
      middle[r * used + c] = 0.5 * (double{small[r * cols + c]} + double{small[c * cols + r]});
    }
  }
  VITRINE_TRY(const Eigen eigen, symmetric_eigen(std::move(middle), used));
  std::vector<float> turn(cols * rank, 0.0f);
  for (std::size_t r = 0; r < rank; ++r) {
    for (std::size_t c = 0; c < used; ++c) {
      turn[c * rank + r] = static_cast<float>(eigen.vectors[r * used + c]);
    }
  }
  values.assign(eigen.values.begin(), eigen.values.begin() + rank);
  vectors.resize(items * rank);
  train::multiply({.rows = items,
                   .cols = rank,
                   .inner = cols,
                   .a = x.data(),
                   .a_row = cols,
                   .b = turn.data(),
                   .b_row = rank,
                   .c = vectors.data(),
                   .c_row = rank},
                  workers);
  progress.finish();
  return ok_status();
}

}  // namespace vitrine::spectral
