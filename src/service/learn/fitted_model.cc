#include "service/learn/fitted_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace vitrine::learn {
namespace {

// Layout: magic u32, version u8, kind u8, then the kind's own.
constexpr std::uint32_t kMagic = 0x4C444D56u;  // "VMDL"
constexpr std::uint8_t kVersion = 1;
constexpr std::uint32_t kItemsMost = 100'000'000;

Error corrupt(std::string_view what) {
  return {ErrorCode::kCorrupt, "a model's file: " + std::string(what)};
}

void save_head(Sink& out, Kind kind) {
  out.value(kMagic);
  out.value(kVersion);
  out.value(static_cast<std::uint8_t>(kind));
}

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

bool better(const Scored& a, const Scored& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
}

// Keeps the best of a stream; the worst of those in front.
class Best {
 public:
  Best(std::vector<Scored>& heap, std::size_t most) : heap_(heap), most_(most) { heap_.clear(); }
  // Only what is above it can get in.
  float threshold() const {
    if (most_ == 0) return std::numeric_limits<float>::infinity();
    return heap_.size() < most_ ? -std::numeric_limits<float>::infinity() : heap_.front().score;
  }
  void offer(Scored one) {
    if (heap_.size() == most_) {
      if (most_ == 0 || !better(one, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), better);
      heap_.back() = one;
    } else {
      heap_.push_back(one);
    }
    std::push_heap(heap_.begin(), heap_.end(), better);
  }
  void finish(std::vector<Scored>& out) {
    std::sort_heap(heap_.begin(), heap_.end(), better);
    out.assign(heap_.begin(), heap_.end());
  }

 private:
  std::vector<Scored>& heap_;
  std::size_t most_;
};

// The newest kHistoryMost events.
std::span<const std::uint32_t> newest(std::span<const std::uint32_t> history) {
  return history.last(std::min(history.size(), kHistoryMost));
}

// Different items of a history, newest first.
void distinct_newest_first(std::span<const std::uint32_t> history,
                           std::vector<std::uint32_t>& out) {
  out.clear();
  for (std::size_t i = history.size(); i-- > 0;) {
    if (std::find(out.begin(), out.end(), history[i]) == out.end()) out.push_back(history[i]);
  }
}

// Products of one vector with many, laid out for it: a block of items after the other, in it one
// dimension after the other. A sum goes over dimensions in order, whatever the SIMD level.
class DenseTable {
 public:
  static constexpr std::size_t kBlock = 256;

  // `rows`: items x d. Of more than kDenseFloats the most popular items only.
  DenseTable(std::span<const float> rows, std::uint32_t d, std::span<const float> popularity)
      : d_(d) {
    const auto items = static_cast<std::uint32_t>(rows.size() / d);
    items_.resize(items);
    std::iota(items_.begin(), items_.end(), 0u);
    if (rows.size() > kDenseFloats) {
      std::stable_sort(items_.begin(), items_.end(), [&](std::uint32_t a, std::uint32_t b) {
        return popularity[a] > popularity[b];
      });
      items_.resize(std::max<std::size_t>(1, kDenseFloats / d));
      std::sort(items_.begin(), items_.end());
    }
    const std::size_t blocks = (items_.size() + kBlock - 1) / kBlock;
    values_.resize(blocks * kBlock * d);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      float* block = values_.data() + i / kBlock * kBlock * d;
      for (std::uint32_t j = 0; j < d; ++j) {
        block[j * kBlock + i % kBlock] = rows[std::size_t{items_[i]} * d + j];
      }
    }
  }

  void top(std::span<const float> vector, std::size_t most, ModelScratch& scratch,
           std::vector<Scored>& out) const {
    Best best(scratch.heap, most);
    scratch.block.resize(kBlock);
    float* sums = scratch.block.data();
    for (std::size_t first = 0; first < items_.size(); first += kBlock) {
      const float* block = values_.data() + first * d_;
      std::fill_n(sums, kBlock, 0.0f);
      for (std::uint32_t j = 0; j < d_; ++j) {
        const float x = vector[j];
        const float* column = block + j * kBlock;
        for (std::size_t i = 0; i < kBlock; ++i) sums[i] += x * column[i];
      }
      const std::size_t n = std::min(kBlock, items_.size() - first);
      for (std::size_t i = 0; i < n; ++i) {
        if (sums[i] > best.threshold()) best.offer({items_[first + i], sums[i]});
      }
    }
    best.finish(out);
  }

  std::uint64_t memory_bytes() const {
    return values_.capacity() * sizeof(float) + items_.capacity() * sizeof(std::uint32_t);
  }

 private:
  std::uint32_t d_;
  std::vector<std::uint32_t> items_;
  std::vector<float> values_;
};

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
      if (!std::isfinite(score)) return corrupt("a score that is no number");
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
    distinct_newest_first(newest(history), s.distinct);
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
    Best best(s.heap, most);
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
      return corrupt("rows that do not fit each other");
    }
    for (const std::uint32_t item : rows.item) {
      if (item >= items) return corrupt("an item beyond the last one");
    }
    for (const float weight : rows.weight) {
      if (!std::isfinite(weight) || weight < 0) return corrupt("a weight that is none");
    }
    if (!(recency > 0) || recency > 1) return corrupt("a recency beyond (0, 1]");
    return make_rows(kind, items, std::move(rows), recency);
  }

 private:
  Kind kind_;
  std::uint32_t items_;
  SparseRows rows_;
  float recency_;
};

class IalsModel final : public FittedModel {
 public:
  IalsModel(factor::Ials model, std::span<const float> popularity)
      : model_(std::move(model)),
        popularity_(popularity.begin(), popularity.end()),
        table_(model_.item_vectors(), model_.options().dimensions, popularity) {}
  Kind kind() const override { return Kind::kIals; }
  std::uint32_t items() const override { return model_.items(); }
  std::span<const float> item_vectors() const override { return model_.item_vectors(); }
  std::uint32_t dimensions() const override { return model_.options().dimensions; }

  bool user_vector(std::span<const std::uint32_t> history, ModelScratch& s,
                   std::span<float> out) const override {
    distinct_newest_first(newest(history), s.distinct);
    if (s.distinct.empty()) return false;
    // Any order gives the same vector but for rounding: one order.
    std::sort(s.distinct.begin(), s.distinct.end());
    model_.fold_in(s.distinct, out);
    return true;
  }
  void top(std::span<const std::uint32_t> history, std::size_t most, ModelScratch& s,
           std::vector<Scored>& out) const override {
    out.clear();
    s.vector.resize(dimensions());
    if (user_vector(history, s, s.vector)) table_.top(s.vector, most, s, out);
  }
  std::uint64_t memory_bytes() const override {
    return 4 * std::uint64_t{items()} * dimensions() * sizeof(float) + table_.memory_bytes();
  }
  void save(Sink& out) const override {
    save_head(out, kind());
    out.array(std::span<const float>(popularity_));
    model_.save(out);
  }
  const factor::Ials& engine() const { return model_; }
  static Result<std::unique_ptr<FittedModel>> load(Source& in) {
    std::vector<float> popularity;
    VITRINE_TRY(in.array(popularity));
    VITRINE_TRY(auto model, factor::Ials::load(in));
    if (popularity.size() != model.items() || model.items() == 0) {
      return corrupt("tables that do not fit each other");
    }
    if (!all_finite(popularity)) return corrupt("a number that is none");
    return make_ials(std::move(model), popularity);
  }

 private:
  factor::Ials model_;
  std::vector<float> popularity_;
  DenseTable table_;
};

class SessionFitted final : public FittedModel {
 public:
  SessionFitted(session::SessionModel model, std::span<const float> popularity)
      : model_(std::move(model)),
        popularity_(popularity.begin(), popularity.end()),
        table_(model_.item_vectors(), model_.shape().width, popularity) {}
  Kind kind() const override { return Kind::kSession; }
  std::uint32_t items() const override { return model_.shape().items; }
  std::span<const float> item_vectors() const override { return model_.item_vectors(); }
  std::uint32_t dimensions() const override { return model_.shape().width; }

  bool user_vector(std::span<const std::uint32_t> history, ModelScratch& s,
                   std::span<float> out) const override {
    if (history.empty()) return false;
    model_.encode(newest(history), out, s.session, s.workers);
    return true;
  }
  void top(std::span<const std::uint32_t> history, std::size_t most, ModelScratch& s,
           std::vector<Scored>& out) const override {
    out.clear();
    s.vector.resize(dimensions());
    if (user_vector(history, s, s.vector)) table_.top(s.vector, most, s, out);
  }
  std::uint64_t memory_bytes() const override {
    return 2 * std::uint64_t{items()} * dimensions() * sizeof(float) + table_.memory_bytes();
  }
  void save(Sink& out) const override {
    save_head(out, kind());
    out.array(std::span<const float>(popularity_));
    model_.save(out);
  }
  const session::SessionModel& engine() const { return model_; }
  static Result<std::unique_ptr<FittedModel>> load(Source& in) {
    std::vector<float> popularity;
    VITRINE_TRY(in.array(popularity));
    VITRINE_TRY(auto model, session::SessionModel::load(in));
    if (popularity.size() != model.shape().items || popularity.empty()) {
      return corrupt("tables that do not fit each other");
    }
    if (!all_finite(popularity)) return corrupt("a number that is none");
    return make_session(std::move(model), popularity);
  }

 private:
  session::SessionModel model_;
  std::vector<float> popularity_;
  DenseTable table_;
};

}  // namespace

std::unique_ptr<FittedModel> make_popularity(std::vector<float> scores) {
  return std::make_unique<PopularityModel>(std::move(scores));
}
std::unique_ptr<FittedModel> make_rows(Kind kind, std::uint32_t items, SparseRows rows,
                                       float recency) {
  return std::make_unique<RowsModel>(kind, items, std::move(rows), recency);
}
std::unique_ptr<FittedModel> make_ials(factor::Ials model, std::span<const float> popularity) {
  return std::make_unique<IalsModel>(std::move(model), popularity);
}
std::unique_ptr<FittedModel> make_session(session::SessionModel model,
                                          std::span<const float> popularity) {
  return std::make_unique<SessionFitted>(std::move(model), popularity);
}

const factor::Ials* ials_of(const FittedModel& model) {
  return model.kind() == Kind::kIals ? &static_cast<const IalsModel&>(model).engine() : nullptr;
}
const session::SessionModel* session_of(const FittedModel& model) {
  return model.kind() == Kind::kSession ? &static_cast<const SessionFitted&>(model).engine()
                                        : nullptr;
}

Result<std::unique_ptr<FittedModel>> load_fitted(Source& in) {
  std::uint32_t magic = 0;
  std::uint8_t version = 0, kind = 0;
  VITRINE_TRY(in.value(magic));
  VITRINE_TRY(in.value(version));
  VITRINE_TRY(in.value(kind));
  if (magic != kMagic) return corrupt("it is none");
  if (version > kVersion) {
    return Error(ErrorCode::kUnsupported, "a model's file of version " + std::to_string(version) +
                                              "; this build reads up to " +
                                              std::to_string(kVersion));
  }
  switch (static_cast<Kind>(kind)) {
    case Kind::kPopularity: return PopularityModel::load(in);
    case Kind::kItemItem:
    case Kind::kItemFilter:
    case Kind::kEase: return RowsModel::load(static_cast<Kind>(kind), in);
    case Kind::kIals: return IalsModel::load(in);
    case Kind::kSession: return SessionFitted::load(in);
  }
  return Error(ErrorCode::kUnsupported, "a model's file of kind " + std::to_string(kind) +
                                            ", which this version does not know");
}

}  // namespace vitrine::learn
