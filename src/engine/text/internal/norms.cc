#include "engine/text/internal/norms.h"

#include <algorithm>

namespace vitrine::text::internal {
namespace {

// Cuts the codes of one field into at most `parts` runs of about equal numbers of documents;
// gives the run of each code. Runs go by code, that is by length.
std::array<std::uint8_t, 256> cut_codes(std::span<const std::uint8_t> lengths, std::uint32_t parts,
                                        bool& all_exact) {
  std::array<std::uint64_t, 256> counts{};
  for (const std::uint8_t code : lengths) ++counts[code];
  const auto used = static_cast<std::uint32_t>(
      std::count_if(counts.begin(), counts.end(), [](std::uint64_t n) { return n > 0; }));
  const bool exact = used <= parts;
  all_exact = all_exact && exact;
  std::array<std::uint8_t, 256> part{};
  std::uint32_t current = 0;
  std::uint64_t before = 0;
  bool first = true;
  for (std::uint32_t code = 0; code < 256; ++code) {
    if (counts[code] > 0 && !first) {
      const auto wanted =
          static_cast<std::uint32_t>(before * parts / std::max<std::size_t>(1, lengths.size()));
      current = exact ? current + 1 : std::max(current, std::min(wanted, parts - 1));
    }
    if (counts[code] > 0) first = false;
    before += counts[code];
    part[code] = static_cast<std::uint8_t>(current);
  }
  return part;
}

}  // namespace

Classes make_classes(std::uint32_t documents, std::uint32_t fields,
                     std::span<const std::uint8_t> lengths, std::span<const float> inverse) {
  // 16 classes shared out among the first fields: 16, 4x4, 4x2x2, 2x2x2x2.
  static constexpr std::uint32_t kParts[5][4] = {{}, {16}, {4, 4}, {4, 2, 2}, {2, 2, 2, 2}};
  const std::uint32_t counted = std::min(fields, 4u);
  Classes result;
  result.exact = fields == counted;
  result.of_document.assign(documents, 0);
  result.inverse.assign(kClasses * fields, 0.0f);
  for (std::uint32_t f = 0; f < counted; ++f) {
    const std::uint32_t parts = kParts[counted][f];
    const auto codes = lengths.subspan(std::size_t{f} * documents, documents);
    const auto part = cut_codes(codes, parts, result.exact);
    for (std::uint32_t d = 0; d < documents; ++d)
      result.of_document[d] =
          static_cast<std::uint8_t>(result.of_document[d] * parts + part[codes[d]]);
  }
  for (std::uint32_t f = 0; f < fields; ++f) {
    for (std::uint32_t d = 0; d < documents; ++d) {
      float& bound = result.inverse[result.of_document[d] * fields + f];
      bound = std::max(bound, inverse[f * 256 + lengths[std::size_t{f} * documents + d]]);
    }
  }
  return result;
}

std::vector<float> make_code_bounds(const Scoring& scoring) {
  std::vector<float> bounds(kClasses * 16);
  for (std::uint32_t cls = 0; cls < kClasses; ++cls)
    for (std::uint32_t c = 0; c < std::min(16u, scoring.combination_count); ++c)
      bounds[cls * 16 + c] = scoring.class_bound(cls, scoring.frequencies(c));
  return bounds;
}

}  // namespace vitrine::text::internal
