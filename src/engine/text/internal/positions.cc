#include "engine/text/internal/positions.h"

namespace vitrine::text::internal {

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
    std::uint64_t value = 0;
    for (std::uint32_t n = occurrences(scoring.frequencies(postings[i].combination)); n > 0; --n) {
      value += r.varint();
      if (!r.ok() || value >= std::uint64_t{scoring.fields} * (kPositionMax + 1))
        return bad("a position is too large, or positions end early");
    }
  }
  if (!r.at_end()) return bad("positions end late");
  return ok_status();
}

}  // namespace vitrine::text::internal
