#include "service/recommend/ranker.h"

#include <algorithm>

namespace vitrine::recommend {

namespace {

// For heaps: the one that stands first is on top.
bool heap_order(const Ranked& a, const Ranked& b) { return b.before(a); }

// Matches that the last resort tries. Far more than an answer needs, and a few ms at most.
constexpr std::size_t kUnwalkedMatchesMax = 65536;

// Items of an enumeration whose memory is on its way while one is scored.
constexpr std::size_t kPrefetched = 12;

}  // namespace

bool worth_enumerating(std::uint64_t matches, std::uint64_t listed, std::uint32_t limit) {
  // Below 2^32 each, so the products fit.
  return matches * matches <= listed * limit;
}

Ranker::Ranker(const Context& context, const Scorer& scorer, ItemTable& table,
               const WalkLimits& limits, std::uint16_t relaxed, RankScratch& scratch,
               Answer& answer)
    : context_(context),
      scorer_(scorer),
      table_(table),
      gate_(context, answer),
      eligibility_(context, table, relaxed, answer),
      pool_(scratch.pool),
      pending_(scratch.pending),
      members_(scratch.members),
      evidence_(context, scorer, table, gate_, scratch.order),
      posting_(context, scorer, table, gate_, scratch.members, limits.posting_steps),
      similar_(scorer, table, gate_, true, limits.category_steps),
      ranking_(scorer, table, gate_, false, limits.ranked_steps),
      newest_(context, scorer, table, gate_, limits.newest_steps) {
  pool_.clear();
  pending_.clear();
  category_is_small_ = posting_.size() <= limits.posting_steps;
  answer.candidates = static_cast<std::uint32_t>(evidence_.size());
}

bool Ranker::drain(CandidateStream& stream, Link link, std::size_t want) {
  for (;;) {
    const double bound = stream.bound();
    while (!pending_.empty() && pending_.front().key > bound) {
      if (pool_.size() >= want) return true;
      std::pop_heap(pending_.begin(), pending_.end(), heap_order);
      pool_.push_back(pending_.back());
      pending_.pop_back();
    }
    if (pool_.size() >= want) return true;
    const ItemIndex item = stream.next();
    if (item == kNoItem) {
      if (pending_.empty()) return false;
      continue;  // the bound is now minus infinity
    }
    if (!eligibility_.admit(item)) continue;
    pending_.push_back({link, stream.key(item), item, 1});
    std::push_heap(pending_.begin(), pending_.end(), heap_order);
  }
}

bool Ranker::drain_category(std::size_t want) {
  if (scorer_.similarity_max() == 0) return false;
  if (!category_is_small_ && drain(similar_, Link::kCategory, want)) return true;
  return drain(posting_, Link::kCategory, want);
}

void Ranker::fill(std::size_t want) {
  if (drain(evidence_, Link::kPrimary, want)) return;
  if (!primary_done_) {
    primary_done_ = true;
    for (const EvidenceStream::Entry& entry : evidence_.given()) {
      table_.insert(entry.item).marks |= kMarkTried;  // the next links must not give them again
    }
  }
  if (drain_category(want)) return;
  if (drain(ranking_, Link::kRanked, want)) return;
  if (!scorer_.ends_with_newest() || everything_walked_) return;
  if (drain(newest_, Link::kNewest, want)) return;
  if (!newest_.reached_limit()) return;
  everything_walked_ = true;
  if (context_.filtered()) {
    add_unwalked_matches(want);
  } else if (pool_.empty()) {
    newest_.without_limit();
    drain(newest_, Link::kNewest, 1);
  }
}

void Ranker::add_unwalked_matches(std::size_t want) {
  const std::size_t first = pool_.size();
  std::size_t tried = 0;
  context_.for_each_match([&](ItemIndex item) {
    std::uint16_t& marks = table_.insert(item).marks;
    if ((marks & kMarkTried) != 0) return true;
    marks |= kMarkTried;
    if (eligibility_.admit(item)) {
      pool_.push_back({Link::kNewest, scorer_.newest_key(item), item, 1});
    }
    return pool_.size() < want && ++tried < kUnwalkedMatchesMax;
  });
  std::sort(pool_.begin() + static_cast<std::ptrdiff_t>(first), pool_.end(),
            [](const Ranked& a, const Ranked& b) { return a.before(b); });
}

void Ranker::enumerate(std::size_t want) {
  members_.clear();
  context_.for_each_match([this](ItemIndex item) {
    members_.push_back(item.value);
    return true;
  });
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (i + kPrefetched < members_.size()) scorer_.prefetch(ItemIndex{members_[i + kPrefetched]});
    const ItemIndex item{members_[i]};
    if (!eligibility_.admit(item)) continue;
    if (const std::optional<Ranked> ranked = scorer_.rank(item)) pool_.push_back(*ranked);
  }
  const auto before = [](const Ranked& a, const Ranked& b) { return a.before(b); };
  const auto middle = pool_.begin() + static_cast<std::ptrdiff_t>(std::min(want, pool_.size()));
  if (middle != pool_.end()) std::nth_element(pool_.begin(), middle, pool_.end(), before);
  std::sort(pool_.begin(), middle, before);
}

}  // namespace vitrine::recommend
