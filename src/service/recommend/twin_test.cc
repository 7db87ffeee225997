// The whole pipeline against the obvious way: score every item of the catalog with plain maps,
// test every one against everything, sort, cut.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "service/recommend/recommender.h"
#include "service/recommend/testing_shop.h"

namespace vitrine::recommend {
namespace {

using event::EventType;

struct Expected {
  int link;
  double key;
  ItemIndex item;
};

// Written from docs/decisions/ranking-formula.md, not from the code it judges.
class Twin {
 public:
  Twin(const Shop& shop, const policy::PlacementPolicy& policy, const Request& request)
      : shop_(shop), policy_(policy), request_(request) {
    const UserIndex user = shop.profiles.find_user(profile::user_key(request.user_id));
    if (user != kNoUser) {
      EXPECT_TRUE(shop.profiles.history(user, history_).ok());
      for (const profile::Showing& showing : shop.showings.of(user)) {
        looks_[showing.item] = showing.looks_at(request.now) / double{profile::kLook};
      }
    }
    const bool visitor = policy.about == policy::About::kVisitor;
    const auto add = [&](std::string_view id) {
      if (const auto item = shop.catalog.find(id)) anchor(*item, 0, 1);
    };
    if (policy.placement == "cart") {
      for (const auto id : request.cart) add(id);
    }
    for (const auto id : request.item_ids) add(id);
    if (visitor) {
      std::set<TimeUs> times;
      const std::uint32_t first = anchors_.empty() ? 0 : 1;
      for (auto e = history_.rbegin(); e != history_.rend(); ++e) {
        if (!e->positive()) continue;
        times.insert(e->event_time());
        anchor(e->item, first + static_cast<std::uint32_t>(times.size()) - 1,
               std::sqrt(profile::entry_weight(*e)));
      }
    }
    gather();
    read_taste();
  }

  std::vector<Expected> rank() const {
    std::optional<filter::BoundFilter> filter;
    std::optional<filter::ParsedFilter> parsed;
    if (!request_.filter.empty()) {
      parsed.emplace(filter::parse(request_.filter).value());
      filter.emplace(filter::bind(*parsed, shop_.catalog, request_.now).value());
    }
    std::vector<Expected> all;
    for (std::uint32_t i = 0; i < shop_.catalog.item_count(); ++i) {
      const ItemIndex item{i};
      if (excluded(item) || (filter && !filter->matches(item))) continue;
      if (const auto place = place_of(item)) all.push_back(*place);
    }
    std::sort(all.begin(), all.end(), [](const Expected& a, const Expected& b) {
      if (a.link != b.link) return a.link < b.link;
      if (a.key != b.key) return a.key > b.key;
      return a.item < b.item;
    });
    return all;
  }

 private:
  double weight(Source s) const { return policy_.weights[s]; }

  void anchor(ItemIndex item, std::uint32_t age, float w) {
    for (const auto& a : anchors_) {
      if (a.item == item) return;
    }
    if (anchors_.size() < 12) anchors_.push_back({item, age, w});
  }

  void gather() {
    covisit::ScoreScratch scratch;
    std::vector<covisit::Candidate> found;
    if (weight(Source::kCoView) + weight(Source::kSecondHop) > 0) {
      covisit::ScoreOptions options;
      if (weight(Source::kSecondHop) == 0) options.second_hop = 0;
      shop_.covisit.score(anchors_, options, scratch, found);
      const double unit = std::max(weight(Source::kCoView), weight(Source::kSecondHop));
      for (const auto& c : found) {
        const double second = std::max(0.0, double{c.score} - double{c.direct});
        const double x = double{c.direct} * (weight(Source::kCoView) / unit) +
                         second * (weight(Source::kSecondHop) / unit);
        if (x > 0) evidence_[c.item] += unit * std::sqrt(x) / (1 + std::sqrt(x));
      }
    }
    if (weight(Source::kCoBuy) > 0) {
      covisit::ScoreOptions options;
      options.second_hop = 0;
      shop_.baskets.score(anchors_, options, scratch, found);
      for (const auto& c : found) {
        const double root = std::sqrt(double{c.score});
        evidence_[c.item] += weight(Source::kCoBuy) * root / (1 + root);
      }
    }
    if (weight(Source::kRepeat) > 0) {
      std::vector<DueItem> due;
      find_due(shop_.repeats, history_, request_.now, due);
      for (const DueItem& d : due) {
        evidence_[d.item] += weight(Source::kRepeat) * std::sqrt(d.probability);
        due_.insert(d.item);
      }
    }
    std::set<ItemIndex> listed;
    if (weight(Source::kHistory) > 0) {
      for (auto e = history_.rbegin(); e != history_.rend(); ++e) {
        if (!e->positive() || !listed.insert(e->item).second) continue;
        evidence_[e->item] += weight(Source::kHistory) / static_cast<double>(listed.size());
      }
    }
  }

  void read_taste() {
    const catalog::Catalog& c = shop_.catalog;
    double weights = 0, roots = 0;
    const auto like = [&](ItemIndex item, double w) {
      if (c.first_category(item) != catalog::kNoCode) categories_[c.first_category(item)] += w;
      if (c.brand(item) != catalog::kNoCode) brands_[c.brand(item)] += w;
      if (c.price(item) > 0) weights += w, roots += w * std::sqrt(c.price(item));
    };
    for (const auto& a : anchors_) {
      if (a.age == 0) like(a.item, 3);
    }
    int n = 0;
    for (auto e = history_.rbegin(); e != history_.rend() && n < 24; ++e) {
      if (e->positive()) like(e->item, std::pow(0.9, n++) * std::sqrt(profile::entry_weight(*e)));
    }
    if (weights > 0) price_ = std::pow(roots / weights, 2);
    for (auto* list : {&categories_, &brands_}) {
      std::vector<double> sums;
      for (const auto& [code, sum] : *list) sums.push_back(sum);
      std::sort(sums.rbegin(), sums.rend());
      ASSERT_LE(sums.size(), 8u);  // of more the code keeps eight: these shops have no more
      for (auto& [code, sum] : *list) sum /= sums.front();
    }
  }

  double similarity(ItemIndex item) const {
    const catalog::Catalog& c = shop_.catalog;
    const auto category = categories_.find(c.first_category(item));
    const auto brand = brands_.find(c.brand(item));
    double sum = category == categories_.end() ? 0 : 0.5 * category->second;
    if (brand != brands_.end()) sum += 0.3 * brand->second;
    if (sum == 0) return 0;
    const double b = c.price(item);
    if (price_ > 0 && b > 0) sum += 0.2 * std::min(price_, b) / std::max(price_, b);
    return sum;
  }

  double relative(const counters::Counters& counters, ItemIndex item) const {
    double top = 0;
    for (std::uint32_t i = 0; i < counters.size(); ++i) {
      top = std::max(top, counters.score(ItemIndex{i}, request_.now));
    }
    const double score = counters.score(item, request_.now);
    return score > 0 ? std::sqrt(score / top) : 0;
  }

  double fade(ItemIndex item) const {
    const auto found = looks_.find(item);
    if (found == looks_.end()) return 1;
    return 1 / (1 + policy_.rotation_percent / 100.0 * found->second);
  }

  std::optional<Expected> place_of(ItemIndex item) const {
    auto place = unfaded_place_of(item);
    if (place && place->link != 3) place->key *= fade(item);
    return place;
  }

  std::optional<Expected> unfaded_place_of(ItemIndex item) const {
    const double alike = weight(Source::kSimilar) * similarity(item);
    const double wanted = weight(Source::kTrending) * relative(shop_.trending, item) +
                          weight(Source::kPopular) * relative(shop_.popular, item);
    const auto found = evidence_.find(item);
    if (found != evidence_.end()) return Expected{0, found->second * (1 + alike + wanted), item};
    if (alike > 0) return Expected{1, alike + wanted, item};
    if (wanted > 0) return Expected{2, wanted, item};
    if (weight(Source::kHistory) > 0) return std::nullopt;
    return Expected{3, static_cast<double>(shop_.catalog.created(item)), item};
  }

  bool excluded(ItemIndex item) const {
    const catalog::Catalog& c = shop_.catalog;
    if (!c.listed(item) || (policy_.exclude_out_of_stock && !c.in_stock(item))) return true;
    const auto& paged = request_.already_shown;
    if (std::find(paged.begin(), paged.end(), item) != paged.end()) return true;
    const std::string_view id = c.item_id(item);
    const auto in = [&](std::span<const std::string_view> ids) {
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    if (policy_.exclude_query_items && in(request_.item_ids)) return true;
    if (policy_.exclude_cart && in(request_.cart)) return true;
    bool seen = false, bought = false, disliked = false;
    for (const auto& e : history_) {
      if (e.item != item) continue;
      const TimeUs age = request_.now - e.event_time();
      if (e.positive()) disliked = false;
      if (e.positive() && age <= TimeUs{policy_.seen_window_s} * kSecondUs) seen = true;
      if (e.bought()) bought = age <= TimeUs{policy_.bought_window_s} * kSecondUs;
      if (e.type == EventType::kRefund || due_.contains(item)) bought = false;
      if (e.type == EventType::kDislike) disliked = true;
    }
    return disliked || (seen && policy_.exclude_seen) || (bought && policy_.exclude_bought);
  }

  const Shop& shop_;
  const policy::PlacementPolicy& policy_;
  const Request& request_;
  std::vector<profile::HistoryEntry> history_;
  std::set<ItemIndex> due_;
  std::vector<covisit::HistoryItem> anchors_;
  std::map<ItemIndex, double> evidence_;
  std::map<ItemIndex, double> looks_;
  std::map<catalog::Code, double> categories_, brands_;
  double price_ = 0;
};

std::string pick(std::mt19937& random, const char* prefix, unsigned count) {
  return prefix + std::to_string(random() % count);
}

void fill(Shop& shop, std::mt19937& random) {
  const unsigned items = 5 + random() % 120;
  for (unsigned i = 0; i < items; ++i) {
    shop.item("p" + std::to_string(i), {.category = random() % 5 == 0 ? "" : pick(random, "c", 6),
                                        .brand = random() % 3 == 0 ? "" : pick(random, "b", 8),
                                        .price = static_cast<double>(random() % 20),
                                        .stock = random() % 6 == 0 ? 0.0 : 2.0});
  }
  const EventType types[] = {EventType::kDetailPageView,   EventType::kDetailPageView,
                             EventType::kDetailPageView,   EventType::kAddToCart,
                             EventType::kPurchaseComplete, EventType::kPurchaseComplete,
                             EventType::kDislike,          EventType::kRefund};
  const unsigned events = random() % 600;
  for (unsigned i = 0; i < events; ++i) {
    shop.act(pick(random, "u", 12), pick(random, "p", items + 5),
             types[random() % std::size(types)]);
    if (random() % 3 == 0) {
      shop.showings.shown(
          shop.profiles.intern_user(profile::user_key(pick(random, "u", 12))),
          ItemIndex{static_cast<std::uint32_t>(random() % shop.catalog.item_count())},
          static_cast<std::int32_t>(random() % 8), shop.now);
    }
    if (random() % 10 == 0) shop.now += static_cast<TimeUs>(random() % 20) * kHourUs;
  }
}

// Goal: laziness (threshold walks, filters in rank order, enumeration of few matches) changes no
// answer. Method: random small shops and requests; scores tie often, since that is where
// orders go wrong. Without limits per category, whose slate is tested for itself.
TEST(RecommenderTwin, AgreesWithScoringFilteringAndSortingEverything) {
  ManualClock clock;
  RecommenderOptions walking;
  walking.always_walk = true;
  Recommender usual(RecommenderOptions{}, clock, nullptr);
  Recommender walker(walking, clock, nullptr);
  RecommenderOptions testing;
  testing.always_test = true;
  Recommender tester(testing, clock, nullptr);
  testing.always_walk = true;
  Recommender testing_walker(testing, clock, nullptr);
  Scratch scratch;  // one for all: what an answer leaves behind must not reach the next
  Answer answer, again;
  int compared = 0, enumerated = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    Shop shop;
    fill(shop, random);
    for (int question = 0; question < 12; ++question) {
      const auto& builtin = policy::builtin_policies();
      policy::PlacementPolicy policy = builtin[random() % builtin.size()];
      policy.category_max = 0;
      policy.brand_max = 0;
      policy.rotation_percent = random() % 2 == 0 ? 0 : 10 + random() % 400;
      const std::string filters[] = {"",
                                     "",
                                     "price < 10",
                                     "in_stock and brand = 'b1'",
                                     "category in ('c1','c2') and not brand = 'b2'",
                                     "price > 3 or brand = 'b3'"};
      const std::string filter = filters[random() % std::size(filters)];
      const std::string a = pick(random, "p", 130), b = pick(random, "p", 130);
      const std::string user = pick(random, "u", 14);
      const std::string_view pair[] = {a, b};
      Request request{.placement = policy.placement, .user_id = user, .now = shop.now};
      request.limit = 1 + random() % 40;
      if (shop.catalog.find(a) && random() % 2 == 0) request.item_ids = {pair, 1};
      if (request.item_ids.empty() && policy.placement.starts_with("product-"))
        request.item_ids = {pair, 1};
      if (policy.placement == "cart") request.cart = pair;
      // Filters must know their names: a shop of few items may lack an attribute.
      request.filter = filter;
      if (!shop.catalog.find_field("brand") || !shop.catalog.find_field("category"))
        request.filter = {};
      if (policy.needs_category && request.filter.empty()) continue;
      std::vector<ItemIndex> paged;
      while (random() % 3 != 0) {
        paged.push_back(
            ItemIndex{static_cast<std::uint32_t>(random() % (shop.catalog.item_count() + 3))});
      }
      request.already_shown = paged;
      SCOPED_TRACE(std::to_string(seed) + " " + policy.placement + " " +
                   std::string(request.filter));

      std::vector<Expected> expected = Twin(shop, policy, request).rank();
      if (expected.empty()) continue;  // exclusions are given up then, which has its own tests
      expected.resize(std::min<std::size_t>(expected.size(), *request.limit));
      for (Recommender* recommender : {&tester, &testing_walker, &usual, &walker}) {
        const Status status = recommender->recommend(shop.view(), policy, request, scratch, answer);
        ASSERT_TRUE(status.ok()) << status.error().to_string();
        ASSERT_EQ(answer.items.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
          ASSERT_EQ(static_cast<int>(answer.items[i].link), expected[i].link) << i;
          if (answer.items[i].item == expected[i].item) continue;
          // The two add the same numbers in another order: a last bit may decide a tie.
          const auto other = std::find_if(expected.begin(), expected.end(), [&](const Expected& e) {
            return e.item == answer.items[i].item;
          });
          const double key = other == expected.end() ? expected.back().key : other->key;
          ASSERT_NEAR(key, expected[i].key, 1e-5 * std::abs(expected[i].key)) << i;
        }
        enumerated += answer.filter_path == FilterPath::kEnumerated;
        ++compared;
      }
      // The same question again: the same answer, to the last bit.
      ASSERT_TRUE(walker.recommend(shop.view(), policy, request, scratch, again).ok());
      ASSERT_EQ(again.items.size(), answer.items.size());
      for (std::size_t i = 0; i < again.items.size(); ++i) {
        ASSERT_EQ(again.items[i].item, answer.items[i].item);
        ASSERT_EQ(again.items[i].score, answer.items[i].score);
        ASSERT_EQ(again.items[i].contributions, answer.items[i].contributions);
      }
    }
  }
  EXPECT_GT(compared, 3000);
  EXPECT_GT(enumerated, 300);
}

// Goal: a score doesn't depend on who else was in the race. Method: the same visitor with and
// without a filter, and with another limit; items in both have equal scores, bit for bit.
TEST(RecommenderTwin, GivesAnItemTheSameScoreInEveryCompany) {
  ManualClock clock;
  Recommender recommender(RecommenderOptions{}, clock, nullptr);
  Scratch scratch;
  Answer answer;
  int shared = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    Shop shop;
    fill(shop, random);
    if (!shop.catalog.find_field("brand")) continue;
    std::map<ItemIndex, float> scores;
    for (const char* filter : {"", "price < 10", "brand = 'b1'", "brand = 'b1' or price > 15"}) {
      for (const std::uint32_t limit : {3u, 17u, 100u}) {
        Request request{.placement = "home",
                        .user_id = "u3",
                        .limit = limit,
                        .filter = filter,
                        .now = shop.now};
        ASSERT_TRUE(
            recommender
                .recommend(shop.view(), *policy::find_builtin("home"), request, scratch, answer)
                .ok());
        for (const AnswerItem& item : answer.items) {
          const auto [at, fresh] = scores.emplace(item.item, item.score);
          EXPECT_EQ(at->second, item.score);
          shared += !fresh;
        }
      }
    }
  }
  EXPECT_GT(shared, 1000);
}

}  // namespace
}  // namespace vitrine::recommend
