#include "engine/embed/embedding.h"

#include <algorithm>
#include <cmath>

#include "engine/embed/trainer.h"
#include "engine/spectral/item_filter.h"

namespace vitrine::embed {
namespace {

constexpr std::uint32_t kDimensionsMax = 1024;

Status check(const EmbeddingOptions& o, std::uint32_t items) {
  if (o.dimensions == 0 || o.dimensions % kLane != 0 || o.dimensions > kDimensionsMax ||
      o.dimensions > items) {
    return Error(ErrorCode::kInvalidArgument,
                 "an embedding of " + std::to_string(items) + " items with " +
                     std::to_string(o.dimensions) + " dimensions: give a multiple of 16 up to " +
                     std::to_string(kDimensionsMax) + " and the number of items");
  }
  if (!std::isfinite(o.smoothness) || !std::isfinite(o.degree_power) ||
      !std::isfinite(o.sharpness) || !(o.sharpness > 0)) {
    return Error(ErrorCode::kInvalidArgument,
                 "an embedding needs finite powers and a sharpness above 0");
  }
  return ok_status();
}

// Makes the mean square length of the rows that are not zero `length`.
void scale_rows(std::vector<float>& rows, std::size_t d, double length) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t r = 0; r < rows.size(); r += d) {
    double own = 0;
    for (std::size_t j = 0; j < d; ++j) own += double{rows[r + j]} * rows[r + j];
    sum += own;
    count += own > 0 ? 1 : 0;
  }
  if (count == 0) return;
  const auto by = static_cast<float>(length / std::sqrt(sum / static_cast<double>(count)));
  for (float& v : rows) v *= by;
}

}  // namespace

EmbedKernel embed_kernel_for(simd::Level level) {
#if defined(__x86_64__)
  if (level >= simd::Level::kAvx512) return embed_kernel_avx512();
  if (level >= simd::Level::kAvx2) return embed_kernel_avx2();
#endif
  (void)level;
  return embed_kernel_portable();
}

Embedding::Embedding(const EmbeddingOptions& options, std::uint32_t items, simd::Level level)
    : options_(options), items_(items), level_(level) {}

Result<Embedding> Embedding::create(const spectral::Interactions& data,
                                    const EmbeddingOptions& options, graph::Workers& workers,
                                    Progress& progress, simd::Level level) {
  VITRINE_TRY(check(options, data.items()));
  if (data.size() == 0) {
    return Error(ErrorCode::kInvalidArgument, "an embedding needs someone who turned to something");
  }
  Embedding made(options, data.items(), level);
  const spectral::NormalisedGraph graph(data, level);
  std::vector<double> eigenvalues;
  VITRINE_TRY(spectral::smoothest(graph, options.dimensions, options.rounds, options.seed, workers,
                                  progress, eigenvalues, made.out_));
  made.in_ = made.out_;
  const auto before = graph.item_degree_power(-options.degree_power);
  const auto after = graph.item_degree_power(options.degree_power);
  const std::size_t d = options.dimensions;
  std::vector<float> pass(d);
  for (std::size_t j = 0; j < d; ++j) {
    pass[j] = static_cast<float>(std::pow(std::max(0.0, eigenvalues[j]), options.smoothness));
  }
  for (std::size_t i = 0; i < made.items_; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      made.in_[i * d + j] *= before[i] * pass[j];
      made.out_[i * d + j] *= after[i];
    }
  }
  scale_rows(made.in_, d, 1);
  scale_rows(made.out_, d, options.sharpness);
  return made;
}

Result<TrainReport> Embedding::train(const spectral::Interactions& data,
                                     const TrainOptions& options,
                                     const std::function<double(const Embedding&)>& validate,
                                     graph::Workers& workers, Progress& progress,
                                     const TrainHooks& hooks) {
  if (data.items() != items_) {
    return Error(ErrorCode::kInvalidArgument, "the embedding has " + std::to_string(items_) +
                                                  " items, the data " +
                                                  std::to_string(data.items()));
  }
  if (options.batch == 0 || options.negatives == 0 || !(options.known > 0) ||
      !(options.known < 1) || !(options.rate > 0) || options.validate_every == 0 ||
      options.checkpoint_epochs == 0 ||
      (!options.checkpoint_path.empty() && options.files == nullptr)) {
    return Error(ErrorCode::kInvalidArgument,
                 "training an embedding needs a batch, negatives, a rate and epochs between "
                 "validations and checkpoints above 0, and a known share between 0 and 1");
  }
  EmbeddingTrainer trainer(*this, data, options, workers);
  return trainer.run(validate, progress, hooks);
}

void Embedding::fold_in(std::span<const std::uint32_t> history, std::span<float> out) const {
  const std::size_t d = options_.dimensions;
  VITRINE_CHECK(out.size() == d);
  const EmbedKernel kernel = embed_kernel_for(level_);
  std::fill(out.begin(), out.end(), 0.0f);
  for (const std::uint32_t item : history) {
    VITRINE_CHECK(item < items_);
    kernel.add_scaled(out.data(), in_.data() + std::size_t{item} * d, 1, d);
  }
  float square = 0;
  for (const float v : out) square += v * v;
  if (!(square > 0)) return;
  const float by = 1 / std::sqrt(square);
  for (float& v : out) v *= by;
}

void Embedding::save(Sink& out) const {
  out.value(options_.dimensions);
  out.value(options_.rounds);
  out.value(options_.smoothness);
  out.value(options_.degree_power);
  out.value(options_.sharpness);
  out.value(options_.seed);
  out.value(items_);
  out.array(std::span<const float>(in_));
  out.array(std::span<const float>(out_));
}

Result<Embedding> Embedding::load(Source& in) {
  EmbeddingOptions options;
  std::uint32_t items = 0;
  VITRINE_TRY(in.value(options.dimensions));
  VITRINE_TRY(in.value(options.rounds));
  VITRINE_TRY(in.value(options.smoothness));
  VITRINE_TRY(in.value(options.degree_power));
  VITRINE_TRY(in.value(options.sharpness));
  VITRINE_TRY(in.value(options.seed));
  VITRINE_TRY(in.value(items));
  if (const Status fits = check(options, items); !fits.ok()) {
    return Error(ErrorCode::kCorrupt, "a stored " + std::string(fits.error().message()));
  }
  Embedding made(options, items, simd::active_level());
  VITRINE_TRY(in.array(made.in_));
  VITRINE_TRY(in.array(made.out_));
  const std::size_t expected = std::size_t{items} * options.dimensions;
  if (made.in_.size() != expected || made.out_.size() != expected) {
    return Error(ErrorCode::kCorrupt, "an embedding whose tables do not fit its head");
  }
  return made;
}

}  // namespace vitrine::embed
