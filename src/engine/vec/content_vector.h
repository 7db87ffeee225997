#pragma once
// Vectors for items nobody has trained a model on yet: from words of the title and attributes.
//
// Each field becomes features: its words, the three-letter pieces of its words (so that "shoe" and
// "shoes" meet), and for an attribute the whole value. Each feature is hashed and stands for a
// random direction of signs; an item is the weighted sum of its features' directions, scaled to
// length 1. Two items' inner product then approximates the cosine of their weighted feature sets
// (random projection; the error is about 1 / sqrt(dim)). The same text gives the same vector on
// every machine and in every version: what is stored stays comparable.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace vitrine::vec {

struct ContentField {
  std::string_view name;  ///< "title", "brand": equal words in other fields are other features
  std::string_view text;  ///< UTF-8, or any bytes
  float weight = 1;
  bool whole = false;  ///< an attribute: its whole value counts as one feature more
};

/// How often features occur in a catalog, so that rare ones count more (inverse document
/// frequency). Fixed size, 1 MiB; features that share a place share their count.
class ContentCounts {
 public:
  ContentCounts();
  /// Counts one item. Not thread-safe.
  void add(std::span<const ContentField> fields);
  std::uint64_t items() const { return items_; }
  /// 1 without any item, else falling from about 1 to near 0 with the share of items that have it.
  float weight(std::uint64_t feature) const;

 private:
  std::uint64_t items_ = 0;
  std::vector<std::uint32_t> counts_;
  std::vector<std::uint64_t> seen_;  // scratch of add
};

class ContentVectors {
 public:
  /// `dim` 1..kDimMax; `counts` may be null and must outlive this otherwise. Thread-safe where
  /// nobody adds to the counts.
  explicit ContentVectors(std::uint32_t dim = 128, const ContentCounts* counts = nullptr)
      : dim_(dim), counts_(counts) {}

  std::uint32_t dim() const { return dim_; }
  /// Writes dim() floats of length 1, or zeros where the fields have no feature.
  void make(std::span<const ContentField> fields, float* out) const;

 private:
  std::uint32_t dim_;
  const ContentCounts* counts_;
};

}  // namespace vitrine::vec
