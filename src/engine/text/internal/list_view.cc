#include "engine/text/internal/list_view.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"

namespace vitrine::text::internal {

std::uint32_t ListView::exception(std::uint32_t document) const {
  std::uint32_t low = 0, high = header.exceptions, wanted = document;
  if (has(kExceptionChunks)) {
    low = load<std::uint32_t>(chunk_starts + 4 * (document >> 16));
    high = load<std::uint32_t>(chunk_starts + 4 * ((document >> 16) + 1));
    wanted = document & 0xFFFFu;
  }
  while (low < high) {
    const std::uint32_t middle = (low + high) / 2;
    const std::uint32_t there = row_document(middle);
    if (there == wanted) return row_combination(middle);
    if (there < wanted)
      low = middle + 1;
    else
      high = middle;
  }
  return last_code();
}

namespace {

// Takes parts from the front of a list.
struct Cutter {
  const std::uint8_t* at;
  std::uint64_t left;
  bool fits = true;

  const std::uint8_t* take(std::uint64_t size) {
    if (size > left) {
      fits = false;
      return at;
    }
    const std::uint8_t* begin = at;
    at += size;
    left -= size;
    return begin;
  }
};

bool read_head(Cutter& cut, std::uint32_t frequency, ListHeader& h) {
  const std::uint8_t* head = cut.take(12);
  if (!cut.fits) return false;
  h = {};
  h.flags = head[0];
  h.code_bits = head[1] & 7;
  h.best_bits = head[1] >> 3;
  h.highest = load<float>(head + 8);
  for (int level = 0; level < 3; ++level)
    h.kth[level] =
        h.highest * (static_cast<float>(load<std::uint16_t>(head + 2 + 2 * level)) / 65535.0f);
  h.best_count = (h.flags & kHasBest) != 0 ? best_of(frequency) : 0;
  if (h.flags > 127 || h.code_bits > kCodeBitsMax || h.best_bits > 16) return false;
  if ((h.flags & kHasExceptions) != 0) {
    const std::uint8_t* rest = cut.take(5);
    if (!cut.fits) return false;
    h.exceptions = load<std::uint32_t>(rest);
    if (h.exceptions == 0 || rest[4] > sizeof h.exception_bound) return false;
    const std::uint8_t* bounds = cut.take(rest[4]);
    if (!cut.fits) return false;
    std::copy(bounds, bounds + rest[4], h.exception_bound);
  }
  if ((h.flags & kWindowed) != 0) {
    const std::uint8_t* rest = cut.take(8);
    if (!cut.fits) return false;
    h.first_window = load<std::uint32_t>(rest);
    h.windows = load<std::uint32_t>(rest + 4);
  }
  return true;
}

}  // namespace

bool view_list(std::string_view bytes, std::uint32_t frequency, std::uint32_t documents,
               ListView& view) {
  Cutter cut{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  view.frequency = frequency;
  if (!read_head(cut, frequency, view.header)) return false;
  const ListHeader& h = view.header;
  view.document_bits = static_cast<std::uint32_t>(std::bit_width(documents - 1));
  view.best = cut.take((std::uint64_t{h.best_count} * (view.document_bits + h.best_bits) + 7) / 8);
  if (view.has(kExceptionChunks))
    view.chunk_starts = cut.take(4 * (((std::uint64_t{documents} + 65535) >> 16) + 1));
  view.exceptions = cut.take(std::uint64_t{h.exceptions} * view.row_bytes());
  if (!view.windowed()) {
    view.blocks = cut.take(4ull * view.block_count());
  } else {
    const std::uint64_t all = (std::uint64_t{documents} + kWindow - 1) >> kWindowBits;
    if (h.windows == 0 || h.first_window % kSuper != 0 ||
        std::uint64_t{h.first_window} + h.windows > all)
      return false;
    const std::uint32_t rounded = round_up(h.windows, 64);
    if (view.has(kNibbleMaxima)) view.levels = cut.take(16);
    view.maxima = cut.take(view.has(kNibbleMaxima) ? rounded / 2 : rounded);
    view.supers = cut.take(rounded / kSuper);
    view.counts = cut.take(view.has(kNibbleCounts) ? rounded / 2 : rounded);
    view.groups = cut.take(4ull * ((h.windows + kGroup - 1) / kGroup));
  }
  view.payload = cut.at;
  view.payload_bytes = cut.left;
  return cut.fits;
}

std::uint64_t decode_run(const std::uint8_t* base, std::uint64_t bit, std::uint32_t n,
                         std::uint32_t low, std::uint32_t start, std::uint32_t* out) {
  std::uint64_t at = bit + std::uint64_t{n} * low;
  // v + i is the number of zeros shifted up, plus i twice: once for unary, once for the run.
  std::uint32_t zeros = 0;
  for (std::uint32_t i = 0; i < n; ++i, ++at) {
    while ((base[at >> 3] >> (at & 7) & 1) == 0) {
      ++at;
      ++zeros;
    }
    out[i] = start + i + (zeros << low | bits_from(base, bit + std::uint64_t{i} * low, low));
  }
  return at;
}

void decode_varints(std::string_view bytes, std::uint32_t n, std::uint32_t* documents,
                    std::uint32_t* combinations) {
  ByteReader r(bytes);
  std::uint32_t next = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint64_t head = r.varint();
    documents[i] = next + static_cast<std::uint32_t>(head >> 1);
    combinations[i] = (head & 1) != 0 ? static_cast<std::uint32_t>(r.varint()) : 0u;
    next = documents[i] + 1;
  }
}

void decode_tiny_codes(std::string_view bytes, std::uint64_t end, std::uint32_t n,
                       std::uint32_t* combinations) {
  const auto* base = reinterpret_cast<const std::uint8_t*>(bytes.data());
  if ((base[0] & 1) == 0) {
    std::fill_n(combinations, n, 0u);
    return;
  }
  const std::uint32_t width = bits_from(base, end, 3);
  const bool exceptions = bits_from(base, end + 3, 1) != 0;
  const std::uint64_t codes = end + 4;
  const std::uint64_t behind = (codes + std::uint64_t{n} * width + 7) / 8;
  ByteReader r(bytes.substr(std::min<std::uint64_t>(behind, bytes.size())));
  const std::uint32_t last = (1u << width) - 1;
  for (std::uint32_t i = 0; i < n; ++i) {
    combinations[i] = bits_from(base, codes + std::uint64_t{i} * width, width);
    if (exceptions && combinations[i] == last)
      combinations[i] += static_cast<std::uint32_t>(r.varint());
  }
}

namespace {

void decode_tiny(std::string_view bytes, std::uint32_t frequency, std::uint32_t documents,
                 std::vector<RawPosting>& out) {
  std::uint32_t numbers[kTinyMax], combinations[kTinyMax];
  if (!is_run(bytes)) {
    decode_varints(bytes, frequency, numbers, combinations);
  } else {
    const std::uint64_t end =
        decode_run(reinterpret_cast<const std::uint8_t*>(bytes.data()), 1, frequency,
                   low_bits(documents - frequency, frequency), 0, numbers);
    decode_tiny_codes(bytes, end, frequency, combinations);
  }
  for (std::uint32_t i = 0; i < frequency; ++i) out.push_back({numbers[i], combinations[i]});
}

void decode_packed(const ListView& view, std::vector<RawPosting>& out) {
  const std::uint8_t* at = view.payload;
  std::uint32_t numbers[kBlock];
  for (std::uint32_t b = 0; b < view.block_count(); ++b) {
    const std::uint32_t n = view.block_size(b), most = view.block_most(b);
    const std::uint32_t width = view.header.code_bits;
    decode_run(at, std::uint64_t{n} * width, n, low_bits(most, n), view.block_start(b), numbers);
    for (std::uint32_t i = 0; i < n; ++i) out.push_back({numbers[i], bits_at(at, i, width)});
    at += block_bytes(most, n, width);
  }
}

void decode_window(const std::uint8_t* at, std::uint32_t n, std::uint32_t bits, std::uint32_t base,
                   std::vector<RawPosting>& out) {
  if (n <= kBitmapAbove) {
    for (std::uint32_t i = 0; i < n; ++i) out.push_back({base + at[i], bits_at(at + n, i, bits)});
    return;
  }
  const std::uint8_t* planes = at + kWindow / 8;
  std::uint32_t i = 0;
  for (std::uint32_t half = 0; half < 2; ++half) {
    for (auto word = load<std::uint64_t>(at + 8 * half); word != 0; word &= word - 1, ++i) {
      std::uint32_t code = 0;
      for (std::uint32_t p = 0; p < bits; ++p) code |= bits_at(planes, p * n + i, 1) << p;
      out.push_back({base + half * 64 + static_cast<std::uint32_t>(std::countr_zero(word)), code});
    }
  }
}

void decode_windowed(const ListView& view, std::vector<RawPosting>& out) {
  const std::uint8_t* at = view.payload;
  for (std::uint32_t w = 0; w < view.header.windows; ++w) {
    const std::uint32_t n = view.count(w);
    decode_window(at, n, view.header.code_bits, (view.header.first_window + w) << kWindowBits, out);
    at += window_payload(n, view.header.code_bits);
  }
}

}  // namespace

void decode_codes(const ListView& view, std::vector<RawPosting>& out) {
  view.windowed() ? decode_windowed(view, out) : decode_packed(view, out);
}

void decode_list(std::string_view bytes, std::uint32_t frequency, std::uint32_t documents,
                 std::vector<RawPosting>& out) {
  out.clear();
  if (frequency <= kTinyMax) return decode_tiny(bytes, frequency, documents, out);
  ListView view;
  view_list(bytes, frequency, documents, view);
  decode_codes(view, out);
  if (view.header.exceptions == 0) return;
  std::uint32_t next = 0;
  for (RawPosting& p : out)
    if (p.combination == view.last_code()) p.combination = view.row_combination(next++);
}

}  // namespace vitrine::text::internal
