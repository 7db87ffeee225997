// The kinds of models that have vectors of items: ials, session and embedding.
#pragma once

#include <memory>

#include "base/result.h"
#include "base/stream.h"
#include "service/learn/fitted_model.h"

namespace vitrine::learn {

// What save() wrote behind the head; kCorrupt where it can't have.
Result<std::unique_ptr<FittedModel>> load_ials(Source& in);
Result<std::unique_ptr<FittedModel>> load_session(Source& in);
Result<std::unique_ptr<FittedModel>> load_embedding(Source& in);

}  // namespace vitrine::learn
