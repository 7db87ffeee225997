// Goal: after any sequence of changes the columns, postings and bitmaps say exactly what a plain
// map of items says. Method: random changes over few ids and few values (so that values come and
// go), each compared with the map.
#include "domain/catalog/catalog.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace vitrine::catalog {
namespace {

Item item(std::string id, std::vector<Attribute> attributes) {
  std::sort(attributes.begin(), attributes.end(),
            [](const Attribute& a, const Attribute& b) { return a.name < b.name; });
  return {std::move(id), std::move(attributes)};
}

using Strings = std::vector<std::string>;

// What the catalog must be equal to.
struct Twin {
  std::map<std::string, Item> items;
  std::map<std::string, std::pair<TimeUs, TimeUs>> times;  // created, updated

  void upsert(const Item& change, TimeUs now) {
    items[change.id] = change;
    times.try_emplace(change.id, now, now).first->second.second = now;
  }
  bool patch(const ItemPatch& change, TimeUs now) {
    const auto at = items.find(change.id);
    if (at == items.end()) return false;
    std::map<std::string, AttributeValue> merged;
    for (auto& [name, value] : at->second.attributes) merged[name] = value;
    for (const auto& [name, value] : change.edits) {
      if (value.has_value()) {
        merged[name] = *value;
      } else {
        merged.erase(name);
      }
    }
    at->second.attributes.clear();
    for (auto& [name, value] : merged) at->second.attributes.push_back({name, value});
    times[change.id].second = now;
    return true;
  }
  bool erase(const std::string& id, TimeUs now) {
    if (items.erase(id) == 0) return false;
    times[id].second = now;
    return true;
  }
};

class RandomChanges {
 public:
  explicit RandomChanges(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }
  std::string id() { return "item-" + std::to_string(below(40)); }

  AttributeValue value(const std::string& name) {
    if (name == "price" || name == "weight") return static_cast<double>(below(20)) / 2;
    if (name == "stock") return static_cast<double>(below(4)) - 1;
    if (name == "fragile") return below(2) == 0;
    if (name == "available_from" || name == "launch")
      return Time{static_cast<TimeUs>(below(1000)) * kDayUs};
    if (name == "categories" || name == "tags") {
      Strings list;
      for (std::size_t i = 0; i < 8; ++i) {
        if (below(4) == 0) list.push_back(name + std::to_string(i));
      }
      return list;
    }
    return name + " " + std::string(below(30), 'x') + std::to_string(below(3));
  }
  std::vector<std::string> names() {
    std::vector<std::string> chosen;
    for (const char* name : {"available_from", "brand", "categories", "color", "fragile", "launch",
                             "price", "stock", "tags", "title", "weight"}) {
      if (below(2) == 0) chosen.push_back(name);
    }
    return chosen;
  }
  Item upsert() {
    Item change{id(), {}};
    for (const auto& name : names()) change.attributes.push_back({name, value(name)});
    return change;
  }
  ItemPatch patch() {
    ItemPatch change{id(), {}};
    for (const auto& name : names()) {
      if (below(3) == 0) continue;
      change.edits.push_back({name, below(3) == 0 ? std::nullopt : std::optional(value(name))});
    }
    return change;
  }

 private:
  std::mt19937_64 random_;
};

void expect_dictionary_equals(const Dictionary& dictionary, const std::string& name,
                              const Twin& twin, const Catalog& catalog) {
  std::map<std::string, std::vector<std::uint32_t>> expected;
  for (const auto& [id, it] : twin.items) {
    const AttributeValue* value = it.find(name);
    if (value == nullptr) continue;
    const std::uint32_t row = catalog.find(id)->value;
    if (const auto* text = std::get_if<std::string>(value)) expected[*text].push_back(row);
    if (const auto* list = std::get_if<Strings>(value)) {
      for (const auto& entry : *list) expected[entry].push_back(row);
    }
  }
  ASSERT_EQ(dictionary.count(), expected.size()) << name;
  for (auto& [text, rows] : expected) {
    std::sort(rows.begin(), rows.end());
    const Code code = dictionary.find(text);
    ASSERT_NE(code, kNoCode) << text;
    std::vector<std::uint32_t> actual;
    dictionary.posting(code).append_to(actual);
    ASSERT_EQ(actual, rows) << text;
    ASSERT_EQ(dictionary.posting(code).size(), rows.size());
  }
}

Roaring roaring_of(const RowBits& bits) {
  Roaring rows;
  bits.for_each([&](std::uint32_t row) {
    rows.add(row);
    return true;
  });
  EXPECT_EQ(bits.count(), rows.cardinality());
  return rows;
}

void expect_order_equals(const Catalog& catalog, const Twin& twin) {
  std::vector<std::pair<double, std::uint32_t>> expected;
  for (const auto& [id, item] : twin.items) {
    const AttributeValue* price = item.find("price");
    if (price != nullptr) expected.emplace_back(std::get<double>(*price), catalog.find(id)->value);
  }
  std::sort(expected.begin(), expected.end());
  std::vector<std::uint32_t> rows;
  for (const auto& [price, row] : expected) rows.push_back(row);
  const auto& order = std::get<NumberColumn>(*catalog.find_field("price")->column).order();
  std::vector<std::uint32_t> actual;
  order.for_each({order.begin(), order.end()},
                 [&](auto piece) { actual.insert(actual.end(), piece.begin(), piece.end()); });
  ASSERT_EQ(actual, rows);
}

void expect_equal(const Catalog& catalog, const Twin& twin) {
  Roaring listed;
  Roaring in_stock;
  for (const auto& [id, expected] : twin.items) {
    const auto index = catalog.find(id);
    ASSERT_TRUE(index.has_value());
    ASSERT_EQ(catalog.get_item(*index), expected);
    ASSERT_EQ(std::make_pair(catalog.created(*index), catalog.updated(*index)), twin.times.at(id));
    listed.add(index->value);
    const AttributeValue* stock = expected.find("stock");
    const bool available = stock == nullptr || std::get<double>(*stock) > 0;
    ASSERT_EQ(catalog.in_stock(*index), available);
    if (available) in_stock.add(index->value);
  }
  ASSERT_EQ(catalog.listed_items(), listed);
  ASSERT_EQ(catalog.in_stock_items(), in_stock);
  ASSERT_EQ(roaring_of(catalog.listed_bits()), listed);
  ASSERT_EQ(roaring_of(catalog.in_stock_bits()), in_stock);
  ASSERT_NO_FATAL_FAILURE(expect_order_equals(catalog, twin));
  ASSERT_EQ(catalog.listed_count(), twin.items.size());
  for (const char* name : {"brand", "color"}) {
    const auto field = catalog.find_field(name);
    if (field)
      expect_dictionary_equals(std::get<StringColumn>(*field->column).dictionary(), name, twin,
                               catalog);
  }
  for (const char* name : {"categories", "tags"}) {
    const auto field = catalog.find_field(name);
    if (field)
      expect_dictionary_equals(std::get<ListColumn>(*field->column).dictionary(), name, twin,
                               catalog);
  }
}

std::string bytes_of(const Catalog& catalog) {
  StringSink sink;
  catalog.save(sink);
  return sink.bytes();
}

TEST(Catalog, SaysWhatAMapOfItemsSaysAfterAnyChanges) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    RandomChanges changes(seed);
    Catalog catalog;
    Twin twin;
    for (TimeUs now = 1; now <= 400; ++now) {
      switch (changes.below(6)) {
        case 0:
        case 1: {
          const Item change = changes.upsert();
          ASSERT_TRUE(check_item(change).ok());
          ASSERT_TRUE(catalog.apply_upsert(change, now).applied());
          twin.upsert(change, now);
          break;
        }
        case 2:
        case 3: {
          const ItemPatch change = changes.patch();
          ASSERT_EQ(catalog.apply_patch(change, now).applied(), twin.patch(change, now));
          break;
        }
        case 4: {
          const std::string id = changes.id();
          const auto result = catalog.apply_delete(id, now);
          ASSERT_EQ(result.applied(), twin.erase(id, now));
          if (!result.applied()) {
            ASSERT_EQ(result.outcome, ApplyOutcome::kNotFound);
          }
          break;
        }
        default: catalog.intern(changes.id()); break;
      }
      if (now % 20 == 0) {
        ASSERT_NO_FATAL_FAILURE(expect_equal(catalog, twin));
      }
      if (now % 100 == 0) {
        Catalog loaded;
        const std::string bytes = bytes_of(catalog);
        StringSource source(bytes);
        ASSERT_TRUE(loaded.load(source).ok());
        ASSERT_EQ(source.remaining(), 0u);
        ASSERT_EQ(bytes_of(loaded), bytes);
        ASSERT_NO_FATAL_FAILURE(expect_equal(loaded, twin));
        // Going on from the loaded one must give the same state as never having stopped.
        if (now == 200) catalog = std::move(loaded);
      }
    }
  }
}

// Goal: whoever keeps something per item learns of every item that changed, or that it can't.
TEST(Catalog, NamesTheItemsOfAllChangesSinceAVersion) {
  Catalog catalog;
  const auto changed = [&](std::uint64_t version) {
    std::vector<std::uint32_t> items;
    const bool known = catalog.for_each_changed_since(
        version, [&](ItemIndex item) { items.push_back(item.value); });
    return std::pair(known, items);
  };
  using Items = std::vector<std::uint32_t>;
  EXPECT_EQ(changed(catalog.version()), std::pair(true, Items{}));
  const std::uint64_t start = catalog.version();
  ASSERT_TRUE(catalog.apply_upsert({"a", {}}, 1).applied());
  ASSERT_TRUE(catalog.apply_upsert({"b", {}}, 2).applied());
  catalog.intern("c");
  ASSERT_TRUE(catalog.apply_patch({"b", {{"price", AttributeValue(2.0)}}}, 3).applied());
  ASSERT_FALSE(catalog.apply_patch({"c", {{"price", AttributeValue(2.0)}}}, 3).applied());
  ASSERT_TRUE(catalog.apply_delete("a", 4).applied());
  EXPECT_EQ(changed(start), std::pair(true, Items{0, 1, 1, 0}));
  EXPECT_EQ(changed(start + 3), std::pair(true, Items{0}));
  EXPECT_EQ(changed(start + 4), std::pair(true, Items{}));
  for (std::size_t i = 0; i < Catalog::kChangesKept; ++i) {
    ASSERT_TRUE(catalog.apply_upsert({"b", {}}, 5).applied());
  }
  EXPECT_FALSE(changed(start + 3).first);
  EXPECT_EQ(changed(start + 4), std::pair(true, Items(Catalog::kChangesKept, 1)));
}

TEST(Catalog, HasAnIdentityThatNoOtherHas) {
  Catalog a, b;
  EXPECT_NE(a.identity(), b.identity());
  const std::uint64_t first = a.identity();
  StringSink sink;
  a.save(sink);
  StringSource source(sink.bytes());
  ASSERT_TRUE(a.load(source).ok());
  EXPECT_NE(a.identity(), first);
  const std::uint64_t loaded = a.identity();
  b = std::move(a);
  EXPECT_EQ(b.identity(), loaded);
}

// --- Refusals and limits --------------------------------------------------------------------

TEST(Catalog, KeepsTheTypeOfAnAttributeFromItsFirstUse) {
  Catalog catalog;
  ASSERT_TRUE(catalog.apply_upsert(item("a", {{"size", 42.0}}), 1).applied());
  const auto refused =
      catalog.apply_upsert(item("b", {{"size", std::string("XL")}, {"price", 3.0}}), 2);
  EXPECT_EQ(refused.outcome, ApplyOutcome::kTypeConflict);
  EXPECT_NE(refused.detail.find("size"), std::string::npos);
  EXPECT_NE(refused.detail.find("number"), std::string::npos);
  EXPECT_NE(refused.detail.find("string"), std::string::npos);
  EXPECT_FALSE(catalog.find("b").has_value()) << "a refused change leaves nothing behind";

  // Also when no item has it any more, and also for a patch; removing it is no conflict.
  ASSERT_TRUE(catalog.apply_patch({"a", {{"size", std::nullopt}}}, 3).applied());
  EXPECT_EQ(catalog.apply_patch({"a", {{"size", true}}}, 4).outcome, ApplyOutcome::kTypeConflict);
  EXPECT_TRUE(catalog.apply_patch({"a", {{"size", std::nullopt}}}, 5).applied());
}

TEST(Catalog, RefusesMoreItemsAndNamesThanItsLimits) {
  Catalog catalog({.items_max = 2, .attributes_max = 12});
  ASSERT_TRUE(catalog.apply_upsert(item("a", {}), 1).applied());
  ASSERT_EQ(catalog.intern("b"), ItemIndex{1});
  EXPECT_EQ(catalog.intern("c"), kNoItem);
  EXPECT_EQ(catalog.apply_upsert(item("c", {}), 1).outcome, ApplyOutcome::kTooManyItems);
  EXPECT_TRUE(catalog.apply_upsert(item("b", {}), 1).applied()) << "a known id may still be listed";
  // 10 known names, so 2 more.
  ASSERT_TRUE(catalog.apply_upsert(item("a", {{"n1", 1.0}, {"n2", 1.0}}), 1).applied());
  EXPECT_EQ(catalog.apply_upsert(item("a", {{"n1", 1.0}, {"n3", 1.0}}), 1).outcome,
            ApplyOutcome::kTooManyAttributes);
  EXPECT_EQ(catalog.apply_patch({"a", {{"n3", 1.0}}}, 1).outcome, ApplyOutcome::kTooManyAttributes);
}

TEST(Catalog, RefusesAPatchThatWouldMakeTheItemTooLarge) {
  Catalog catalog;
  ASSERT_TRUE(catalog.apply_upsert(item("a", {}), 1).applied());
  int applied = 0;
  for (int i = 0; i < 10; ++i) {
    const std::string name = "text" + std::to_string(i);
    applied += catalog.apply_patch({"a", {{name, std::string(kStringBytesMax, 'x')}}}, 1).applied()
                   ? 1
                   : 0;
  }
  EXPECT_EQ(applied, 7) << "8 x (8 KiB + name) is above 64 KiB";
  EXPECT_EQ(catalog.check_patch({"a", {{"text9", std::string(kStringBytesMax, 'x')}}}).outcome,
            ApplyOutcome::kItemTooLarge);
  EXPECT_TRUE(
      catalog
          .apply_patch({"a", {{"text0", std::string("short")}, {"text9", std::string(8000, 'x')}}},
                       1)
          .applied());
}

TEST(Catalog, CountsUnknownItemsWithoutShowingThem) {
  Catalog catalog;
  const ItemIndex seen = catalog.intern("seen-in-an-event");
  EXPECT_EQ(catalog.item_count(), 1u);
  EXPECT_FALSE(catalog.listed(seen));
  EXPECT_FALSE(catalog.in_stock(seen));
  EXPECT_FALSE(catalog.get_item(seen).has_value());
  EXPECT_TRUE(std::isnan(catalog.price(seen)));
  EXPECT_EQ(catalog.brand(seen), kNoCode);
  EXPECT_EQ(catalog.first_category(seen), kNoCode);
  EXPECT_FALSE(catalog.listed(kNoItem)) << "kNoItem is asked for too";
  ASSERT_TRUE(
      catalog.apply_upsert(item("seen-in-an-event", {{"categories", Strings{"Shoes", "Boots"}}}), 7)
          .applied());
  EXPECT_TRUE(catalog.listed(seen));
  EXPECT_EQ(catalog.category_name(catalog.first_category(seen)), "Shoes");
  EXPECT_EQ(catalog.created(seen), 7);
}

TEST(Catalog, WalksNewArrivalsFromTheLatestAndKeepsTheFirstListing) {
  Catalog catalog;
  for (const char* id : {"a", "b", "c"})
    ASSERT_TRUE(catalog.apply_upsert(item(id, {}), id[0]).applied());
  ASSERT_TRUE(catalog.apply_delete("a", 200).applied());
  ASSERT_TRUE(catalog.apply_delete("b", 201).applied());
  ASSERT_TRUE(catalog.apply_upsert(item("a", {}), 202).applied()) << "a feed that was reloaded";
  std::string walked;
  catalog.for_each_listed_newest_first([&](ItemIndex i) {
    walked += catalog.item_id(i);
    return true;
  });
  EXPECT_EQ(walked, "ca");
  EXPECT_EQ(catalog.created(*catalog.find("a")), 'a');
  EXPECT_EQ(catalog.updated(*catalog.find("a")), 202);
}

TEST(Catalog, RewritingTextsForeverDoesNotGrow) {
  Catalog catalog;
  std::mt19937_64 random(3);
  std::uint64_t highest_early = 0;
  std::uint64_t highest_late = 0;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 500; ++i) {
      // Lengths drift, so that freed slots of one size can't always be reused.
      const std::size_t length = 1 + (static_cast<std::size_t>(round) * 37 + random() % 400) % 1500;
      ASSERT_TRUE(catalog
                      .apply_upsert(
                          item("i" + std::to_string(i), {{"title", std::string(length, 't')},
                                                         {"sku", "s" + std::to_string(random())}}),
                          1)
                      .applied());
    }
    (round < 30 ? highest_early : highest_late) =
        std::max(round < 30 ? highest_early : highest_late, catalog.memory_bytes());
  }
  EXPECT_LT(highest_late, highest_early + (6 << 20));
  EXPECT_EQ(std::get<StringColumn>(*catalog.find_field("sku")->column).dictionary().code_end(),
            500u)
      << "codes of forgotten values are given out again";
}

// --- Hostile bytes --------------------------------------------------------------------------

TEST(Catalog, RefusesDamagedBytesAndStaysAsItWas) {
  RandomChanges changes(5);
  Catalog catalog;
  for (TimeUs now = 1; now <= 60; ++now) (void)catalog.apply_upsert(changes.upsert(), now);
  const std::string good = bytes_of(catalog);
  for (std::size_t cut = 0; cut < good.size(); cut += 3) {
    Catalog target;
    StringSource source(std::string_view(good).substr(0, cut));
    ASSERT_FALSE(target.load(source).ok()) << cut;
    ASSERT_EQ(target.item_count(), 0u);
  }
  std::mt19937_64 random(9);
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] ^= static_cast<char>(1 << (random() % 8));
    Catalog target;
    StringSource source(bad);
    // A flipped bit of a string or number can't be noticed here (files have checksums): what loads
    // must then be a whole catalog.
    if (target.load(source).ok()) {
      ASSERT_EQ(bytes_of(target), bad);
    }
  }
}

}  // namespace
}  // namespace vitrine::catalog
