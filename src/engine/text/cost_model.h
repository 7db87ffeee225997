// What a query fetches, and what that would cost on a medium: a model, not a measurement.
//
// It follows the evaluation of BOSS (ISCA 2021): an index lies on memory of a given bandwidth and
// latency and nothing of it is in a cache. Without early termination every posting list of the
// query is read whole. With it, a query reads the window maxima of its windowed lists whole, packed
// and tiny lists whole, and of windowed lists only the share of postings that the search touched. A
// block is a run of bytes that one access gets: a whole list, or one list's part of a window.
//   seconds = blocks * latency / in_flight + bytes / bandwidth
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/text/index.h"
#include "engine/text/search.h"

namespace vitrine::text {

struct Medium {
  std::string name;
  double bandwidth = 0;  // bytes a second, random blocks
  double latency_s = 0;
  double in_flight = 8;  // accesses at a time
};
// DRAM (one core, streaming), storage-class memory and an NVMe disk, as their makers publish them.
std::vector<Medium> published_media();

struct FetchCost {
  std::uint64_t blocks = 0, bytes = 0;
  std::array<std::uint64_t, 4> bytes_by_codec{};  // varints, elias-fano, packed, windowed
  double seconds(const Medium& medium) const {
    return static_cast<double>(blocks) * medium.latency_s / medium.in_flight +
           static_cast<double>(bytes) / medium.bandwidth;
  }
  void add(const FetchCost& other);
};

struct QueryCost {
  FetchCost everything, early;
};

// Runs the query (k results) and models its fetches. Errors are those of search().
Result<QueryCost> model_query(const Snapshot& snapshot, const Query& query, std::uint32_t k,
                              Searcher& searcher);

}  // namespace vitrine::text
