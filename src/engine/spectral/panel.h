// Products of the degree-normalised interaction matrix with panels of columns.
//
//   N = D_u^-1/2 R D_i^-1/2      R: users x items, 0/1; D: how many each user, each item has
//
// N^T N is the item graph that spectral filters work on; its eigenvalues lie in [0, 1]. It is never
// formed: a product costs two passes over the interactions for each panel of columns.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/graph/workers.h"
#include "engine/spectral/interactions.h"
#include "platform/simd/level.h"

namespace vitrine::spectral {

// Columns of a panel come in multiples of this; fill up with zeros.
inline constexpr std::size_t kColumnsMultiple = 16;

class NormalisedGraph {
 public:
  // Keeps a reference to `data`. Levels above `level` are not used; other levels may differ in the
  // last bits.
  explicit NormalisedGraph(const Interactions& data, simd::Level level = simd::active_level());

  const Interactions& data() const { return data_; }
  // out = N^T N x; x and out are items x cols, row after row, and may be the same. `between` is
  // scratch. Each row is summed by one thread in one order: the same bits for any number of them.
  void apply(const float* x, std::size_t cols, float* out, std::vector<float>& between,
             graph::Workers& workers) const;
  // D_i^power, 0 for items without users.
  std::vector<float> item_degree_power(double power) const;

 private:
  const Interactions& data_;
  simd::Level level_;
  std::vector<float> user_scale_;  // degree^-1/2
  std::vector<float> item_scale_;
};

}  // namespace vitrine::spectral
