// A model after training, as bytes of a file and as something that ranks items for a history.
// What is judged is what is stored and what serves: one code.
//
// Items are the numbers of the model's own list (item_ids()). Deterministic: the same model and
// history give the same scores; of models with matrix products (ials, session, embedding) on
// machines of the same SIMD level.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/result.h"
#include "base/stream.h"
#include "engine/embed/embedding.h"
#include "engine/factor/ials.h"
#include "engine/graph/workers.h"
#include "engine/session/session_model.h"
#include "service/learn/item_scores.h"
#include "service/learn/recipe.h"

namespace vitrine::learn {

// Candidates that a model gives for a history. More: deeper pages, more time.
inline constexpr std::size_t kTopMost = 200;
// Of a history; older events are not looked at.
inline constexpr std::size_t kHistoryMost = 100;

// Working memory of one thread that asks.
struct ModelScratch {
  graph::Workers workers{thread_executor(), 1};
  session::SessionModel::Scratch session;
  std::vector<std::uint32_t> distinct;
  std::vector<float> vector;
  std::vector<float> sums;  // zeros between calls
  std::vector<std::uint32_t> touched;
  ItemScores::Scratch scores;
  // Of a blend.
  std::vector<Scored> part;
  std::vector<float> blend_sums;  // zeros between calls
  std::vector<std::uint32_t> blend_touched;
};

class FittedModel {
 public:
  virtual ~FittedModel() = default;
  virtual Kind kind() const = 0;
  virtual std::uint32_t items() const = 0;
  // The best `most` (at most kTopMost) by score, best first, ties by item; of models with many
  // vectors nearly the best (item_scores.h). The history's items, all below items(), may be among
  // them. Of a history (oldest first) without an event it knows: none, but popularity.
  virtual void top(std::span<const std::uint32_t> history, std::size_t most, ModelScratch& scratch,
                   std::vector<Scored>& out) const = 0;
  // items() x dimensions, row after row, finite, where the model has vectors of items; else empty.
  virtual std::span<const float> item_vectors() const { return {}; }
  virtual std::uint32_t dimensions() const { return 0; }
  // The vector of a history in the space of item_vectors(): its product with an item's is the
  // item's score. False where the model has none for it.
  virtual bool user_vector(std::span<const std::uint32_t> history, ModelScratch& scratch,
                           std::span<float> out) const {
    (void)history, (void)scratch, (void)out;
    return false;
  }
  // How many visitors of the training turned to each item, where the model has vectors; else empty.
  virtual std::span<const float> popularity() const { return {}; }
  // While it serves.
  virtual std::uint64_t memory_bytes() const = 0;
  // What load_fitted() reads.
  virtual void save(Sink& out) const = 0;
};

// kCorrupt for bytes that save() can't have written, kUnsupported for those of a later version.
Result<std::unique_ptr<FittedModel>> load_fitted(Source& in);
// The same of a part of a blend: kCorrupt for a kind that is none.
Result<std::unique_ptr<FittedModel>> load_part(Source& in);

// Makers.
std::unique_ptr<FittedModel> make_popularity(std::vector<float> scores);
// row i: what item i in a history adds to others, weights above 0. The j-th newest different item
// of a history counts recency^j.
struct SparseRows {
  std::vector<std::uint64_t> begin{0};
  std::vector<std::uint32_t> item;
  std::vector<float> weight;
};
std::unique_ptr<FittedModel> make_rows(Kind kind, std::uint32_t items, SparseRows rows,
                                       float recency);
// `popularity` has an entry an item: how many visitors turned to it. Above `dense_most` numbers the
// best items are found by an index (item_scores.h). kInvalidArgument where it can't be built: a
// vector is not finite.
Result<std::unique_ptr<FittedModel>> make_ials(factor::Ials model,
                                               std::span<const float> popularity,
                                               std::uint64_t dense_most = ItemScores::kDenseFloats);
Result<std::unique_ptr<FittedModel>> make_session(
    session::SessionModel model, std::span<const float> popularity,
    std::uint64_t dense_most = ItemScores::kDenseFloats);
Result<std::unique_ptr<FittedModel>> make_embedding(
    embed::Embedding model, std::span<const float> popularity,
    std::uint64_t dense_most = ItemScores::kDenseFloats);
// The engine's model behind one of these kinds, else null: to go on training from.
const factor::Ials* ials_of(const FittedModel& model);
const session::SessionModel* session_of(const FittedModel& model);

}  // namespace vitrine::learn
