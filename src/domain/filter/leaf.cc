#include "domain/filter/leaf.h"

#include <algorithm>

namespace vitrine::filter {

void CodeSet::add(Code code) {
  if (code != catalog::kNoCode) codes_.push_back(code);
}

void CodeSet::finish() {
  if (codes_.size() <= kFewMax) return;
  const Code largest = *std::max_element(codes_.begin(), codes_.end());
  bits_.assign(largest / 64 + std::size_t{1}, 0);
  for (const Code code : codes_) bits_[code / 64] |= std::uint64_t{1} << (code % 64);
}

template <class T>
bool SortedSet<T>::contains(T value) const {
  return std::binary_search(values.begin(), values.end(), value);
}

template struct SortedSet<double>;
template struct SortedSet<TimeUs>;
template struct SortedSet<Row>;

}  // namespace vitrine::filter
