#include "service/recommend/scorer.h"

#include <algorithm>

namespace vitrine::recommend {

namespace {
constexpr double kCategoryShare = 0.5;
constexpr double kBrandShare = 0.3;
constexpr double kPriceShare = 0.2;

// kNewest's score falls to half at this age. Only for show: the key is the time itself.
constexpr double kNewHalfAgeUs = 30.0 * static_cast<double>(kDayUs);

double share_of(const std::vector<Liked>& list, catalog::Code code) {
  for (const Liked& liked : list) {
    if (liked.code == code) return liked.share;
  }
  return 0;
}
}  // namespace

Ranking::Ranking(const counters::Counters& counters, TimeUs now, double weight)
    : counters_(&counters), score_(counters, now), weight_(weight) {
  if (weight == 0) return;
  counters::TopWalk walk(counters);
  const ItemIndex first = walk.next();
  if (first == kNoItem) return;
  top_ = std::max(0.0, score_(first));
  if (top_ > 0) square_scale_ = weight * weight / walk.stored();
}

Scorer::Scorer(const Context& context, const ItemTable& table)
    : context_(context),
      table_(table),
      rotation_(static_cast<double>(context.policy->rotation_percent) / 100 / profile::kLook),
      trending_(context.state->trending, context.now, context.weight(Source::kTrending)),
      popular_(context.state->popular, context.now, context.weight(Source::kPopular)) {
  for (std::size_t i = 0; i < kEvidenceSources; ++i) {
    weights_[i] = context.weight(kEvidenceOf[i]);
  }
  weights_[kNearEvidence] = context.weight(context.near_source);
  if (!context.categories.empty() || !context.brands.empty()) {
    similarity_weight_ = context.weight(Source::kSimilar);
  }
  bonus_max_ = similarity_weight_ + trending_.weighted_max() + popular_.weighted_max();
  for (const Source source :
       {Source::kSimilar, Source::kTrending, Source::kPopular, Source::kNewArrivals}) {
    ends_with_newest_ = ends_with_newest_ || context.weight(source) > 0;
  }
}

double Scorer::similarity(ItemIndex item) const {
  const catalog::Catalog& catalog = context_.catalog();
  double sum = kCategoryShare * share_of(context_.categories, catalog.first_category(item)) +
               kBrandShare * share_of(context_.brands, catalog.brand(item));
  if (sum == 0 || context_.liked_price == 0) return sum;
  const double price = catalog.price(item);
  if (price > 0) {
    sum +=
        kPriceShare * std::min(price, context_.liked_price) / std::max(price, context_.liked_price);
  }
  return sum;
}

std::optional<Ranked> Scorer::rank(ItemIndex item) const {
  if (const ItemEntry* entry = table_.find(item)) {
    const double sum = evidence(*entry);
    if (sum > 0) return Ranked{Link::kPrimary, primary_key(item, sum), item, 1};
  }
  const double alike = weighted_similarity(item);
  const double popularity = wanted(item);
  const double faded = fade(item);
  if (alike > 0) return Ranked{Link::kCategory, (alike + popularity) * faded, item, 1};
  if (popularity > 0) return Ranked{Link::kRanked, popularity * faded, item, 1};
  if (ends_with_newest_) return Ranked{Link::kNewest, newest_key(item), item, 1};
  return std::nullopt;
}

std::array<float, kSources> Scorer::contributions(const Ranked& ranked) const {
  std::array<float, kSources> parts{};
  const auto set = [&](Source source, double value) {
    parts[index_of(source)] = static_cast<float>(value);
  };
  if (ranked.link == Link::kNewest) {
    // A share of the weight that is never 0, so that the item says where it comes from.
    const double age = std::max(0.0, static_cast<double>(context_.now) - ranked.key);
    const double weight = std::max(context_.weight(Source::kNewArrivals), 0.001);
    set(Source::kNewArrivals, weight / (1 + age / kNewHalfAgeUs));
    return parts;
  }
  const double faded = fade(ranked.item);
  double scale = faded;
  if (ranked.link == Link::kPrimary) {
    const ItemEntry* entry = table_.find(ranked.item);
    scale = evidence(*entry);
    for (std::size_t i = 0; i < kEvidenceSources; ++i) {
      const Source source = i == kNearEvidence ? context_.near_source : kEvidenceOf[i];
      parts[index_of(source)] =
          static_cast<float>(weights_[i] * static_cast<double>(entry->evidence[i]) * faded);
    }
  }
  set(Source::kSimilar, scale * weighted_similarity(ranked.item));
  set(Source::kTrending, scale * trending_.weighted(ranked.item));
  set(Source::kPopular, scale * popular_.weighted(ranked.item));
  return parts;
}

double Scorer::boost(ItemIndex item) const {
  double factor = 1;
  for (const BoundBoost& boost : context_.boosts) {
    if (boost.filter.matches(item)) factor *= boost.factor;
  }
  return factor;
}

}  // namespace vitrine::recommend
