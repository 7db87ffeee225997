// Implicit ALS (Hu, Koren, Volinsky 2008; settings as in Rendle et al., "Revisiting the Performance
// of iALS on Item Recommendation Benchmarks", 2021): vectors p of users and q of items that
// minimise
//
//   sum over events (1 - p_u . q_i)^2 + a sum over all pairs (p_u . q_i)^2
//     + l sum_u (events_u + a items)^e |p_u|^2 + l sum_i (events_i + a users)^e |q_i|^2
//
// Items live in memory, users are streamed in order, block by block. A user's vector is solved
// exactly, from the item vectors and the user's own history alone: so folding in a new user, or a
// known one with new events, gives what training would have given. Items take some steps of
// conjugate gradients all together (the rival of iALS++'s block solves that needs no pass in item
// order), one pass over the users each.
//
// Item vectors are kept turned so that sum_i q_i q_i^T is diagonal: a history shorter than the
// number of dimensions is then solved in a system of its own length (Woodbury).
//
// Memory: 4 tables of items x dimensions floats, one block of users and its histories by item.
// Deterministic: the same histories, options and SIMD level give the same bits for any number of
// workers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/huge_pages.h"
#include "base/progress.h"
#include "base/result.h"
#include "base/stream.h"
#include "engine/factor/user_store.h"
#include "engine/graph/workers.h"
#include "platform/simd/level.h"

namespace vitrine::factor {

struct IalsOptions {
  std::uint32_t dimensions = 64;     // a multiple of 16, at most 1,024
  double unobserved = 0.1;           // a: the weight of a pair that did not happen
  double ridge = 0.003;              // l
  double frequency_power = 1;        // e
  double start_deviation = 0.1;      // of |q| before the first epoch
  std::uint32_t gradient_steps = 3;  // of an epoch's item half; each is a pass over the users
  std::uint64_t seed = 1;
};

class Ials {
 public:
  // kInvalidArgument for dimensions or weights out of range. `users`: how many the ridge of items
  // counts with.
  static Result<Ials> create(const IalsOptions& options, std::uint32_t items, std::uint32_t users,
                             simd::Level level = simd::active_level());
  // The same, begun with these vectors (items x dimensions) instead of random ones.
  static Result<Ials> from_vectors(const IalsOptions& options, std::uint32_t items,
                                   std::uint32_t users, std::span<const float> vectors,
                                   simd::Level level = simd::active_level());

  // Users, then items. The store's item_counts() must have an entry for each item.
  Status epoch(UserStore& store, graph::Workers& workers, Progress& progress = no_progress());
  // Puts the vector of every user, as fold_in() gives it, into the store.
  Status solve_users(UserStore& store, graph::Workers& workers);

  // The exact vector of someone with this history (any order, each item once, below items()).
  // Thread-safe.
  void fold_in(std::span<const std::uint32_t> history, std::span<float> out) const;
  // items x dimensions.
  std::span<const float> item_vectors() const { return {x_.data(), x_.size()}; }
  std::uint32_t items() const { return items_; }
  const IalsOptions& options() const { return options_; }

  // Options and item vectors; a loaded model goes on training where the saved one stood.
  void save(Sink& out) const;
  static Result<Ials> load(Source& in, simd::Level level = simd::active_level());

 private:
  Ials(const IalsOptions& options, std::uint32_t items, std::uint32_t users, simd::Level level);
  using Table = HugeVector<float>;

  Status turn(graph::Workers& workers);  // makes the items' Gram diagonal; fills gram_
  void solve_block(const UserBlock& block, std::vector<float>& vectors,
                   graph::Workers& workers) const;
  struct ByItem;
  void spread_block(const UserBlock& block, std::span<const float> vectors, const Table& in,
                    float add, float times, Table& out, ByItem& scratch,
                    graph::Workers& workers) const;
  Status gradients(UserStore& store, std::span<const float> user_gram, graph::Workers& workers,
                   Progress& progress);
  double ridge(double events, double others) const;

  IalsOptions options_;
  std::uint32_t items_;
  std::uint32_t users_;
  simd::Level level_;
  Table x_;                         // item vectors
  std::vector<float> gram_;         // unobserved x diagonal of sum q q^T
  Table rest_, direction_, image_;  // of conjugate gradients
};

}  // namespace vitrine::factor
