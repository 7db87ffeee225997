#include "engine/text/internal/positions.h"

namespace vitrine::text::internal {

namespace {

std::uint32_t read_varint(const std::uint8_t*& at) {
  std::uint32_t value = *at & 0x7Fu;
  for (int shift = 7; (*at++ & 0x80) != 0; shift += 7)
    value |= static_cast<std::uint32_t>(*at & 0x7F) << shift;
  return value;
}

}  // namespace

void read_positions(std::string_view positions, std::uint32_t frequency, std::uint32_t ordinal,
                    std::vector<std::uint32_t>& values) {
  const std::size_t directory = 4ull * ((frequency + kPositionsStep - 1) / kPositionsStep);
  const auto offset = load<std::uint32_t>(positions.data() + 4 * (ordinal / kPositionsStep));
  const auto* at = reinterpret_cast<const std::uint8_t*>(positions.data()) + directory + offset;
  for (std::uint32_t i = ordinal % kPositionsStep; i > 0; --i) {
    const std::uint32_t size = read_varint(at);
    at += size;
  }
  const std::uint32_t size = read_varint(at);
  const std::uint8_t* end = at + size;
  values.clear();
  std::uint32_t value = 0;
  while (at < end) {
    value += read_varint(at);
    values.push_back(value);
  }
}

Status check_positions(std::string_view bytes, std::string_view list, std::uint32_t frequency,
                       const Scoring& scoring) {
  const auto bad = [](const char* what) { return Error(ErrorCode::kCorrupt, what); };
  const std::size_t directory = 4ull * ((frequency + kPositionsStep - 1) / kPositionsStep);
  if (bytes.size() < directory) return bad("positions are shorter than their directory");
  std::vector<RawPosting> postings;
  decode_list(list, frequency, scoring.documents, postings);
  ByteReader r(bytes.substr(directory));
  const std::size_t all = r.remaining();
  for (std::uint32_t i = 0; i < frequency; ++i) {
    if (i % kPositionsStep == 0 &&
        load<std::uint32_t>(bytes.data() + 4 * (i / kPositionsStep)) != all - r.remaining())
      return bad("a directory entry of positions is misplaced");
    const std::uint64_t size = r.varint();
    const std::size_t begin = r.remaining();
    std::uint64_t value = 0;
    for (std::uint32_t n = occurrences(scoring.frequencies(postings[i].combination)); n > 0; --n) {
      value += r.varint();
      if (!r.ok() || value >= std::uint64_t{scoring.fields} * (kPositionMax + 1))
        return bad("a position is too large, or positions end early");
    }
    if (begin - r.remaining() != size) return bad("positions of a posting have another length");
  }
  if (!r.at_end()) return bad("positions end late");
  return ok_status();
}

}  // namespace vitrine::text::internal
