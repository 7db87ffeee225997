#include "service/learn/blend_model.h"

#include <algorithm>
#include <cmath>

#include "service/learn/model_file.h"
#include "service/recommend/trained_model.h"

namespace vitrine::learn {
namespace {

constexpr float kWeightMost = 10;

class BlendModel final : public FittedModel {
 public:
  explicit BlendModel(std::vector<BlendPart> parts) : parts_(std::move(parts)) {
    for (const BlendPart& part : parts_) {
      if (vectors_ == nullptr && part.model->dimensions() > 0) vectors_ = part.model.get();
    }
  }
  Kind kind() const override { return Kind::kBlend; }
  std::uint32_t items() const override { return parts_.front().model->items(); }

  void top(std::span<const std::uint32_t> history, std::size_t most, ModelScratch& s,
           std::vector<Scored>& out) const override {
    if (s.blend_sums.size() < items()) s.blend_sums.resize(items());  // zeros between calls
    s.blend_touched.clear();
    for (const BlendPart& part : parts_) {
      if (part.weight == 0) continue;
      part.model->top(history, kTopMost, s, s.part);
      for (std::size_t rank = 0; rank < s.part.size(); ++rank) {
        float& sum = s.blend_sums[s.part[rank].item];
        if (sum == 0) s.blend_touched.push_back(s.part[rank].item);
        sum += part.weight * static_cast<float>(recommend::rank_evidence(rank));
      }
    }
    BestScored best(s.scores.heap, most);
    for (const std::uint32_t item : s.blend_touched) {
      best.offer({item, s.blend_sums[item]});
      s.blend_sums[item] = 0;
    }
    best.finish(out);
  }

  std::span<const float> item_vectors() const override {
    return vectors_ == nullptr ? std::span<const float>() : vectors_->item_vectors();
  }
  std::uint32_t dimensions() const override {
    return vectors_ == nullptr ? 0 : vectors_->dimensions();
  }
  bool user_vector(std::span<const std::uint32_t> history, ModelScratch& scratch,
                   std::span<float> out) const override {
    return vectors_ != nullptr && vectors_->user_vector(history, scratch, out);
  }
  std::span<const float> popularity() const override {
    return vectors_ == nullptr ? std::span<const float>() : vectors_->popularity();
  }

  std::uint64_t memory_bytes() const override {
    std::uint64_t sum = 0;
    for (const BlendPart& part : parts_) sum += part.model->memory_bytes();
    return sum;
  }
  void save(Sink& out) const override {
    save_head(out, kind());
    out.value(static_cast<std::uint8_t>(parts_.size()));
    for (const BlendPart& part : parts_) {
      out.value(part.weight);
      part.model->save(out);
    }
  }

 private:
  std::vector<BlendPart> parts_;
  const FittedModel* vectors_ = nullptr;  // the part that has the vectors
};

}  // namespace

std::unique_ptr<FittedModel> make_blend(std::vector<BlendPart> parts) {
  return std::make_unique<BlendModel>(std::move(parts));
}

Result<std::unique_ptr<FittedModel>> load_blend(Source& in) {
  std::uint8_t count = 0;
  VITRINE_TRY(in.value(count));
  if (count == 0 || count > std::size(kBlendParts)) {
    return corrupt_model("a blend of " + std::to_string(count) + " parts");
  }
  std::vector<BlendPart> parts;
  for (std::size_t n = 0; n < count; ++n) {
    BlendPart part;
    VITRINE_TRY(in.value(part.weight));
    if (!(part.weight > 0) || part.weight > kWeightMost) {
      return corrupt_model("a weight of a blend beyond (0, 10]");
    }
    VITRINE_TRY(part.model, load_part(in));
    if (!parts.empty() && (part.model->items() != parts.front().model->items() ||
                           part.model->kind() <= parts.back().model->kind())) {
      return corrupt_model("parts of a blend that do not fit each other");
    }
    parts.push_back(std::move(part));
  }
  return make_blend(std::move(parts));
}

}  // namespace vitrine::learn
