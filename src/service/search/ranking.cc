#include "service/search/ranking.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace vitrine::search {
namespace {

// An item that was chosen this often for a query has half of what clicks can give.
constexpr double kChosenHalf = 3;

bool before(const FoundItem& a, const FoundItem& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
}

template <class Fn>
void for_each_bit(std::span<const std::uint64_t> words, Fn&& fn) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::uint64_t word = words[i]; word != 0; word &= word - 1) {
      fn(ItemIndex{static_cast<std::uint32_t>(i * 64) +
                   static_cast<std::uint32_t>(std::countr_zero(word))});
    }
  }
}

}  // namespace

Ranking::Ranking(const SearchState& state, const SearchRequest& request, const Selection& selection,
                 Taste& taste, const query::QueryLog::Query* chosen)
    : state_(state),
      request_(request),
      selection_(selection),
      taste_(taste),
      chosen_(chosen),
      popular_(state.shop.popular, request.now, 1) {
  if (!selection.result.hits.empty()) {
    best_text_ = std::max(1e-6, static_cast<double>(selection.result.hits.front().score));
  }
}

double Ranking::chosen_weight(ItemIndex item) const {
  if (chosen_ == nullptr) return 0;
  for (const auto& entry : chosen_->items) {
    if (entry.item == item) return state_.queries.weight(entry, request_.now);
  }
  return 0;
}

FoundItem Ranking::score(ItemIndex item, double text) const {
  const query::SearchSettings& s = state_.settings;
  const double relevance = browsing() ? 1 : std::min(1.0, text / best_text_);
  const double taste = s.personal > 0 && request_.personal ? taste_.of(item) : 0;
  const double near = s.affinity > 0 && request_.personal ? taste_.near(item) : 0;
  const double wanted = s.popularity > 0 ? popular_.value(item) : 0;
  const double weight = s.clicks > 0 ? chosen_weight(item) : 0;
  const double chosen = weight / (weight + kChosenHalf);
  const double stock = state_.catalog().in_stock(item) ? 1 : s.out_of_stock;
  const double sum =
      1 + s.personal * taste + s.affinity * near + s.popularity * wanted + s.clicks * chosen;
  FoundItem found;
  found.item = item;
  found.score = static_cast<float>(relevance * sum * stock);
  found.parts = {static_cast<float>(text),   static_cast<float>(relevance),
                 static_cast<float>(taste),  static_cast<float>(near),
                 static_cast<float>(wanted), static_cast<float>(chosen),
                 static_cast<float>(stock)};
  return found;
}

void Ranking::add_tasted() {
  if (state_.settings.personal == 0 || !request_.personal) return;
  std::vector<std::pair<double, ItemIndex>> tasted;
  for (const recommend::ItemEntry& entry : taste_.entries()) {
    if (!selection_.matches.contains(entry.item.value)) continue;
    if (const double taste = taste_.of(entry.item); taste > 0) {
      tasted.emplace_back(-taste, entry.item);
    }
  }
  const std::size_t kept = std::min(kTastePool, tasted.size());
  std::partial_sort(tasted.begin(), tasted.begin() + static_cast<std::ptrdiff_t>(kept),
                    tasted.end());
  for (std::size_t i = 0; i < kept; ++i) extras_.push_back(tasted[i].second);
}

// With a text, what is near is ranked among what the text finds; without one it has to be looked
// for.
void Ranking::add_near() {
  if (!browsing() || state_.settings.affinity == 0 || !request_.personal) return;
  std::size_t found = 0;
  for (const recommend::NearItem& near : taste_.nearest(2 * kNearPool)) {
    if (!selection_.matches.contains(near.item.value)) continue;
    extras_.push_back(near.item);
    if (++found == kNearPool) return;
  }
}

void Ranking::add_popular() {
  if (state_.settings.popularity == 0) return;
  std::uint32_t steps = 0;
  std::size_t found = 0;
  state_.shop.popular.for_each_from_top([&](ItemIndex item) {
    if (++steps > kPopularSteps || popular_.value(item) <= 0) return false;
    if (!selection_.matches.contains(item.value)) return true;
    extras_.push_back(item);
    return ++found < kPopularPool;
  });
}

void Ranking::make_pool() {
  pooled_.reset(static_cast<std::uint32_t>(state_.catalog().item_count()));
  const auto& hits = selection_.result.hits;
  const std::size_t by_text = std::min<std::size_t>(kTextPool, hits.size());
  for (std::size_t i = 0; i < by_text; ++i) taste_.prefetch(ItemIndex{hits[i].id});
  for (std::size_t i = 0; i < by_text; ++i) {
    pool_.push_back(score(ItemIndex{hits[i].id}, static_cast<double>(hits[i].score)));
    pooled_.add(hits[i].id);
  }
  const bool all_in =
      !browsing() && hits.size() <= kTextPool && hits.size() == selection_.result.count;
  if (all_in) return;
  add_tasted();
  add_near();
  add_popular();
  if (chosen_ != nullptr && state_.settings.clicks > 0) {
    for (const auto& entry : chosen_->items) {
      if (selection_.matches.contains(entry.item.value)) extras_.push_back(entry.item);
    }
  }
  std::sort(extras_.begin(), extras_.end());
  extras_.erase(std::unique(extras_.begin(), extras_.end()), extras_.end());
  std::erase_if(extras_, [this](ItemIndex item) { return pooled_.contains(item.value); });
  for (const ItemIndex item : extras_) pooled_.add(item.value);
}

Status Ranking::score_pool(const IndexView* view, text::Searcher& searcher) {
  std::vector<float> texts(extras_.size(), 0);
  if (view != nullptr && !extras_.empty() && !browsing()) {
    std::vector<text::DocumentId> ids;
    for (const ItemIndex item : extras_) ids.push_back(item.value);
    VITRINE_TRY(searcher.score_each(*view->snapshot, selection_.query, ids, texts));
  }
  for (std::size_t i = 0; i < extras_.size(); ++i) {
    pool_.push_back(score(extras_[i], std::max(0.0, static_cast<double>(texts[i]))));
  }
  std::sort(pool_.begin(), pool_.end(), before);
  return ok_status();
}

void Ranking::page_of_rest(std::uint32_t skip, std::uint32_t left, SearchAnswer& answer) {
  const auto take = [&](ItemIndex item, double text) {
    if (pooled_.contains(item.value) || !selection_.matches.contains(item.value)) return true;
    if (skip > 0) {
      --skip;
      return true;
    }
    answer.items.push_back(score(item, text));
    return --left > 0;
  };
  if (left == 0) return;
  if (browsing()) {
    state_.catalog().for_each_listed_newest_first([&](ItemIndex item) { return take(item, 0); });
    return;
  }
  for (const text::Hit& hit : selection_.result.hits) {
    if (!take(ItemIndex{hit.id}, static_cast<double>(hit.score))) return;
  }
}

void Ranking::page_of_pool(SearchAnswer& answer) {
  const std::size_t from = std::min<std::size_t>(request_.offset, pool_.size());
  const std::size_t to = std::min<std::size_t>(from + request_.limit, pool_.size());
  answer.items.assign(pool_.begin() + static_cast<std::ptrdiff_t>(from),
                      pool_.begin() + static_cast<std::ptrdiff_t>(to));
  const auto skip = static_cast<std::uint32_t>(request_.offset - from);
  page_of_rest(skip, request_.limit - static_cast<std::uint32_t>(to - from), answer);
}

void Ranking::sorted_page(SearchAnswer& answer) const {
  const catalog::Catalog& catalog = state_.catalog();
  const counters::ScoreAt popular(state_.shop.popular, request_.now);
  const auto key = [&](ItemIndex item) -> double {
    switch (request_.sort) {
      case Sort::kPriceAscending:
      case Sort::kPriceDescending: {
        const double price = catalog.price(item);
        if (std::isnan(price)) return -std::numeric_limits<double>::infinity();  // last
        return request_.sort == Sort::kPriceAscending ? -price : price;
      }
      case Sort::kNewest: return static_cast<double>(catalog.created(item));
      default: return popular(item);
    }
  };
  struct Place {
    double key;
    ItemIndex item;
    bool operator<(const Place& other) const {  // better first
      return key != other.key ? key > other.key : item < other.item;
    }
  };
  // A heap of the best, the worst of them on top.
  const std::size_t most = std::size_t{request_.offset} + request_.limit;
  std::vector<Place> best;
  for_each_bit(selection_.matches.words(), [&](ItemIndex item) {
    const Place place{key(item), item};
    if (best.size() == most) {
      if (!(place < best.front())) return;
      std::pop_heap(best.begin(), best.end());
      best.back() = place;
    } else {
      best.push_back(place);
    }
    std::push_heap(best.begin(), best.end());
  });
  std::sort_heap(best.begin(), best.end());
  for (std::size_t i = request_.offset; i < best.size(); ++i) {
    answer.items.push_back(score(best[i].item, 0));
  }
}

Status Ranking::page(const IndexView* view, text::Searcher& searcher, SearchAnswer& answer) {
  answer.best_text = browsing() ? 0 : best_text_;
  if (request_.sort != Sort::kRelevance) {
    sorted_page(answer);
    if (view == nullptr || browsing()) return ok_status();
    // Their text scores, for what the answer says of them.
    std::vector<text::DocumentId> ids;
    for (const FoundItem& item : answer.items) ids.push_back(item.item.value);
    std::vector<float> texts;
    VITRINE_TRY(searcher.score_each(*view->snapshot, selection_.query, ids, texts));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      answer.items[i] = score(answer.items[i].item, std::max(0.0, static_cast<double>(texts[i])));
    }
    return ok_status();
  }
  make_pool();
  VITRINE_TRY(score_pool(view, searcher));
  page_of_pool(answer);
  return ok_status();
}

void Ranking::fallback(const text::IdSet& allowed, SearchAnswer& answer) const {
  const catalog::Catalog& catalog = state_.catalog();
  text::IdSet shown;
  std::uint32_t steps = 0;
  const auto take = [&](ItemIndex item) {
    if (answer.items.size() >= request_.limit) return false;
    if (!allowed.contains(item.value) || !catalog.in_stock(item) || shown.contains(item.value)) {
      return true;
    }
    shown.add(item.value);
    FoundItem found = score(item, 0);
    found.parts.relevance = 0;
    found.score = found.parts.wanted;
    answer.items.push_back(found);
    return true;
  };
  state_.shop.popular.for_each_from_top([&](ItemIndex item) {
    return ++steps <= 10 * kPopularSteps && popular_.value(item) > 0 && take(item);
  });
  steps = 0;
  catalog.for_each_listed_newest_first(
      [&](ItemIndex item) { return ++steps <= 10 * kPopularSteps && take(item); });
}

}  // namespace vitrine::search
