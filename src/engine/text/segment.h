// An immutable part of an index: one image of bytes, in memory or mapped from a file.
//
// Documents have local numbers 0..documents()-1. Lists of postings lie in windows of 128 documents.
// How a list is coded depends on its size and density (list_format.h); SegmentInfo shows the
// choice.
//
// Thread-safe: nothing changes after open.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/text/schema.h"
#include "platform/io/file_system.h"

namespace vitrine::text {

inline constexpr std::uint32_t kSegmentFormat = 4;
// Documents of one segment.
inline constexpr std::uint32_t kSegmentDocumentsMax = 1u << 28;

struct CodecShare {
  std::uint64_t lists = 0, postings = 0, bytes = 0;
  double bits_per_posting() const {
    return postings > 0 ? 8.0 * static_cast<double>(bytes) / static_cast<double>(postings) : 0;
  }
};

struct SegmentInfo {
  std::uint64_t documents = 0, terms = 0, postings = 0, tokens = 0, bytes = 0;
  std::uint64_t dictionary_bytes = 0, postings_bytes = 0, positions_bytes = 0, norms_bytes = 0;
  std::uint64_t maxima_bytes = 0;  // part of postings_bytes
  // Whole lists by codec, as ListInfo::codec names them; their bytes are postings_bytes.
  CodecShare varints, elias_fano, packed, windowed;
  // Windows of windowed lists, by how their documents are coded (`lists` counts windows; `bytes`
  // are those of documents and frequencies). What they leave of windowed.bytes are the lists'
  // heads, best documents, maxima, counts and exceptions.
  CodecShare window_bytes, window_bitmap;
  std::array<std::uint64_t, 5> lists_by_code_bits{};  // of frequencies: 0 to 4 bits a posting
};

// How the list of one term is coded.
struct ListInfo {
  std::uint64_t postings = 0, bytes = 0, positions_bytes = 0;
  std::string_view codec;                  // "varints", "elias-fano", "packed", "windowed"
  std::uint32_t frequency_bits = 0;        // a posting; 0 for tiny lists, which choose by posting
  std::uint64_t exceptions = 0;            // frequencies that don't fit
  bool best_documents = false;             // stored
  CodecShare window_bytes, window_bitmap;  // of windowed lists
};

enum class Verify {
  kAll,        // checksums, and that every list keeps its promises: for bytes from outside
  kChecksums,  // for files this process wrote itself
  kNothing,    // for an image just built
};

class Segment {
 public:
  // Takes over the bytes. kCorrupt or kUnsupported with section and offset.
  static Result<std::shared_ptr<const Segment>> from_bytes(std::string bytes, Verify verify);
  // Maps the file. Errors name it.
  static Result<std::shared_ptr<const Segment>> open(io::FileSystem& files, const std::string& path,
                                                     Verify verify);
  ~Segment();

  std::uint32_t documents() const;
  const Schema& schema() const;
  std::uint64_t terms() const;
  // Of field f in this segment, and the average that lengths are compared with.
  std::uint64_t field_tokens(std::size_t f) const;
  float average_length(std::size_t f) const;

  DocumentId id_of(std::uint32_t local) const;
  // kNoDocument where it is not here.
  std::uint32_t local_of(DocumentId id) const;

  std::uint64_t document_frequency(std::string_view term) const;
  void for_each_term(std::string_view from,
                     const std::function<bool(std::string_view, std::uint64_t)>& fn) const;

  // Local documents with the term, rising, and how often per field.
  struct Posting {
    std::uint32_t document;
    std::array<std::uint32_t, kFieldsMax> frequency;
    std::span<const std::uint32_t> positions;  // field * (kPositionMax + 1) + position, rising
  };
  void for_each_posting(std::string_view term, const std::function<void(const Posting&)>& fn) const;
  // Length of a field as the formula sees it.
  std::uint32_t field_length(std::uint32_t local, std::size_t f) const;

  std::string_view bytes() const;
  SegmentInfo info() const;
  // No postings where the term is not in the segment.
  ListInfo list_info(std::string_view term) const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit Segment(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::text
