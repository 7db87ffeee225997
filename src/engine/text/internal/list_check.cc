// What makes a list trustworthy: afterwards nothing in a search needs to look at bounds.
#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "engine/text/internal/list_view.h"

namespace vitrine::text::internal {
namespace {

Error bad(std::string what) { return Error(ErrorCode::kCorrupt, std::move(what)); }

// Exactly n ones lie in the `bits` bits from `at` on, the last one at the end.
bool unary_is_good(const std::uint8_t* base, std::uint64_t at, std::uint64_t bits,
                   std::uint32_t n) {
  std::uint64_t ones = 0;
  for (std::uint64_t i = at; i < at + bits; ++i) ones += base[i >> 3] >> (i & 7) & 1u;
  const std::uint64_t end = at + bits - 1;
  return ones == n && (base[end >> 3] >> (end & 7) & 1) != 0;
}

Status check_varints(std::string_view bytes, std::uint32_t n, const Scoring& scoring) {
  ByteReader r(bytes);
  std::uint64_t next = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
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

Status check_postings(const std::vector<RawPosting>& postings, const Scoring& scoring) {
  std::uint64_t next = 0;
  for (const RawPosting& p : postings) {
    if (p.document < next || p.document >= scoring.documents)
      return bad("documents of a list don't rise");
    next = std::uint64_t{p.document} + 1;
  }
  return ok_status();
}

Status check_tiny(std::string_view bytes, std::uint32_t n, const Scoring& scoring) {
  if (!is_run(bytes)) return check_varints(bytes, n, scoring);
  if (n == 1) return bad("a single posting is not a stream of bits");
  const auto* base = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const std::uint64_t all = 8 * std::uint64_t{bytes.size()};
  std::uint64_t at = 1 + std::uint64_t{n} * low_bits(scoring.documents - n, n);
  for (std::uint32_t ones = 0; ones < n; ++at) {
    if (at >= all) return bad("a short list ends early");
    ones += base[at >> 3] >> (at & 7) & 1u;
  }
  if ((base[0] & 1) != 0) {
    if (at + 4 > all) return bad("a short list ends early");
    const std::uint32_t width = bits_from(base, at, 3);
    const bool exceptions = bits_from(base, at + 3, 1) != 0;
    const std::uint64_t codes = at + 4;
    at = codes + std::uint64_t{n} * width;
    if (width > kCodeBitsMax || at > all) return bad("a short list ends early");
    ByteReader r(bytes.substr((at + 7) / 8));
    for (std::uint32_t i = 0; i < n; ++i) {
      std::uint64_t c = bits_from(base, codes + std::uint64_t{i} * width, width);
      if (exceptions && c == (1u << width) - 1) c += std::min<std::uint64_t>(r.varint(), 1u << 31);
      if (c >= scoring.combination_count) return bad("an unknown combination of frequencies");
    }
    if (!r.ok()) return bad("a short list ends early");
    if (exceptions) at = all - 8 * std::uint64_t{r.remaining()};
  }
  // The mark stands behind the last bit.
  if (at / 8 + 1 != bytes.size()) return bad("a short list ends early or late");
  std::vector<RawPosting> postings;
  decode_list(bytes, n, scoring.documents, postings);
  return check_postings(postings, scoring);
}

Status check_packed(const ListView& view, const Scoring& scoring) {
  std::uint64_t offset = 0;
  for (std::uint32_t b = 0; b < view.block_count(); ++b) {
    const std::uint32_t n = view.block_size(b), start = view.block_start(b);
    const std::uint32_t last = view.block_last(b);
    if (last >= scoring.documents || start >= scoring.documents ||
        std::uint64_t{start} + n - 1 > last)
      return bad("a block of a packed list is misplaced");
    const std::uint32_t most = view.block_most(b);
    const std::uint64_t lows =
        std::uint64_t{n} * view.header.code_bits + std::uint64_t{n} * low_bits(most, n);
    const std::uint32_t size = block_bytes(most, n, view.header.code_bits);
    if (offset + size > view.payload_bytes) return bad("a packed list ends early");
    if (!unary_is_good(view.payload + offset, lows, n + (most >> low_bits(most, n)), n))
      return bad("a block of a packed list has another number of postings");
    offset += size;
  }
  if (offset != view.payload_bytes) return bad("a packed list ends late");
  return ok_status();
}

Status check_padding(const ListView& view) {
  for (std::uint32_t w = view.header.windows; w < round_up(view.header.windows, 64); ++w)
    if (view.maximum(w) != 0 || view.count(w) != 0) return bad("padding is not zero");
  return ok_status();
}

Status check_windowed(const ListView& view) {
  std::uint64_t offset = 0, ordinal = 0;
  for (std::uint32_t w = 0; w < view.header.windows; ++w) {
    if (w % kGroup == 0 && view.group_offset(w / kGroup) != offset)
      return bad("a group of windows is misplaced");
    const std::uint32_t n = view.count(w);
    if (n > kWindow) return bad("a window has more postings than documents");
    const std::uint8_t* at = view.payload + offset;
    offset += window_payload(n, view.header.code_bits);
    ordinal += n;
    if (offset > view.payload_bytes) return bad("a windowed list ends early");
    if (n > kBitmapAbove &&
        std::popcount(load<std::uint64_t>(at)) + std::popcount(load<std::uint64_t>(at + 8)) !=
            static_cast<int>(n))
      return bad("a bit map has another number of bits than its window postings");
    if (n <= kBitmapAbove)
      for (std::uint32_t i = 0; i < n; ++i)
        if (at[i] >= kWindow || (i > 0 && at[i] <= at[i - 1]))
          return bad("documents of a window don't rise");
    if ((view.maximum(w) != 0) != (n != 0)) return bad("a window's maximum and count disagree");
    if (view.maximum(w) > view.supers[w / kSuper])
      return bad("a maximum is above its second level");
  }
  if (offset != view.payload_bytes || ordinal != view.frequency)
    return bad("a windowed list ends late");
  return check_padding(view);
}

Status check_exceptions(const ListView& view, const std::vector<RawPosting>& postings,
                        const Scoring& scoring) {
  if (view.header.exceptions == 0) return ok_status();
  const bool chunked = view.has(kExceptionChunks);
  const std::uint32_t chunks = (scoring.documents + 65535) >> 16;
  std::uint32_t next = 0;
  std::uint32_t chunk = 0;
  const auto start = [&](std::uint32_t c) {
    return load<std::uint32_t>(view.chunk_starts + 4 * c);
  };
  if (chunked && start(0) != 0) return bad("the exceptions' directory does not begin with 0");
  for (const RawPosting& p : postings) {
    if (p.combination != view.last_code()) continue;
    for (; chunked && chunk < p.document >> 16; ++chunk)
      if (start(chunk + 1) != next) return bad("the exceptions' directory is wrong");
    if (next >= view.header.exceptions) return bad("there are too few exceptions");
    const std::uint32_t mask = view.has(kExceptionChunks) ? 0xFFFFu : ~0u;
    const std::uint32_t combination = view.row_combination(next);
    if (view.row_document(next++) != (p.document & mask)) return bad("an exception is misplaced");
    if (combination >= scoring.combination_count || combination < view.last_code())
      return bad("an exception has an unknown combination of frequencies");
    const Frequencies tf = scoring.frequencies(combination);
    for (std::size_t f = 0; f < kFieldsMax; ++f)
      if (tf[f] > view.header.exception_bound[f]) return bad("an exception is above its bound");
  }
  for (; chunked && chunk < chunks; ++chunk)
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
      const float bound = static_cast<float>(view.maximum(w)) * view.header.highest / 255.0f;
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

Status check_best(const ListView& view, const std::vector<RawPosting>& postings,
                  const Scoring& scoring) {
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
  return ok_status();
}

}  // namespace

Status check_list(std::string_view bytes, std::uint32_t frequency, const Scoring& scoring) {
  if (bytes.empty()) return bad("a list is empty");
  if (frequency <= kTinyMax) return check_tiny(bytes, frequency, scoring);
  ListView view;
  if (!view_list(bytes, frequency, scoring.documents, view))
    return bad("the parts of a list don't fit in it");
  VITRINE_TRY(view.windowed() ? check_windowed(view) : check_packed(view, scoring));
  // Codes only: exceptions are compared with them below.
  std::vector<RawPosting> postings;
  postings.reserve(frequency);
  decode_codes(view, postings);
  VITRINE_TRY(check_postings(postings, scoring));
  for (const RawPosting& p : postings)
    if (p.combination >= scoring.combination_count &&
        (view.header.exceptions == 0 || p.combination != view.last_code()))
      return bad("an unknown combination of frequencies");
  VITRINE_TRY(check_exceptions(view, postings, scoring));
  VITRINE_TRY(check_best(view, postings, scoring));
  return check_bounds(view, postings, scoring);
}

}  // namespace vitrine::text::internal
