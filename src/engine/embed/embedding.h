// Vectors of items for a visitor's taste: the inner product of an item's vector with that of a
// visitor, who is the sum of another vector of each item of its history, ranks items.
//
//   v(history) = w / |w|,  w = sum over the history of in[item]        score(item) = v . out[item]
//
// The tables begin as the smoothest directions V of the item graph (eigenvalues e of N^T N, see
// ItemFilter; D: users an item has): in = D^-b V e^p, out = D^b V, which is a low-pass filter of
// its own. Training then splits every history at random into a part that is known and a part that
// is to be guessed, anew in every epoch, and lowers the softmax loss of the second given the first.
// One pass over a visitor's vector serves all items to be guessed. The denominator goes over the
// batch's guessed items and a uniform sample of all others, each weighted by the inverse of the
// chance to be there (an unbiased estimate). Adam, on the rows that were touched.
//
// At the end every item takes over a share of its neighbours on the graph (one step of
// propagation, as in LightGCN): out += hop N^T N out.
//
// A visitor's vector depends on the history alone, so new visitors and new events count at once.
// Deterministic: same data, options and SIMD level give the same bits for any number of workers,
// and for a run that was stopped and went on from its checkpoint.
//
// Memory: 2 tables of items x dimensions floats when serving; 10 while training (the two, their
// four moments, the best two so far and two that are validated), one step's (batch + candidates) x
// dimensions and batch x candidates floats, and what the start takes (ItemFilter).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/stream.h"
#include "engine/graph/workers.h"
#include "engine/spectral/interactions.h"
#include "platform/io/file_system.h"
#include "platform/simd/level.h"

namespace vitrine::embed {

struct EmbeddingOptions {
  std::uint32_t dimensions = 256;  // a multiple of 16, at most 1,024 and at most the items
  double smoothness = 0.5;         // p of the start
  double degree_power = 0.4;       // b of the start: above 0 popular items gain
  double sharpness = 2;            // mean |out| of the start: how decided the softmax is
  std::uint32_t rounds = 10;       // of subspace iteration
  std::uint64_t seed = 1;
};

struct TrainOptions {
  std::uint32_t batch = 512;       // users of a step
  std::uint32_t negatives = 4096;  // of a step, uniform; at most the items
  double known = 0.5;              // share of a history that is known
  float rate = 3e-4f;              // of Adam, for rows of mean length 1
  std::uint32_t epochs_max = 8;
  // Ends after so many validations without a better value; the best epoch's tables stay.
  std::uint32_t patience = 3;
  std::uint32_t validate_every = 2;  // epochs
  double hop = 0.5;                  // of the propagation at the end
  // With a path the state is saved every so many epochs, atomically; train() with the same data and
  // options goes on from there, and removes it at the end.
  io::FileSystem* files = nullptr;
  std::string checkpoint_path;
  std::uint32_t checkpoint_epochs = 4;
};

struct TrainReport {
  bool ended = false;            // by TrainHooks::after_epoch
  std::uint32_t epochs = 0;      // since the start, over all runs
  std::uint32_t best_epoch = 0;  // 0: the start was best
  double best = 0;               // of validate
  std::vector<double> losses;    // by epoch
  std::vector<double> measures;  // by validation; the first is the start's
};

// For whoever watches a training, and to go on with one that was ended, in another place than a
// file.
struct TrainHooks {
  // After each epoch and its validation, if it has one. `save` writes all that training goes on
  // from. False ends it; the model is then of no use.
  std::function<bool(const TrainReport& so_far, const std::function<void(Sink&)>& save)>
      after_epoch{};
  Source* resume = nullptr;  // what `save` wrote; null: from the start
};

class Embedding {
 public:
  // The start. kInvalidArgument for dimensions out of range or data without pairs.
  static Result<Embedding> create(const spectral::Interactions& data,
                                  const EmbeddingOptions& options, graph::Workers& workers,
                                  Progress& progress = no_progress(),
                                  simd::Level level = simd::active_level());

  // `validate` (larger is better) sees the model with the propagation applied, and decides when to
  // stop; without one all epochs run, and the last is the one that stays. `data` is what create()
  // saw. kInvalidArgument for options out of range or a checkpoint of
  // other options or data, kCorrupt for a damaged one, kIo.
  Result<TrainReport> train(const spectral::Interactions& data, const TrainOptions& options,
                            const std::function<double(const Embedding&)>& validate,
                            graph::Workers& workers, Progress& progress = no_progress(),
                            const TrainHooks& hooks = {});

  // The vector of someone with this history, of length 1; zeros where nothing is known. Items in
  // any order, each once, below items(). Thread-safe.
  void fold_in(std::span<const std::uint32_t> history, std::span<float> out) const;
  // items x dimensions: what is searched with that.
  std::span<const float> item_vectors() const { return out_; }
  // items x dimensions: what a visitor is the sum of.
  std::span<const float> history_vectors() const { return in_; }
  std::uint32_t items() const { return items_; }
  std::uint32_t dimensions() const { return options_.dimensions; }
  const EmbeddingOptions& options() const { return options_; }

  void save(Sink& out) const;
  static Result<Embedding> load(Source& in);

 private:
  friend class EmbeddingTrainer;
  Embedding(const EmbeddingOptions& options, std::uint32_t items, simd::Level level);

  EmbeddingOptions options_;
  std::uint32_t items_;
  simd::Level level_;
  std::vector<float> in_, out_;
};

}  // namespace vitrine::embed
