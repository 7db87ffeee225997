#include "service/recommend/because.h"

#include <algorithm>
#include <vector>

namespace vitrine::recommend {

namespace {

// The anchor that gave most, so far.
struct Best {
  double value = 0;
  ItemIndex anchor = kNoItem;
};

bool contains(std::span<const std::string_view> ids, std::string_view id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

std::string_view relation_of(const Context& context, ItemIndex item) {
  const std::string_view id = context.catalog().item_id(item);
  if (contains(context.request->item_ids, id)) return "on_page";
  if (contains(context.request->cart, id)) return "in_cart";
  std::string_view relation = "viewed";
  for (const profile::HistoryEntry& entry : context.history) {
    if (entry.item != item) continue;
    if (entry.bought()) return "bought";
    if (entry.type == event::EventType::kAddToCart) relation = "carted";
  }
  return relation;
}

class Search {
 public:
  Search(const Context& context, SourceScratch& scratch, const Answer& answer)
      : context_(context), scratch_(scratch), answer_(answer), best_(answer.items.size()) {}

  // Asks `engine` about each anchor alone, for the items whose source `wants`.
  template <class Wants>
  void ask(const covisit::Covisit& engine, const covisit::ScoreOptions& options, Wants&& wants) {
    if (std::none_of(answer_.items.begin(), answer_.items.end(),
                     [&](const AnswerItem& item) { return wants(item.source); })) {
      return;
    }
    covisit::Recency recency(options.history_decay);
    for (const covisit::HistoryItem& anchor : context_.anchors) {
      const double share =
          static_cast<double>(recency.at(anchor.age)) * static_cast<double>(anchor.weight);
      const covisit::HistoryItem alone{anchor.item, 0, 1};
      engine.score(std::span(&alone, 1), options, covisit::ItemMask(), scratch_.covisit,
                   scratch_.candidates);
      for (const covisit::Candidate& found : scratch_.candidates) {
        note(found, share, anchor.item, wants);
      }
    }
  }

  ItemIndex best(std::size_t at) const { return best_[at].anchor; }

 private:
  template <class Wants>
  void note(const covisit::Candidate& found, double share, ItemIndex anchor, Wants&& wants) {
    for (std::size_t i = 0; i < answer_.items.size(); ++i) {
      if (answer_.items[i].item != found.item || !wants(answer_.items[i].source)) continue;
      const double value = share * static_cast<double>(found.score);
      if (value > best_[i].value) best_[i] = {value, anchor};
    }
  }

  const Context& context_;
  SourceScratch& scratch_;
  const Answer& answer_;
  std::vector<Best> best_;
};

ItemIndex first_alike(const Context& context, ItemIndex item) {
  const catalog::Catalog& catalog = context.catalog();
  for (const covisit::HistoryItem& anchor : context.anchors) {
    const auto category = catalog.first_category(anchor.item);
    const auto brand = catalog.brand(anchor.item);
    if (category != catalog::kNoCode && category == catalog.first_category(item)) {
      return anchor.item;
    }
    if (brand != catalog::kNoCode && brand == catalog.brand(item)) return anchor.item;
  }
  return kNoItem;
}

// Nearness is that of all anchors together: the one to name is of its kind, or the newest.
ItemIndex near_anchor(const Context& context, ItemIndex item) {
  const ItemIndex alike = first_alike(context, item);
  if (alike != kNoItem || context.anchors.empty()) return alike;
  return context.anchors.front().item;
}

}  // namespace

void find_because(const Context& context, const BecauseOptions& options, SourceScratch& scratch,
                  Answer& answer) {
  Search over_a_hop(context, scratch, answer);
  over_a_hop.ask(context.state->covisit, options.covisit,
                 [](Source source) { return source == Source::kSecondHop; });
  const auto because_of = [&](std::size_t i) {
    const AnswerItem& item = answer.items[i];
    switch (item.source) {
      case Source::kCoView:
        return context.state->covisit.strongest_source(context.anchors, options.covisit, item.item);
      case Source::kCoBuy:
        return context.state->baskets.strongest_source(context.anchors, options.baskets, item.item);
      case Source::kSecondHop: return over_a_hop.best(i);
      case Source::kSimilar: return first_alike(context, item.item);
      case Source::kContent:
      case Source::kVector: return near_anchor(context, item.item);
      case Source::kHistory:
      case Source::kRepeat: return item.item;
      default: return kNoItem;
    }
  };
  answer.because.resize(answer.items.size());
  for (std::size_t i = 0; i < answer.items.size(); ++i) {
    const ItemIndex because = because_of(i);
    if (because == kNoItem) continue;
    answer.because[i] = {std::string(context.catalog().item_id(because)),
                         relation_of(context, because)};
  }
}

}  // namespace vitrine::recommend
