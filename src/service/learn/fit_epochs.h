// The models that are trained in epochs: with validation, checkpoints, stopping and warm starts.
#pragma once

#include "engine/spectral/interactions.h"
#include "service/learn/fit.h"

namespace vitrine::learn {

Result<Fit> fit_ials(const Recipe& recipe, const spectral::Interactions& data,
                     const FitContext& context);
Result<Fit> fit_embedding(const Recipe& recipe, const spectral::Interactions& data,
                          const FitContext& context);
Result<Fit> fit_session(const Recipe& recipe, std::span<const evaluate::Interaction> train,
                        std::uint32_t items, const FitContext& context);

// How many visitors turned to each item, as the order in which items matter.
std::vector<float> popularity_of(const spectral::Interactions& data);

}  // namespace vitrine::learn
