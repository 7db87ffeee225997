#include "engine/vec/filter.h"

#include <bit>
#include <cstring>

#include "base/check.h"
#include "engine/vec/kernels.h"

namespace vitrine::vec {

Filter::Filter(const Lists& lists, std::span<const std::uint64_t> ids, FilterUse use)
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
  if (use == FilterUse::kMany && count_ > kExactSurvivors && count_ * kCopiedOneIn <= lists.count)
    copy_codes(lists);
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
  out.copied_.reset();
  out.count_ = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) out.words_[i] &= other.words_[i];
  for (std::size_t list = 0; list < in_list_.size(); ++list) {
    out.in_list_[list] = 0;
    for (std::uint32_t block = first_block_[list]; block < first_block_[list + 1]; ++block)
      out.in_list_[list] += static_cast<std::uint32_t>(std::popcount(out.words_[block]));
    out.count_ += out.in_list_[list];
  }
  out.note_few();
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
  note_few();
}

void Filter::note_few() {
  few_.clear();
  if (count_ > kExactSurvivors) return;
  for (std::size_t block = 0; block < words_.size(); ++block)
    for (std::uint32_t word = words_[block]; word != 0; word &= word - 1)
      few_.push_back(static_cast<std::uint32_t>(block * kLanes +
                                                static_cast<std::size_t>(std::countr_zero(word))));
}

CodeView Filter::view(const Lists& lists, std::uint32_t list) const {
  if (copied_ != nullptr)
    return {copied_->codes.data(), copied_->begin[list], copied_->begin[list + 1], nullptr};
  CodeView out = lists.view(list);
  out.allowed = words_.data();
  return out;
}

void Filter::copy_codes(const Lists& lists) {
  auto out = std::make_shared<Copied>();
  const Coding& coding = lists.coding;
  const std::size_t stride = coding.block_bytes();
  const std::size_t second = coding.second_bytes();
  out->codes = Column<std::uint8_t>((count_ + kLanes - 1) / kLanes * stride);
  out->low = Column<std::uint8_t>(count_ * second);
  out->slots.reserve(count_);
  for (std::size_t list = 0; list < lists.list_count(); ++list) {
    out->begin.push_back(static_cast<std::uint32_t>(out->slots.size()));
    for (std::uint32_t block = first_block_[list]; block < first_block_[list + 1]; ++block) {
      for (std::uint32_t word = words_[block]; word != 0; word &= word - 1) {
        const auto lane = static_cast<std::size_t>(std::countr_zero(word));
        const std::size_t place = out->slots.size();
        const std::size_t slot = block * kLanes + lane;
        coding.copy_lane(lists.codes.data() + block * stride, lane,
                         out->codes.mutable_data() + place / kLanes * stride, place % kLanes);
        if (second > 0)
          std::memcpy(out->low.mutable_data() + place * second, lists.low.data() + slot * second,
                      second);
        out->slots.push_back(static_cast<std::uint32_t>(slot));
      }
    }
  }
  out->begin.push_back(static_cast<std::uint32_t>(out->slots.size()));
  copied_ = std::move(out);
}

}  // namespace vitrine::vec
