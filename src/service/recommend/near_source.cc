#include "service/recommend/near_source.h"

#include <algorithm>
#include <cmath>

namespace vitrine::recommend {

namespace {

// Of all anchors, by weight and recency.
double mean_price(const Context& context) {
  double weights = 0, roots = 0;
  covisit::Recency recency(static_cast<float>(ItemVectors::kRecency));
  for (const covisit::HistoryItem& anchor : context.anchors) {
    const double weight = double{recency.at(anchor.age)} * double{anchor.weight};
    const double price = context.catalog().price(anchor.item);
    if (!(price > 0)) continue;
    // Roots, as in read_taste(): the mean must not follow the dearest alone.
    weights += weight;
    roots += weight * std::sqrt(price);
  }
  return weights > 0 ? roots / weights * (roots / weights) : 0;
}

double price_nearness(double price, double liked) {
  if (!(price > 0) || !(liked > 0)) return 0.85;
  return 0.7 + 0.3 * std::min(price, liked) / std::max(price, liked);
}

// The nearest items that pass the filter, or what is to be ranked, in scratch.vectors.near.
void find_near(const ItemVectors& vectors, const Context& context, VectorScratch& scratch) {
  const float* const query = scratch.query.data();
  if (context.request->to_rank.empty()) {
    vectors.nearest(query, NearSource::candidates(context.limit), context.matches, scratch,
                    scratch.near);
    return;
  }
  vectors.aim(query, scratch.aimed);
  scratch.near.clear();
  for (const std::string_view id : context.request->to_rank) {
    const auto item = context.catalog().find(id);
    if (!item) continue;
    const float likeness = vectors.likeness(scratch.aimed, *item);
    if (likeness > 0) scratch.near.push_back({*item, likeness});
  }
}

void note(ItemTable& table, ItemIndex item, double evidence) {
  table.insert(item).evidence[kNearEvidence] = static_cast<float>(evidence);
}

}  // namespace

double thinness(const Context& context, ItemIndex anchor) {
  const double views =
      std::max(context.weight(Source::kCoView), context.weight(Source::kSecondHop));
  const double purchases = context.weight(Source::kCoBuy);
  if (views + purchases == 0) return 1;
  const double known = (views * double{context.state->covisit.count(anchor)} +
                        purchases * double{context.state->baskets.count(anchor)}) /
                       (views + purchases);
  const double missing = std::max(0.0, 1 - known / NearSource::kEnough);
  return missing * missing;
}

bool NearSource::wanted(const policy::PlacementPolicy& policy) const {
  return (model_ != nullptr && policy.weights[Source::kVector] > 0) ||
         (content_ != nullptr && policy.weights[Source::kContent] > 0);
}

void NearSource::gather(const Context& context, SourceScratch& scratch, ItemTable& table) const {
  scratch.near_source = Source::kContent;
  if (context.anchors.empty()) return;
  if (!gather_model(context, scratch, table)) gather_content(context, scratch, table);
}

bool NearSource::gather_model(const Context& context, SourceScratch& scratch,
                              ItemTable& table) const {
  if (model_ == nullptr || context.weight(Source::kVector) == 0) return false;
  const std::shared_ptr<const ItemVectors> vectors = model_->current();
  if (vectors == nullptr) return false;
  VectorScratch& space = scratch.vectors;
  space.query.resize(vectors->dim());
  if (!vectors->query(context.anchors, space, space.query.data())) return false;
  scratch.near_source = Source::kVector;
  find_near(*vectors, context, space);
  scratch.near_found = !space.near.empty();
  for (const NearItem& near : space.near) note(table, near.item, double{near.likeness});
  return true;
}

void NearSource::gather_content(const Context& context, SourceScratch& scratch,
                                ItemTable& table) const {
  if (content_ == nullptr || context.weight(Source::kContent) == 0) return;
  double shares = 0, thin = 0;
  covisit::Recency recency(static_cast<float>(ItemVectors::kRecency));
  std::vector<covisit::HistoryItem>& needy = scratch.needy;
  needy.clear();
  for (const covisit::HistoryItem& anchor : context.anchors) {
    const double share = double{recency.at(anchor.age)} * double{anchor.weight};
    const double need = thinness(context, anchor.item);
    shares += share;
    thin += share * need;
    needy.push_back({anchor.item, anchor.age, static_cast<float>(double{anchor.weight} * need)});
  }
  if (!(shares > 0) || thin < kThinnest * shares) return;
  const std::shared_ptr<const ItemVectors> vectors = content_->current();
  if (vectors == nullptr) return;
  VectorScratch& space = scratch.vectors;
  space.query.resize(vectors->dim());
  if (!vectors->query(needy, space, space.query.data())) return;
  find_near(*vectors, context, space);
  scratch.near_found = !space.near.empty();
  const double liked = mean_price(context);
  for (const NearItem& near : space.near) {
    note(table, near.item,
         double{near.likeness} * price_nearness(context.catalog().price(near.item), liked) *
             (thin / shares));
  }
}

}  // namespace vitrine::recommend
