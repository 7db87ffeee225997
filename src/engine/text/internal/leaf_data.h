// One term of a query in one segment, made ready for the kernels.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/text/internal/eval.h"
#include "engine/text/internal/list_view.h"
#include "engine/text/internal/norms.h"
#include "engine/text/internal/segment_impl.h"

namespace vitrine::text::internal {

// Room that kernels may write behind what they were asked for.
inline constexpr std::uint32_t kRunRoom = 64;

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
  std::vector<std::uint8_t> maxima;    // of decoded lists: all zero between queries
  bool maxima_used = false;            // by the list that is open
  std::vector<std::uint8_t> expanded;  // maxima that the image has in 4 bits
  std::vector<std::uint8_t> supers;    // maxima of 64 windows each
  std::vector<std::uint64_t> bits;     // of prefixes

  void clear();
  // Frees what one large query left behind.
  void shrink();

  // Reads a term's list so far as the kernels need it. `k` is the number of results wanted, removed
  // documents included; 0 where best_kth is of no use. `expand`: maxima of 4 bits too become bytes.
  void open_term(const Segment::Impl& segment, std::uint32_t k, const EvalKernels& kernels,
                 bool expand, Leaf& leaf);
  // Of a long list no more than its head; sets highest and best_kth.
  void peek(const Segment::Impl& segment, std::uint32_t k, const EvalKernels& kernels);
  // Reads no more than the head of a long list: what is asked for later is found by seek().
  void open_lazily(const Segment::Impl& segment, const EvalKernels& kernels, Leaf& leaf);
  // Decodes all of a lazy leaf's sparse list.
  void make_whole();
  // The union of all terms that begin with `prefix`, each document with saturation 1; with a field
  // (not kAnyField) those that stand in it. Gives the number of postings read.
  std::uint64_t open_prefix(const Segment::Impl& segment, std::string_view prefix,
                            std::uint8_t field, Leaf& leaf);
  // Decodes a tiny or packed list of `entry` for for_each_above(). False for windowed lists.
  bool decode_short(const Segment::Impl& segment, std::uint32_t k, const EvalKernels& kernels);
  // Documents and combinations of all postings that may be among the k best.
  template <class Fn>
  void for_each_above(const Segment::Impl& segment, const EvalKernels& kernels, Fn fn) {
    if (!long_list) {
      for (std::uint32_t i = 0; i < entry.frequency; ++i) fn(documents[i], combinations[i]);
      return;
    }
    impacts_of(segment, kernels);
    const auto least = static_cast<std::uint32_t>(best_kth / double{highest} * 255.0 * (1 - 1e-6));
    found.resize(entry.frequency + std::size_t{1});
    const std::uint32_t n =
        kernels.collect_bytes(impacts.data(), entry.frequency, least, found.data());
    for (std::uint32_t i = 0; i < n; ++i) {
      const std::uint32_t document = documents[found[i]];
      fn(document, view.combination(document, codes[found[i]]));
    }
  }
  // Decodes a tiny or packed list; gives per posting an upper bound of its saturation in 255ths of
  // the highest.
  void decode_all(const Segment::Impl& segment, const EvalKernels& kernels);
  void impacts_of(const Segment::Impl& segment, const EvalKernels& kernels);
  std::vector<std::uint8_t> impacts;

  // Fills the table and weights of the leaf; see EvalPlan for units.
  void set_units(const Scoring& scoring, const EvalKernels& kernels, double unit8, double unit16,
                 Leaf& leaf);
  // The products of a leaf of exact classes. After set_units().
  void set_products(Leaf& leaf);
  // Of a lazy leaf: code of the document, or -1. Documents may come in any order; near ones are
  // cheap.
  int seek(const Leaf& leaf, std::uint32_t document);
  // Looks many rising documents up in a lazy leaf: found has the places in `wanted` of the
  // found_count it has; found_documents, found_codes and found_ordinals tell of those.
  void seek_all(const std::uint32_t* wanted, std::uint32_t n);
  std::uint32_t found_count = 0;
  std::vector<std::uint32_t> found, found_documents, found_ordinals;
  std::vector<std::uint8_t> found_codes;
  // Of a search driven by short lists, by the number of the candidate: 255 where it has none.
  std::vector<std::uint8_t> codes_by_origin;
  std::vector<std::uint32_t> ordinals_by_origin;
  // The combination of a document the leaf has with this code.
  std::uint32_t combination(const Leaf& leaf, std::uint32_t document, int code) const;
  // Whether the code says what the combination is; then, with exact classes, bound() is the exact
  // saturation of a document of the class. After set_units().
  bool exact(const Leaf& leaf, int code) const {
    return static_cast<std::uint32_t>(code) + 1 < 1u << leaf.code_bits ||
           (long_list && view.header.exceptions == 0);
  }
  float bound(std::uint32_t cls, const Leaf& leaf, std::uint32_t code) const {
    return bound_[cls << leaf.code_bits | code];
  }
  // The number of the posting of a document the leaf has, and stands on.
  std::uint32_t ordinal(const Leaf& leaf, std::uint32_t document);
  // Postings that seek() has decoded.
  std::uint64_t sought = 0;

 private:
  void decode_tiny(const Segment::Impl& segment, const EvalKernels& kernels);
  void find_kth(const Scoring& scoring, std::uint32_t k);
  void decode_packed(const EvalKernels& kernels);
  void fill_maxima(const Segment::Impl& segment, std::uint32_t windows, const EvalKernels& kernels,
                   Leaf& leaf);
  void fill_bounds(const Scoring& scoring, std::uint32_t code_bits);
  void windowed_leaf(Leaf& leaf) const;
  void find_supers(std::uint32_t windows, Leaf& leaf);
  const std::uint8_t* expanded_maxima(const EvalKernels& kernels);
  int seek_block(std::uint32_t document);
  void decode_block(const std::uint8_t* at, std::uint32_t block);
  void note_found(const std::uint32_t* wanted, std::uint32_t begin, std::uint32_t end,
                  std::uint32_t first_posting);

  // Bound of the saturation by class << code_bits | code, once it is known.
  std::array<float, 256> bound_{};
  bool bounded_ = false;
  std::array<double, 256> products_{};
  const EvalKernels* kernels_ = nullptr;
  // Lazy packed lists: where blocks begin, and the block that is decoded, in documents and codes.
  std::vector<std::uint32_t> block_at_;
  std::uint32_t block_ = ~0u;
  bool whole_ = false;
  std::vector<std::uint32_t> places_;    // scratch of seek_all()
  std::vector<std::uint32_t> ordinals_;  // postings before each group of windows, once wanted
};

}  // namespace vitrine::text::internal
