// The inner loops of a search over one segment, as plain data and one function per instruction
// level.
//
// A search goes over windows of 128 documents. The bound of a window is the sum of the leaves'
// maxima in it; windows below the threshold are never opened. In an open window each leaf adds an
// upper bound per document (one byte, rounded up) into an accumulator of 128 bytes; documents that
// reach the threshold are scored exactly by the callback, which raises the threshold.
//
// The kernels are compiled once per level with wide instructions allowed, so this header has
// plain structures only: a shared inline function would leak those instructions into the rest.
#pragma once

#include <cstdint>

namespace vitrine::text::internal {

struct ListView;

// kLazy leaves are looked up one document at a time (leaf_data.h); no kernel takes them.
enum class LeafKind : std::uint8_t { kWindowed, kDecoded, kBitmap, kLazy };

// One list of the query. Units: `unit8` and `unit16` of EvalPlan.
struct Leaf {
  LeafKind kind = LeafKind::kDecoded;
  std::uint8_t code_bits = 0;
  bool scores = true;
  bool nibble_counts = false;
  bool ends_group = false;  // see EvalMode::kGroups

  // Maxima per window; window w is at maxima[w - first_window]. 0 where the list has nothing.
  // Where null, they stand in `nibbles`, and mean what `levels` has for them.
  const std::uint8_t* maxima = nullptr;
  const std::uint8_t* nibbles = nullptr;
  alignas(16) std::uint8_t levels[16] = {};
  // Maxima of 64 windows each, from window 0 of the segment on, padded to 64.
  const std::uint8_t* supers = nullptr;
  std::uint32_t first_window = 0, windows = 0;  // first_window is a multiple of 64
  std::uint32_t weight16 = 0;                   // of a maximum, in unit16
  std::uint32_t weight8 = 0;                    // of a maximum, in unit8 / 65536

  // kWindowed: see list_format.h.
  const std::uint8_t* counts = nullptr;
  const std::uint8_t* groups = nullptr;
  const std::uint8_t* payload = nullptr;

  // kDecoded: documents with sentinel 0xFFFFFFFF behind the last; codes; first[w] is the first
  // posting of window w where its maximum is not 0.
  const std::uint32_t* documents = nullptr;
  const std::uint8_t* codes = nullptr;
  const std::uint32_t* first = nullptr;

  // kBitmap: every document of the segment.
  const std::uint64_t* bits = nullptr;

  std::uint32_t frequency = 0;

  // What a document adds to the exact score, by class << code_bits | code: not a number where the
  // code does not tell. Null where classes do not tell either.
  const double* products = nullptr;

  // Windows that will be visited soon: found early, so that their bytes are in the cache by then.
  struct Ahead {
    std::uint32_t window = 0xFFFFFFFFu;
    std::uint32_t count = 0;
    const std::uint8_t* payload = nullptr;
  };
  Ahead ahead[8];

  // Where the leaf stands: payload (or index of the first posting) and count in window_at.
  std::uint32_t window_at = 0xFFFFFFFFu;
  std::uint32_t count_at = 0;
  const std::uint8_t* payload_at = nullptr;
  std::uint32_t index_at = 0;

  // Upper bound in unit8 by class << code_bits | code.
  alignas(64) std::uint8_t table[256] = {};
};

enum class NodeKind : std::uint8_t { kLeaf, kPhrase, kAnd, kOr, kNot, kFilter, kNothing };

// Children of a node are nodes child_begin .. child_begin + child_count of `children`.
struct Node {
  NodeKind kind = NodeKind::kNothing;
  std::uint32_t leaf = 0;  // of kLeaf
  std::uint32_t min_match = 1;
  std::uint32_t child_begin = 0, child_count = 0;
};

// A flat OR; an AND of groups of which each is a leaf or a flat OR, leaves in the order of groups
// and the last of each marked; anything.
enum class EvalMode : std::uint8_t { kAny, kGroups, kTree };

struct EvalPlan {
  EvalMode mode = EvalMode::kTree;
  bool count = false;   // visit every window and count matches
  bool verify = false;  // a mask says "perhaps": counting needs the callback (phrases)
  std::uint32_t documents = 0;
  std::uint32_t windows = 0;
  const std::uint8_t* classes = nullptr;  // per document, padded to a window
  const std::uint8_t* lengths = nullptr;  // what exact scores read: fetched early
  Leaf* leaves = nullptr;
  std::uint32_t leaf_count = 0;
  const Node* nodes = nullptr;
  const std::uint32_t* children = nullptr;
  std::uint32_t root = 0;

  // Of kAny and kGroups: leaves in the order of the query, in which exact scores add up, and where
  // its groups end. Null where leaves have no products.
  const std::uint32_t* in_order = nullptr;
  const std::uint32_t* in_order_ends = nullptr;
  std::uint32_t in_order_groups = 0;

  // The threshold in both units and as it is; the callbacks raise them.
  std::uint32_t theta8 = 1;
  std::uint32_t theta16 = 0;
  double theta = 0;

  // Windows that may have something, and how many documents of them are bounded by what: bound + 1.
  // Those still to come, and those of them about to be visited. Room for `windows` entries each,
  // rounded up to 64, and 64 more.
  std::uint32_t* live = nullptr;
  std::uint16_t* live_bounds = nullptr;
  std::uint32_t* ordered = nullptr;
  std::uint16_t* ordered_bounds = nullptr;

  // Documents of a window that may match: filter and removals. Null where all may.
  void (*allowed)(EvalPlan&, std::uint32_t window, std::uint64_t mask[2]) = nullptr;
  // Scores a document (the leaves are positioned on its window) and offers it.
  void (*candidate)(EvalPlan&, std::uint32_t document) = nullptr;
  // Offers a document that matches, with its exact score.
  void (*scored)(EvalPlan&, std::uint32_t document, double score) = nullptr;
  // Whether a document matches, for counting with verify.
  bool (*matches)(EvalPlan&, std::uint32_t document) = nullptr;
  // If set and `count` is: told which documents of a visited window match.
  void (*matched)(EvalPlan&, std::uint32_t window, const std::uint64_t mask[2]) = nullptr;
  void* owner = nullptr;

  std::uint64_t counted = 0;
  std::uint64_t counted_scores = 0;
  std::uint64_t windows_visited = 0;
  std::uint64_t postings_touched = 0;
};

struct EvalKernels {
  void (*run)(EvalPlan&);
  // Fetches what says where the leaves' parts of the window are, or the parts themselves. Of a plan
  // only leaves, classes and lengths are used.
  void (*fetch_directory)(const EvalPlan&, std::uint32_t window);
  void (*fetch_payload)(EvalPlan&, std::uint32_t window);
  // Places of 0 <= i < n with from <= bounds[i] < below, rising; gives their number. May write up
  // to 31 behind the last and read as many bounds.
  std::uint32_t (*collect)(const std::uint16_t* bounds, std::uint32_t n, std::uint32_t from,
                           std::uint32_t below, std::uint32_t* out);

  // Places of 0 <= i < n with bytes[i] >= least, rising; gives their number. May read up to 15
  // bytes behind the last, and write one place.
  std::uint32_t (*collect_bytes)(const std::uint8_t* bytes, std::uint32_t n, std::uint32_t least,
                                 std::uint32_t* out);

  // Bit i of the mask: whether bit ids[i] of the words is set, for n up to 128.
  void (*among)(const std::uint64_t* words, std::uint64_t word_count, const std::uint32_t* ids,
                std::uint32_t n, std::uint64_t mask[2]);

  // Candidates of search_driven.cc. All arrays have room for 64 more than n.
  // Adds each document's maximum in a windowed leaf, times weight8, to its bound, or with `least`
  // takes the smaller one; marks those whose window has anything.
  void (*add_maxima)(const std::uint32_t* documents, std::uint32_t n, const Leaf& leaf,
                     std::uint32_t weight8, bool least, std::uint16_t* bounds, std::uint8_t* marks);
  // Closes up those whose bound is at least `least` and that are marked, if they must be; gives
  // their number.
  std::uint32_t (*keep)(std::uint32_t* documents, std::uint16_t* bounds, std::uint32_t* origins,
                        const std::uint8_t* marks, std::uint32_t n, bool marked,
                        std::uint32_t least);
  // places[i] is where `run` has wanted[i], or 0xFFFFFFFF. Both rise; 32 times 0xFFFFFFFF stand
  // behind the run.
  void (*find_each)(const std::uint32_t* run, const std::uint32_t* wanted, std::uint32_t n,
                    std::uint32_t* places);
  // Closes up places that are not 0xFFFFFFFF, and notes begin + i of each; gives their number. May
  // write up to 15 behind the last.
  std::uint32_t (*found_among)(const std::uint32_t* places, std::uint32_t n, std::uint32_t begin,
                               std::uint32_t* found, std::uint32_t* found_places);

  // Finds the leaf's part of the window; count_at is 0 where there is nothing.
  void (*position)(Leaf&, std::uint32_t window);
  // Code of the document at `offset` of the window the leaf stands on, or -1.
  int (*locate)(const Leaf&, std::uint32_t offset);
  // Postings of a windowed leaf in each group of 32 windows; and in the windows of the group of
  // first_window + `at` before that window.
  void (*count_groups)(const Leaf&, std::uint32_t* out);
  std::uint32_t (*count_before)(const Leaf&, std::uint32_t at);
  // Decodes a run of n documents whose low bits begin at bit `bit`, see list_format.h; gives the
  // bit behind it. May write 64 values behind the n-th and read 64 bytes behind the run.
  std::uint64_t (*run_of)(const std::uint8_t* base, std::uint64_t bit, std::uint32_t n,
                          std::uint32_t low, std::uint32_t start, std::uint32_t* out);
  // Spreads n values of `width` (0 to 4) bits over bytes. May write up to 7 behind the last.
  void (*spread)(const std::uint8_t* packed, std::uint32_t n, std::uint32_t width,
                 std::uint8_t* out);
  // out[i] = table[class of documents[i] << code_bits | codes[i]]. May write up to 15 behind the
  // last and read as many documents and codes, whose documents must be within the segment or
  // 0xFFFFFFFF.
  void (*bounds_of)(const std::uint32_t* documents, const std::uint8_t* codes, std::uint32_t n,
                    const std::uint8_t* classes, std::uint32_t code_bits, const std::uint8_t* table,
                    std::uint8_t* out);
  // out[i] = bound[i] * scale, at most highest * scale, rounded up to 1..255. `n` is a multiple
  // of 16.
  void (*scale)(const float* bound, std::uint32_t n, float highest, float scale, std::uint8_t* out);
  // Two values of 4 bits a byte become what `level` has for them. `n` is a multiple of 64.
  void (*expand)(const std::uint8_t* nibbles, std::uint32_t n, const std::uint8_t* level,
                 std::uint8_t* out);
};

extern const EvalKernels kEvalScalar;
extern const EvalKernels kEvalAvx512;  // needs F, BW, DQ, VL, VBMI, VBMI2, BMI2
bool avx512_usable();

}  // namespace vitrine::text::internal
