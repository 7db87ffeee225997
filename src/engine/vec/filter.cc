#include "engine/vec/filter.h"

#include <bit>

#include "base/check.h"
#include "engine/vec/kernels.h"

namespace vitrine::vec {

Filter::Filter(const Lists& lists, std::span<const std::uint64_t> ids)
    : words_(lists.block_count()) {
  for (std::size_t block = 0; block < words_.size(); ++block) {
    std::uint32_t word = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const std::uint32_t id = lists.ids[block * kLanes + lane];
      if (id != kNoId && id / 64 < ids.size())
        word |= static_cast<std::uint32_t>(ids[id / 64] >> (id % 64) & 1U) << lane;
    }
    words_[block] = word;
  }
  recount(lists);
}

Filter::Filter(const Lists& lists) : words_(lists.block_count()) {
  for (std::size_t slot = 0; slot < lists.slot_count(); ++slot)
    if (lists.ids[slot] != kNoId) words_[slot / kLanes] |= 1U << (slot % kLanes);
  recount(lists);
}

Filter::Filter(const Lists& lists, std::vector<std::uint32_t> words) : words_(std::move(words)) {
  VITRINE_CHECK(words_.size() == lists.block_count());
  recount(lists);
}

Filter Filter::operator&(const Filter& other) const {
  VITRINE_CHECK(words_.size() == other.words_.size());
  Filter out = *this;
  out.count_ = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) out.words_[i] &= other.words_[i];
  for (std::size_t list = 0; list < in_list_.size(); ++list) {
    out.in_list_[list] = 0;
    for (std::uint32_t block = first_block_[list]; block < first_block_[list + 1]; ++block)
      out.in_list_[list] += static_cast<std::uint32_t>(std::popcount(out.words_[block]));
    out.count_ += out.in_list_[list];
  }
  return out;
}

void Filter::recount(const Lists& lists) {
  first_block_.assign(lists.first_block.data(),
                      lists.first_block.data() + lists.first_block.size());
  in_list_.assign(lists.list_count(), 0);
  count_ = 0;
  for (std::size_t block = 0; block < words_.size(); ++block) {
    const auto some = static_cast<std::uint32_t>(std::popcount(words_[block]));
    in_list_[lists.list_of_block[block]] += some;
    count_ += some;
  }
}

}  // namespace vitrine::vec
