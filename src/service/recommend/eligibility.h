// What may not be shown here and now, whoever suggests it. Exact: stock, price and listing are
// those of the state, the moment the answer is made.
#pragma once

#include <cstdint>
#include <optional>

#include "service/recommend/answer.h"
#include "service/recommend/context.h"
#include "service/recommend/item_table.h"

namespace vitrine::recommend {

class Eligibility {
 public:
  // `relaxed` as in Answer: exclusions that are not applied. Counts into `answer`.
  Eligibility(const Context& context, const ItemTable& table, std::uint16_t relaxed,
              Answer& answer);

  // True if the item, which passes the filter (filter_gate.h), may be shown; otherwise the first
  // reason against it is counted. Call once for each item of an answer.
  bool admit(ItemIndex item);

  // The first reason against the item, without counting it; nothing if it may be shown.
  std::optional<Drop> reason_against(ItemIndex item) const { return find_reason(item); }

 private:
  std::optional<Drop> find_reason(ItemIndex item) const;
  bool too_young_or_old(ItemIndex item) const;

  const Context& context_;
  const ItemTable& table_;
  std::uint16_t mark_mask_ = 0;  // marks that exclude
  bool in_stock_only_;
  bool age_matters_;
  Answer& answer_;
};

}  // namespace vitrine::recommend
