// All items that pass a filter, one bit each, kept up to date with the catalog.
//
// Whether an item passes depends on nothing but the item, unless the filter names now(). So after
// changes of the catalog only the changed items are tested again, and the set is exact at any time:
// it answers as BoundFilter::matches() would, in a nanosecond.
#pragma once

#include <cstdint>

#include "base/ids.h"
#include "domain/catalog/catalog.h"
#include "domain/filter/filter.h"

namespace vitrine::filter {

// refresh() needs to be alone; the rest may run from many threads. Everything but memory_bytes()
// needs the catalog's shared lock.
class MatchSet {
 public:
  // `filter` is bound to `catalog` and comes from a ParsedFilter without uses_now().
  MatchSet(const BoundFilter& filter, const catalog::Catalog& catalog);

  // True if the set is that of the catalog as it is now.
  bool is_current(const catalog::Catalog& catalog) const {
    return identity_ == catalog.identity() && version_ == catalog.version();
  }
  // Of the catalog that the set is of: rises with refresh().
  std::uint64_t version() const { return version_; }
  // Tests what changed since; `filter` is the same expression, bound again. False if too much has:
  // then the set is of no use any more.
  bool refresh(const BoundFilter& filter, const catalog::Catalog& catalog);

  bool contains(ItemIndex item) const { return bits_.contains(item.value); }
  const catalog::RowBits& bits() const { return bits_; }
  std::uint64_t size() const { return size_; }
  std::uint64_t memory_bytes() const { return sizeof(*this) + bits_.memory_bytes(); }

 private:
  std::uint64_t identity_;
  std::uint64_t version_;
  std::uint64_t size_ = 0;
  catalog::RowBits bits_;
};

}  // namespace vitrine::filter
