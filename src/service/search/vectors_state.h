// Rows of a content index in a file: see index_store.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/recommend/vector_rows.h"

namespace vitrine::search {

// Changes with the recipe of the vectors: rows of another one are not comparable.
inline constexpr std::uint32_t kVectorRecipe = 1;

struct VectorsState {
  std::uint64_t position = 0;         // of the log: the catalog it was made from, or a later one
  std::uint64_t counted_of = 0;       // items of the catalog when words were counted
  std::uint64_t base_file = 0;        // number of the index over the rows; 0: none
  std::vector<std::uint64_t> hashes;  // by row, of the texts that were made into vectors; 0: none
  std::vector<std::uint32_t> fresh;   // items that the index does not have as they are
  recommend::VectorRows rows;

  explicit VectorsState(recommend::VectorRows taken) : rows(std::move(taken)) {}
};

std::string encode_vectors_state(const VectorsState& state);
// kCorrupt with what is wrong, kUnsupported for vectors of another recipe or other dimensions.
Result<VectorsState> decode_vectors_state(std::string_view payload, std::uint32_t dim);

}  // namespace vitrine::search
