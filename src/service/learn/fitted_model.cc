#include "service/learn/fitted_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "service/learn/blend_model.h"
#include "service/learn/model_file.h"
#include "service/learn/vector_model.h"

namespace vitrine::learn {
namespace {

constexpr std::uint32_t kItemsMost = 100'000'000;

class PopularityModel final : public FittedModel {
 public:
  explicit PopularityModel(std::vector<float> scores) : scores_(std::move(scores)) {
    std::vector<std::uint32_t> order(scores_.size());
    std::iota(order.begin(), order.end(), 0u);
    const std::size_t n = std::min(order.size(), kTopMost);
    const auto more = [this](std::uint32_t a, std::uint32_t b) {
      return scores_[a] != scores_[b] ? scores_[a] > scores_[b] : a < b;
    };
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
                      more);
    for (std::size_t i = 0; i < n; ++i) best_.push_back({order[i], scores_[order[i]]});
  }
  Kind kind() const override { return Kind::kPopularity; }
  std::uint32_t items() const override { return static_cast<std::uint32_t>(scores_.size()); }
  void top(std::span<const std::uint32_t>, std::size_t most, ModelScratch&,
           std::vector<Scored>& out) const override {
    out.assign(best_.begin(),
               best_.begin() + static_cast<std::ptrdiff_t>(std::min(most, best_.size())));
  }
  std::uint64_t memory_bytes() const override { return scores_.capacity() * sizeof(float); }
  void save(Sink& out) const override {
    save_head(out, kind());
    out.array(std::span<const float>(scores_));
  }
  static Result<std::unique_ptr<FittedModel>> load(Source& in) {
    std::vector<float> scores;
    VITRINE_TRY(in.array(scores));
    for (const float score : scores) {
      if (!std::isfinite(score)) return corrupt_model("a score that is no number");
    }
    return make_popularity(std::move(scores));
  }

 private:
  std::vector<float> scores_;
  std::vector<Scored> best_;
};

class RowsModel final : public FittedModel {
 public:
  RowsModel(Kind kind, std::uint32_t items, SparseRows rows, float recency)
      : kind_(kind), items_(items), rows_(std::move(rows)), recency_(recency) {}
  Kind kind() const override { return kind_; }
  std::uint32_t items() const override { return items_; }

  void top(std::span<const std::uint32_t> history, std::size_t most, ModelScratch& s,
           std::vector<Scored>& out) const override {
    distinct_newest_first(newest(history, kHistoryMost), s.distinct);
    if (s.sums.size() < items_) s.sums.resize(items_);  // zeros between calls
    s.touched.clear();
    float factor = 1;
    for (const std::uint32_t from : s.distinct) {
      for (std::uint64_t at = rows_.begin[from]; at < rows_.begin[from + 1]; ++at) {
        float& sum = s.sums[rows_.item[at]];
        if (sum == 0) s.touched.push_back(rows_.item[at]);
        sum += factor * rows_.weight[at];
      }
      factor *= recency_;
    }
    BestScored best(s.scores.heap, most);
    for (const std::uint32_t item : s.touched) {
      // An item may be there twice, where its sum came to 0 in between; then it is 0 now.
      if (s.sums[item] > 0) best.offer({item, s.sums[item]});
      s.sums[item] = 0;
    }
    best.finish(out);
  }

  std::uint64_t memory_bytes() const override {
    return rows_.begin.capacity() * 8 + rows_.item.capacity() * 8;
  }
  void save(Sink& out) const override {
    save_head(out, kind_);
    out.value(items_);
    out.value(recency_);
    out.array(std::span<const std::uint64_t>(rows_.begin));
    out.array(std::span<const std::uint32_t>(rows_.item));
    out.array(std::span<const float>(rows_.weight));
  }
  static Result<std::unique_ptr<FittedModel>> load(Kind kind, Source& in) {
    std::uint32_t items = 0;
    float recency = 0;
    SparseRows rows;
    VITRINE_TRY(in.value(items));
    VITRINE_TRY(in.value(recency));
    VITRINE_TRY(in.array(rows.begin));
    VITRINE_TRY(in.array(rows.item));
    VITRINE_TRY(in.array(rows.weight));
    if (items > kItemsMost || rows.begin.size() != std::size_t{items} + 1 ||
        rows.begin.front() != 0 || rows.begin.back() != rows.item.size() ||
        rows.weight.size() != rows.item.size() ||
        !std::is_sorted(rows.begin.begin(), rows.begin.end())) {
      return corrupt_model("rows that do not fit each other");
    }
    for (const std::uint32_t item : rows.item) {
      if (item >= items) return corrupt_model("an item beyond the last one");
    }
    for (const float weight : rows.weight) {
      if (!std::isfinite(weight) || weight < 0) return corrupt_model("a weight that is none");
    }
    if (!(recency > 0) || recency > 1) return corrupt_model("a recency beyond (0, 1]");
    return make_rows(kind, items, std::move(rows), recency);
  }

 private:
  Kind kind_;
  std::uint32_t items_;
  SparseRows rows_;
  float recency_;
};

}  // namespace

std::unique_ptr<FittedModel> make_popularity(std::vector<float> scores) {
  return std::make_unique<PopularityModel>(std::move(scores));
}
std::unique_ptr<FittedModel> make_rows(Kind kind, std::uint32_t items, SparseRows rows,
                                       float recency) {
  return std::make_unique<RowsModel>(kind, items, std::move(rows), recency);
}

namespace {

// Parts of a blend are no blends, whatever the bytes say: nothing nests deeper.
Result<std::unique_ptr<FittedModel>> load_any(Source& in, bool part) {
  std::uint32_t magic = 0;
  std::uint8_t version = 0, kind = 0;
  VITRINE_TRY(in.value(magic));
  VITRINE_TRY(in.value(version));
  VITRINE_TRY(in.value(kind));
  if (magic != kFittedMagic) return corrupt_model("it is none");
  if (version > kFittedVersion) {
    return Error(ErrorCode::kUnsupported, "a model's file of version " + std::to_string(version) +
                                              "; this build reads up to " +
                                              std::to_string(kFittedVersion));
  }
  const auto* end = std::end(kBlendParts);
  if (part && std::find(std::begin(kBlendParts), end, static_cast<Kind>(kind)) == end) {
    return corrupt_model("a part of a blend that can't be one");
  }
  switch (static_cast<Kind>(kind)) {
    case Kind::kPopularity: return PopularityModel::load(in);
    case Kind::kItemItem:
    case Kind::kItemFilter:
    case Kind::kEase: return RowsModel::load(static_cast<Kind>(kind), in);
    case Kind::kIals: return load_ials(in);
    case Kind::kSession: return load_session(in);
    case Kind::kEmbedding: return load_embedding(in);
    case Kind::kBlend: return load_blend(in);
  }
  return Error(ErrorCode::kUnsupported, "a model's file of kind " + std::to_string(kind) +
                                            ", which this version does not know");
}

}  // namespace

Result<std::unique_ptr<FittedModel>> load_fitted(Source& in) { return load_any(in, false); }
Result<std::unique_ptr<FittedModel>> load_part(Source& in) { return load_any(in, true); }

}  // namespace vitrine::learn
