// How much an item speaks to one visitor, from what the visitor did: the live evidence of the
// Recommender, without its choice of items, and nearness by vectors.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "service/recommend/context.h"
#include "service/recommend/evidence.h"
#include "service/recommend/item_table.h"
#include "service/recommend/item_vectors.h"
#include "service/recommend/scorer.h"
#include "service/search/search_state.h"

namespace vitrine::search {

// Working memory; one per thread. What it points to is valid while the tenant's lock is held.
class Taste {
 public:
  Taste();
  // Who asks; nobody if both ids are empty. An error where a cold history can't be read.
  Status read(const SearchState& state, std::string_view user_id, std::string_view anonymous_id,
              TimeUs now);
  // After read(): by what near() goes, the first of `model` and `content` that has a vector of
  // anything the visitor turned to; either may be null.
  void read_vectors(const std::shared_ptr<const recommend::ItemVectors>& model,
                    const std::shared_ptr<const recommend::ItemVectors>& content);
  // Everyone is alike.
  void read_nobody();

  // In [0, 1]: what was seen (up to 0.5), what is seen or bought with it, and what is of its
  // category, brand and price range, added up.
  double of(ItemIndex item) const;
  // In [0, 1]: likeness to the mean of what the visitor turned to last, by recency and kind
  // (recommend/item_vectors.h); 0 without vectors, and for what the visitor dislikes.
  double near(ItemIndex item) const;
  bool has_vectors() const { return vectors_ != nullptr; }
  void prefetch(ItemIndex item) const {
    if (vectors_ != nullptr) vectors_->prefetch(item);
  }
  // The items nearest to the visitor, best first. Valid until the next read().
  std::span<const recommend::NearItem> nearest(std::size_t k);
  // Items with evidence of their own, in order of discovery.
  std::span<const recommend::ItemEntry> entries() const;
  std::uint32_t history() const { return history_; }

 private:
  recommend::Context context_;
  recommend::ItemTable table_;
  recommend::SourceScratch sources_;
  recommend::Request request_;
  recommend::Answer answer_;
  std::optional<recommend::Scorer> scorer_;
  std::uint32_t history_ = 0;
  std::shared_ptr<const recommend::ItemVectors> vectors_;  // null: near() is 0
  recommend::VectorScratch space_;
  recommend::VectorQuery aimed_;
};

}  // namespace vitrine::search
