// What the Recommender answers, with everything needed to say why.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "service/recommend/source.h"

namespace vitrine::recommend {

// How the items that pass the filter were found. Values are in the recommendation log.
enum class FilterPath : std::uint8_t {
  kNone = 0,        // no filter
  kRankOrder = 1,   // candidates were tested best first until there were enough
  kEnumerated = 2,  // few items pass: each of them was scored
};
std::string_view filter_path_name(FilterPath path);

struct AnswerItem {
  ItemIndex item = kNoItem;
  // Compares items of the same link; items of an earlier link stand before those of a later
  // one whatever their scores. A function of state and request alone, never of the other items.
  float score = 0;
  Link link = Link::kPrimary;
  Source source = Source::kNewArrivals;  // main_source()
  float fade = 1;   // what is left of the score after having been shown and not opened
  float boost = 1;  // product of the factors of the request's boosts that matched
  // What each source gave, by Source. The score is their sum times boost.
  std::array<float, kSources> contributions{};
};

// What of the visitor's doing, or of the page, an item is shown for.
struct Because {
  std::string item_id;        // empty: no single item
  std::string_view relation;  // "on_page", "in_cart", "bought", "carted", "viewed"
};

// Evidence from nearness by vectors. It is part of the record, for a replay can't ask the vectors
// of the past.
struct NearEvidence {
  ItemIndex item = kNoItem;
  float evidence = 0;  // (0, 1]
  friend bool operator==(const NearEvidence&, const NearEvidence&) = default;
};

// An item that was to be ordered and that the placement would not show.
struct LeftOut {
  std::uint32_t given = 0;  // place in Request::to_rank
  std::string_view reason;  // drop_name(), "unknown" or "no_source"
};

// Reused from request to request: clear() keeps the memory.
class Answer {
 public:
  std::vector<AnswerItem> items;

  // The state it was made from.
  std::uint64_t position = 0;
  TimeUs now = 0;

  // What the request's open settings became.
  std::uint32_t limit = 0;
  double diversity = 0;
  std::string model;  // the trained model that was asked; empty: none

  // What it took.
  FilterPath filter_path = FilterPath::kNone;
  std::uint32_t candidates = 0;     // items with evidence of their own
  std::uint32_t tested = 0;         // items offered to the eligibility test
  std::uint32_t unknown_items = 0;  // item ids of the request that no event or catalog knew
  std::uint32_t history = 0;        // entries of the user's history that were read
  std::array<std::uint32_t, kDrops> drops{};     // by Drop
  std::array<std::uint32_t, kLinks> supplied{};  // items each link gave to the answer
  // Exclusions given up because they left nothing, or too little for the limit (diversity): bit
  // 1 << Drop each.
  std::uint16_t relaxed = 0;
  Source near_source = Source::kContent;         // whose `near` is
  std::vector<NearEvidence> near;                // by ItemIndex
  std::vector<Because> because;                  // of each item, if the request says explain
  std::vector<LeftOut> left_out;                 // of Recommender::rank(), in the given order
  std::array<std::int64_t, kStages> stage_ns{};  // by Stage; not part of the record's replayed part

  std::string_view item_id(std::size_t i) const {
    const Id& id = ids_[i];
    return std::string_view(id_bytes_).substr(id.offset, id.size);
  }
  // Appends the id of the next item; called once for each of `items`, in order.
  void add_item_id(std::string_view id) {
    ids_.push_back(
        {static_cast<std::uint32_t>(id_bytes_.size()), static_cast<std::uint32_t>(id.size())});
    id_bytes_ += id;
  }
  bool gave_up(Drop drop) const { return (relaxed >> static_cast<unsigned>(drop) & 1) != 0; }
  // True if an earlier link than `link` couldn't fill the answer alone.
  bool fell_back_to(Link link) const {
    return link != Link::kPrimary && supplied[static_cast<std::size_t>(link)] > 0;
  }
  void clear();

 private:
  struct Id {
    std::uint32_t offset;
    std::uint32_t size;
  };
  std::vector<Id> ids_;
  std::string id_bytes_;
};

// Why an item is shown, for people and programs: a stable code such as "bought-together".
std::string_view reason_code(Source source);

}  // namespace vitrine::recommend
