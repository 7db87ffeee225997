// Items near the visitor's or the page's by vectors: of a trained model (kVector), else of what is
// written about them (kContent), which speaks where behaviour says little.
#pragma once

#include <memory>

#include "service/recommend/evidence.h"
#include "service/recommend/item_vectors.h"

namespace vitrine::recommend {

// The first of these that has a vector for any of the anchors is asked; context.near_source says
// which it was.
//
// kVector: evidence = likeness.
//
// kContent: evidence = likeness * price * thinness, where
//   thinness(anchor) = (1 - n / kEnough)^2, 0 for n above kEnough; n = (v * views + b * purchases)
//   / (v + b): how often
//     the anchor was seen and bought (decayed as the counts of co-visitation are), by the policy's
//     weights v = max(co_view, second_hop) and b = co_buy
//   the query is the mean of the anchors' vectors, each times weight, recency and thinness
//   thinness = the anchors' mean, by weight and recency; below kThinnest nothing is asked: that is
//     the share of the newest of twelve anchors, so that one new item among known ones is heard
//   price = 0.7 + 0.3 * min(p, q) / max(p, q), p the item's and q the anchors' mean; 0.85 where one
//     is missing
// Where the request has a list to rank its items are looked at, else the nearest candidates(limit)
// that pass the filter.
class NearSource final : public EvidenceSource {
 public:
  static constexpr double kEnough = 20;
  static constexpr double kThinnest = 0.2;
  static std::size_t candidates(std::uint32_t limit) {
    return std::min<std::size_t>(kNearMost, 40 + std::size_t{2} * limit);
  }

  // Either may be null.
  NearSource(std::shared_ptr<const ItemVectorsProvider> model,
             std::shared_ptr<const ItemVectorsProvider> content)
      : model_(std::move(model)), content_(std::move(content)) {}
  std::string_view name() const override { return "near"; }
  bool wanted(const policy::PlacementPolicy& policy) const override;
  void gather(const Context& context, SourceScratch& scratch, ItemTable& table) const override;

 private:
  bool gather_model(const Context& context, SourceScratch& scratch, ItemTable& table) const;
  void gather_content(const Context& context, SourceScratch& scratch, ItemTable& table) const;

  std::shared_ptr<const ItemVectorsProvider> model_, content_;
};

// How much an anchor needs content to speak for it, in [0, 1]: NearSource's thinness(anchor).
double thinness(const Context& context, ItemIndex anchor);

}  // namespace vitrine::recommend
