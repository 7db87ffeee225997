#include "service/recommend/streams.h"

#include <algorithm>
#include <variant>

namespace vitrine::recommend {

namespace {

// Marks `item` as given; false if it was already.
bool take(ItemTable& table, ItemIndex item) {
  std::uint16_t& marks = table.insert(item).marks;
  if ((marks & kMarkTried) != 0) return false;
  marks |= kMarkTried;
  return true;
}

// Best first: half of all answers are full within the first piece.
constexpr std::size_t kFirstPiece = 128;

// Items whose memory is on its way while one is tested and scored.
constexpr std::size_t kAhead = 12;

bool better(const EvidenceStream::Entry& a, const EvidenceStream::Entry& b) {
  if (a.evidence != b.evidence) return a.evidence > b.evidence;
  return a.item < b.item;
}

}  // namespace

EvidenceStream::EvidenceStream(const Context& context, const Scorer& scorer, const ItemTable& table,
                               FilterGate& gate, std::vector<Entry>& order)
    : scorer_(scorer),
      table_(table),
      gate_(gate),
      tested_(!context.filter.has_value()),
      order_(order) {
  order_.clear();
  for (const ItemEntry& entry : table.entries()) {
    const double evidence = scorer.evidence(entry);
    if (evidence > 0 && (!tested_ || gate_.passes(entry.item))) {
      order_.push_back({evidence, entry.item});
    }
  }
  sort_more();
}

void EvidenceStream::sort_more() {
  const std::size_t end = std::min(order_.size(), std::max(kFirstPiece, sorted_ * 3));
  const auto from = order_.begin() + static_cast<std::ptrdiff_t>(sorted_);
  const auto to = order_.begin() + static_cast<std::ptrdiff_t>(end);
  if (to != order_.end()) std::nth_element(from, to, order_.end(), better);
  std::sort(from, to, better);
  for (std::size_t i = sorted_; i < std::min(end, sorted_ + kAhead); ++i) {
    scorer_.prefetch(order_[i].item);
  }
  sorted_ = end;
}

ItemIndex EvidenceStream::next() {
  while (given_ < order_.size()) {
    if (given_ + kAhead < sorted_) scorer_.prefetch(order_[given_ + kAhead].item);
    const ItemIndex item = order_[given_++].item;
    if (given_ == sorted_) sort_more();
    if (tested_ || gate_.passes(item)) return item;
  }
  return kNoItem;
}

double EvidenceStream::bound() const {
  if (given_ == order_.size()) return kNothingLeft;
  return order_[given_].evidence * (1 + scorer_.bonus_max());
}

double EvidenceStream::key(ItemIndex item) const {
  return scorer_.primary_key(item, scorer_.evidence(*table_.find(item)));
}

RankingStream::RankingStream(const Scorer& scorer, ItemTable& table, FilterGate& gate,
                             bool only_similar, std::uint32_t steps)
    : scorer_(scorer),
      table_(table),
      gate_(gate),
      only_similar_(only_similar),
      steps_left_(steps) {}

void RankingStream::start() {
  started_ = true;
  const auto open = [](const Ranking& ranking, std::optional<Walk>& walk) {
    if (ranking.weighted_max() == 0) return;
    walk.emplace(ranking);
    walk->ahead = ranking.weighted_max() * ranking.weighted_max();
  };
  open(scorer_.trending(), trending_);
  open(scorer_.popular(), popular_);
  gate_.prefetch();
}

// The ranking that is ahead keeps the bound up: bring it down first. Null when both are done.
RankingStream::Walk* RankingStream::choose() {
  Walk* walk = trending_ && !trending_->done ? &*trending_ : nullptr;
  if (popular_ && !popular_->done && (walk == nullptr || popular_->ahead > walk->ahead)) {
    walk = &*popular_;
  }
  return walk;
}

// Most items of a walk end at the filter, so everything before it is kept to a few ns.
ItemIndex RankingStream::next() {
  if (!started_) start();
  while (steps_left_ > 0) {
    Walk* const walk = choose();
    if (walk == nullptr) break;
    --steps_left_;
    const ItemIndex item = walk->top.next();
    const double stored = walk->top.stored();
    walk->started = true;
    walk->ahead = stored * walk->ranking.square_scale();
    if (item == kNoItem || !(stored > 0)) {
      walk->done = true;  // what follows was never wanted, or is disliked
      continue;
    }
    if (!gate_.passes(item)) continue;
    if (!(walk->bound() > 0)) {
      walk->done = true;  // decayed to nothing
      continue;
    }
    if (only_similar_ && scorer_.weighted_similarity(item) == 0) continue;
    if (take(table_, item)) return item;
  }
  steps_left_ = 0;
  return kNoItem;
}

double RankingStream::bound() const {
  if (!started_) return -kNothingLeft;
  if (steps_left_ == 0) return kNothingLeft;
  double bound = only_similar_ ? scorer_.similarity_max() : 0;
  for (const auto* walk : {&trending_, &popular_}) {
    if (*walk && !(*walk)->done) bound += (*walk)->bound();
  }
  return bound;
}

double RankingStream::key(ItemIndex item) const {
  return (scorer_.wanted(item) + (only_similar_ ? scorer_.weighted_similarity(item) : 0)) *
         scorer_.fade(item);
}

PostingStream::PostingStream(const Context& context, const Scorer& scorer, ItemTable& table,
                             FilterGate& gate, std::vector<std::uint32_t>& members,
                             std::uint32_t steps)
    : context_(context),
      scorer_(scorer),
      table_(table),
      gate_(gate),
      members_(members),
      steps_(steps) {
  members_.clear();
}

template <class Fn>
void PostingStream::for_each_posting(Fn&& fn) const {
  if (scorer_.similarity_max() == 0) return;
  const auto visit = [&](std::string_view name, const std::vector<Liked>& likes) {
    const auto field = context_.catalog().find_field(name);
    if (!field || field->column == nullptr) return;
    const catalog::Dictionary* dictionary = nullptr;
    if (const auto* list = std::get_if<catalog::ListColumn>(field->column)) {
      dictionary = &list->dictionary();
    } else if (const auto* text = std::get_if<catalog::StringColumn>(field->column)) {
      dictionary = &text->dictionary();
    }
    if (dictionary == nullptr) return;
    for (const Liked& liked : likes) fn(dictionary->posting(liked.code));
  };
  visit("categories", context_.categories);
  visit("brand", context_.brands);
}

std::uint64_t PostingStream::size() const {
  std::uint64_t size = 0;
  for_each_posting([&](const catalog::Posting& posting) { size += posting.size(); });
  return size;
}

void PostingStream::start() {
  started_ = true;
  for_each_posting([&](const catalog::Posting& posting) {
    if (members_.size() >= steps_) return;
    const std::size_t room = steps_ - members_.size();
    const Roaring* bitmap = posting.bitmap();
    if (bitmap == nullptr) {
      posting.append_to(members_);  // at most Posting::kFewMax
      return;
    }
    std::size_t taken = 0;
    for (auto at = bitmap->begin(); at != bitmap->end() && taken < room; ++at, ++taken) {
      members_.push_back(*at);
    }
  });
}

ItemIndex PostingStream::next() {
  if (!started_) start();
  while (given_ < members_.size()) {
    const ItemIndex item{members_[given_++]};
    if (!gate_.passes(item)) continue;
    // A posting holds whoever names the category anywhere, similarity asks for the first.
    if (scorer_.weighted_similarity(item) > 0 && take(table_, item)) return item;
  }
  return kNoItem;
}

double PostingStream::bound() const {
  return started_ && given_ == members_.size() ? kNothingLeft : -kNothingLeft;
}

double PostingStream::key(ItemIndex item) const {
  return (scorer_.weighted_similarity(item) + scorer_.wanted(item)) * scorer_.fade(item);
}

NewestStream::NewestStream(const Context& context, const Scorer& scorer, ItemTable& table,
                           FilterGate& gate, std::uint32_t steps)
    : context_(context),
      scorer_(scorer),
      table_(table),
      gate_(gate),
      steps_left_(steps),
      to_come_(context.catalog().listing_order().size()) {}

ItemIndex NewestStream::next() {
  const catalog::Catalog& catalog = context_.catalog();
  while (to_come_ > 0 && steps_left_ > 0) {
    const ItemIndex item{catalog.listing_order()[--to_come_]};
    if (!catalog.listed_bits().contains(item.value)) continue;
    --steps_left_;
    last_ = item;
    if (gate_.passes(item) && take(table_, item)) return item;
  }
  return kNoItem;
}

double NewestStream::bound() const {
  if (to_come_ == 0 || steps_left_ == 0) return kNothingLeft;
  return last_ == kNoItem ? -kNothingLeft : scorer_.newest_key(last_);
}

}  // namespace vitrine::recommend
