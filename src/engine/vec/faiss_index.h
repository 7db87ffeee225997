#pragma once
// An index that Faiss trained and wrote: Flat, IVFFlat, IVFPQ and IVFPQFastScan, answering as Faiss
// does: the same lists in the same order, the same sums of table entries.
//
// It is the other code family beside the nibbles of quantize.h: vectors as `parts` codewords of 16
// or 256 (ANNA, HPCA 2022, calls the number k*). A query builds a table of its distances to all
// codewords, once for inner products and once a visited list for squared distances of residuals;
// a vector's score is a sum over tables. Plain C++: for answers that agree and for moving house;
// for speed, build an Index of vectors().

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/vec/types.h"
#include "engine/vec/vector_file.h"
#include "platform/io/file_system.h"

namespace vitrine::vec {

/// Codewords: `parts` books of 2^bits, each codeword dim / parts floats.
struct ProductQuantizer {
  std::uint32_t dim = 0;
  std::uint32_t parts = 0;
  std::uint32_t bits = 8;    ///< 4 or 8
  std::vector<float> words;  ///< book after book

  std::uint32_t width() const { return dim / parts; }
  std::uint32_t book_size() const { return 1U << bits; }
  std::size_t code_bytes() const { return (std::size_t{parts} * bits + 7) / 8; }
  const float* word(std::size_t part, std::size_t code) const {
    return words.data() + (part * book_size() + code) * width();
  }
  /// Of part `part` in a vector's code bytes.
  static std::uint32_t code_of(const std::uint8_t* codes, std::size_t part, std::uint32_t bits) {
    return bits == 8 ? codes[part] : codes[part / 2] >> (part % 2 * 4) & 15U;
  }
  /// out[part * book_size() + code]: squared distance to (or product with) each codeword.
  void tables(const float* query, bool inner_product, float* out) const;
  /// The sum over a vector's codes.
  float sum(const float* tables, const std::uint8_t* codes) const;
  void decode(const std::uint8_t* codes, float* out) const;
};

enum class FaissKind { kFlat, kLists, kProduct, kFastScan };

/// Immutable; any number of threads may search.
class FaissIndex {
 public:
  /// kCorrupt with the offset where the bytes are no such index, kUnsupported with the name of
  /// another kind.
  static Result<FaissIndex> parse(std::string_view bytes);
  static Result<FaissIndex> read(io::FileSystem& files, const std::string& path);

  FaissKind kind() const { return kind_; }
  std::uint32_t dim() const { return dim_; }
  Metric metric() const { return metric_; }
  std::size_t size() const { return ids_.size(); }
  std::size_t list_count() const { return begin_.empty() ? 0 : begin_.size() - 1; }
  /// Lists a search visits where the caller names none: what the file says.
  std::size_t stored_probes() const { return probes_; }
  const ProductQuantizer& quantizer() const { return quantizer_; }

  /// The k best of the `probes` nearest lists, best first, ties by id; returns how many there are,
  /// and fills the rest of the k with {kNoId, 0}. `query` has dim() finite floats. The fast-scan
  /// kind sums floats where Faiss rounds its tables to bytes: scores differ by that rounding.
  std::size_t search(const float* query, std::size_t k, std::size_t probes, Neighbor* out) const;

  /// The vectors, as far as the codes tell, with their ids.
  VectorFile vectors() const;

 private:
  friend class FaissReader;
  struct Ranking;
  void scan(const float* query, std::size_t list, Ranking& ranking) const;

  FaissKind kind_ = FaissKind::kFlat;
  std::uint32_t dim_ = 0;
  Metric metric_ = Metric::kL2;
  bool coarse_inner_product_ = false;
  bool by_residual_ = false;
  std::size_t probes_ = 1;
  std::vector<float> centroids_;
  std::vector<std::size_t> begin_;  // of each list in ids_; kFlat has one list
  std::vector<std::uint32_t> ids_;
  std::vector<float> rows_;          // kFlat, kLists
  std::vector<std::uint8_t> codes_;  // the others: quantizer_.code_bytes() each
  ProductQuantizer quantizer_;
};

}  // namespace vitrine::vec
