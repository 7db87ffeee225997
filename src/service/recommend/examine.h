// What became of one item in one answer: the place where it stands, or the first step that took it
// out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "service/recommend/source.h"

namespace vitrine::recommend {

enum class Fate : std::uint8_t {
  kShown,
  kUnknown,   // neither catalog nor events know the id
  kDropped,   // by the step in `drop`
  kNoSource,  // nothing that the policy gives weight speaks for it
  kBelow,     // it may be shown, and others stand before it
};
std::string_view fate_name(Fate fate);  // "shown", "unknown", "dropped", "no_source", "below"

struct Verdict {
  Fate fate = Fate::kUnknown;
  std::optional<Drop> drop;  // of kDropped
  // From 1: in the answer where it is shown, else among all that may be shown. 0 where it is not
  // known: dropped, or behind the first kRanksKnown.
  std::uint32_t rank = 0;
  // What its score would be, dropped or not; 0 without a source.
  Link link = Link::kNewest;
  float score = 0;
  float fade = 1;
  float boost = 1;
  std::array<float, kSources> contributions{};
};

inline constexpr std::uint32_t kRanksKnown = 1000;

}  // namespace vitrine::recommend
