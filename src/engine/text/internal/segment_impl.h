// The parts of an opened segment, for this module's readers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/internal/image.h"
#include "engine/text/segment.h"

namespace vitrine::text {

namespace internal {

// What the dictionary says of a term.
struct TermEntry {
  std::uint32_t frequency = 0;
  std::string_view postings;
  std::string_view positions;
};

// Behind a term in the middle of a block.
struct BlockStart {
  std::uint64_t prefix = ~0ull;  // of the term; never below another where there is none
  std::uint32_t terms = 0, postings = 0, positions = 0;  // bytes from the beginning of the block
  std::uint32_t size = 0;                                // of the term
};
inline constexpr std::uint64_t kStartEvery = 8;  // terms
inline constexpr std::uint64_t kStartsPerBlock = 3;

// Walks terms in byte order; trusts bytes that passed check_image().
class TermCursor {
 public:
  TermCursor(const Segment::Impl& segment, std::uint64_t block);
  bool next();  // false behind the last term
  std::string_view text() const { return text_; }
  const TermEntry& entry() const { return entry_; }

 private:
  const Segment::Impl& segment_;
  std::uint64_t number_;  // of the next term
  std::size_t at_ = 0;    // in the terms section
  std::uint64_t postings_ = 0, positions_ = 0;
  std::string text_;
  TermEntry entry_;
};

}  // namespace internal

struct Segment::Impl {
  std::string owned;
  std::unique_ptr<io::File> file;
  std::unique_ptr<io::SharedMapping> mapping;
  std::string_view image;
  std::string_view sections[internal::kSectionKinds + 1];  // by kind
  internal::Meta meta;
  std::vector<float> inverse;
  internal::Classes classes;  // of documents, padded to a window
  internal::Scoring scoring;
  std::vector<float> code_bounds;       // of scoring
  const std::uint32_t* ids = nullptr;   // null where consecutive
  std::vector<std::uint64_t> prefixes;  // of blocks
  // Of the terms in the middle of blocks, internal::kStartsPerBlock a block: find_in() starts
  // behind the last one that its term differs from, and comes after, within 8 bytes.
  std::vector<internal::BlockStart> starts;
  std::vector<std::uint32_t> by_id;  // local numbers by rising id, where ids don't rise

  std::string_view section(internal::SectionKind kind) const {
    return sections[static_cast<std::uint32_t>(kind)];
  }
  internal::DictionaryBlock block(std::uint64_t b) const;
  std::string_view first_term(std::uint64_t b) const;
  // The block that would hold the term.
  std::uint64_t block_of(std::string_view term) const;
  // Asks memory for a block of terms that find() will read.
  void fetch_block(std::uint64_t b) const;
  bool find(std::string_view term, internal::TermEntry& entry) const {
    return meta.terms > 0 && find_in(block_of(term), term, entry);
  }
  // The same where the block is known.
  bool find_in(std::uint64_t b, std::string_view term, internal::TermEntry& entry) const;
  // Fills `starts`, of bytes that nobody has checked yet.
  void find_starts();
  DocumentId id(std::uint32_t local) const { return ids ? ids[local] : meta.id_base + local; }

  Status parse(std::string_view bytes, Verify verify);
  Status parse_table(Verify verify);
  Status bind();
};

namespace internal {

// Every entry of the dictionary lies in its sections, terms rise, and all lists are good.
Status check_dictionary(const Segment::Impl& segment);
// Ids are set, differ, and rise where the file says so.
Status check_documents(const Segment::Impl& segment);

}  // namespace internal

}  // namespace vitrine::text
