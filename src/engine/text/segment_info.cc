#include "engine/text/internal/list_view.h"
#include "engine/text/internal/segment_impl.h"
#include "engine/text/segment.h"

namespace vitrine::text {

using namespace internal;  // NOLINT: the parts of this module

namespace {

void add(CodecShare& share, std::uint64_t postings, std::uint64_t bytes) {
  ++share.lists;
  share.postings += postings;
  share.bytes += bytes;
}

void add_windows(const ListView& view, SegmentInfo& info) {
  for (std::uint32_t w = 0; w < view.header.windows; ++w) {
    const std::uint32_t n = view.count(w);
    if (n > 0)
      add(n <= kBitmapAbove ? info.window_bytes : info.window_bitmap, n,
          window_payload(n, view.header.code_bits));
  }
  info.maxima_bytes += static_cast<std::uint64_t>(view.counts - view.maxima);
}

}  // namespace

SegmentInfo Segment::info() const {
  const Impl& s = *impl_;
  SegmentInfo info;
  info.documents = s.meta.documents;
  info.terms = s.meta.terms;
  info.postings = s.meta.postings;
  for (std::size_t f = 0; f < s.meta.schema.fields.size(); ++f) info.tokens += s.meta.tokens[f];
  info.bytes = s.image.size();
  info.dictionary_bytes =
      s.section(SectionKind::kTerms).size() + s.section(SectionKind::kBlocks).size();
  info.postings_bytes = s.section(SectionKind::kPostings).size();
  info.positions_bytes = s.section(SectionKind::kPositions).size();
  info.norms_bytes = s.section(SectionKind::kLengths).size();
  TermCursor cursor(s, 0);
  while (cursor.next()) {
    const TermEntry& entry = cursor.entry();
    ListView view;
    if (entry.frequency <= kTinyMax) {
      add(entry.frequency > 1 && is_run(entry.postings) ? info.elias_fano : info.varints,
          entry.frequency, entry.postings.size());
    } else if (view_list(entry.postings, entry.frequency, s.meta.documents, view)) {
      ++info.lists_by_code_bits[view.header.code_bits];
      add(view.windowed() ? info.windowed : info.packed, entry.frequency, entry.postings.size());
      if (view.windowed()) add_windows(view, info);
    }
  }
  return info;
}

ListInfo Segment::list_info(std::string_view term) const {
  const Impl& s = *impl_;
  ListInfo info;
  TermEntry entry;
  ListView view;
  if (!s.find(term, entry)) return info;
  info.postings = entry.frequency;
  info.bytes = entry.postings.size();
  info.positions_bytes = entry.positions.size();
  info.codec = entry.frequency > 1 && is_run(entry.postings) ? "elias-fano" : "varints";
  if (entry.frequency <= kTinyMax ||
      !view_list(entry.postings, entry.frequency, s.meta.documents, view))
    return info;
  info.codec = view.windowed() ? "windowed" : "packed";
  info.frequency_bits = view.header.code_bits;
  info.exceptions = view.header.exceptions;
  info.best_documents = view.has(kHasBest);
  if (!view.windowed()) return info;
  SegmentInfo windows;
  add_windows(view, windows);
  info.window_bytes = windows.window_bytes;
  info.window_bitmap = windows.window_bitmap;
  return info;
}

}  // namespace vitrine::text
