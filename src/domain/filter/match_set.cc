#include "domain/filter/match_set.h"

namespace vitrine::filter {

MatchSet::MatchSet(const BoundFilter& filter, const catalog::Catalog& catalog)
    : identity_(catalog.identity()), version_(catalog.version()) {
  filter.evaluate(bits_);
  size_ = bits_.count();
}

bool MatchSet::refresh(const BoundFilter& filter, const catalog::Catalog& catalog) {
  if (identity_ != catalog.identity()) return false;
  const bool known = catalog.for_each_changed_since(version_, [&](ItemIndex item) {
    const bool was = contains(item);
    const bool is = filter.matches(item);
    if (was == is) return;
    if (is) {
      bits_.add(item.value);
      ++size_;
    } else {
      bits_.remove(item.value);
      --size_;
    }
  });
  if (known) version_ = catalog.version();
  return known;
}

}  // namespace vitrine::filter
