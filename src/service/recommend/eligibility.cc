#include "service/recommend/eligibility.h"

namespace vitrine::recommend {

namespace {
bool gave_up(std::uint16_t relaxed, Drop drop) {
  return (relaxed >> static_cast<unsigned>(drop) & 1) != 0;
}
}  // namespace

Eligibility::Eligibility(const Context& context, const ItemTable& table, std::uint16_t relaxed,
                         Answer& answer)
    : context_(context),
      table_(table),
      in_stock_only_(context.policy->exclude_out_of_stock),
      age_matters_((context.policy->age_min_s != 0 || context.policy->age_max_s != 0) &&
                   !gave_up(relaxed, Drop::kAge)),
      answer_(answer) {
  mark_mask_ = kMarkContext | kMarkDisliked | kMarkPaged;
  const policy::PlacementPolicy& policy = *context.policy;
  if (policy.exclude_seen && !gave_up(relaxed, Drop::kSeen)) mark_mask_ |= kMarkSeen;
  if (policy.exclude_bought && !gave_up(relaxed, Drop::kBought)) mark_mask_ |= kMarkBought;
}

bool Eligibility::admit(ItemIndex item) {
  ++answer_.tested;
  const std::optional<Drop> reason = find_reason(item);
  if (reason) ++answer_.drops[static_cast<std::size_t>(*reason)];
  return !reason;
}

std::optional<Drop> Eligibility::find_reason(ItemIndex item) const {
  const catalog::Catalog& catalog = context_.catalog();
  if (!catalog.listed(item)) return Drop::kUnlisted;
  if (in_stock_only_ && !catalog.in_stock(item)) return Drop::kOutOfStock;
  const ItemEntry* entry = table_.find(item);
  const unsigned marks = entry == nullptr ? 0u : entry->marks & mark_mask_;
  if (marks != 0) {
    if ((marks & kMarkPaged) != 0) return Drop::kPaged;
    if ((marks & kMarkContext) != 0) return Drop::kContext;
    if ((marks & kMarkDisliked) != 0) return Drop::kDisliked;
    return (marks & kMarkBought) != 0 ? Drop::kBought : Drop::kSeen;
  }
  if (age_matters_ && too_young_or_old(item)) return Drop::kAge;
  return std::nullopt;
}

bool Eligibility::too_young_or_old(ItemIndex item) const {
  const TimeUs age = context_.now - context_.catalog().created(item);
  const policy::PlacementPolicy& policy = *context_.policy;
  if (age < static_cast<TimeUs>(policy.age_min_s) * kSecondUs) return true;
  return policy.age_max_s != 0 && age > static_cast<TimeUs>(policy.age_max_s) * kSecondUs;
}

}  // namespace vitrine::recommend
