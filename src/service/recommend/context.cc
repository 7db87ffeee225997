#include "service/recommend/context.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "domain/profile/interaction.h"

namespace vitrine::recommend {

namespace {

using event::EventType;

Error bad_field(std::string_view field, const std::string& what) {
  return {ErrorCode::kInvalidArgument, std::string(field) + ": " + what};
}

Status check_request(const policy::PlacementPolicy& policy, const Request& request) {
  const std::uint32_t limit_max = std::min(policy.limit_max, kRequestLimitMax);
  if (request.limit && (*request.limit == 0 || *request.limit > limit_max)) {
    return bad_field("limit", "must be from 1 to " + std::to_string(limit_max) + ", got " +
                                  std::to_string(*request.limit));
  }
  if (request.diversity && !(*request.diversity >= 0 && *request.diversity <= 1)) {
    return bad_field("diversity", "must be from 0 to 1, got " + std::to_string(*request.diversity));
  }
  if (request.item_ids.size() > kRequestItemsMax) {
    return bad_field("item_ids", "at most " + std::to_string(kRequestItemsMax) + ", got " +
                                     std::to_string(request.item_ids.size()));
  }
  if (request.cart.size() > kRequestItemsMax) {
    return bad_field("cart", "at most " + std::to_string(kRequestItemsMax) + " items, got " +
                                 std::to_string(request.cart.size()));
  }
  if (policy.needs_category && request.filter.empty()) {
    return bad_field("category", policy.placement + " needs the category of the page");
  }
  if (request.already_shown.size() > kPagedItemsMax) {
    return bad_field(
        "cursor", "the pages before have more than " + std::to_string(kPagedItemsMax) + " items");
  }
  if (request.boosts.size() > kRequestBoostsMax) {
    return bad_field("boost", "at most " + std::to_string(kRequestBoostsMax) + " rules, got " +
                                  std::to_string(request.boosts.size()));
  }
  for (const Boost& boost : request.boosts) {
    if (!(boost.factor >= 0.01 && boost.factor <= 100)) {
      return bad_field("boost",
                       "a factor must be from 0.01 to 100, got " + std::to_string(boost.factor));
    }
  }
  if (policy.about == policy::About::kItems && request.item_ids.empty()) {
    return bad_field("item_ids", policy.placement + " needs the items that the page is about");
  }
  return ok_status();
}

// What was shown and not opened, where the policy turns its windows over.
void note_showings(Context& context, UserIndex user, ItemTable& table) {
  if (context.policy->rotation_percent == 0 || user == kNoUser) return;
  for (const profile::Showing& showing : context.state->showings.of(user)) {
    const std::uint32_t looks = showing.looks_at(context.now);
    if (looks == 0) continue;
    std::uint16_t& sum = table.insert(showing.item).looks;
    sum = static_cast<std::uint16_t>(std::min<std::uint32_t>(sum + looks, profile::kLooksMost));
    context.shown_before = true;
  }
}

Status read_history(Context& context, ItemTable& table) {
  context.history.clear();
  const profile::Profiles& profiles = context.state->profiles;
  const Request& request = *context.request;
  UserIndex user = kNoUser;
  UserIndex visitor = kNoUser;
  if (!request.user_id.empty()) user = profiles.find_user(profile::user_key(request.user_id));
  if (!request.anonymous_id.empty()) {
    const Hash128 key = profile::anonymous_key(request.anonymous_id);
    visitor = profiles.find_user(key);
    // Somebody else's device: its owner's history is nothing to this user.
    const bool merged = visitor != kNoUser && profiles.info(visitor).key != key;
    if (merged && visitor != user && !request.user_id.empty()) visitor = kNoUser;
  }
  for (const UserIndex who : {user, visitor}) {
    if (who == kNoUser) continue;
    if (!profiles.consents(who).allows(event::Purpose::kPersonalization)) return ok_status();
  }
  note_showings(context, user, table);
  if (visitor != user) note_showings(context, visitor, table);
  if (user != kNoUser) VITRINE_TRY(profiles.history(user, context.history));
  if (visitor == kNoUser || visitor == user) return ok_status();  // merged: the same history
  if (context.history.empty()) {
    VITRINE_TRY(profiles.history(visitor, context.history));
    return ok_status();
  }
  // Someone who signed in: what was looked at just before belongs to the same interest.
  VITRINE_TRY(profiles.history(visitor, context.other_history));
  const auto middle = static_cast<std::ptrdiff_t>(context.history.size());
  context.history.insert(context.history.end(), context.other_history.begin(),
                         context.other_history.end());
  std::inplace_merge(
      context.history.begin(), context.history.begin() + middle, context.history.end(),
      [](const auto& a, const auto& b) { return a.stored_time() < b.stored_time(); });
  return ok_status();
}

// Each of these is a cache miss, and most would be taken one after the other: they are on their way
// while the history is being marked.
void prefetch_newest(const Context& context) {
  std::size_t entries = 0;
  for (std::size_t i = context.history.size(); i-- > 0 && entries < kTasteEntries; ++entries) {
    const ItemIndex item = context.history[i].item;
    if (entries < kAnchorsMax) {
      context.state->covisit.prefetch(std::span(&item, 1));
      context.state->baskets.prefetch(std::span(&item, 1));
    }
    context.catalog().prefetch(item);
  }
}

bool within(TimeUs now, TimeUs then, std::uint32_t window_s) {
  return now - then <= static_cast<TimeUs>(window_s) * kSecondUs;
}

// Oldest first, so that a later event takes back what an earlier one said.
void mark_history(const Context& context, ItemTable& table) {
  const policy::PlacementPolicy& policy = *context.policy;
  for (const profile::HistoryEntry& entry : context.history) {
    std::uint16_t& marks = table.insert(entry.item).marks;
    const auto set = [&](bool on, std::uint16_t mark) {
      marks = static_cast<std::uint16_t>(on ? marks | mark : marks & ~mark);
    };
    const TimeUs then = entry.event_time();
    if (entry.positive()) {
      if (within(context.now, then, policy.seen_window_s)) set(true, kMarkSeen);
      set(false, kMarkDisliked);
    }
    if (entry.bought()) set(within(context.now, then, policy.bought_window_s), kMarkBought);
    if (entry.type == EventType::kRefund) set(false, kMarkBought);
    if (entry.negative() && entry.type != EventType::kRefund) set(true, kMarkDisliked);
  }
}

// What is due again was bought, and for that very reason is no longer kept out.
void mark_due(Context& context, ItemTable& table) {
  context.due.clear();
  if (context.weight(Source::kRepeat) == 0) return;
  find_due(context.state->repeats, context.history, context.now, context.due);
  for (const DueItem& due : context.due) {
    table.insert(due.item).marks &= static_cast<std::uint16_t>(~kMarkBought);
  }
}

// Keeps the first occurrence; `weight` > 0.
void add_anchor(Context& context, ItemIndex item, std::uint32_t age, float weight) {
  if (context.anchors.size() >= kAnchorsMax) return;
  for (const covisit::HistoryItem& anchor : context.anchors) {
    if (anchor.item == item) return;
  }
  context.anchors.push_back({item, age, weight});
}

// Items of one event have one age. What the request names is newer than all of the history.
void add_history_anchors(Context& context) {
  std::uint32_t age = context.anchors.empty() ? 0 : 1;
  std::uint64_t last_time = 0;
  bool any = false;
  for (std::size_t i = context.history.size(); i-- > 0;) {
    const profile::HistoryEntry& entry = context.history[i];
    if (!entry.positive()) continue;
    if (any && entry.stored_time() != last_time) ++age;
    any = true;
    last_time = entry.stored_time();
    // The square root: a purchase tells more than a view, but not five views' worth.
    add_anchor(context, entry.item, age, std::sqrt(profile::entry_weight(entry)));
    if (context.anchors.size() >= kAnchorsMax) return;
  }
}

// What the history says is in the cart: put in during the last two days, not taken out or
// bought since. For shops that don't send the cart with the request.
void add_remembered_cart(Context& context) {
  const auto& history = context.history;
  for (std::size_t i = history.size(); i-- > 0;) {
    if (!within(context.now, history[i].event_time(), 2 * 24 * 3600)) return;
    if (history[i].type != EventType::kAddToCart) continue;
    const bool gone =
        std::any_of(history.begin() + static_cast<std::ptrdiff_t>(i), history.end(),
                    [&](const profile::HistoryEntry& later) {
                      return later.item == history[i].item &&
                             (later.bought() || later.type == EventType::kRemoveFromCart);
                    });
    if (!gone) add_anchor(context, history[i].item, 0, 1);
  }
}

// Resolves ids; marks them as context if `exclude`, makes them anchors if `anchor`.
void add_request_items(Context& context, std::span<const std::string_view> ids, bool exclude,
                       bool anchor, ItemTable& table, Answer& answer) {
  for (const std::string_view id : ids) {
    const std::optional<ItemIndex> item = context.catalog().find(id);
    if (!item) {
      ++answer.unknown_items;
      continue;
    }
    if (exclude) table.insert(*item).marks |= kMarkContext;
    if (anchor) add_anchor(context, *item, 0, 1);
  }
}

void add_liked(std::vector<Liked>& list, catalog::Code code, double weight) {
  if (code == catalog::kNoCode) return;
  for (Liked& liked : list) {
    if (liked.code == code) {
      liked.share += weight;
      return;
    }
  }
  list.push_back({code, weight});
}

void finish_liked(std::vector<Liked>& list) {
  std::sort(list.begin(), list.end(), [](const Liked& a, const Liked& b) {
    return a.share != b.share ? a.share > b.share : a.code < b.code;
  });
  if (list.size() > kLikedMost) list.resize(kLikedMost);
  const double largest = list.empty() ? 1 : list.front().share;
  for (Liked& liked : list) liked.share /= largest;
}

// What the page is about, or what was done last, and behind it the visitor's usual taste.
void read_taste(Context& context) {
  context.categories.clear();
  context.brands.clear();
  context.liked_price = 0;
  if (context.weight(Source::kSimilar) == 0) return;
  const catalog::Catalog& catalog = context.catalog();
  double weights = 0, roots = 0;
  const auto add = [&](ItemIndex item, double weight) {
    add_liked(context.categories, catalog.first_category(item), weight);
    add_liked(context.brands, catalog.brand(item), weight);
    const double price = catalog.price(item);
    if (!(price > 0)) return;
    // Roots: prices spread by ratio, and the mean must not follow the dearest alone.
    weights += weight;
    roots += weight * std::sqrt(price);
  };
  for (const covisit::HistoryItem& anchor : context.anchors) {
    if (anchor.age == 0) add(anchor.item, kTasteNewest);
  }
  double weight = 1;
  std::size_t entries = 0;
  for (std::size_t i = context.history.size(); i-- > 0 && entries < kTasteEntries;) {
    const profile::HistoryEntry& entry = context.history[i];
    if (!entry.positive()) continue;
    add(entry.item, weight * std::sqrt(static_cast<double>(profile::entry_weight(entry))));
    weight *= kTasteDecay;
    ++entries;
  }
  finish_liked(context.categories);
  finish_liked(context.brands);
  if (weights > 0) context.liked_price = roots / weights * (roots / weights);
}

}  // namespace

Status build_context(const StateView& state, const policy::PlacementPolicy& policy,
                     const Request& request, Context& context, ItemTable& table, Answer& answer) {
  VITRINE_TRY(check_request(policy, request));
  context.state = &state;
  context.policy = &policy;
  context.request = &request;
  context.now = request.now;
  context.limit = request.limit.value_or(std::min(policy.limit_default, kRequestLimitMax));
  context.diversity = request.diversity.value_or(0);
  context.anchors.clear();
  context.release();
  table.clear();
  context.shown_before = false;
  context.near_source = Source::kContent;
  VITRINE_TRY(read_history(context, table));
  prefetch_newest(context);
  mark_history(context, table);
  mark_due(context, table);

  const bool cart_first = policy.about == policy::About::kCart;
  const bool visitor = policy.about == policy::About::kVisitor;
  if (cart_first) {
    add_request_items(context, request.cart, policy.exclude_cart, true, table, answer);
  }
  add_request_items(context, request.item_ids, policy.exclude_query_items, true, table, answer);
  if (!cart_first) {
    add_request_items(context, request.cart, policy.exclude_cart, visitor, table, answer);
  }
  if (cart_first && request.cart.empty() && request.item_ids.empty()) {
    add_remembered_cart(context);
    for (const covisit::HistoryItem& anchor : context.anchors) {
      if (policy.exclude_cart) table.insert(anchor.item).marks |= kMarkContext;
    }
  }
  for (const ItemIndex item : request.already_shown) {
    // A number that no item has would only grow the table; a forged cursor may name some.
    if (item.value < state.catalog.item_count()) table.insert(item).marks |= kMarkPaged;
  }
  if (visitor) add_history_anchors(context);
  read_taste(context);

  answer.position = state.position;
  answer.now = request.now;
  answer.limit = context.limit;
  answer.diversity = context.diversity;
  answer.history = static_cast<std::uint32_t>(context.history.size());
  return ok_status();
}

namespace {

Result<filter::BoundFilter> bind(Context& context, std::string_view text, FilterCache& cache) {
  VITRINE_TRY(filter::ParsedFilter parsed, cache.parse(text));
  context.parsed.push_back(std::move(parsed));
  return filter::bind(context.parsed.back(), context.catalog(), context.now);
}

// Whether there is a set depends on the catalog and the filter alone, not on what was asked
// before: kept or made now, it is the same.
Status bind_filter(Context& context, FilterCache& cache, MatchCache* match_cache) {
  VITRINE_TRY(filter::ParsedFilter parsed, cache.parse(context.request->filter));
  const catalog::Catalog& catalog = context.catalog();
  const bool fixed = !parsed.uses_now() && match_cache != nullptr;
  if (fixed) {
    context.matches = match_cache->find(parsed.canonical(), catalog);
    if (context.matches != nullptr) return ok_status();
  }
  context.parsed.push_back(std::move(parsed));
  const filter::ParsedFilter& kept = context.parsed.back();
  VITRINE_TRY(filter::BoundFilter bound, filter::bind(kept, catalog, context.now));
  if (fixed && bound.cheap_to_evaluate()) {
    context.matches = match_cache->make(kept.canonical(), bound, catalog);
  } else {
    context.filter.emplace(std::move(bound));
  }
  return ok_status();
}

}  // namespace

Status bind_filters(Context& context, FilterCache& cache, MatchCache* match_cache) {
  const Request& request = *context.request;
  if (!request.filter.empty()) {
    Status bound = bind_filter(context, cache, match_cache);
    if (!bound.ok()) return std::move(bound).error().context("filter");
  }
  for (const Boost& boost : request.boosts) {
    auto bound = bind(context, boost.filter, cache);
    if (!bound.ok()) return std::move(bound).error().context("boost");
    context.boosts.push_back({std::move(bound).value(), boost.factor});
  }
  return ok_status();
}

}  // namespace vitrine::recommend
