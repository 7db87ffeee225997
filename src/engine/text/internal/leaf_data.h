// One term of a query in one segment, made ready for the kernels.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/text/internal/eval.h"
#include "engine/text/internal/list_view.h"
#include "engine/text/internal/norms.h"
#include "engine/text/internal/segment_impl.h"

namespace vitrine::text::internal {

// Keeps its memory from one query to the next. After use clear() restores the zeros of maxima.
struct LeafData {
  TermEntry entry;
  ListView view;         // of long lists
  bool present = false;  // in this segment
  bool long_list = false;
  float weight = 0;     // boost * idf
  float highest = 0;    // bounds the saturation
  double best_kth = 0;  // a lower bound of the k-th best saturation, 0 if unknown

  std::vector<std::uint32_t> documents;
  std::vector<std::uint8_t> codes;
  std::vector<std::uint32_t> combinations;  // of tiny lists
  std::vector<std::uint32_t> first;
  std::vector<std::uint8_t> maxima;  // all zero between queries
  std::vector<std::uint64_t> bits;   // of prefixes

  void clear(std::uint32_t frequency);
  // Frees what one large query left behind.
  void shrink();

  // Reads a term's list so far as the kernels need it. `k` is the number of results wanted, removed
  // documents included; 0 where best_kth is of no use.
  void open_term(const Segment::Impl& segment, std::uint32_t k, const EvalKernels& kernels,
                 Leaf& leaf);
  // The union of all terms that begin with `prefix`, each document with saturation 1. Gives the
  // number of postings read.
  std::uint64_t open_prefix(const Segment::Impl& segment, std::string_view prefix, Leaf& leaf);
  // Decodes a tiny or packed list of `entry` for for_each_above(). False for windowed lists.
  bool decode_short(const Segment::Impl& segment, std::uint32_t k, const EvalKernels& kernels);
  // Documents and combinations of all postings that may be among the k best.
  template <class Fn>
  void for_each_above(const Scoring& scoring, Fn fn) const {
    const std::uint32_t width = long_list ? view.header.code_bits : kCodeBitsMax;
    float bound[256];
    bound_table(scoring, width, bound);
    for (std::uint32_t i = 0; i < entry.frequency; ++i) {
      const std::uint32_t d = documents[i];
      if (double{bound[scoring.classes[d] << width | codes[i]]} < best_kth) continue;
      fn(d, long_list ? view.combination(d, codes[i]) : combinations[i]);
    }
  }
  // Fills the table and weights of the leaf; see EvalPlan for units.
  void set_units(const Scoring& scoring, double unit8, double unit16, Leaf& leaf) const;
  // The combination of a document the leaf has with this code.
  std::uint32_t combination(const Leaf& leaf, std::uint32_t document, int code) const;
  // The number of the posting of a document the leaf has, and stands on.
  std::uint32_t ordinal(const Leaf& leaf, std::uint32_t document) const;

 private:
  void decode_tiny(const Scoring& scoring, std::uint32_t k);
  void decode_packed(const EvalKernels& kernels);
  void fill_maxima(const Scoring& scoring, std::uint32_t windows, Leaf& leaf);
  void bound_table(const Scoring& scoring, std::uint32_t code_bits, float* table) const;
};

}  // namespace vitrine::text::internal
