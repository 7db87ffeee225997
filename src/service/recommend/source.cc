#include "service/recommend/source.h"

#include <algorithm>
#include <array>

namespace vitrine::recommend {

namespace {
constexpr std::array<std::string_view, kLinks> kLinkNames{"primary", "category", "ranked",
                                                          "newest"};
constexpr std::array<std::string_view, kDrops> kDropNames{
    "unlisted", "out_of_stock", "context", "disliked",  "bought",
    "seen",     "age",          "filter",  "diversity", "earlier_page"};
constexpr std::array<std::string_view, kStages> kStageNames{"context", "candidates", "filter",
                                                            "rank",    "slate",      "record"};
}  // namespace

Source main_source(Link link, const std::array<float, kSources>& contributions) {
  const auto first = contributions.begin();
  if (link != Link::kPrimary) {
    return static_cast<Source>(std::max_element(first, contributions.end()) - first);
  }
  Source most = static_cast<Source>(std::max_element(first, first + kNearEvidence) - first);
  for (const Source other : {Source::kContent, Source::kVector, Source::kModel}) {
    if (contributions[index_of(other)] > contributions[index_of(most)]) most = other;
  }
  return most;
}

std::string_view link_name(Link link) { return kLinkNames.at(static_cast<std::size_t>(link)); }
std::string_view drop_name(Drop drop) { return kDropNames.at(static_cast<std::size_t>(drop)); }
std::string_view stage_name(Stage stage) { return kStageNames.at(static_cast<std::size_t>(stage)); }

}  // namespace vitrine::recommend
