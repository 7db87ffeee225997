#pragma once
// Centroids of the lists: Lloyd's algorithm on a sample, with the assignment in bytes.
//
// Lists of very different size make slow searches slower (a query near a large list scans all of
// it), so between iterations the smallest lists give their centroid to split the largest.

#include <cstdint>
#include <vector>

#include "base/progress.h"
#include "engine/vec/coarse.h"
#include "engine/vec/workers.h"

namespace vitrine::vec {

struct KMeansOptions {
  std::size_t clusters = 1;
  unsigned iterations = 10;
  std::uint64_t seed = 1;
};

/// `rows`: `count` >= clusters rows of `dims` floats. The result depends on rows, options and the
/// instruction level, not on the number of workers.
Column<float> train_centroids(const float* rows, std::size_t count, std::size_t dims,
                              const KMeansOptions& options, const Workers& workers,
                              Progress& progress);

/// The nearest list of each of `count` rotated rows.
void assign_lists(const CoarseTable& table, const float* rows, std::size_t count,
                  std::uint32_t* lists);

}  // namespace vitrine::vec
