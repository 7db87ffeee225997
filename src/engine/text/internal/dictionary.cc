#include "engine/text/internal/dictionary.h"

#include <algorithm>
#include <bit>

#include "engine/text/internal/list_view.h"
#include "engine/text/internal/segment_impl.h"

namespace vitrine::text {

using namespace internal;  // NOLINT: the parts of this module

namespace internal {

TermCursor::TermCursor(const Segment::Impl& segment, std::uint64_t block)
    : segment_(segment), number_(block * kTermsPerBlock) {}

bool TermCursor::next() {
  if (number_ >= segment_.meta.terms) return false;
  const bool first = number_ % kTermsPerBlock == 0;
  const bool with_positions = segment_.meta.schema.positions;
  if (first) {
    const DictionaryBlock block = segment_.block(number_ / kTermsPerBlock);
    at_ = block.terms;
    postings_ = block.postings;
    text_.clear();
  }
  ByteReader r(segment_.section(SectionKind::kTerms).substr(at_));
  const std::size_t before = r.remaining();
  const DictionaryEntry e = read_entry(r, with_positions, first);
  at_ += before - r.remaining();
  if (first) positions_ = e.positions_at;
  text_.resize(std::min<std::size_t>(e.shared, text_.size()));
  text_ += e.rest;
  entry_.frequency = static_cast<std::uint32_t>(e.frequency);
  entry_.postings = segment_.section(SectionKind::kPostings).substr(postings_, e.postings_bytes);
  entry_.positions =
      segment_.section(SectionKind::kPositions).substr(positions_, e.positions_bytes);
  postings_ += e.postings_bytes;
  positions_ += e.positions_bytes;
  ++number_;
  return true;
}

}  // namespace internal

DictionaryBlock Segment::Impl::block(std::uint64_t b) const {
  return load<DictionaryBlock>(section(SectionKind::kBlocks).data() + b * sizeof(DictionaryBlock));
}

std::string_view Segment::Impl::first_term(std::uint64_t b) const {
  ByteReader r(section(SectionKind::kTerms).substr(block(b).terms));
  return read_entry(r, false, true).rest;
}

std::uint64_t Segment::Impl::block_of(std::string_view term) const {
  const std::uint64_t prefix = term_prefix(term);
  // How many blocks begin with at most this prefix; without branches, which nobody could foresee.
  const std::uint64_t* from = prefixes.data();
  for (std::size_t n = prefixes.size(); n > 1;) {
    const std::size_t half = n / 2;
    from += half & -static_cast<std::size_t>(from[half - 1] <= prefix);
    n -= half;
  }
  auto high = static_cast<std::uint64_t>(from - prefixes.data());
  if (high < prefixes.size() && *from <= prefix) ++high;
  if (high == 0 || prefixes[high - 1] != prefix) return high == 0 ? 0 : high - 1;
  auto low = static_cast<std::uint64_t>(
      std::lower_bound(prefixes.begin(), prefixes.begin() + static_cast<std::ptrdiff_t>(high),
                       prefix) -
      prefixes.begin());
  while (low < high) {  // blocks that share the 8 bytes: the first one that begins behind the term
    const std::uint64_t middle = (low + high) / 2;
    if (first_term(middle) <= term)
      low = middle + 1;
    else
      high = middle;
  }
  return low == 0 ? 0 : low - 1;
}

void Segment::Impl::fetch_block(std::uint64_t b) const {
  constexpr std::size_t kBytes = 384;  // of a usual block
  const char* at = section(SectionKind::kTerms).data() + block(b).terms;
  for (std::size_t i = 0; i < kBytes; i += 64) __builtin_prefetch(at + i);
  __builtin_prefetch(&starts[b * kStartsPerBlock]);
}

void Segment::Impl::find_starts() {
  static_assert(kStartEvery * (kStartsPerBlock + 1) == kTermsPerBlock);
  starts.assign(prefixes.size() * kStartsPerBlock, BlockStart{});
  std::string text;
  for (std::uint64_t b = 0; b < prefixes.size(); ++b) {
    const std::uint64_t in_block =
        std::min<std::uint64_t>(kTermsPerBlock, meta.terms - b * kTermsPerBlock);
    ByteReader r(section(SectionKind::kTerms).substr(block(b).terms));
    const std::size_t whole = r.remaining();
    std::uint64_t postings = 0, positions = 0;
    text.clear();
    for (std::uint64_t i = 0; i < in_block && r.ok(); ++i) {
      const DictionaryEntry e = read_entry(r, meta.schema.positions, i == 0);
      text.resize(std::min<std::size_t>(e.shared, text.size()));
      text += e.rest;
      postings += e.postings_bytes;
      positions += e.positions_bytes;
      if (i == 0 || i % kStartEvery != 0) continue;
      const std::size_t terms = whole - r.remaining();
      // Lists of gigabytes: the block is then walked from its beginning.
      if (std::max<std::uint64_t>({terms, postings, positions}) > 0xFFFFFFFFu) break;
      starts[b * kStartsPerBlock + i / kStartEvery - 1] = {
          term_prefix(text), static_cast<std::uint32_t>(terms),
          static_cast<std::uint32_t>(postings), static_cast<std::uint32_t>(positions),
          static_cast<std::uint32_t>(text.size())};
    }
  }
}

bool Segment::Impl::find_in(std::uint64_t b, std::string_view term, TermEntry& entry) const {
  if (meta.terms == 0 || term.size() > kTermBytesMax) return false;
  const DictionaryBlock head = block(b);
  const std::uint64_t in_block =
      std::min<std::uint64_t>(kTermsPerBlock, meta.terms - b * kTermsPerBlock);
  const auto* at =
      reinterpret_cast<const std::uint8_t*>(section(SectionKind::kTerms).data() + head.terms);
  const bool positions = meta.schema.positions;
  std::uint64_t postings_at = head.postings, positions_at = 0;
  // Front coding lets most entries be refused by one comparison: `equal` bytes of the term agree
  // with the entry before.
  std::size_t equal = 0;
  const std::uint64_t prefix = term_prefix(term);
  const BlockStart* const start = &starts[b * kStartsPerBlock];
  std::uint64_t i = 0;
  for (std::uint64_t s = 0; s < kStartsPerBlock; ++s) i += start[s].prefix < prefix ? 1 : 0;
  if (i > 0) {
    const BlockStart& from = start[i - 1];
    // They differ within 8 bytes; shorter terms are padded with zeros, which are no letters of it.
    equal =
        std::min<std::size_t>(static_cast<std::size_t>(std::countl_zero(from.prefix ^ prefix)) / 8,
                              std::min<std::size_t>(from.size, term.size()));
    if (positions) {
      const std::uint8_t* first = at;
      positions_at = trusted_entry(first, true, true).positions_at + from.positions;
    }
    at += from.terms;
    postings_at += from.postings;
    i = i * kStartEvery + 1;
  }
  for (; i < in_block; ++i) {
    const DictionaryEntry e = trusted_entry(at, positions, i == 0);
    if (i == 0) positions_at = e.positions_at;
    if (e.shared < equal) return false;  // the entries have passed the term
    if (e.shared == equal) {
      std::size_t more = 0;
      const std::size_t most = std::min(e.rest.size(), term.size() - equal);
      while (more < most && e.rest[more] == term[equal + more]) ++more;
      if (more == e.rest.size() && equal + more == term.size()) {
        entry.frequency = static_cast<std::uint32_t>(e.frequency);
        entry.postings = section(SectionKind::kPostings).substr(postings_at, e.postings_bytes);
        entry.positions = section(SectionKind::kPositions).substr(positions_at, e.positions_bytes);
        return true;
      }
      equal += more;
    }
    postings_at += e.postings_bytes;
    positions_at += e.positions_bytes;
  }
  return false;
}

}  // namespace vitrine::text
