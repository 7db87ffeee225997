#include "service/search/taste.h"

#include <algorithm>

namespace vitrine::search {
namespace {

using policy::Source;

const policy::PlacementPolicy& search_policy() {
  static const policy::PlacementPolicy policy = [] {
    policy::PlacementPolicy p;
    p.placement = "search";
    p.weights[Source::kHistory] = 0.5;
    p.weights[Source::kCoView] = 1;
    p.weights[Source::kCoBuy] = 0.5;
    p.weights[Source::kSecondHop] = 0.3;
    p.weights[Source::kSimilar] = 0.4;
    return p;
  }();
  return policy;
}

}  // namespace

Taste::Taste() = default;

void Taste::read_nobody() {
  scorer_.reset();
  vectors_.reset();
  table_.clear();
  history_ = 0;
}

Status Taste::read(const SearchState& state, std::string_view user_id,
                   std::string_view anonymous_id, TimeUs now) {
  read_nobody();
  if (user_id.empty() && anonymous_id.empty()) return ok_status();
  request_ = {};
  request_.placement = search_policy().placement;
  request_.user_id = user_id;
  request_.anonymous_id = anonymous_id;
  request_.now = now;
  answer_.clear();
  VITRINE_TRY(
      recommend::build_context(state.shop, search_policy(), request_, context_, table_, answer_));
  history_ = static_cast<std::uint32_t>(context_.history.size());
  if (context_.anchors.empty()) return ok_status();
  static const recommend::CoVisitSource seen_with{covisit::ScoreOptions{}};
  static const recommend::BasketSource bought_with{covisit::ScoreOptions{}};
  static const recommend::HistorySource seen;
  for (const recommend::EvidenceSource* source :
       {static_cast<const recommend::EvidenceSource*>(&seen_with),
        static_cast<const recommend::EvidenceSource*>(&bought_with),
        static_cast<const recommend::EvidenceSource*>(&seen)}) {
    source->gather(context_, sources_, table_);
  }
  scorer_.emplace(context_, table_);
  return ok_status();
}

double Taste::of(ItemIndex item) const {
  if (!scorer_) return 0;
  double sum = scorer_->weighted_similarity(item);
  if (const recommend::ItemEntry* entry = table_.find(item)) {
    if ((entry->marks & recommend::kMarkDisliked) != 0) return 0;
    sum += scorer_->evidence(*entry);
  }
  return std::min(sum, 1.0);
}

void Taste::read_vectors(const std::shared_ptr<const recommend::ItemVectors>& model,
                         const std::shared_ptr<const recommend::ItemVectors>& content) {
  vectors_.reset();
  if (!scorer_) return;
  for (const auto* vectors : {&model, &content}) {
    if (*vectors == nullptr) continue;
    space_.query.resize((*vectors)->dim());
    if (!(*vectors)->query(context_.anchors, space_, space_.query.data())) continue;
    vectors_ = *vectors;
    vectors_->aim(space_.query.data(), aimed_);
    return;
  }
}

double Taste::near(ItemIndex item) const {
  if (vectors_ == nullptr) return 0;
  const recommend::ItemEntry* entry = table_.find(item);
  if (entry != nullptr && (entry->marks & recommend::kMarkDisliked) != 0) return 0;
  return double{vectors_->likeness(aimed_, item)};
}

std::span<const recommend::NearItem> Taste::nearest(std::size_t k) {
  space_.near.clear();
  if (vectors_ != nullptr) {
    vectors_->nearest(space_.query.data(), k, nullptr, space_, space_.near);
  }
  return space_.near;
}

std::span<const recommend::ItemEntry> Taste::entries() const {
  return scorer_ ? table_.entries() : std::span<const recommend::ItemEntry>();
}

}  // namespace vitrine::search
