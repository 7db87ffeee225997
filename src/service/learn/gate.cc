#include "service/learn/gate.h"

#include <algorithm>

namespace vitrine::learn {

Status check_promotion(const model::Manifest& manifest, std::string_view live) {
  const model::Judgement& judgement = manifest.judgement;
  if (!judgement.judged || !judgement.promote) {
    return Error(ErrorCode::kConflict, "model " + manifest.id + " is not to be promoted: it is " +
                                           (judgement.judged ? judgement.why : "not judged"))
        .with_reason("not_better");
  }
  if (live.empty() || live == manifest.id) return ok_status();
  const bool against_it =
      std::any_of(judgement.comparisons.begin(), judgement.comparisons.end(),
                  [&](const model::Comparison& one) { return one.with == live; });
  if (against_it) return ok_status();
  return Error(ErrorCode::kConflict,
               "model " + manifest.id + " was judged before " + std::string(live) +
                   " became live: train it again, then it is compared with that one")
      .with_reason("judged_before");
}

}  // namespace vitrine::learn
