// Several models as one: what each puts first, by ranks, added up with weights.
//
//   score(item) = sum over parts of weight * rank_evidence(rank of the item in the part's list)
//
// Ranks, because scores of different kinds have nothing in common; the same evidence as a model's
// beside the live state (recommend/evidence.h).
#pragma once

#include <memory>
#include <vector>

#include "service/learn/fitted_model.h"

namespace vitrine::learn {

struct BlendPart {
  std::shared_ptr<const FittedModel> model;
  float weight = 1;
};

// Vectors are those of the first part that has any: they say what is near, not what the blend
// scores. `parts`: at least one, of kBlendParts in their order, of the same items; parts of weight
// 0 say nothing.
std::unique_ptr<FittedModel> make_blend(std::vector<BlendPart> parts);

// What save() wrote behind the head; kCorrupt where it can't have.
Result<std::unique_ptr<FittedModel>> load_blend(Source& in);

}  // namespace vitrine::learn
