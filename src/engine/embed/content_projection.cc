#include "engine/embed/content_projection.h"

#include <string>

#include "engine/spectral/dense.h"
#include "engine/train/gemm.h"

namespace vitrine::embed {
namespace {

constexpr std::uint32_t kDimensionsMax = 8192;

void add_scaled(float* to, const float* from, float w, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) to[j] += w * from[j];
}

Status check(std::span<const float> vectors, std::uint32_t dimensions, const Features& content,
             std::uint32_t features, std::span<const float> weights, double ridge) {
  if (dimensions == 0 || dimensions > kDimensionsMax || features > kFeaturesMax) {
    return Error(ErrorCode::kInvalidArgument,
                 "content of " + std::to_string(features) + " features for " +
                     std::to_string(dimensions) + " dimensions: at most " +
                     std::to_string(kFeaturesMax) + " and " + std::to_string(kDimensionsMax));
  }
  if (weights.size() != content.size() ||
      vectors.size() != content.size() * std::size_t{dimensions}) {
    return Error(ErrorCode::kInvalidArgument,
                 "vectors, weights and content are of different numbers of items");
  }
  if (!(ridge > 0)) return Error(ErrorCode::kInvalidArgument, "the ridge must be above 0");
  for (std::size_t i = 0; i < content.size(); ++i) {
    for (const std::uint32_t f : content[i]) {
      if (f < features) continue;
      return Error(ErrorCode::kInvalidArgument, "item " + std::to_string(i) + " has feature " +
                                                    std::to_string(f) + " of " +
                                                    std::to_string(features));
    }
  }
  return ok_status();
}

}  // namespace

Result<ContentProjection> ContentProjection::fit(std::span<const float> vectors,
                                                 std::uint32_t dimensions, const Features& content,
                                                 std::uint32_t features,
                                                 std::span<const float> weights, double ridge,
                                                 graph::Workers& workers, Progress& progress) {
  VITRINE_TRY(check(vectors, dimensions, content, features, weights, ridge));
  const std::size_t n = std::size_t{features} + 1;
  const std::size_t d = dimensions;
  std::vector<float> gram(n * n), sums(n * d);
  std::vector<std::uint32_t> own;
  progress.start("content", content.size(), "items");
  for (std::size_t i = 0; i < content.size(); ++i) {
    const float w = weights[i];
    if (!(w > 0)) continue;
    own = content[i];
    own.push_back(features);
    for (const std::uint32_t a : own) {
      for (const std::uint32_t b : own) gram[a * n + b] += w;
      add_scaled(&sums[a * d], vectors.data() + i * d, w, d);
    }
    progress.update(i + 1);
  }
  progress.finish();
  for (std::size_t a = 0; a < n; ++a) gram[a * n + a] += static_cast<float>(ridge);
  VITRINE_TRY(spectral::invert_positive(gram.data(), n, workers, progress));
  ContentProjection made;
  made.dimensions_ = dimensions;
  made.features_ = features;
  made.map_.resize(n * d);
  train::multiply({.rows = n,
                   .cols = d,
                   .inner = n,
                   .a = gram.data(),
                   .a_row = n,
                   .b = sums.data(),
                   .b_row = d,
                   .c = made.map_.data(),
                   .c_row = d},
                  workers);
  return made;
}

void ContentProjection::project(std::span<const std::uint32_t> content,
                                std::span<float> out) const {
  const std::size_t d = dimensions_;
  VITRINE_CHECK(out.size() == d);
  std::copy_n(&map_[features_ * d], d, out.begin());
  for (const std::uint32_t f : content) {
    if (f < features_) add_scaled(out.data(), &map_[f * d], 1, d);
  }
}

void ContentProjection::save(Sink& out) const {
  out.value(dimensions_);
  out.value(features_);
  out.array(std::span<const float>(map_));
}

Result<ContentProjection> ContentProjection::load(Source& in) {
  ContentProjection made;
  VITRINE_TRY(in.value(made.dimensions_));
  VITRINE_TRY(in.value(made.features_));
  VITRINE_TRY(in.array(made.map_));
  if (made.dimensions_ == 0 || made.dimensions_ > kDimensionsMax || made.features_ > kFeaturesMax ||
      made.map_.size() != (std::size_t{made.features_} + 1) * made.dimensions_) {
    return Error(ErrorCode::kCorrupt, "a content projection whose map does not fit its head");
  }
  return made;
}

}  // namespace vitrine::embed
