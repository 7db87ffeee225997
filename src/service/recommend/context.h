// The first stage: who asks, about what, and what is known of both.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "domain/catalog/catalog.h"
#include "domain/filter/filter.h"
#include "domain/filter/match_set.h"
#include "domain/policy/policy.h"
#include "domain/profile/history_entry.h"
#include "engine/covisit/score.h"
#include "service/recommend/answer.h"
#include "service/recommend/filter_cache.h"
#include "service/recommend/item_table.h"
#include "service/recommend/match_cache.h"
#include "service/recommend/repeats.h"
#include "service/recommend/request.h"
#include "service/recommend/state_view.h"
#include "service/recommend/trained_model.h"

namespace vitrine::recommend {

struct BoundBoost {
  filter::BoundFilter filter;
  double factor;
};

// A category or brand that speaks from the context, and how much: 1 for the one that does most.
struct Liked {
  catalog::Code code;
  double share;  // in (0, 1]
};

// One answer's inputs. Reused: its vectors keep their memory.
struct Context {
  const StateView* state = nullptr;
  const policy::PlacementPolicy* policy = nullptr;
  const Request* request = nullptr;
  TimeUs now = 0;
  std::uint32_t limit = 0;
  double diversity = 0;

  std::vector<profile::HistoryEntry> history;  // oldest first, of both ids of the visitor
  std::vector<covisit::HistoryItem> anchors;  // distinct items the answer starts from, newest first
  std::vector<Liked> categories, brands;      // the largest kLikedMost each, without kNoCode
  std::vector<DueItem> due;  // to buy again; empty if the policy gives kRepeat no weight
  std::shared_ptr<const TrainedModel> model;  // null: none, or the policy doesn't ask it
  bool shown_before = false;  // some items of the table have looks, and the policy minds
  double liked_price = 0;     // the mean of what is liked; 0 if nothing has a price
  Source near_source = Source::kContent;  // whose evidence is at kNearEvidence

  // The text behind the bound filters, which may point into it.
  std::vector<filter::ParsedFilter> parsed;
  // The request's filter: all its matches where they are cheap to know, else as a test of one item.
  // At most one of the two.
  std::shared_ptr<const filter::MatchSet> matches;
  std::optional<filter::BoundFilter> filter;
  std::vector<BoundBoost> boosts;

  double weight(Source source) const { return policy->weights[source]; }
  const catalog::Catalog& catalog() const { return state->catalog; }
  bool filtered() const { return matches != nullptr || filter.has_value(); }
  // The matches as one bit an item, empty if they are not known (domain/catalog/row_bits.h).
  std::span<const std::uint64_t> match_words() const {
    return matches == nullptr ? std::span<const std::uint64_t>() : matches->bits().words();
  }
  // Calls fn(ItemIndex) -> bool for the matches, ascending, until it gives false; filtered().
  template <class Fn>
  void for_each_match(Fn&& fn) const {
    if (matches != nullptr) {
      matches->bits().for_each([&fn](std::uint32_t row) { return fn(ItemIndex{row}); });
    } else {
      filter->for_each_match(fn);
    }
  }
  // Lets go of what points into the catalog.
  void release() {
    model.reset();
    matches.reset();
    filter.reset();
    boosts.clear();
    parsed.clear();
  }

  // For merging two histories.
  std::vector<profile::HistoryEntry> other_history;
};

// Anchors beyond this add next to nothing: the 13th event back weighs 0.6^12 = 0.002 of the last.
inline constexpr std::size_t kAnchorsMax = 12;
// Categories, brands and price are taken from the newest anchors, three times each, and from this
// many of the newest entries of the history, each counting 0.9 of the one after it.
inline constexpr std::size_t kTasteEntries = 24;
inline constexpr double kTasteNewest = 3;
inline constexpr double kTasteDecay = 0.9;
inline constexpr std::size_t kLikedMost = 8;

// Parses (through `cache`) and binds the request's filter and boosts; finds or makes the filter's
// matches where that is cheap, unless `match_cache` is null. kInvalidArgument with
// "filter" or "boost" and the column.
Status bind_filters(Context& context, FilterCache& cache, MatchCache* match_cache);

// Checks the request against policy and limits, fills `context` but for filter and boosts,
// and marks in `table` (cleared first) what the exclusions of the policy need to know.
// kInvalidArgument names the field; a cold history that can't be read gives its own error.
Status build_context(const StateView& state, const policy::PlacementPolicy& policy,
                     const Request& request, Context& context, ItemTable& table, Answer& answer);

}  // namespace vitrine::recommend
