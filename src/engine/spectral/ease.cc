#include "engine/spectral/ease.h"

#include <cmath>
#include <string>

#include "engine/spectral/dense.h"

namespace vitrine::spectral {

Result<Ease> Ease::fit(const Interactions& data, const EaseOptions& options,
                       graph::Workers& workers, Progress& progress) {
  const std::size_t n = data.items();
  if (n * n * sizeof(float) > options.bytes_max) {
    return Error(ErrorCode::kTooLarge, "EASE over " + std::to_string(n) + " items needs " +
                                           human_bytes(static_cast<double>(n * n * sizeof(float))) +
                                           ", more than its limit of " +
                                           human_bytes(static_cast<double>(options.bytes_max)));
  }
  if (!(options.ridge > 0)) {
    return Error(ErrorCode::kInvalidArgument, "EASE needs a ridge above 0");
  }
  Ease out;
  out.items_ = data.items();
  std::vector<float>& m = out.weights_;
  m.assign(n * n, 0.0f);
  for (std::uint32_t u = 0; u < data.users(); ++u) {
    const auto row = data.items_of(u);
    for (const std::uint32_t a : row) {
      for (const std::uint32_t b : row) {
        if (b <= a) m[std::size_t{a} * n + b] += 1;
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) m[i * n + i] += static_cast<float>(options.ridge);
  VITRINE_TRY(invert_positive(m.data(), n, workers, progress));
  std::vector<float> diagonal(n), power(n);
  for (std::size_t i = 0; i < n; ++i) {
    diagonal[i] = m[i * n + i];
    const auto degree = static_cast<double>(data.users_of(static_cast<std::uint32_t>(i)).size());
    power[i] = degree == 0 ? 1.0f : static_cast<float>(std::pow(degree, options.degree_power));
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      m[i * n + j] = i == j ? 0.0f : -m[i * n + j] / diagonal[j] * power[j] / power[i];
    }
  }
  return out;
}

void Ease::score(std::span<const std::uint32_t> history, std::span<const float> weights,
                 std::vector<float>& out) const {
  out.assign(items_, 0.0f);
  for (std::size_t h = 0; h < history.size(); ++h) {
    const float* from = weights_.data() + std::size_t{history[h]} * items_;
    const float weight = weights[h];
    for (std::size_t i = 0; i < items_; ++i) out[i] += weight * from[i];
  }
}

}  // namespace vitrine::spectral
