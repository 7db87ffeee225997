// An order of documents in which similar ones are near: recursive graph bisection (Dhulipala et
// al., KDD 2016). Gaps get smaller and windows' maxima sharper.
#pragma once

#include <vector>

#include "base/progress.h"
#include "engine/text/segment.h"

namespace vitrine::text::internal {

// The ids of the segment's documents in the new order. Deterministic. Memory: 4 bytes a posting of
// terms in at least 8 documents; time about 0.5 us a posting.
std::vector<DocumentId> bisection_order(const Segment& segment, Progress& progress);

}  // namespace vitrine::text::internal
