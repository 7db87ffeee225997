#pragma once
// What every part of the vector engine speaks: rows, metrics, neighbours, plans.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace vitrine::vec {

/// kCosine is inner product over rows (and queries) that the engine scales to length 1 itself.
/// The values are on disk: add, never renumber.
enum class Metric : std::uint32_t { kL2 = 0, kInnerProduct = 1, kCosine = 2 };
std::string_view name(Metric metric);

/// How vectors are coded for the scan (coding.h). The values are on disk.
enum class CodeFamily : std::uint32_t { kNibbles = 0, kPq16 = 1, kPq256 = 2 };
std::string_view name(CodeFamily family);

inline constexpr std::uint32_t kDimMax = 2048;
inline constexpr std::uint32_t kNeighboursMax = 1000;
inline constexpr std::uint32_t kNoId = 0xFFFFFFFFU;

/// `count` rows of `dim` floats, row after row; not owned.
struct Rows {
  const float* data = nullptr;
  std::size_t count = 0;
  std::uint32_t dim = 0;

  const float* row(std::size_t i) const { return data + i * dim; }
};

/// One answer. `score` is the squared distance for kL2 (small is near) and the similarity
/// otherwise (large is near). Unused places of an answer hold {kNoId, 0}.
struct Neighbor {
  std::uint32_t id = kNoId;
  float score = 0;
  friend bool operator==(const Neighbor&, const Neighbor&) = default;
};

inline constexpr std::uint32_t kVolumeProbes = 2;

/// How much work a search does. Two searches with the same plan over the same snapshot give the
/// same answer, one by one or in a batch.
struct Plan {
  std::uint32_t probes = 8;     ///< lists to visit, nearest first
  std::uint32_t keep = 60;      ///< candidates that survive the 4-bit scan
  std::uint32_t exact = 24;     ///< of those, how many are compared with the float rows
  std::uint32_t beam = 0;       ///< of the graph: candidates held open; 0 = search the lists
  float filter_growth = 0.35F;  ///< with a filter that a share p passes: probes * p^-filter_growth
  /// Not 0: visit lists until they hold this many times the vectors of a mean list, up to
  /// kVolumeProbes * probes of them. Every query then costs about the same, where lists are of
  /// uneven size. Searches with a filter go by `probes`.
  float volume = 0;
  friend bool operator==(const Plan&, const Plan&) = default;
};

}  // namespace vitrine::vec
