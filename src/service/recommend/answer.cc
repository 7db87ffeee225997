#include "service/recommend/answer.h"

namespace vitrine::recommend {

std::string_view filter_path_name(FilterPath path) {
  switch (path) {
    case FilterPath::kNone: return "none";
    case FilterPath::kRankOrder: return "rank_order";
    case FilterPath::kEnumerated: return "enumerated";
  }
  return "none";
}

void Answer::clear() {
  items.clear();
  position = 0;
  now = 0;
  limit = 0;
  diversity = 0;
  model.clear();
  filter_path = FilterPath::kNone;
  candidates = tested = unknown_items = history = 0;
  drops.fill(0);
  supplied.fill(0);
  relaxed = 0;
  near_source = Source::kContent;
  near.clear();
  because.clear();
  left_out.clear();
  stage_ns.fill(0);
  ids_.clear();
  id_bytes_.clear();
}

std::string_view reason_code(Source source) {
  switch (source) {
    case Source::kHistory: return "viewed-before";
    case Source::kCoView: return "viewed-together";
    case Source::kCoBuy: return "bought-together";
    case Source::kSecondHop: return "related-to-viewed";
    case Source::kRepeat: return "buy-again";
    case Source::kSimilar: return "similar";
    case Source::kTrending: return "trending";
    case Source::kPopular: return "popular";
    case Source::kNewArrivals: return "new-arrival";
    case Source::kContent: return "alike-by-description";
    case Source::kVector: return "near-taste";
    case Source::kModel: return "for-you";
  }
  return "new-arrival";
}

}  // namespace vitrine::recommend
