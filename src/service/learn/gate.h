// Whether a model may become live.
#pragma once

#include <string_view>

#include "base/result.h"
#include "domain/model/manifest.h"

namespace vitrine::learn {

// ok where its judgement says that it is better than item-item and than the model that is live now
// (empty: none). Else kConflict, "not_better" with the reason of the judgement, or "judged_before"
// where another model became live since.
Status check_promotion(const model::Manifest& manifest, std::string_view live);

}  // namespace vitrine::learn
