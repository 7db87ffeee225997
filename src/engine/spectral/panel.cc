#include "engine/spectral/panel.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "engine/spectral/internal/panel_kernel.h"

namespace vitrine::spectral {
namespace {

static_assert(kColumnsMultiple == kPanelCols);
constexpr std::size_t kRowsPart = 1024;  // a piece of work for one thread

SumRowsFn sum_rows_for(simd::Level level) {
#if defined(__x86_64__)
  if (level >= simd::Level::kAvx512) return sum_rows_avx512();
  if (level >= simd::Level::kAvx2) return sum_rows_avx2();
#endif
  (void)level;
  return sum_rows_portable();
}

float inverse_root(std::size_t degree) {
  return degree == 0 ? 0.0f : static_cast<float>(1 / std::sqrt(static_cast<double>(degree)));
}

}  // namespace

NormalisedGraph::NormalisedGraph(const Interactions& data, simd::Level level)
    : data_(data), level_(level), user_scale_(data.users()), item_scale_(data.items()) {
  for (std::uint32_t u = 0; u < data.users(); ++u) {
    user_scale_[u] = inverse_root(data.items_of(u).size());
  }
  for (std::uint32_t i = 0; i < data.items(); ++i) {
    item_scale_[i] = inverse_root(data.users_of(i).size());
  }
}

void NormalisedGraph::apply(const float* x, std::size_t cols, float* out,
                            std::vector<float>& between, graph::Workers& workers) const {
  VITRINE_CHECK(cols % kColumnsMultiple == 0);
  const SumRowsFn sum = sum_rows_for(level_);
  const std::size_t items = data_.items();
  const std::size_t users = data_.users();
  // Scaled items first, then one row for each user: both scratch.
  between.resize((items + users) * cols);
  float* scaled = between.data();
  float* by_user = scaled + items * cols;
  const auto parts = [&](std::size_t rows, const auto& one) {
    workers.run((rows + kRowsPart - 1) / kRowsPart, [&](std::size_t piece) {
      const std::size_t last = std::min(rows, (piece + 1) * kRowsPart);
      for (std::size_t row = piece * kRowsPart; row < last; ++row) one(row);
    });
  };
  parts(items, [&](std::size_t i) {
    const float scale = item_scale_[i];
    for (std::size_t c = 0; c < cols; ++c) scaled[i * cols + c] = x[i * cols + c] * scale;
  });
  parts(users, [&](std::size_t u) {
    const auto row = data_.items_of(static_cast<std::uint32_t>(u));
    const float scale = user_scale_[u] * user_scale_[u];
    sum(row.data(), row.size(), scale, scaled, cols, by_user + u * cols);
  });
  parts(items, [&](std::size_t i) {
    const auto row = data_.users_of(static_cast<std::uint32_t>(i));
    sum(row.data(), row.size(), item_scale_[i], by_user, cols, out + i * cols);
  });
}

std::vector<float> NormalisedGraph::item_degree_power(double power) const {
  std::vector<float> out(data_.items());
  for (std::uint32_t i = 0; i < data_.items(); ++i) {
    const std::size_t degree = data_.users_of(i).size();
    out[i] = degree == 0 ? 0.0f : static_cast<float>(std::pow(static_cast<double>(degree), power));
  }
  return out;
}

}  // namespace vitrine::spectral
