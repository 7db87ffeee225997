// Kinds of records of the recommendation log. Values are on disk: add, never renumber.
#pragma once

#include <cstdint>

namespace vitrine::privacy {

inline constexpr std::uint16_t kAnswerKind = 1;        // service/recommend/answer_record.h
inline constexpr std::uint16_t kErasedAnswerKind = 2;  // zeros, where an erased person's was

}  // namespace vitrine::privacy
