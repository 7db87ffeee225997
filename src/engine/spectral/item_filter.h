// Recommendation without training: a visitor's history, taken as a signal on the graph of items, is
// passed through a low-pass filter; what comes out on items not in the history is the score.
//
//   score = D^b [ h(N^T N) + a V V^T ] D^-b x        x: the history as 0/1; D: users an item has
//
// h is a polynomial (Chebyshev interpolation of a smooth step over the graph's frequencies, Kim et
// al., "Graph Spectral Filtering with Chebyshev Interpolation for Recommendation", SIGIR 2025), V
// the graph's smoothest directions (ideal low-pass, Shen et al., "How Powerful is Graph Convolution
// for Recommendation?", CIKM 2021). Nothing belongs to a user, so new visitors and new events count
// at once. Fitting finds V by subspace iteration from `seed`: same input, same bits.
//
// Memory: items x rank floats, and while fitting three times items x (rank + 64) and users x 64.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "engine/spectral/panel.h"

namespace vitrine::spectral {

struct FilterOptions {
  std::uint32_t order = 8;    // of the polynomial; each costs two passes over the interactions
  double flatness = 1.5;      // of the step: 1 a straight line, more a plateau around its middle
  std::uint32_t rank = 512;   // of the ideal low-pass; 0: without it
  double rank_weight = 0.2;   // a
  double degree_power = 0.4;  // b: above 0 popular items gain
  std::uint32_t rounds = 10;  // of subspace iteration
  std::uint64_t seed = 1;
};

// Coefficients c of sum_k c_k T_k(t) for the step at frequency (t + 1) / 2: t = -1 is the smoothest
// signal and passes whole, t = 1 the roughest and does not. Interpolates at the order + 1 roots.
std::vector<double> step_coefficients(std::uint32_t order, double flatness);

class ItemFilter {
 public:
  // `data` must outlive the filter. kInvalidArgument for a rank above the number of items.
  static Result<ItemFilter> fit(const Interactions& data, const FilterOptions& options,
                                graph::Workers& workers, Progress& progress = no_progress());

  // Histories that are scored together: the cost of a call hardly depends on how many there are.
  static constexpr std::size_t kBatch = 32;
  struct Scratch {
    std::vector<float> signal, current, previous, between, projected;
  };
  // out[i * kBatch + n] is the score of item i for histories[n], at most kBatch of them.
  // Thread-safe with a Scratch of its own.
  void score(std::span<const std::vector<std::uint32_t>> histories, std::vector<float>& out,
             Scratch& scratch, graph::Workers& workers) const;

  std::span<const double> eigenvalues() const { return eigenvalues_; }  // of V, falling
  std::span<const float> basis() const { return basis_; }               // items x rank

 private:
  ItemFilter(const Interactions& data, const FilterOptions& options);

  FilterOptions options_;
  NormalisedGraph graph_;
  std::vector<double> coefficients_;
  std::vector<float> before_, after_;  // D^-b, D^b
  std::vector<double> eigenvalues_;
  std::vector<float> basis_;
  std::vector<float> basis_scaled_;  // D^b V a
};

// The `rank` largest eigenpairs of N^T N: values falling, vectors as items x rank.
Status smoothest(const NormalisedGraph& graph, std::uint32_t rank, std::uint32_t rounds,
                 std::uint64_t seed, graph::Workers& workers, Progress& progress,
                 std::vector<double>& values, std::vector<float>& vectors);

}  // namespace vitrine::spectral
