// The arithmetic of the ranking formula, in the one place that decides its bits.
//
// Everything is float in a fixed order of operations, so that index time (maxima, best lists),
// query time and the exhaustive twin agree to the bit.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/text/internal/length_code.h"
#include "engine/text/internal/list_format.h"
#include "engine/text/schema.h"

namespace vitrine::text::internal {

using Frequencies = std::array<std::uint8_t, kFieldsMax>;
inline constexpr std::uint8_t kAnyField = 255;  // in place of a field's number

// inverse[f * 256 + code] = weight_f / (1 - b_f + b_f * length / average_f).
inline std::vector<float> make_inverse_norms(const Schema& schema, std::span<const float> average) {
  std::vector<float> inverse(schema.fields.size() * 256);
  for (std::size_t f = 0; f < schema.fields.size(); ++f) {
    const float b = schema.fields[f].b;
    for (std::uint32_t code = 0; code < 256; ++code) {
      const auto length = static_cast<float>(decode_length(static_cast<std::uint8_t>(code)));
      const float norm = (1.0f - b) + b * (length / average[f]);
      // An empty field of b = 1 has norm 0 and no occurrences: any finite value will do.
      inverse[f * 256 + code] = schema.fields[f].weight / (norm > 1e-6f ? norm : 1e-6f);
    }
  }
  return inverse;
}

inline float saturate(float x, float k1) { return x / (x + k1); }

// What an encoder or scorer needs to know of the documents of a segment. All spans outlive it.
struct Scoring {
  std::uint32_t documents = 0;
  std::uint32_t fields = 1;
  float k1 = 1.2f;
  const float* inverse = nullptr;             // fields * 256
  const std::uint8_t* lengths = nullptr;      // fields * documents codes, field by field
  const std::uint8_t* classes = nullptr;      // documents
  const float* class_inverse = nullptr;       // kClasses * fields: the largest of the class
  const Frequencies* combinations = nullptr;  // of several fields
  std::uint32_t combination_count = 0;
  const float* code_bounds = nullptr;  // class_bound() of class * 16 + combination; for searches
  bool exact_classes = false;          // class_bound() is the saturation itself; for searches

  float saturation(std::uint32_t document, std::uint32_t combination) const {
    if (fields == 1)
      return saturate(static_cast<float>(combination + 1) * inverse[lengths[document]], k1);
    float x = 0;
    for (std::uint32_t f = 0; f < fields; ++f)
      x += static_cast<float>(combinations[combination][f]) *
           inverse[f * 256 + lengths[std::size_t{f} * documents + document]];
    return saturate(x, k1);
  }
  // The same for any frequencies, such as those of a phrase.
  float saturation_of(std::uint32_t document, const Frequencies& tf) const {
    float x = 0;
    for (std::uint32_t f = 0; f < fields; ++f)
      x += static_cast<float>(tf[f]) *
           inverse[f * 256 + lengths[std::size_t{f} * documents + document]];
    return saturate(x, k1);
  }
  // At least saturation() of every document of the class.
  float class_bound(std::uint32_t cls, const Frequencies& tf) const {
    float x = 0;
    for (std::uint32_t f = 0; f < fields; ++f)
      x += static_cast<float>(tf[f]) * class_inverse[cls * fields + f];
    return saturate(x, k1);
  }
  Frequencies frequencies(std::uint32_t combination) const {
    if (fields > 1) return combinations[combination];
    Frequencies tf{};
    tf[0] = static_cast<std::uint8_t>(combination + 1);
    return tf;
  }
};

// class_bound() of the first 16 combinations in each class.
std::vector<float> make_code_bounds(const Scoring& scoring);

// Sums classes and their bounds up from lengths. With one field and at most 16 different codes the
// classes are exact.
struct Classes {
  std::vector<std::uint8_t> of_document;
  std::vector<float> inverse;  // kClasses * fields
  bool exact = false;          // documents of a class have the same lengths
};
Classes make_classes(std::uint32_t documents, std::uint32_t fields,
                     std::span<const std::uint8_t> lengths, std::span<const float> inverse);

}  // namespace vitrine::text::internal
