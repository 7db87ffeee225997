// Brute force by matrix multiplication, and the exact answers that recall is measured against.
#include <algorithm>
#include <cmath>
#include <limits>

#include <cblas.h>

#include "vector_rivals.h"

namespace vitrine::bench {
namespace {

constexpr std::size_t kTop = 10;
constexpr std::size_t kRows = 4096;
constexpr std::size_t kQueries = 256;

class Blas final : public VectorRival {
 public:
  explicit Blas(const VectorSet& set) : set_(set), halves_(set.count) {
    for (std::size_t i = 0; i < set.count && !set.inner_product; ++i)
      halves_[i] = 0.5F * cblas_sdot(static_cast<int>(set.dim), set.rows + i * set.dim, 1,
                                     set.rows + i * set.dim, 1);
  }
  // Of rows whose halves are known.
  Blas(const VectorSet& set, const std::vector<float>& halves) : set_(set), known_(&halves) {}
  std::string name() const override { return "BLAS brute force"; }
  std::vector<int> efforts(bool) const override { return {1}; }
  double build_cpu_s() const override { return 0; }

  void search(const float* queries, std::size_t count, int, std::int64_t* ids) override {
    for (std::size_t q = 0; q < count; q += kQueries)
      search_some(queries + q * set_.dim, std::min(kQueries, count - q), ids + q * kTop);
  }
  // The rows that pass are copied once for each filter, which must stay where it is.
  bool search_filtered(const float* queries, std::size_t count, int effort,
                       std::span<const std::uint64_t> passing, std::int64_t* ids) override {
    if (passing_ != passing.data()) gather(passing);
    VectorSet set = set_;
    set.rows = survivors_.data();
    set.count = survivor_ids_.size();
    Blas among(set, survivor_halves_);
    among.search(queries, count, effort, ids);
    for (std::size_t i = 0; i < count * kTop; ++i)
      if (ids[i] >= 0) ids[i] = survivor_ids_[static_cast<std::size_t>(ids[i])];
    return true;
  }

 private:
  void search_some(const float* queries, std::size_t count, std::int64_t* ids) {
    std::vector<float> best(count * kTop, -std::numeric_limits<float>::infinity());
    std::fill_n(ids, count * kTop, -1);
    const std::size_t rows = std::min(kRows, set_.count);
    std::vector<float> products(count * rows);
    for (std::size_t first = 0; first < set_.count; first += rows) {
      const std::size_t some = std::min(rows, set_.count - first);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(count),
                  static_cast<int>(some), static_cast<int>(set_.dim), 1, queries,
                  static_cast<int>(set_.dim), set_.rows + first * set_.dim,
                  static_cast<int>(set_.dim), 0, products.data(), static_cast<int>(rows));
      for (std::size_t q = 0; q < count; ++q) {
        float* mine = best.data() + q * kTop;
        for (std::size_t i = 0; i < some; ++i) {
          const float value = products[q * rows + i] - (*known_)[first + i];
          if (!(value > mine[kTop - 1])) continue;
          std::size_t at = kTop - 1;
          for (; at > 0 && mine[at - 1] < value; --at) {
            mine[at] = mine[at - 1];
            ids[q * kTop + at] = ids[q * kTop + at - 1];
          }
          mine[at] = value;
          ids[q * kTop + at] = static_cast<std::int64_t>(first + i);
        }
      }
    }
  }

  void gather(std::span<const std::uint64_t> passing) {
    passing_ = passing.data();
    survivors_.clear();
    survivor_ids_.clear();
    survivor_halves_.clear();
    for (std::size_t i = 0; i < set_.count; ++i) {
      if ((passing[i / 64] >> (i % 64) & 1) == 0) continue;
      survivors_.insert(survivors_.end(), set_.rows + i * set_.dim, set_.rows + (i + 1) * set_.dim);
      survivor_ids_.push_back(static_cast<std::int64_t>(i));
      survivor_halves_.push_back((*known_)[i]);
    }
  }

  VectorSet set_;
  std::vector<float> halves_;
  const std::vector<float>* known_ = &halves_;  // half of each row's squared length
  const std::uint64_t* passing_ = nullptr;      // the filter of the survivors below
  std::vector<float> survivors_;
  std::vector<std::int64_t> survivor_ids_;
  std::vector<float> survivor_halves_;
};

}  // namespace

std::unique_ptr<VectorRival> blas_rival(const VectorSet& set) {
  return std::make_unique<Blas>(set);
}

}  // namespace vitrine::bench
