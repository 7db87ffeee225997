// What a score is asked with, and what comes back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace vitrine::covisit {

struct HistoryItem {
  ItemIndex item;
  // How many of the visitor's events are newer: 0 for the newest, the same for all items of one
  // purchase. Must not fall from one entry to the next.
  std::uint32_t age = 0;
  float weight = 1;  // >= 0; by kind of event, say
};

// Settings of a question, not of the state: they may differ from request to request.
struct ScoreOptions {
  float history_decay = 0.6f;  // (0, 1]: to the power of a history item's age
  float source_power = 0.5f;   // how much a frequent history item is damped
  float target_power = 0.2f;   // how much a frequent candidate is damped
  float count_offset = 10;     // > 0: occurrences every candidate is assumed to have had
  float second_hop = 1;        // 0: direct neighbours only
  std::uint32_t second_hop_sources = 10;
  std::uint32_t max_history = 50;  // older items are not looked at
};

// Which items are asked for: all, or those with bit item % 64 of word item / 64 set. A view.
class ItemMask {
 public:
  ItemMask() = default;
  explicit ItemMask(std::span<const std::uint64_t> words) : all_(false), words_(words) {}
  bool contains(std::uint32_t item) const {
    if (all_) return true;
    const std::size_t word = item / 64;
    return word < words_.size() && ((words_[word] >> (item % 64)) & 1) != 0;
  }
  // Starts the cache miss of a coming contains().
  void prefetch(std::uint32_t item) const {
    const std::size_t word = item / 64;
    if (!all_ && word < words_.size()) __builtin_prefetch(&words_[word]);
  }
  bool all() const { return all_; }

 private:
  bool all_ = true;
  std::span<const std::uint64_t> words_;
};

struct Candidate {
  ItemIndex item;
  float score = 0;
  float direct = 0;  // the part of score that does not come over a second hop
};

// history_decay^age for ages that do not fall, by repeated multiplication: the same bits
// everywhere.
class Recency {
 public:
  explicit Recency(float decay) : decay_(decay) {}
  float at(std::uint32_t age) {
    for (const std::uint32_t to = std::min(age, 1000u); age_ < to; ++age_) value_ *= decay_;
    return value_;
  }

 private:
  float decay_;
  float value_ = 1;
  std::uint32_t age_ = 0;
};

// Working memory of score(): one per thread, reused from call to call so that nothing is
// allocated. An open-addressing table from item to its two sums.
class ScoreScratch {
 public:
  struct Slot {
    std::uint32_t item;
    float direct;
    float second;
  };

  // Empties the table and makes room for `items` different ones.
  void start(std::size_t items);
  // The slot of `item`, made if there is none: then `counts[item]` is fetched, as it is needed
  // soon.
  Slot& slot(std::uint32_t item, const float* counts);
  // Positions of the slots in use, in the order of their first use.
  const std::vector<std::uint32_t>& used() const { return used_; }
  Slot& at(std::uint32_t position) { return slots_[position]; }

  struct Source {
    float score;
    std::uint32_t item;
  };
  std::vector<Source> sources;  // of the second hop
  std::vector<float> norms;     // of the slots in use, by their place in used()

 private:
  static constexpr std::uint32_t kEmpty = 0xFFFFFFFFu;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> used_;
  int shift_ = 32;
};

inline ScoreScratch::Slot& ScoreScratch::slot(std::uint32_t item, const float* counts) {
  const auto mask = static_cast<std::uint32_t>(slots_.size() - 1);
  std::uint32_t at = (item * 0x9E3779B1u) >> shift_;
  while (slots_[at].item != item) {
    if (slots_[at].item == kEmpty) {
      slots_[at].item = item;
      used_.push_back(at);
      __builtin_prefetch(counts + item);
      break;
    }
    at = (at + 1) & mask;
  }
  return slots_[at];
}

}  // namespace vitrine::covisit
