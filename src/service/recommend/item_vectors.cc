#include "service/recommend/item_vectors.h"

#include <algorithm>

#include "engine/vec/lists.h"

namespace vitrine::recommend {

bool ItemVectors::query(std::span<const covisit::HistoryItem> items, VectorScratch& scratch,
                        float* out) const {
  const std::uint32_t size = dim();
  std::fill_n(out, size, 0.0F);
  scratch.row.resize(size);
  covisit::Recency recency(static_cast<float>(kRecency));
  bool any = false;
  for (const covisit::HistoryItem& item : items) {
    const float weight = recency.at(item.age) * item.weight;
    if (!(weight > 0) || !vector(item.item, scratch.row.data())) continue;
    for (std::uint32_t d = 0; d < size; ++d) out[d] += weight * scratch.row[d];
    any = true;
  }
  if (!any) return false;
  vec::normalize(out, size, out);
  // Vectors may cancel each other out.
  return std::any_of(out, out + size, [](float value) { return value != 0; });
}

}  // namespace vitrine::recommend
