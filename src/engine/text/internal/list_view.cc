#include "engine/text/internal/list_view.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"

namespace vitrine::text::internal {

std::uint32_t ListView::exception(std::uint32_t document) const {
  const std::uint32_t chunk = document >> 16;
  std::uint32_t low = load<std::uint32_t>(chunk_starts + 4 * chunk);
  std::uint32_t high = load<std::uint32_t>(chunk_starts + 4 * (chunk + 1));
  const auto wanted = static_cast<std::uint16_t>(document);
  while (low < high) {
    const std::uint32_t middle = (low + high) / 2;
    const auto row = load<Exception>(exceptions + std::size_t{middle} * sizeof(Exception));
    if (row.low == wanted) return row.combination;
    if (row.low < wanted)
      low = middle + 1;
    else
      high = middle;
  }
  return last_code();
}

bool view_list(std::string_view bytes, std::uint32_t documents, ListView& view) {
  if (bytes.size() < sizeof(ListHeader)) return false;
  view.header = load<ListHeader>(bytes.data());
  const ListHeader& h = view.header;
  const auto* at = reinterpret_cast<const std::uint8_t*>(bytes.data()) + sizeof(ListHeader);
  std::uint64_t left = bytes.size() - sizeof(ListHeader);
  const auto take = [&](std::uint64_t size) -> const std::uint8_t* {
    if (size > left) return nullptr;
    const std::uint8_t* begin = at;
    at += size;
    left -= size;
    return begin;
  };
  if (h.codec > 1 || h.code_bits > kCodeBitsMax || h.windows == 0) return false;
  if (h.best_count != 0 && h.best_count != kBest) return false;
  if ((view.best = take(8ull * h.best_count)) == nullptr) return false;
  if (h.exceptions != 0) {
    const std::uint64_t chunks = (std::uint64_t{documents} + 65535) >> 16;
    if ((view.chunk_starts = take(4 * (chunks + 1))) == nullptr) return false;
    if ((view.exceptions = take(std::uint64_t{h.exceptions} * sizeof(Exception))) == nullptr)
      return false;
  }
  if (!view.windowed()) {
    view.blocks = take(std::uint64_t{h.windows} * sizeof(BlockEntry));
    const std::uint64_t directory = std::uint64_t{h.windows} * sizeof(BlockEntry);
    if (view.blocks == nullptr || directory > h.payload_bytes) return false;
    view.payload = take(h.payload_bytes - directory);
    return view.payload != nullptr && left == 0;
  }
  const std::uint64_t all = (std::uint64_t{documents} + kWindow - 1) >> kWindowBits;
  if (h.first_window % kSuper != 0 || std::uint64_t{h.first_window} + h.windows > all) return false;
  const std::uint64_t rounded = round_up(h.windows, 64);
  const std::uint64_t supers = round_up((h.windows + kSuper - 1) / kSuper, 4);
  const std::uint64_t groups =
      (std::uint64_t{h.windows} + kGroup - 1) / kGroup * sizeof(GroupEntry);
  if (h.payload_bytes < 2 * rounded + supers + groups) return false;
  if ((view.maxima = take(rounded)) == nullptr) return false;
  if ((view.supers = take(supers)) == nullptr) return false;
  if ((view.counts = take(rounded)) == nullptr) return false;
  if ((view.groups = take(groups)) == nullptr) return false;
  view.payload = take(h.payload_bytes - 2 * rounded - supers - groups);
  return view.payload != nullptr && left == 0;
}

namespace {

void decode_tiny(std::string_view bytes, std::uint32_t frequency, std::vector<RawPosting>& out) {
  ByteReader r(bytes);
  std::uint64_t next = 0;
  for (std::uint32_t i = 0; i < frequency; ++i) {
    const std::uint64_t head = r.varint();
    const std::uint64_t document = next + (head >> 1);
    out.push_back({static_cast<std::uint32_t>(document),
                   (head & 1) != 0 ? static_cast<std::uint32_t>(r.varint()) : 0u});
    next = document + 1;
  }
}

void decode_packed(const ListView& view, std::uint32_t frequency, std::vector<RawPosting>& out) {
  std::uint32_t next = 0;
  for (std::uint32_t b = 0; b < view.header.windows; ++b) {
    const BlockEntry entry = view.block(b);
    const std::uint32_t n = std::min(kBlock, frequency - b * kBlock);
    const std::uint8_t* deltas = view.payload + entry.offset;
    const std::uint8_t* codes = deltas + (n * entry.width + 7) / 8;
    for (std::uint32_t i = 0; i < n; ++i) {
      const std::uint32_t document = next + bits_at(deltas, i, entry.width);
      out.push_back({document, bits_at(codes, i, view.header.code_bits)});
      next = document + 1;
    }
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
    const std::uint32_t n = view.counts[w];
    decode_window(at, n, view.header.code_bits, (view.header.first_window + w) << kWindowBits, out);
    at += window_payload(n, view.header.code_bits);
  }
}

}  // namespace

void decode_codes(const ListView& view, std::uint32_t frequency, std::vector<RawPosting>& out) {
  view.windowed() ? decode_windowed(view, out) : decode_packed(view, frequency, out);
}

void decode_list(std::string_view bytes, std::uint32_t frequency, std::uint32_t documents,
                 std::vector<RawPosting>& out) {
  out.clear();
  if (frequency <= kTinyMax) return decode_tiny(bytes, frequency, out);
  ListView view;
  view_list(bytes, documents, view);
  decode_codes(view, frequency, out);
  if (view.header.exceptions == 0) return;
  std::size_t next = 0;
  for (RawPosting& p : out) {
    if (p.combination != view.last_code()) continue;
    p.combination = load<Exception>(view.exceptions + sizeof(Exception) * next++).combination;
  }
}

}  // namespace vitrine::text::internal
