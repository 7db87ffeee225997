// The slow twin: scores every document of a snapshot, straight from the definitions of query.h and
// schema.h. For tests, and for whoever doubts an answer.
#pragma once

#include "engine/text/index.h"
#include "engine/text/search.h"

namespace vitrine::text {

// All matches of the query, best first. Reads every posting of every term of the query.
std::vector<Hit> search_exhaustively(const Snapshot& snapshot, const Query& query,
                                     const IdSet* filter);

}  // namespace vitrine::text
