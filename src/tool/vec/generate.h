#pragma once
// Made-up vectors with the character of real ones, for benchmarks and tries without data.

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/vec/workers.h"

namespace vitrine::vec {

/// kClustered: like embeddings of short texts: a tree of topics of very different size, uneven
/// variance over the dimensions, many near-ties, length 1. kSpread: like descriptors of images: a
/// smooth surface of some 20 dimensions bent through all of them, no clusters to speak of.
enum class Shape { kClustered, kSpread };
Result<Shape> parse_shape(std::string_view text);  // "clustered", "spread"

/// `count` rows of `dim` floats. Rows first..first+count-1 of an endless set that the seed names:
/// queries of the same distribution are rows that the base does not use. Deterministic.
std::vector<float> generate_rows(Shape shape, std::uint64_t seed, std::size_t first,
                                 std::size_t count, std::uint32_t dim, const Workers& workers);

}  // namespace vitrine::vec
