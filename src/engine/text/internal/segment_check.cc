// What makes a segment from outside trustworthy: see list_check.cc for its lists.
#include "engine/text/internal/dictionary.h"
#include "engine/text/internal/list_view.h"
#include "engine/text/internal/positions.h"
#include "engine/text/internal/segment_impl.h"

namespace vitrine::text::internal {

namespace {

Error term_error(const Segment::Impl& s, std::uint64_t number, std::string what) {
  return Error(ErrorCode::kCorrupt, "text segment, term " + std::to_string(number) + " of " +
                                        std::to_string(s.meta.terms) + ": " + what);
}

}  // namespace

Status check_dictionary(const Segment::Impl& s) {
  const std::string_view terms = s.section(SectionKind::kTerms);
  std::string previous, text;
  std::uint64_t terms_at = 0, postings_at = 0, positions_at = 0, postings_total = 0;
  for (std::uint64_t number = 0; number < s.meta.terms; ++number) {
    if (number % kTermsPerBlock == 0) {
      const DictionaryBlock block = s.block(number / kTermsPerBlock);
      if (block.terms != terms_at || block.postings != postings_at)
        return term_error(s, number, "its block is misplaced");
      text.clear();
    }
    const bool first = number % kTermsPerBlock == 0;
    ByteReader r(terms.substr(terms_at));
    const std::size_t before = r.remaining();
    const DictionaryEntry e = read_entry(r, s.meta.schema.positions, first);
    const std::uint64_t shared = e.shared, frequency = e.frequency, postings = e.postings_bytes;
    const std::uint64_t positions = e.positions_bytes;
    const std::string_view rest = e.rest;
    if (s.meta.schema.positions && first && e.positions_at != positions_at)
      return term_error(s, number, "its block's positions are misplaced");
    if (!r.ok() || shared > text.size() || shared + rest.size() > kTermBytesMax)
      return term_error(s, number, "the dictionary entry can't be read");
    if (first && shared != 0)
      return term_error(s, number, "the first term of a block shares nothing");
    terms_at += before - r.remaining();
    // The longest shared part is promised: look-up relies on it.
    text.resize(shared);
    text += rest;
    if (number > 0 && text <= previous) return term_error(s, number, "terms don't rise");
    if (number % kTermsPerBlock != 0 && shared < previous.size() && shared < text.size() &&
        previous[shared] == text[shared])
      return term_error(s, number, "it shares more with the term before than it says");
    previous = text;
    if (frequency == 0 || frequency > s.meta.documents)
      return term_error(s, number, "document frequency " + std::to_string(frequency));
    const std::string_view lists = s.section(SectionKind::kPostings);
    const std::string_view all_positions = s.section(SectionKind::kPositions);
    if (postings > lists.size() - postings_at || positions > all_positions.size() - positions_at)
      return term_error(s, number, "its postings end behind their section");
    const std::string_view list = lists.substr(postings_at, postings);
    const Status good = check_list(list, static_cast<std::uint32_t>(frequency), s.scoring);
    if (!good.ok()) return term_error(s, number, good.error().message());
    if (s.meta.schema.positions) {
      const Status places = check_positions(all_positions.substr(positions_at, positions), list,
                                            static_cast<std::uint32_t>(frequency), s.scoring);
      if (!places.ok()) return term_error(s, number, places.error().message());
    }
    postings_at += postings;
    positions_at += positions;
    postings_total += frequency;
  }
  if (terms_at != terms.size() || postings_at != s.section(SectionKind::kPostings).size() ||
      positions_at != s.section(SectionKind::kPositions).size() ||
      postings_total != s.meta.postings)
    return term_error(s, s.meta.terms, "sections end behind the last term");
  return ok_status();
}

Status check_documents(const Segment::Impl& s) {
  const auto bad = [](std::uint32_t d, std::string what) {
    return Error(ErrorCode::kCorrupt, "text segment, document " + std::to_string(d) + ": " + what);
  };
  bool rises = true;
  for (std::uint32_t d = 0; d < s.meta.documents; ++d) {
    if (s.id(d) == kNoDocument) return bad(d, "it has no id");
    if (d > 0 && s.id(d) <= s.id(d - 1)) rises = false;
  }
  if (rises != s.meta.ids_rise) return bad(0, "ids rise, or not, against what the file says");
  return ok_status();
}

}  // namespace vitrine::text::internal
