// For which of the visitor's items, or of the page's, an item is shown: "because you viewed X".
#pragma once

#include "engine/covisit/score.h"
#include "service/recommend/answer.h"
#include "service/recommend/context.h"
#include "service/recommend/evidence.h"

namespace vitrine::recommend {

struct BecauseOptions {
  const covisit::ScoreOptions& covisit;
  const covisit::ScoreOptions& baskets;
};

// Fills answer.because, one for each of answer.items, by the item's largest source:
//   co_view, co_buy               the anchor that gave it most
//   second_hop                    the anchor that gives it most when each is asked alone and counts
//                                 by its age and weight as it does in the answer
//   similar, content, vector      the newest anchor of its category or brand; of the last two, else
//                                 the newest anchor
//   history, repeat               the item itself
//   the others                    none: they are the same for everyone
// Costs a question to the engines for each anchor: for answers that are to be explained.
void find_because(const Context& context, const BecauseOptions& options, SourceScratch& scratch,
                  Answer& answer);

}  // namespace vitrine::recommend
