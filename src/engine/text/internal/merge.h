// Several segments become one, without their removed documents.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "engine/text/index.h"

namespace vitrine::text::internal {

// The image of the merged segment; documents lie by rising id, or in `order` (ids) where given.
// `reference_average` as in SegmentBuilder::build().
std::string merge_parts(const Schema& schema, std::span<const Snapshot::Part> parts,
                        std::span<const float> reference_average, std::span<const DocumentId> order,
                        Progress& progress);

}  // namespace vitrine::text::internal
