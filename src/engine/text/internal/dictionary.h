// Entries of the dictionary as bytes. Terms lie in blocks of kTermsPerBlock, in byte order.
//
// An entry: u8 of two numbers of 4 bits, high: bytes shared with the term before (0 for the first
// of a block), low: bytes of the rest; 15 says that a varint with what is above 15 follows, the
// shared one's first; the rest's bytes; varint h: up to 8 the term has one posting of h bytes,
// above it has h - 7, and varint bytes of postings follows. Where the schema has positions: varint
// bytes of positions, and for the first term of a block varint offset of the block's positions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace vitrine::text::internal {

struct DictionaryEntry {
  std::uint64_t shared = 0;
  std::string_view rest;
  std::uint64_t frequency = 0;
  std::uint64_t postings_bytes = 0;
  std::uint64_t positions_bytes = 0;
  std::uint64_t positions_at = 0;  // first of a block with positions
};

inline DictionaryEntry read_entry(ByteReader& r, bool positions, bool first) {
  DictionaryEntry e;
  const std::uint8_t sizes = r.u8();
  e.shared = sizes >> 4;
  std::uint64_t rest = sizes & 15;
  if (e.shared == 15) e.shared += r.varint();
  if (rest == 15) rest += r.varint();
  e.rest = r.raw(rest);
  const std::uint64_t head = r.varint();
  e.frequency = head <= 8 ? 1 : head - 7;
  e.postings_bytes = head <= 8 ? head : r.varint();
  if (positions) e.positions_bytes = r.varint();
  if (positions && first) e.positions_at = r.varint();
  return e;
}

// The same of bytes that passed check_image(): nothing looks at bounds. Moves `at` behind the
// entry.
inline std::uint64_t trusted_varint(const std::uint8_t*& at) {
  std::uint64_t value = *at++;
  if (value < 0x80) return value;
  value &= 0x7F;
  for (int shift = 7;; shift += 7) {
    const std::uint64_t byte = *at++;
    value |= (byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}
inline DictionaryEntry trusted_entry(const std::uint8_t*& at, bool positions, bool first) {
  DictionaryEntry e;
  const std::uint8_t sizes = *at++;
  e.shared = sizes >> 4;
  std::uint64_t rest = sizes & 15;
  if (e.shared == 15) e.shared += trusted_varint(at);
  if (rest == 15) rest += trusted_varint(at);
  e.rest = {reinterpret_cast<const char*>(at), rest};
  at += rest;
  const std::uint64_t head = trusted_varint(at);
  e.frequency = head <= 8 ? 1 : head - 7;
  e.postings_bytes = head <= 8 ? head : trusted_varint(at);
  if (positions) e.positions_bytes = trusted_varint(at);
  if (positions && first) e.positions_at = trusted_varint(at);
  return e;
}

inline void write_entry(const DictionaryEntry& e, bool positions, bool first, std::string& out) {
  ByteWriter w(out);
  const std::uint64_t shared = e.shared < 15 ? e.shared : 15;
  const std::uint64_t rest = e.rest.size() < 15 ? e.rest.size() : 15;
  w.u8(static_cast<std::uint8_t>(shared << 4 | rest));
  if (shared == 15) w.varint(e.shared - 15);
  if (rest == 15) w.varint(e.rest.size() - 15);
  w.raw(e.rest);
  if (e.frequency == 1) {
    w.varint(e.postings_bytes);
  } else {
    w.varint(e.frequency + 7);
    w.varint(e.postings_bytes);
  }
  if (positions) w.varint(e.positions_bytes);
  if (positions && first) w.varint(e.positions_at);
}

}  // namespace vitrine::text::internal
