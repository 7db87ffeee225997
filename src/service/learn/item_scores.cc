#include "service/learn/item_scores.h"

namespace vitrine::learn {

Result<ItemScores> ItemScores::make(
    std::span<const float> rows, std::uint32_t d,
    const std::function<void(std::uint32_t n, std::span<float> out)>& query,
    std::uint64_t dense_most) {
  ItemScores made;
  made.d_ = d;
  made.items_ = static_cast<std::uint32_t>(rows.size() / d);
  if (rows.size() <= dense_most) {
    made.blocks_.resize((made.items_ + kBlock - 1) / kBlock * kBlock * d);
    for (std::size_t i = 0; i < made.items_; ++i) {
      float* block = made.blocks_.data() + i / kBlock * kBlock * d;
      for (std::uint32_t j = 0; j < d; ++j) block[j * kBlock + i % kBlock] = rows[i * d + j];
    }
    return made;
  }
  std::vector<float> queries(std::size_t{kQueries} * d);
  for (std::uint32_t n = 0; n < kQueries; ++n) {
    query(n, std::span(queries).subspan(std::size_t{n} * d, d));
  }
  vec::BuildOptions options;
  options.metric = vec::Metric::kInnerProduct;
  options.graph = vec::GraphChoice::kNever;
  options.calibration.own_queries = {queries.data(), kQueries, d};
  options.calibration.goal_max = static_cast<float>(kRecall);
  VITRINE_TRY(made.index_, vec::Index::build({rows.data(), made.items_, d}, nullptr, options, {},
                                             no_progress()));
  return made;
}

void ItemScores::top_of_all(std::span<const float> vector, BestScored& best,
                            Scratch& scratch) const {
  scratch.block.resize(kBlock);
  float* sums = scratch.block.data();
  for (std::size_t first = 0; first < items_; first += kBlock) {
    const float* block = blocks_.data() + first * d_;
    std::fill_n(sums, kBlock, 0.0f);
    // A sum goes over dimensions in order, whatever the SIMD level.
    for (std::uint32_t j = 0; j < d_; ++j) {
      const float x = vector[j];
      const float* column = block + j * kBlock;
      for (std::size_t i = 0; i < kBlock; ++i) sums[i] += x * column[i];
    }
    const std::size_t n = std::min(kBlock, items_ - first);
    for (std::size_t i = 0; i < n; ++i) {
      if (sums[i] > best.threshold()) {
        best.offer({static_cast<std::uint32_t>(first + i), sums[i]});
      }
    }
  }
}

void ItemScores::top(std::span<const float> rows, std::span<const float> vector, std::size_t most,
                     Scratch& scratch, std::vector<Scored>& out) const {
  BestScored best(scratch.heap, most);
  if (!index_) {
    top_of_all(vector, best, scratch);
    return best.finish(out);
  }
  const std::size_t wanted = std::min<std::size_t>(most, items_);
  vec::SearchOptions options;
  options.k = wanted;
  options.recall = kRecall;
  scratch.found.resize(wanted);
  const std::size_t found = vec::ListSearch(index_->lists())
                                .search(vector.data(), wanted, index_->plan(options, false),
                                        nullptr, scratch.lists, scratch.found.data());
  for (std::size_t n = 0; n < found; ++n) {
    const std::uint32_t item = scratch.found[n].id;
    const float* row = rows.data() + std::size_t{item} * d_;
    float sum = 0;
    for (std::uint32_t j = 0; j < d_; ++j) sum += vector[j] * row[j];
    best.offer({item, sum});
  }
  best.finish(out);
}

std::uint64_t ItemScores::memory_bytes() const {
  return blocks_.capacity() * sizeof(float) + (index_ ? index_->lists().total_bytes() : 0);
}

std::uint64_t ItemScores::making_bytes(std::uint64_t items, std::uint64_t d) {
  const std::uint64_t numbers = items * d;
  if (numbers <= kDenseFloats) return 4 * (numbers + kBlock * d);
  return 9 * numbers + numbers / 2 + 32 * items;
}

}  // namespace vitrine::learn
