// What makes a list trustworthy: afterwards nothing in a search needs to look at bounds.
#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "engine/text/internal/list_view.h"

namespace vitrine::text::internal {
namespace {

Error bad(std::string what) { return Error(ErrorCode::kCorrupt, std::move(what)); }

Status check_tiny(std::string_view bytes, std::uint32_t frequency, const Scoring& scoring) {
  ByteReader r(bytes);
  std::uint64_t next = 0;
  for (std::uint32_t i = 0; i < frequency; ++i) {
    const std::uint64_t head = r.varint();
    if ((head >> 1) > scoring.documents) return bad("a document number is too large");
    next += (head >> 1) + 1;
    const std::uint64_t combination = (head & 1) != 0 ? r.varint() : 0;
    if (next > scoring.documents) return bad("a document number is too large");
    if (combination >= scoring.combination_count)
      return bad("an unknown combination of frequencies");
  }
  if (!r.at_end()) return bad("a short list ends early or late");
  return ok_status();
}

Status check_packed(const ListView& view, std::uint32_t frequency, std::uint64_t payload_bytes) {
  if (view.header.windows != (frequency + kBlock - 1) / kBlock)
    return bad("a packed list has another number of blocks than its postings need");
  std::uint64_t offset = 0;
  for (std::uint32_t b = 0; b < view.header.windows; ++b) {
    const BlockEntry entry = view.block(b);
    const std::uint32_t n = std::min(kBlock, frequency - b * kBlock);
    if (entry.width > 32 || entry.offset != offset)
      return bad("a block of a packed list is misplaced");
    offset += (n * entry.width + 7) / 8 + (n * view.header.code_bits + 7) / 8;
  }
  if (offset != payload_bytes) return bad("a packed list ends early or late");
  return ok_status();
}

Status check_windowed(const ListView& view, std::uint32_t frequency, std::uint64_t payload_bytes) {
  std::uint64_t offset = 0, ordinal = 0;
  for (std::uint32_t w = 0; w < view.header.windows; ++w) {
    if (w % kGroup == 0) {
      const GroupEntry group = view.group(w / kGroup);
      if (group.offset != offset || group.ordinal != ordinal)
        return bad("a group of windows is misplaced");
    }
    const std::uint32_t n = view.counts[w];
    if (n > kWindow) return bad("a window has more postings than documents");
    const std::uint8_t* at = view.payload + offset;
    offset += window_payload(n, view.header.code_bits);
    ordinal += n;
    if (offset > payload_bytes) return bad("a windowed list ends early");
    if (n > kBitmapAbove &&
        std::popcount(load<std::uint64_t>(at)) + std::popcount(load<std::uint64_t>(at + 8)) !=
            static_cast<int>(n))
      return bad("a bit map has another number of bits than its window postings");
    if (n <= kBitmapAbove)
      for (std::uint32_t i = 0; i < n; ++i)
        if (at[i] >= kWindow || (i > 0 && at[i] <= at[i - 1]))
          return bad("documents of a window don't rise");
    if ((view.maxima[w] != 0) != (n != 0)) return bad("a window's maximum and count disagree");
    if (view.maxima[w] > view.supers[w / kSuper]) return bad("a maximum is above its second level");
  }
  for (std::uint32_t w = view.header.windows; w < round_up(view.header.windows, 64); ++w)
    if (view.maxima[w] != 0 || view.counts[w] != 0) return bad("padding is not zero");
  if (offset != payload_bytes || ordinal != frequency) return bad("a windowed list ends late");
  return ok_status();
}

Status check_exceptions(const ListView& view, const std::vector<RawPosting>& postings,
                        const Scoring& scoring) {
  if (view.header.exceptions == 0) return ok_status();
  const std::uint32_t chunks = (scoring.documents + 65535) >> 16;
  std::uint32_t next = 0;
  std::uint32_t chunk = 0;
  const auto start = [&](std::uint32_t c) {
    return load<std::uint32_t>(view.chunk_starts + 4 * c);
  };
  if (start(0) != 0) return bad("the exceptions' directory does not begin with 0");
  for (const RawPosting& p : postings) {
    if (p.combination != view.last_code()) continue;
    for (; chunk < p.document >> 16; ++chunk)
      if (start(chunk + 1) != next) return bad("the exceptions' directory is wrong");
    if (next >= view.header.exceptions) return bad("there are too few exceptions");
    const auto row = load<Exception>(view.exceptions + sizeof(Exception) * next++);
    if (row.low != static_cast<std::uint16_t>(p.document)) return bad("an exception is misplaced");
    if (row.combination >= scoring.combination_count)
      return bad("an exception has an unknown combination of frequencies");
    const Frequencies tf = scoring.frequencies(row.combination);
    for (std::size_t f = 0; f < kFieldsMax; ++f)
      if (tf[f] > view.header.exception_bound[f]) return bad("an exception is above its bound");
  }
  for (; chunk < chunks; ++chunk)
    if (start(chunk + 1) != next) return bad("the exceptions' directory is wrong");
  if (next != view.header.exceptions) return bad("there are too many exceptions");
  return ok_status();
}

// Maxima and levels must bound what they speak of, or answers would silently miss documents.
Status check_bounds(const ListView& view, const std::vector<RawPosting>& postings,
                    const Scoring& scoring) {
  std::uint32_t reached[3] = {0, 0, 0};
  if (!(view.header.highest > 0.0f && view.header.highest <= 1.0f))
    return bad("the highest is not in 0..1");
  for (const RawPosting& p : postings) {
    const float saturation =
        scoring.saturation(p.document, view.combination(p.document, p.combination));
    if (saturation > view.header.highest) return bad("a posting is above its list's highest");
    if (view.windowed()) {
      const std::uint32_t w = (p.document >> kWindowBits) - view.header.first_window;
      const float bound = static_cast<float>(view.maxima[w]) * view.header.highest / 255.0f;
      if (saturation > bound * (1.0f + 1e-5f))
        return bad("a posting is above its window's maximum");
    }
    for (int level = 0; level < 3; ++level)
      if (saturation >= view.header.kth[level]) ++reached[level];
  }
  for (int level = 0; level < 3; ++level)
    if (view.header.kth[level] != 0.0f && reached[level] < kKthLevels[level])
      return bad("a stored best score is above the true one");
  return ok_status();
}

}  // namespace

Status check_list(std::string_view bytes, std::uint32_t frequency, const Scoring& scoring) {
  if (frequency <= kTinyMax) return check_tiny(bytes, frequency, scoring);
  ListView view;
  if (!view_list(bytes, scoring.documents, view)) return bad("the parts of a list don't fit in it");
  const auto* end = reinterpret_cast<const std::uint8_t*>(bytes.data() + bytes.size());
  const auto payload_bytes = static_cast<std::uint64_t>(end - view.payload);
  if (view.windowed()) {
    VITRINE_TRY(check_windowed(view, frequency, payload_bytes));
  } else {
    VITRINE_TRY(check_packed(view, frequency, payload_bytes));
  }
  // Codes only: exceptions are compared with them below.
  ListView codes = view;
  std::vector<RawPosting> postings;
  postings.reserve(frequency);
  decode_codes(codes, frequency, postings);
  std::uint64_t next = 0;
  for (const RawPosting& p : postings) {
    if (p.document < next || p.document >= scoring.documents)
      return bad("documents of a list don't rise");
    next = std::uint64_t{p.document} + 1;
    if (p.combination >= scoring.combination_count && view.header.exceptions == 0)
      return bad("an unknown combination of frequencies");
    if (p.combination >= scoring.combination_count && p.combination != view.last_code())
      return bad("an unknown combination of frequencies");
  }
  if (!view.windowed())
    for (std::uint32_t b = 0; b < view.header.windows; ++b)
      if (view.block(b).last_document !=
          postings[std::min(frequency, (b + 1) * kBlock) - 1].document)
        return bad("a block's last document is wrong");
  VITRINE_TRY(check_exceptions(view, postings, scoring));
  for (std::uint32_t i = 0; i < view.header.best_count; ++i) {
    const std::uint32_t document = view.best_document(i);
    if (document >= scoring.documents) return bad("a best document does not exist");
    const auto found =
        std::lower_bound(postings.begin(), postings.end(), document,
                         [](const RawPosting& p, std::uint32_t d) { return p.document < d; });
    if (found == postings.end() || found->document != document ||
        view.combination(document, found->combination) != view.best_combination(i))
      return bad("a best document is not in its list");
  }
  return check_bounds(view, postings, scoring);
}

}  // namespace vitrine::text::internal
