#include "engine/vec/faiss_index.h"

#include <algorithm>
#include <functional>

#include "engine/vec/kernels.h"
#include "engine/vec/shortlist.h"

namespace vitrine::vec {

void ProductQuantizer::tables(const float* query, bool inner_product, float* out) const {
  const Kernels& k = kernels();
  for (std::size_t part = 0; part < parts; ++part) {
    const float* mine = query + part * width();
    for (std::size_t code = 0; code < book_size(); ++code)
      *out++ = inner_product ? k.dot(mine, word(part, code), width())
                             : k.squared_distance(mine, word(part, code), width());
  }
}

float ProductQuantizer::sum(const float* tables, const std::uint8_t* codes) const {
  float out = 0;
  for (std::size_t part = 0; part < parts; ++part)
    out += tables[part * book_size() + code_of(codes, part, bits)];
  return out;
}

void ProductQuantizer::decode(const std::uint8_t* codes, float* out) const {
  for (std::size_t part = 0; part < parts; ++part)
    std::copy_n(word(part, code_of(codes, part, bits)), width(), out + part * width());
}

// The best so far; nearness is the score with the sign that makes large near.
struct FaissIndex::Ranking {
  std::size_t k = 0;
  std::vector<std::uint64_t> keys;  // of key_of, a heap with the worst on top
  std::vector<float> tables;
  std::vector<float> residual;

  void offer(float nearness, std::uint32_t id) {
    const std::uint64_t key = key_of(nearness, id);
    if (keys.size() == k) {
      if (key <= keys.front()) return;
      std::pop_heap(keys.begin(), keys.end(), std::greater<>());
      keys.pop_back();
    }
    keys.push_back(key);
    std::push_heap(keys.begin(), keys.end(), std::greater<>());
  }
};

void FaissIndex::scan(const float* query, std::size_t list, Ranking& ranking) const {
  const bool product = metric_ == Metric::kInnerProduct;
  const float sign = product ? 1.0F : -1.0F;
  if (kind_ == FaissKind::kFlat || kind_ == FaissKind::kLists) {
    for (std::size_t i = begin_[list]; i < begin_[list + 1]; ++i) {
      const float* row = rows_.data() + i * dim_;
      const float score =
          product ? kernels().dot(query, row, dim_) : kernels().squared_distance(query, row, dim_);
      ranking.offer(sign * score, ids_[i]);
    }
    return;
  }
  const float* center = centroids_.data() + list * dim_;
  float base = 0;
  if (by_residual_ && product) base = kernels().dot(query, center, dim_);
  if (by_residual_ && !product) {
    ranking.residual.resize(dim_);
    for (std::size_t d = 0; d < dim_; ++d) ranking.residual[d] = query[d] - center[d];
    quantizer_.tables(ranking.residual.data(), false, ranking.tables.data());
  }
  const std::size_t bytes = quantizer_.code_bytes();
  for (std::size_t i = begin_[list]; i < begin_[list + 1]; ++i) {
    const float sum = quantizer_.sum(ranking.tables.data(), codes_.data() + i * bytes);
    ranking.offer(sign * (base + sum), ids_[i]);
  }
}

std::size_t FaissIndex::search(const float* query, std::size_t k, std::size_t probes,
                               Neighbor* out) const {
  Ranking ranking;
  ranking.k = std::clamp<std::size_t>(k, 1, kNeighboursMax);
  ranking.tables.resize(std::size_t{quantizer_.parts} * quantizer_.book_size());
  const bool product = metric_ == Metric::kInnerProduct;
  if (quantizer_.parts > 0 && (product || !by_residual_))
    quantizer_.tables(query, product, ranking.tables.data());
  std::vector<std::uint64_t> nearest;
  for (std::size_t list = 0; list < list_count(); ++list) {
    const float* center = centroids_.data() + list * dim_;
    const float nearness = kind_ == FaissKind::kFlat ? 0.0F
                           : coarse_inner_product_
                               ? kernels().dot(query, center, dim_)
                               : -kernels().squared_distance(query, center, dim_);
    nearest.push_back(key_of(nearness, static_cast<std::uint32_t>(list)));
  }
  probes = std::min(std::max<std::size_t>(probes, 1), nearest.size());
  std::partial_sort(nearest.begin(), nearest.begin() + static_cast<std::ptrdiff_t>(probes),
                    nearest.end(), std::greater<>());
  for (std::size_t i = 0; i < probes; ++i) scan(query, candidate_of(nearest[i]).slot, ranking);
  std::sort(ranking.keys.begin(), ranking.keys.end(), std::greater<>());
  for (std::size_t i = 0; i < ranking.keys.size(); ++i) {
    const Candidate found = candidate_of(ranking.keys[i]);
    out[i] = {found.slot, product ? found.estimate : -found.estimate};
  }
  std::fill(out + ranking.keys.size(), out + ranking.k, Neighbor{});
  return ranking.keys.size();
}

VectorFile FaissIndex::vectors() const {
  VectorFile out;
  out.dim = dim_;
  out.metric = metric_;
  if (kind_ != FaissKind::kFlat) {
    out.lists = static_cast<std::uint32_t>(list_count());
    out.ids = ids_;
  }
  if (kind_ == FaissKind::kFlat || kind_ == FaissKind::kLists) {
    out.values = rows_;
    return out;
  }
  out.values.resize(ids_.size() * dim_);
  for (std::size_t list = 0; list < list_count(); ++list) {
    for (std::size_t i = begin_[list]; i < begin_[list + 1]; ++i) {
      float* row = out.values.data() + i * dim_;
      quantizer_.decode(codes_.data() + i * quantizer_.code_bytes(), row);
      for (std::size_t d = 0; by_residual_ && d < dim_; ++d) row[d] += centroids_[list * dim_ + d];
    }
  }
  return out;
}

}  // namespace vitrine::vec
