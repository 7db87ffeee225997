// Goal: a bound filter (jump code, postings, planner) matches exactly the items for which the
// filter, read word by word, is true.
// Method: random filters as text over random catalogs that change in between; each is
// evaluated on plain Items by walking the tree as written, and compared with matches(),
// for_each_match(), count_matches() and estimate().
#include "domain/filter/filter.h"

#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "domain/catalog/time_text.h"
#include "domain/filter/match_set.h"

namespace vitrine::filter {
namespace {

using catalog::AttributeValue;
using catalog::Catalog;
using catalog::Item;
using catalog::Time;
using Strings = std::vector<std::string>;

constexpr TimeUs kNow = 20'000 * kDayUs;

// --- The slow twin --------------------------------------------------------------------------

struct TwinItem {
  Item item;
  TimeUs created = 0;
  TimeUs updated = 0;
};

std::optional<AttributeValue> value_of(const TwinItem& twin, const std::string& name) {
  if (name == "item_id") return twin.item.id;
  if (name == "created") return Time{twin.created};
  if (name == "updated") return Time{twin.updated};
  if (name == "in_stock") {
    const AttributeValue* stock = twin.item.find("stock");
    return stock == nullptr || std::get<double>(*stock) > 0;
  }
  const AttributeValue* value = twin.item.find(name);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

// -1, 0, 1; both of one type.
template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int compare(const AttributeValue& value, const Literal& literal) {
  if (const auto* text = std::get_if<std::string>(&value))
    return order(*text, std::get<std::string>(literal));
  if (const auto* number = std::get_if<double>(&value))
    return order(*number, std::get<double>(literal));
  if (const auto* boolean = std::get_if<bool>(&value))
    return order(*boolean, std::get<bool>(literal));
  TimeUs other = 0;
  if (const auto* offset = std::get_if<NowOffset>(&literal)) {
    other = kNow + offset->offset_us;
  } else {
    other = catalog::parse_time(std::get<std::string>(literal)).value();
  }
  return order(std::get<Time>(value).us, other);
}

bool equals_any(const AttributeValue& value, const Comparison& c) {
  for (const Value& wanted : c.values) {
    if (const auto* list = std::get_if<Strings>(&value)) {
      for (const auto& entry : *list) {
        if (entry == std::get<std::string>(wanted.literal)) return true;
      }
    } else if (compare(value, wanted.literal) == 0) {
      return true;
    }
  }
  return false;
}

bool any_text(const AttributeValue& value, const Comparison& c,
              bool (*holds)(const std::string&, const std::string&)) {
  const auto& wanted = std::get<std::string>(c.values.front().literal);
  if (const auto* text = std::get_if<std::string>(&value)) return holds(*text, wanted);
  for (const auto& entry : std::get<Strings>(value)) {
    if (holds(entry, wanted)) return true;
  }
  return false;
}

bool is_true(const Comparison& c, const TwinItem& item) {
  const auto value = value_of(item, c.field);
  if (!value) return false;
  const auto cmp = [&] { return compare(*value, c.values.front().literal); };
  switch (c.op) {
    case Operator::kHas: return true;
    case Operator::kIsTrue: return std::get<bool>(*value);
    case Operator::kEqual:
    case Operator::kIn: return equals_any(*value, c);
    case Operator::kNotEqual:
    case Operator::kNotIn: return !equals_any(*value, c);
    case Operator::kLess: return cmp() < 0;
    case Operator::kLessEqual: return cmp() <= 0;
    case Operator::kGreater: return cmp() > 0;
    case Operator::kGreaterEqual: return cmp() >= 0;
    case Operator::kContains:
      if (std::holds_alternative<Strings>(*value)) return equals_any(*value, c);
      return any_text(*value, c, [](const std::string& a, const std::string& b) {
        return a.find(b) != a.npos;
      });
    case Operator::kStartsWith:
      return any_text(
          *value, c, [](const std::string& a, const std::string& b) { return a.rfind(b, 0) == 0; });
  }
  return false;
}

// --- Random filters, written together with their tree ----------------------------------------

// The tree is made beside the text, not by the parser, so that the parser is tested too.
struct Written {
  std::string text;
  std::function<bool(const TwinItem&)> holds;
};

class RandomFilters {
 public:
  explicit RandomFilters(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }
  bool chance(std::size_t n) { return below(n) == 0; }

  Written filter(int depth) {
    const std::size_t kind = depth == 0 ? 0 : below(5);
    if (kind <= 1) return comparison();
    if (kind == 2) {
      Written inner = filter(depth - 1);
      return {word("not") + " (" + inner.text + ")",
              [inner](const TwinItem& i) { return !inner.holds(i); }};
    }
    const bool is_and = kind == 3;
    std::vector<Written> parts;
    for (std::size_t i = 0; i < 2 + below(3); ++i) parts.push_back(filter(depth - 1));
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) text += " " + word(is_and ? "and" : "or") + " ";
      text += "(" + parts[i].text + ")";
    }
    return {text, [parts, is_and](const TwinItem& item) {
              for (const auto& part : parts) {
                if (part.holds(item) != is_and) return !is_and;
              }
              return is_and;
            }};
  }

  Written comparison() {
    static const Strings strings{"brand", "color", "title", "item_id", "categories", "tags"};
    static const Strings numbers{"price", "stock", "weight"};
    static const Strings times{"created", "updated", "launch", "available_from"};
    static const Strings booleans{"in_stock", "fragile"};
    Comparison c;
    std::string text;
    switch (below(5)) {
      case 0:
      case 1: {
        c.field = strings[below(strings.size())];
        static const std::vector<Operator> ops{
            Operator::kEqual,    Operator::kNotEqual,   Operator::kIn, Operator::kNotIn,
            Operator::kContains, Operator::kStartsWith, Operator::kHas};
        c.op = ops[below(ops.size())];
        fill(c, [&] { return Literal(string_value(c.field)); });
        break;
      }
      case 2:
        c.field = numbers[below(numbers.size())];
        ordered(c,
                [&] { return Literal(std::round(static_cast<double>(below(24)) - 2) / 2 + 0.0); });
        break;
      case 3:
        c.field = times[below(times.size())];
        ordered(c, [&] {
          if (chance(2)) return Literal(NowOffset{(static_cast<TimeUs>(below(20)) - 10) * kDayUs});
          return Literal(
              catalog::format_time(kNow + (static_cast<TimeUs>(below(20)) - 10) * kDayUs));
        });
        break;
      default: {
        c.field = booleans[below(booleans.size())];
        static const std::vector<Operator> ops{Operator::kEqual, Operator::kNotEqual,
                                               Operator::kIsTrue, Operator::kHas};
        c.op = ops[below(ops.size())];
        fill(c, [&] { return Literal(chance(2)); });
      }
    }
    return {write(c), [c](const TwinItem& item) { return is_true(c, item); }};
  }

  std::string string_value(const std::string& field) {
    if (field == "item_id") return "item-" + std::to_string(below(60));
    if (chance(20)) return "";
    return field.substr(0, chance(6) ? 2 : 64) + (chance(6) ? "" : std::to_string(below(5)));
  }

 private:
  template <class Fn>
  void ordered(Comparison& c, Fn&& literal) {
    static const std::vector<Operator> ops{
        Operator::kEqual,     Operator::kNotEqual, Operator::kIn,
        Operator::kNotIn,     Operator::kHas,      Operator::kLess,
        Operator::kLessEqual, Operator::kGreater,  Operator::kGreaterEqual};
    c.op = ops[below(ops.size())];
    fill(c, literal);
  }
  template <class Fn>
  void fill(Comparison& c, Fn&& literal) {
    if (c.op == Operator::kHas || c.op == Operator::kIsTrue) return;
    const bool many = c.op == Operator::kIn || c.op == Operator::kNotIn;
    for (std::size_t i = 0; i < (many ? 1 + below(12) : 1); ++i) c.values.push_back({literal(), 0});
  }
  std::string word(std::string lower) {
    if (chance(4)) lower[0] = static_cast<char>(lower[0] - 32);
    return lower;
  }
  std::string write(const Literal& literal) {
    if (const auto* text = std::get_if<std::string>(&literal))
      return chance(2) ? "\"" + *text + "\"" : "'" + *text + "'";
    if (const auto* number = std::get_if<double>(&literal)) return std::to_string(*number);
    if (const auto* boolean = std::get_if<bool>(&literal)) return word(*boolean ? "true" : "false");
    const TimeUs days = std::get<NowOffset>(literal).offset_us / kDayUs;
    return days == 0 ? "now()"
                     : "now() " + std::string(days < 0 ? "- " : "+ ") +
                           std::to_string(std::abs(days)) + "d";
  }
  std::string write(const Comparison& c) {
    static const std::map<Operator, std::string> symbols{{Operator::kEqual, "="},
                                                         {Operator::kNotEqual, "!="},
                                                         {Operator::kLess, "<"},
                                                         {Operator::kLessEqual, "<="},
                                                         {Operator::kGreater, ">"},
                                                         {Operator::kGreaterEqual, ">="},
                                                         {Operator::kIn, "in"},
                                                         {Operator::kNotIn, "not in"},
                                                         {Operator::kContains, "contains"},
                                                         {Operator::kStartsWith, "starts_with"}};
    const std::string field = c.field == "categories" && chance(2) ? "category" : c.field;
    if (c.op == Operator::kIsTrue) return field;
    if (c.op == Operator::kHas) return word("has") + " " + field;
    const bool many = c.op == Operator::kIn || c.op == Operator::kNotIn;
    std::string text = field + " " + symbols.at(c.op) + (many ? " (" : " ");
    for (std::size_t i = 0; i < c.values.size(); ++i)
      text += (i == 0 ? "" : ",") + write(c.values[i].literal);
    return text + (many ? ")" : "");
  }

  std::mt19937_64 random_;
};

// --- Random catalogs ------------------------------------------------------------------------

struct Shop {
  Catalog catalog;
  std::map<std::string, TwinItem> twins;
};

Item random_item(RandomFilters& random, std::size_t ids) {
  Item item{"item-" + std::to_string(random.below(ids)), {}};
  const auto maybe = [&](const char* name, auto&& make) {
    if (!random.chance(3)) item.attributes.push_back({name, make()});
  };
  const auto list = [&](const char* name) {
    Strings entries;
    for (int i = 0; i < 5; ++i) {
      if (random.chance(3)) entries.push_back(name + std::to_string(i));
    }
    return entries;
  };
  const auto time = [&] {
    return Time{kNow + (static_cast<TimeUs>(random.below(20)) - 10) * kDayUs};
  };
  maybe("available_from", time);
  maybe("brand", [&] { return "brand" + std::to_string(random.below(5)); });
  maybe("categories", [&] { return list("categories"); });
  maybe("color", [&] { return "color" + std::to_string(random.below(400)); });
  maybe("fragile", [&] { return random.chance(2); });
  maybe("launch", time);
  maybe("price", [&] { return static_cast<double>(random.below(20)) / 2; });
  maybe("stock", [&] { return static_cast<double>(random.below(4)) - 1; });
  maybe("tags", [&] { return list("tags"); });
  maybe("title", [&] {
    return random.chance(9) ? std::string() : "title" + std::to_string(random.below(5));
  });
  maybe("weight", [&] { return static_cast<double>(random.below(20)) / 2; });
  return item;
}

void change(Shop& shop, RandomFilters& random, std::size_t ids, std::size_t changes) {
  for (std::size_t i = 0; i < changes; ++i) {
    const TimeUs now = kNow + (static_cast<TimeUs>(random.below(20)) - 10) * kDayUs;
    Item item = random_item(random, ids);
    if (random.chance(5)) {
      (void)shop.catalog.apply_delete(item.id, now);
      shop.twins.erase(item.id);
      continue;
    }
    ASSERT_TRUE(shop.catalog.apply_upsert(item, now).applied());
    const auto index = *shop.catalog.find(item.id);
    const std::string id = item.id;
    shop.twins[id] = {std::move(item), shop.catalog.created(index), now};
  }
}

void expect_same(const Shop& shop, const Written& written) {
  SCOPED_TRACE(written.text);
  const auto parsed = parse(written.text);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  const auto again = parse(parsed->canonical());
  ASSERT_TRUE(again.ok()) << parsed->canonical();
  ASSERT_EQ(again->canonical(), parsed->canonical());
  const auto bound = bind(*parsed, shop.catalog, kNow);
  ASSERT_TRUE(bound.ok()) << bound.error().message();
  std::vector<std::uint32_t> expected;
  for (std::uint32_t row = 0; row < shop.catalog.item_count(); ++row) {
    const auto twin = shop.twins.find(std::string(shop.catalog.item_id(ItemIndex{row})));
    const bool match = twin != shop.twins.end() && written.holds(twin->second);
    ASSERT_EQ(bound->matches(ItemIndex{row}), match) << shop.catalog.item_id(ItemIndex{row});
    if (match) expected.push_back(row);
  }
  std::vector<std::uint32_t> walked;
  bound->for_each_match([&](ItemIndex item) { walked.push_back(item.value); });
  ASSERT_EQ(walked, expected);
  ASSERT_EQ(bound->count_matches(), expected.size());
  catalog::RowBits bits;
  bound->evaluate(bits);
  std::vector<std::uint32_t> evaluated;
  bits.for_each([&](std::uint32_t row) {
    evaluated.push_back(row);
    return true;
  });
  ASSERT_EQ(evaluated, expected);
  ASSERT_GE(bound->estimate(), expected.size());
  ASSERT_FALSE(bound->matches(kNoItem));
}

TEST(Filter, MatchesExactlyWhatItSaysOnSmallCatalogs) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    RandomFilters random(seed);
    Shop shop;
    ASSERT_NO_FATAL_FAILURE(change(shop, random, 60, 200));
    for (int i = 0; i < 150; ++i) {
      ASSERT_NO_FATAL_FAILURE(expect_same(shop, random.filter(3)));
      if (i % 10 == 0) {
        ASSERT_NO_FATAL_FAILURE(change(shop, random, 60, 10));
      }
    }
  }
}

TEST(Filter, MatchesExactlyWhatItSaysWhereValuesHaveBitmaps) {
  RandomFilters random(77);
  Shop shop;
  ASSERT_NO_FATAL_FAILURE(change(shop, random, 4000, 8000));
  for (int i = 0; i < 300; ++i) ASSERT_NO_FATAL_FAILURE(expect_same(shop, random.filter(2)));
}

// Goal: a kept set is what the filter says now, after any changes: more or fewer than it can
// follow, new attributes, a catalog that was loaded or is another one.
TEST(MatchSet, FollowsTheChangesOfItsCatalog) {
  int refreshed = 0, lost = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    RandomFilters random(seed);
    Shop shop;
    ASSERT_NO_FATAL_FAILURE(change(shop, random, 300, 600));
    struct Kept {
      ParsedFilter parsed;
      MatchSet set;
    };
    std::vector<Kept> kept;
    while (kept.size() < 20) {
      const auto parsed = parse(random.filter(3).text);
      ASSERT_TRUE(parsed.ok());
      if (parsed->uses_now()) continue;
      const auto bound = bind(*parsed, shop.catalog, kNow);
      ASSERT_TRUE(bound.ok());
      kept.push_back({*parsed, MatchSet(*bound, shop.catalog)});
    }
    for (int round = 0; round < 12; ++round) {
      const std::size_t changes = round == 7 ? 2 * Catalog::kChangesKept : random.below(80);
      ASSERT_NO_FATAL_FAILURE(
          change(shop, random, 300 + 20 * static_cast<std::size_t>(round), changes));
      if (round == 9) {
        StringSink sink;
        shop.catalog.save(sink);
        StringSource source(sink.bytes());
        ASSERT_TRUE(shop.catalog.load(source).ok());
      }
      for (Kept& k : kept) {
        SCOPED_TRACE(k.parsed.canonical());
        const auto bound = bind(k.parsed, shop.catalog, kNow);
        ASSERT_TRUE(bound.ok());
        if (k.set.refresh(*bound, shop.catalog)) {
          ++refreshed;
        } else {
          k.set = MatchSet(*bound, shop.catalog);
          ++lost;
        }
        ASSERT_TRUE(k.set.is_current(shop.catalog));
        ASSERT_EQ(k.set.size(), bound->count_matches());
        for (std::uint32_t row = 0; row < shop.catalog.item_count() + 70; ++row) {
          ASSERT_EQ(k.set.contains(ItemIndex{row}), bound->matches(ItemIndex{row})) << row;
        }
        ASSERT_FALSE(k.set.contains(kNoItem));
      }
    }
  }
  EXPECT_GT(refreshed, 1000);
  EXPECT_GT(lost, 300);
}

TEST(Filter, KnowsHowManyAreInARange) {
  RandomFilters random(3);
  Shop shop;
  ASSERT_NO_FATAL_FAILURE(change(shop, random, 3000, 6000));
  for (const char* text : {"price < 3", "price >= 2 and price < 7.5", "price = 4",
                           "price in (1, 2, 9)", "price > 3 and price <= 3"}) {
    const auto parsed = parse(text);
    ASSERT_TRUE(parsed.ok());
    const auto bound = bind(*parsed, shop.catalog, kNow);
    ASSERT_TRUE(bound.ok());
    EXPECT_EQ(bound->estimate(), bound->count_matches()) << text;
  }
}

TEST(Filter, MatchesExactlyWhatItSaysWhereRangesMeetRareValues) {
  RandomFilters random(41);
  Shop shop;
  ASSERT_NO_FATAL_FAILURE(change(shop, random, 2000, 5000));
  for (int i = 0; i < 300; ++i) {
    const double low = static_cast<double>(random.below(20)) / 2;
    const double high = static_cast<double>(random.below(20)) / 2;
    const std::string color = "color" + std::to_string(random.below(400));
    ASSERT_NO_FATAL_FAILURE(expect_same(
        shop, {"price >= " + std::to_string(low) + " and color = '" + color + "' and price < " +
                   std::to_string(high) + " and weight > " + std::to_string(low),
               [=](const TwinItem& twin) {
                 const AttributeValue* price = twin.item.find("price");
                 const AttributeValue* weight = twin.item.find("weight");
                 const AttributeValue* own = twin.item.find("color");
                 return price != nullptr && std::get<double>(*price) >= low &&
                        std::get<double>(*price) < high && weight != nullptr &&
                        std::get<double>(*weight) > low && own != nullptr &&
                        std::get<std::string>(*own) == color;
               }}));
  }
}

TEST(Filter, EndsTheWalkWhenToldTo) {
  RandomFilters random(5);
  Shop shop;
  ASSERT_NO_FATAL_FAILURE(change(shop, random, 3000, 6000));
  const auto parsed = parse("in_stock");
  ASSERT_TRUE(parsed.ok());
  const auto bound = bind(*parsed, shop.catalog, kNow);
  ASSERT_TRUE(bound.ok());
  int seen = 0;
  bound->for_each_match([&](ItemIndex) { return ++seen < 7; });
  EXPECT_EQ(seen, 7);
}

TEST(Filter, TreatsAMissingAttributeAsFalseAndItsNegationAsTrue) {
  Catalog catalog;
  ASSERT_TRUE(catalog.apply_upsert({"bare", {}}, 1).applied());
  const auto matches = [&](const char* text) {
    return bind(parse(text).value(), catalog, kNow).value().matches(ItemIndex{0});
  };
  for (const char* text :
       {"brand = 'x'", "brand != 'x'", "brand not in ('x','y')", "price < 5", "price >= 5",
        "price != 5", "has price", "category = 'x'", "category != 'x'", "available_from < now()"}) {
    EXPECT_FALSE(matches(text)) << text;
    EXPECT_TRUE(matches((std::string("not ") + text).c_str())) << text;
  }
  EXPECT_TRUE(matches("in_stock")) << "stock that is not counted is there";
}

TEST(Filter, WritesEqualFiltersEqually) {
  const auto canonical = [](std::string_view text) { return parse(text).value().canonical(); };
  EXPECT_EQ(canonical("  ((category IN ('shoes' , \"bags\",'bags')))AND price<1e2"),
            "categories in (\"bags\", \"shoes\") and price < 100");
  EXPECT_EQ(canonical("brand='a' or brand='b' or brand in ('c')"),
            "brand in (\"a\", \"b\", \"c\")");
  EXPECT_EQ(canonical("brand!='a' and brand!='b'"), "brand not in (\"a\", \"b\")");
  EXPECT_EQ(canonical("not not not in_stock"), "not in_stock");
  EXPECT_EQ(canonical("a = 1 and (b = 2 and (c = 3 or (d = 4 or e = -5)))"),
            "a = 1 and b = 2 and (c = 3 or d = 4 or e = -5)");
  EXPECT_EQ(canonical("created>now()-36h and updated < now() + 0.5s"),
            "created > now() - 36h and updated < now() + 0.5s");
  EXPECT_EQ(canonical(R"(title = 'it\'s \u00e9 \ud83d\ude00 "q"')"),
            "title = \"it's \xC3\xA9 \xF0\x9F\x98\x80 \\\"q\\\"\"");
  EXPECT_TRUE(parse("created > now()").value().uses_now());
  EXPECT_FALSE(parse("price > 3").value().uses_now());
  const auto both =
      combine_and(parse("price > 3 or in_stock").value(), parse("brand = 'x' and has url").value());
  EXPECT_EQ(both.canonical(), "(price > 3 or in_stock) and brand = \"x\" and has url");
}

// --- Errors ---------------------------------------------------------------------------------

struct Wrong {
  std::string text;
  std::size_t column;
  std::string_view reason;
};

TEST(Filter, PointsAtTheColumnOfEachError) {
  Catalog catalog;
  ASSERT_TRUE(catalog.apply_upsert({"a", {{"fragile", true}, {"launch", Time{0}}}}, 1).applied());
  const std::string_view kSyntaxReason = "filter_syntax";
  const std::string_view kTypeReason = "filter_type";
  const std::vector<Wrong> cases{
      {"", 1, kSyntaxReason},
      {"   ", 4, kSyntaxReason},
      {"price <", 8, kSyntaxReason},
      {"price < and in_stock", 9, kSyntaxReason},
      {"price < 100 in_stock", 13, kSyntaxReason},
      {"(price < 100", 1, kSyntaxReason},
      {"price < 100)", 12, kSyntaxReason},
      {"brand in \"x\"", 10, kSyntaxReason},
      {"brand in (\"x\"", 10, kSyntaxReason},
      {"brand in ()", 11, kSyntaxReason},
      {"brand in (\"x\" \"y\")", 15, kSyntaxReason},
      {"brand not \"x\"", 11, kSyntaxReason},
      {"brand = x", 9, kSyntaxReason},
      {"brand = \"x", 9, kSyntaxReason},
      {"brand = \"\\q\"", 10, kSyntaxReason},
      {"brand = '\\ud800x'", 10, kSyntaxReason},
      {"brand == 'x'", 7, kSyntaxReason},
      {"! in_stock", 1, kSyntaxReason},
      {"price < 1e999", 9, kSyntaxReason},
      {"price < 12abc", 9, kSyntaxReason},
      {"price < 7d", 9, kSyntaxReason},
      {"price & 3", 7, kSyntaxReason},
      {"Price < 3", 1, kSyntaxReason},
      {"created > now", 14, kSyntaxReason},
      {"created > now() - 7", 19, kSyntaxReason},
      {"created > now() - 99999d", 19, "filter_limit"},
      {"brand = '\xC3\xA9\xC3\xA9' and \xE2\x82\xAC", 18, kSyntaxReason},  // code points, not bytes
      {"brand = '\xFF'", 10, kSyntaxReason},
      {"in_stock and pirce < 3", 14, "filter_unknown_attribute"},
      {"in_stock and price < '3'", 22, kTypeReason},
      {"price in (1, 2, true)", 17, kTypeReason},
      {"brand < 'x'", 7, kTypeReason},
      {"in_stock and brand", 14, kTypeReason},
      {"price contains 'x'", 7, kTypeReason},
      {"fragile = 1", 11, kTypeReason},
      {"fragile > true", 9, kTypeReason},
      {"launch > '2026-13-01'", 10, kTypeReason},
      {"launch > 5", 10, kTypeReason},
      {"categories > 'x'", 12, kTypeReason},
      {"brand = now()", 9, kTypeReason},
  };
  for (const Wrong& wrong : cases) {
    SCOPED_TRACE(wrong.text);
    const auto parsed = parse(wrong.text);
    const Error error = parsed.ok() ? [&] {
      const auto bound = bind(*parsed, catalog, kNow);
      return bound.ok() ? Error(ErrorCode::kInternal, "no error") : bound.error();
    }() : parsed.error();
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(error.reason(), wrong.reason) << error.message();
    EXPECT_EQ(error.message().substr(0, error.message().find(':')),
              "column " + std::to_string(wrong.column))
        << error.message();
    EXPECT_EQ(error.message().back(), '^');
  }
}

TEST(Filter, ListsNearNamesAndDrawsACaret) {
  Catalog catalog;
  const auto bound = bind(parse("in_stock and pirce < 3").value(), catalog, kNow);
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.error().message(),
            "column 14: no item has an attribute \"pirce\"; near names: price\n"
            "  in_stock and pirce < 3\n"
            "               ^");
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Filter, BoundsDepthTermsAndLength) {
  const auto reason = [](const std::string& text) {
    const auto parsed = parse(text);
    return parsed.ok() ? std::string() : std::string(parsed.error().reason());
  };
  EXPECT_EQ(reason(repeat("(", 64) + "in_stock" + repeat(")", 64)), "");
  EXPECT_EQ(reason(repeat("(", 65) + "in_stock" + repeat(")", 65)), "filter_limit");
  EXPECT_EQ(reason(repeat("(", 60'000)), "filter_limit");
  EXPECT_EQ(reason(repeat("not ", 64) + "in_stock"), "");
  EXPECT_EQ(reason(repeat("not ", 65) + "in_stock"), "filter_limit");
  EXPECT_EQ(reason(repeat("not(", 16'000)), "filter_limit");
  EXPECT_EQ(reason("price in (1" + repeat(",1", 9'999) + ")"), "");
  EXPECT_EQ(reason("price in (1" + repeat(",1", 10'000) + ")"), "filter_limit");
  EXPECT_EQ(reason(std::string(kFilterBytesMax - 8, ' ') + "in_stock"), "");
  EXPECT_EQ(reason(std::string(kFilterBytesMax - 7, ' ') + "in_stock"), "filter_limit");
}

TEST(Filter, TakesTenThousandTermsInItsStride) {
  Catalog catalog;
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(
        catalog
            .apply_upsert(
                {"i" + std::to_string(i), {{"n", i * 1.0}, {"s", "s" + std::to_string(i)}}}, 1)
            .applied());
  }
  std::string in = "n in (0";
  std::string ors = "s='s0'";
  std::string mixed = "n<0";
  for (int i = 1; i < 10'000; ++i) in += "," + std::to_string(i);
  for (int i = 1; ors.size() < kFilterBytesMax - 20; ++i)
    ors += " or s='s" + std::to_string(i) + "'";
  while (mixed.size() < kFilterBytesMax - 12) mixed += " or n<0";  // 9,362 that can't be merged
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& text : {in + ")", ors, mixed}) {
    const auto parsed = parse(text);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    const auto bound = bind(*parsed, catalog, kNow);
    ASSERT_TRUE(bound.ok());
    EXPECT_EQ(bound->count_matches(), text == mixed ? 0u : 2000u);
  }
  // About 0.1 s with sanitizers off and on alike would be fine; a quadratic step takes many times
  // this.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace vitrine::filter
