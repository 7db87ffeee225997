#include "engine/spectral/item_filter.h"

#include <algorithm>
#include <cmath>

#include "engine/train/gemm.h"

namespace vitrine::spectral {
namespace {

constexpr double kPi = 3.14159265358979323846;

double step(double t, double flatness) {
  return t < 0 ? 0.5 + 0.5 * std::pow(-t, flatness) : 0.5 - 0.5 * std::pow(t, flatness);
}

}  // namespace

std::vector<double> step_coefficients(std::uint32_t order, double flatness) {
  const std::size_t n = order + 1;
  std::vector<double> out(n);
  for (std::size_t j = 0; j < n; ++j) {
    const double angle = kPi * (static_cast<double>(j) + 0.5) / static_cast<double>(n);
    const double value = step(std::cos(angle), flatness);
    for (std::size_t k = 0; k < n; ++k) {
      out[k] += (k == 0 ? 1.0 : 2.0) / static_cast<double>(n) * value *
                std::cos(static_cast<double>(k) * angle);
    }
  }
  return out;
}

ItemFilter::ItemFilter(const Interactions& data, const FilterOptions& options)
    : options_(options),
      graph_(data),
      coefficients_(step_coefficients(options.order, options.flatness)),
      before_(graph_.item_degree_power(-options.degree_power)),
      after_(graph_.item_degree_power(options.degree_power)) {}

Result<ItemFilter> ItemFilter::fit(const Interactions& data, const FilterOptions& options,
                                   graph::Workers& workers, Progress& progress) {
  ItemFilter filter(data, options);
  if (options.rank > 0) {
    VITRINE_TRY(smoothest(filter.graph_, options.rank, options.rounds, options.seed, workers,
                          progress, filter.eigenvalues_, filter.basis_));
    filter.basis_scaled_ = filter.basis_;
    for (std::size_t i = 0; i < data.items(); ++i) {
      const float scale = filter.after_[i] * static_cast<float>(options.rank_weight);
      for (std::size_t c = 0; c < options.rank; ++c) {
        filter.basis_scaled_[i * options.rank + c] *= scale;
      }
    }
  }
  return filter;
}

void ItemFilter::score(std::span<const std::vector<std::uint32_t>> histories,
                       std::vector<float>& out, Scratch& s, graph::Workers& workers) const {
  VITRINE_CHECK(histories.size() <= kBatch);
  const std::size_t items = graph_.data().items();
  const std::size_t rank = options_.rank;
  const std::size_t size = items * kBatch;
  s.previous.assign(size, 0.0f);
  s.projected.assign(rank * kBatch, 0.0f);
  for (std::size_t n = 0; n < histories.size(); ++n) {
    for (const std::uint32_t item : histories[n]) {
      const float value = before_[item];
      s.previous[item * kBatch + n] = value;
      for (std::size_t r = 0; r < rank; ++r) {
        s.projected[r * kBatch + n] += value * basis_[item * rank + r];
      }
    }
  }
  out.resize(size);
  // T_0 = x, T_1 = x - 2 P x, T_k = 2 (T_k-1 - 2 P T_k-1) - T_k-2.
  const auto& c = coefficients_;
  s.current.resize(size);
  s.signal.resize(size);
  graph_.apply(s.previous.data(), kBatch, s.signal.data(), s.between, workers);
  for (std::size_t j = 0; j < size; ++j) {
    const float first = s.previous[j];
    const float second = first - 2 * s.signal[j];
    s.current[j] = second;
    out[j] = static_cast<float>(c[0]) * first +
             (c.size() > 1 ? static_cast<float>(c[1]) * second : 0.0f);
  }
  for (std::size_t k = 2; k < c.size(); ++k) {
    graph_.apply(s.current.data(), kBatch, s.signal.data(), s.between, workers);
    const float weight = static_cast<float>(c[k]);
    for (std::size_t j = 0; j < size; ++j) {
      const float next = 2 * (s.current[j] - 2 * s.signal[j]) - s.previous[j];
      s.previous[j] = s.current[j];
      s.current[j] = next;
      out[j] += weight * next;
    }
  }
  if (rank > 0) {
    train::multiply({.rows = items,
                     .cols = kBatch,
                     .inner = rank,
                     .a = basis_scaled_.data(),
                     .a_row = rank,
                     .b = s.projected.data(),
                     .b_row = kBatch,
                     .c = s.signal.data(),
                     .c_row = kBatch},
                    workers);
  }
  for (std::size_t i = 0; i < items; ++i) {
    for (std::size_t n = 0; n < kBatch; ++n) {
      float& value = out[i * kBatch + n];
      value = value * after_[i] + (rank > 0 ? s.signal[i * kBatch + n] : 0.0f);
    }
  }
}

}  // namespace vitrine::spectral
