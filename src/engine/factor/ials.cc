#include "engine/factor/ials.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/factor/internal/ials_kernel.h"
#include "engine/spectral/dense.h"
#include "engine/train/gemm.h"
#include "engine/vec/random.h"

namespace vitrine::factor {
namespace {

constexpr std::uint32_t kDimensionsMax = 1024;
constexpr std::size_t kUsersPart = 128;  // a piece of work for one thread

IalsKernel kernel_for(simd::Level level) {
#if defined(__x86_64__)
  if (level >= simd::Level::kAvx512) return ials_kernel_avx512();
  if (level >= simd::Level::kAvx2) return ials_kernel_avx2();
#endif
  (void)level;
  return ials_kernel_portable();
}

// gram (d x d) += rows^T rows.
void add_gram(std::span<const float> rows, std::size_t d, std::vector<double>& gram,
              std::vector<float>& scratch, graph::Workers& workers) {
  constexpr std::size_t kPart = 16384;  // rows, then the sum goes on in double
  const std::size_t count = rows.size() / d;
  scratch.resize(d * d);
  for (std::size_t first = 0; first < count; first += kPart) {
    const float* from = rows.data() + first * d;
    train::multiply({.rows = d,
                     .cols = d,
                     .inner = std::min(kPart, count - first),
                     .a = from,
                     .a_row = 1,
                     .a_col = d,
                     .b = from,
                     .b_row = d,
                     .c = scratch.data(),
                     .c_row = d},
                    workers);
    for (std::size_t j = 0; j < d * d; ++j) gram[j] += scratch[j];
  }
}

// out = rows turn, a band at a time; `turn` is d x d. out may be rows.
void multiply_rows(const float* rows, std::size_t count, std::size_t d, const float* turn,
                   float* out, std::vector<float>& scratch, graph::Workers& workers) {
  constexpr std::size_t kPart = 4096;
  scratch.resize(kPart * d);
  for (std::size_t first = 0; first < count; first += kPart) {
    const std::size_t n = std::min(kPart, count - first);
    train::multiply({.rows = n,
                     .cols = d,
                     .inner = d,
                     .a = rows + first * d,
                     .a_row = d,
                     .b = turn,
                     .b_row = d,
                     .c = scratch.data(),
                     .c_row = d},
                    workers);
    std::copy_n(scratch.data(), n * d, out + first * d);
  }
}

Status check(const IalsOptions& o) {
  if (o.dimensions == 0 || o.dimensions % kLane != 0 || o.dimensions > kDimensionsMax) {
    return Error(ErrorCode::kInvalidArgument, "iALS with " + std::to_string(o.dimensions) +
                                                  " dimensions: a multiple of 16 up to " +
                                                  std::to_string(kDimensionsMax));
  }
  if (!(o.unobserved > 0) || !(o.ridge > 0) || !(o.start_deviation > 0)) {
    return Error(ErrorCode::kInvalidArgument,
                 "iALS needs weights of unobserved pairs, ridge and start above 0");
  }
  return ok_status();
}

}  // namespace

Ials::Ials(const IalsOptions& options, std::uint32_t items, std::uint32_t users, simd::Level level)
    : options_(options),
      items_(items),
      users_(users),
      level_(level),
      x_(std::size_t{items} * options.dimensions),
      gram_(options.dimensions) {}

Result<Ials> Ials::create(const IalsOptions& options, std::uint32_t items, std::uint32_t users,
                          simd::Level level) {
  VITRINE_TRY(check(options));
  Ials out(options, items, users, level);
  vec::Random random(options.seed);
  const double deviation =
      options.start_deviation / std::sqrt(static_cast<double>(options.dimensions));
  for (float& v : out.x_) v = static_cast<float>(random.normal() * deviation);
  graph::Workers alone(thread_executor(), 1);
  VITRINE_TRY(out.turn(alone));
  return out;
}

Result<Ials> Ials::from_vectors(const IalsOptions& options, std::uint32_t items,
                                std::uint32_t users, std::span<const float> vectors,
                                simd::Level level) {
  VITRINE_TRY(check(options));
  Ials out(options, items, users, level);
  VITRINE_CHECK(vectors.size() == out.x_.size());
  std::copy(vectors.begin(), vectors.end(), out.x_.begin());
  graph::Workers alone(thread_executor(), 1);
  VITRINE_TRY(out.turn(alone));
  return out;
}

double Ials::ridge(double events, double others) const {
  return options_.ridge * std::pow(events + options_.unobserved * others, options_.frequency_power);
}

Status Ials::turn(graph::Workers& workers) {
  const std::size_t d = options_.dimensions;
  std::vector<double> gram(d * d);
  std::vector<float> scratch;
  add_gram({x_.data(), x_.size()}, d, gram, scratch, workers);
  VITRINE_TRY(const spectral::Eigen eigen, spectral::symmetric_eigen(std::move(gram), d));
  std::vector<float> turn(d * d);
  for (std::size_t r = 0; r < d; ++r) {
    for (std::size_t j = 0; j < d; ++j) {
      turn[j * d + r] = static_cast<float>(eigen.vectors[r * d + j]);
    }
    gram_[r] = static_cast<float>(options_.unobserved * std::max(0.0, eigen.values[r]));
  }
  multiply_rows(x_.data(), items_, d, turn.data(), x_.data(), scratch, workers);
  return ok_status();
}

void Ials::fold_in(std::span<const std::uint32_t> history, std::span<float> out) const {
  const std::size_t d = options_.dimensions;
  VITRINE_CHECK(out.size() == d);
  std::vector<float> ridges(d);
  const auto own = static_cast<float>(ridge(static_cast<double>(history.size()), items_));
  for (std::size_t j = 0; j < d; ++j) ridges[j] = gram_[j] + own;
  std::vector<float> scratch(scratch_floats(history.size(), d));
  kernel_for(level_).solve({history.data(), history.size(), x_.data(), d}, ridges.data(),
                           scratch.data(), out.data());
}

void Ials::solve_block(const UserBlock& block, std::vector<float>& vectors,
                       graph::Workers& workers) const {
  const std::size_t d = options_.dimensions;
  const IalsKernel kernel = kernel_for(level_);
  vectors.resize(std::size_t{block.users()} * d);
  // Rows of the next user are on their way while this one's system is solved.
  const auto fetch_rows = [&](std::span<const std::uint32_t> history) {
    for (const std::uint32_t item : history.first(std::min<std::size_t>(history.size(), 32))) {
      const float* row = x_.data() + std::size_t{item} * d;
      for (std::size_t j = 0; j < d; j += kLane) __builtin_prefetch(row + j);
    }
  };
  workers.run((block.users() + kUsersPart - 1) / kUsersPart, [&](std::size_t piece) {
    std::vector<float> ridges(d);
    std::vector<float> scratch;
    const std::size_t last = std::min<std::size_t>(block.users(), (piece + 1) * kUsersPart);
    for (std::size_t n = piece * kUsersPart; n < last; ++n) {
      const auto history = block.history(static_cast<std::uint32_t>(n));
      const auto own = static_cast<float>(ridge(static_cast<double>(history.size()), items_));
      for (std::size_t j = 0; j < d; ++j) ridges[j] = gram_[j] + own;
      if (n + 1 < last) fetch_rows(block.history(static_cast<std::uint32_t>(n + 1)));
      const std::size_t needed = scratch_floats(history.size(), d);
      if (scratch.size() < needed) scratch.resize(needed);
      kernel.solve({history.data(), history.size(), x_.data(), d}, ridges.data(), scratch.data(),
                   &vectors[n * d]);
    }
  });
}

// The histories of a block by item, users rising. Item rows come in order then, once for a block,
// while the block's vectors stay in the cache: user by user, nearly every event would fetch two
// rows from far away.
struct Ials::ByItem {
  std::vector<std::uint32_t> end;  // by item; begins where the item before ends
  std::vector<std::uint32_t> users;

  void sort(const UserBlock& block, std::uint32_t items) {
    end.assign(std::size_t{items} + 1, 0);
    std::size_t events = 0;
    for (std::uint32_t n = 0; n < block.users(); ++n) {
      for (const std::uint32_t item : block.history(n)) ++end[item + 1];
      events += block.history(n).size();
    }
    for (std::size_t i = 1; i <= items; ++i) end[i] += end[i - 1];
    users.resize(events);
    for (std::uint32_t n = 0; n < block.users(); ++n) {
      for (const std::uint32_t item : block.history(n)) users[end[item]++] = n;
    }
  }
  std::uint32_t begin(std::uint32_t item) const { return item == 0 ? 0 : end[item - 1]; }
};

// Each worker owns a range of items with its share of the events; every item's sum has the order of
// the users.
void Ials::spread_block(const UserBlock& block, std::span<const float> vectors, const Table& in,
                        float add, float times, Table& out, ByItem& scratch,
                        graph::Workers& workers) const {
  const std::size_t d = options_.dimensions;
  const IalsKernel kernel = kernel_for(level_);
  scratch.sort(block, items_);
  const std::uint32_t pieces = workers.threads();
  const auto first_of = [&](std::size_t piece) -> std::uint32_t {
    if (piece == pieces) return items_;
    const auto events = static_cast<std::uint32_t>(scratch.users.size() * piece / pieces);
    const auto at = std::lower_bound(scratch.end.begin(), scratch.end.end(), events);
    return std::min(items_, static_cast<std::uint32_t>(at - scratch.end.begin()));
  };
  workers.run(pieces, [&](std::size_t piece) {
    const std::uint32_t last = first_of(piece + 1);
    for (std::uint32_t i = piece == 0 ? 0 : first_of(piece); i < last; ++i) {
      const std::uint32_t begin = scratch.begin(i);
      const std::uint32_t count = scratch.end[i] - begin;
      if (count == 0) continue;
      kernel.spread({scratch.users.data() + begin, count, vectors.data(), d},
                    in.data() + std::size_t{i} * d, add, times, out.data() + std::size_t{i} * d);
    }
  });
}

Status Ials::solve_users(UserStore& store, graph::Workers& workers) {
  std::vector<float> vectors;
  for (std::uint32_t b = 0; b < store.blocks(); ++b) {
    VITRINE_TRY(const UserBlock block, store.read(b));
    solve_block(block, vectors, workers);
    VITRINE_TRY(store.put_vectors(b, vectors));
  }
  return ok_status();
}

Status Ials::epoch(UserStore& store, graph::Workers& workers, Progress& progress) {
  VITRINE_CHECK(store.item_counts().size() == items_);
  const std::size_t d = options_.dimensions;
  rest_.assign(x_.size(), 0.0f);
  std::vector<double> user_gram(d * d);
  std::vector<float> vectors, scratch;
  ByItem by_item;
  progress.start("users", store.users(), "users");
  for (std::uint32_t b = 0; b < store.blocks(); ++b) {
    VITRINE_TRY(const UserBlock block, store.read(b));
    solve_block(block, vectors, workers);
    VITRINE_TRY(store.put_vectors(b, vectors));
    add_gram(vectors, d, user_gram, scratch, workers);
    spread_block(block, vectors, x_, 1, -1, rest_, by_item, workers);
    progress.update(block.first_user + block.users());
  }
  progress.finish();
  std::vector<float> gram(user_gram.begin(), user_gram.end());
  for (float& v : gram) v *= static_cast<float>(options_.unobserved);
  VITRINE_TRY(gradients(store, gram, workers, progress));
  VITRINE_TRY(turn(workers));
  return ok_status();
}

// Preconditioned conjugate gradients for all items at once, from where their vectors stand. rest_
// holds the sums over events of (1 - p . x) p.
Status Ials::gradients(UserStore& store, std::span<const float> user_gram, graph::Workers& workers,
                       Progress& progress) {
  const std::size_t d = options_.dimensions;
  const auto counts = store.item_counts();
  std::vector<float> ridges(items_), energy(items_), scratch;
  ByItem by_item;
  for (std::uint32_t i = 0; i < items_; ++i)
    ridges[i] = static_cast<float>(ridge(counts[i], users_));
  const auto mean_share = [&](std::uint32_t i) {
    return 1 + static_cast<float>(counts[i] / (options_.unobserved * std::max(1u, users_)));
  };
  std::vector<float> diagonal(d);
  for (std::size_t j = 0; j < d; ++j) diagonal[j] = user_gram[j * d + j];
  const auto condition = [&](std::uint32_t i, std::size_t j, float share) {
    return 1 / (diagonal[j] * share + ridges[i]);
  };
  // The rest's part of all pairs and of the ridge.
  image_.resize(x_.size());
  direction_.resize(x_.size());
  multiply_rows(x_.data(), items_, d, user_gram.data(), image_.data(), scratch, workers);
  for (std::uint32_t i = 0; i < items_; ++i) {
    float sum = 0;
    const float share = mean_share(i);
    for (std::size_t j = 0; j < d; ++j) {
      const std::size_t at = std::size_t{i} * d + j;
      rest_[at] -= image_[at] + ridges[i] * x_[at];
      direction_[at] = rest_[at] * condition(i, j, share);
      sum += rest_[at] * direction_[at];
    }
    energy[i] = sum;
  }
  for (std::uint32_t step = 0; step < options_.gradient_steps; ++step) {
    progress.start("items, step " + std::to_string(step + 1), store.users(), "users");
    multiply_rows(direction_.data(), items_, d, user_gram.data(), image_.data(), scratch, workers);
    for (std::uint32_t b = 0; b < store.blocks(); ++b) {
      VITRINE_TRY(const UserBlock block, store.read(b));
      VITRINE_TRY(const std::span<const float> vectors, store.vectors(b));
      spread_block(block, vectors, direction_, 0, 1, image_, by_item, workers);
      progress.update(block.first_user + block.users());
    }
    progress.finish();
    for (std::uint32_t i = 0; i < items_; ++i) {
      const std::size_t row = std::size_t{i} * d;
      float along = 0;
      for (std::size_t j = 0; j < d; ++j) {
        image_[row + j] += ridges[i] * direction_[row + j];
        along += image_[row + j] * direction_[row + j];
      }
      if (!(along > 0)) continue;
      const float length = energy[i] / along;
      const float share = mean_share(i);
      float sum = 0;
      for (std::size_t j = 0; j < d; ++j) {
        x_[row + j] += length * direction_[row + j];
        rest_[row + j] -= length * image_[row + j];
        sum += rest_[row + j] * rest_[row + j] * condition(i, j, share);
      }
      const float turn = energy[i] > 0 ? sum / energy[i] : 0;
      energy[i] = sum;
      for (std::size_t j = 0; j < d; ++j) {
        direction_[row + j] = rest_[row + j] * condition(i, j, share) + turn * direction_[row + j];
      }
    }
  }
  return ok_status();
}

void Ials::save(Sink& out) const {
  out.value(options_.dimensions);
  out.value(options_.gradient_steps);
  out.value(options_.unobserved);
  out.value(options_.ridge);
  out.value(options_.frequency_power);
  out.value(options_.start_deviation);
  out.value(options_.seed);
  out.value(items_);
  out.value(users_);
  out.array(std::span<const float>(x_.data(), x_.size()));
  out.array(std::span<const float>(gram_));
}

Result<Ials> Ials::load(Source& in, simd::Level level) {
  IalsOptions options;
  std::uint32_t items = 0;
  std::uint32_t users = 0;
  VITRINE_TRY(in.value(options.dimensions));
  VITRINE_TRY(in.value(options.gradient_steps));
  VITRINE_TRY(in.value(options.unobserved));
  VITRINE_TRY(in.value(options.ridge));
  VITRINE_TRY(in.value(options.frequency_power));
  VITRINE_TRY(in.value(options.start_deviation));
  VITRINE_TRY(in.value(options.seed));
  VITRINE_TRY(in.value(items));
  VITRINE_TRY(in.value(users));
  VITRINE_TRY(check(options));
  if (std::uint64_t{items} * options.dimensions > in.remaining() / sizeof(float)) {
    return Error(ErrorCode::kCorrupt,
                 "a model of " + std::to_string(items) + " items is longer than what is left");
  }
  Ials out(options, items, users, level);
  VITRINE_TRY(in.array(out.x_));
  VITRINE_TRY(in.array(out.gram_));
  if (out.x_.size() != std::size_t{items} * options.dimensions ||
      out.gram_.size() != options.dimensions) {
    return Error(ErrorCode::kCorrupt, "a model whose tables do not fit its head");
  }
  return out;
}

}  // namespace vitrine::factor
