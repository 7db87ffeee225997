// GraphSAGE (Hamilton, Ying, Leskovec, NeurIPS 2017) with mean aggregation, two layers, trained to
// tell items a user touched from others.
//
//   h_v = relu([x_v, mean of x over sampled neighbours] W1 + b1)      inner nodes
//   z_v =      [h_v, mean of h over sampled neighbours] W2 + b2       outer nodes
//   loss = mean over examples of log(1 + exp(z_u . z_other - z_u . z_item))     (BPR)
//
// It learns functions of rows, not a vector for each node: a node that was never seen gets its
// vector from its row and its neighbours. Rows are inputs and don't change, so nothing flows back
// to them, and they may be overwritten as soon as take_rows() returned.
//
// Forward and backward are written by hand and checked against differences in the tests. Optimiser:
// Adam (Kingma, Ba 2015). Every sum has one order, whatever the number of workers: the same batches
// give the same bits. Not thread-safe; uses the workers it is given.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "base/stream.h"
#include "engine/graph/memory_budget.h"
#include "engine/graph/mini_batch.h"
#include "engine/graph/row_file.h"
#include "engine/graph/workers.h"

namespace vitrine::train {

struct SageShape {
  std::uint32_t features = 128;  // of a row
  std::uint32_t hidden = 256;
  std::uint32_t out = 128;

  std::size_t parameters() const {
    return std::size_t{2} * features * hidden + hidden + std::size_t{2} * hidden * out + out;
  }
  friend bool operator==(const SageShape&, const SageShape&) = default;
};

struct AdamOptions {
  float rate = 1e-3f;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
};

class GraphSage {
 public:
  // Weights from `seed`, uniform within sqrt(6 / (inputs + outputs)).
  GraphSage(const SageShape& shape, std::uint64_t seed, const AdamOptions& adam,
            graph::Workers& workers);

  // Memory for batches of so many inner and outer nodes. step() needs it to suffice.
  static std::uint64_t bytes_for(const SageShape& shape, std::size_t inner, std::size_t outer);
  Status reserve(std::size_t inner, std::size_t outer, graph::MemoryBudget& budget);

  // `rows`: batch.rows rows of `format`, which has `features` columns.
  void take_rows(const graph::MiniBatch& batch, std::span<const char> rows,
                 const graph::RowFormat& format);
  // Forward, backward and one step of Adam on what take_rows() took; the loss before the step.
  double step(const graph::MiniBatch& batch);
  // Forward only: the vectors of the outer nodes, `out` values each. Valid until the next call.
  std::span<const float> forward(const graph::MiniBatch& batch);
  // After forward(): the loss, and the gradients of all parameters.
  double backward(const graph::MiniBatch& batch);

  const SageShape& shape() const { return shape_; }
  std::span<float> parameters() { return parameters_; }
  std::span<const float> gradients() const { return gradients_; }
  // Parameters and the optimiser's state.
  void save(Sink& out) const;
  Status load(Source& in);

 private:
  float* w1() { return parameters_.data(); }
  float* b1() { return w1() + std::size_t{2} * shape_.features * shape_.hidden; }
  float* w2() { return b1() + shape_.hidden; }
  float* b2() { return w2() + std::size_t{2} * shape_.hidden * shape_.out; }
  double loss_and_output_gradient(const graph::MiniBatch& batch);
  void backward_to_hidden(const graph::MiniBatch& batch);
  void update();

  SageShape shape_;
  AdamOptions adam_;
  graph::Workers& workers_;
  graph::Reservation held_;
  std::vector<float> parameters_;
  std::vector<float> gradients_;
  std::vector<float> moment1_;
  std::vector<float> moment2_;
  std::uint64_t steps_ = 0;
  std::vector<float> w2_transposed_;

  // inner and outer nodes by columns
  std::vector<float> inner_in_;     // inner x 2 features
  std::vector<float> hidden_;       // inner x hidden, after relu
  std::vector<float> hidden_grad_;  // inner x hidden
  std::vector<float> outer_in_;     // outer x 2 hidden; then its gradient
  std::vector<float> out_;          // outer x out
  std::vector<float> out_grad_;     // outer x out
};

}  // namespace vitrine::train
