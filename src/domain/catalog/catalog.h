// All items of one tenant: registry of ids, attribute columns, postings and bitmaps.
//
// Every id ever seen, in the catalog or only in an event, has a dense ItemIndex, in order of first
// appearance. An item is *listed* from its upsert to its delete; only listed items have attributes
// and can be shown. Deleted items keep their index and their `created` time.
//
// Thread rule: apply_*, intern and load need the tenant's write lock; everything else is const
// and needs the shared lock. Views, codes and references given out end with the lock.
//
// Determinism: the state is a function of the calls and their arguments; no clock, no random
// choice that shows. save() writes equal bytes for equal contents: dictionaries in order of
// first use by row, arrays by row. Codes may differ after load(); they only mean "the same value".
//
// Memory: 1 M items with title, two categories, brand, price, stock, image and url take 280 MB. A
// column is dense up to the last item that uses it, so an attribute costs 4 to 8 bytes for
// each item even where few items have it.
#pragma once

#include <bit>
#include <cstdint>
#include <deque>
#include <optional>
#include <roaring/roaring.hh>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/stream.h"
#include "domain/catalog/columns.h"
#include "domain/catalog/item.h"
#include "domain/catalog/row_bits.h"

namespace vitrine::catalog {

struct CatalogOptions {
  // Ids with an index, also those only seen in events. 100 bytes each and more with attributes.
  std::uint32_t items_max = 20'000'000;
  // Distinct attribute names of the tenant, known ones included; at most 1024.
  std::uint32_t attributes_max = 256;
};

// How a change ended. Anything but kApplied changed nothing.
enum class ApplyOutcome : std::uint8_t {
  kApplied,
  kNotFound,           // patch, inventory or delete of an item that is not listed
  kTypeConflict,       // an attribute has another type since its first use
  kTooManyItems,       // items_max
  kTooManyAttributes,  // attributes_max
  kItemTooLarge,       // the patched item would have over 100 attributes or 64 KiB
};
std::string_view apply_outcome_name(ApplyOutcome outcome);  // "applied", "not_found", ...

struct ApplyResult {
  ApplyOutcome outcome = ApplyOutcome::kApplied;
  std::string detail;  // for people: what and why; empty when applied
  bool applied() const { return outcome == ApplyOutcome::kApplied; }
};

using Column =
    std::variant<StringColumn, NumberColumn, BooleanColumn, ListColumn, TimeColumn, TextColumn>;

// What a name in an expression stands for.
enum class FieldKind : std::uint8_t { kColumn, kItemId, kInStock, kCreated, kUpdated };
struct Field {
  FieldKind kind = FieldKind::kColumn;
  AttributeType type = AttributeType::kString;
  std::uint32_t attribute = 0;       // kColumn: for has_attribute()
  const Column* column = nullptr;    // kColumn
  const TimeColumn* time = nullptr;  // kCreated, kUpdated
};

class Catalog {
 public:
  explicit Catalog(CatalogOptions options = {});
  Catalog(Catalog&&) noexcept = default;
  Catalog& operator=(Catalog&&) noexcept = default;

  // --- Registry -----------------------------------------------------------------------------
  // The index of a valid id (check_item_id), new or old. kNoItem once items_max are known.
  ItemIndex intern(std::string_view item_id);
  std::optional<ItemIndex> find(std::string_view item_id) const;
  // Fetches what they will look at first.
  void prefetch(std::string_view item_id) const { ids_.prefetch(item_id); }
  std::string_view item_id(ItemIndex item) const { return ids_.get(item.value); }
  std::size_t item_count() const { return flags_.size(); }  // indexes are below this

  // --- Changes (arguments have passed check_item / check_patch / check_inventory) -----------
  ApplyResult apply_upsert(const Item& item, TimeUs append_time);
  ApplyResult apply_patch(const ItemPatch& patch, TimeUs append_time);
  ApplyResult apply_inventory(const ItemPatch& patch, TimeUs append_time);
  ApplyResult apply_delete(std::string_view item_id, TimeUs append_time);
  // What apply_* would answer now, without changing anything: for telling the sender at once.
  // The outcome that counts is the one at apply time.
  ApplyResult check_upsert(const Item& item) const;
  ApplyResult check_patch(const ItemPatch& patch) const;

  // --- Per candidate: a few ns each ---------------------------------------------------------
  bool listed(ItemIndex item) const { return has_flag(item, kListed); }
  bool in_stock(ItemIndex item) const { return has_flag(item, kInStock); }  // and listed
  double price(ItemIndex item) const { return price_->at(item.value); }     // NaN if there is none
  Code first_category(ItemIndex item) const { return categories_->first(item.value); }
  Code brand(ItemIndex item) const { return brand_->code(item.value); }
  std::span<const Code> categories(ItemIndex item) const { return categories_->codes(item.value); }
  std::string_view category_name(Code code) const { return categories_->dictionary().value(code); }
  std::string_view brand_name(Code code) const { return brand_->dictionary().value(code); }
  std::string_view title(ItemIndex item) const { return title_->at(item.value); }
  TimeUs created(ItemIndex item) const { return created_.at(item.value); }  // TimeColumn::kAbsent
  TimeUs updated(ItemIndex item) const { return updated_.at(item.value); }  // if never listed

  // Starts the cache misses of listed, in_stock, price, first_category and brand.
  void prefetch(ItemIndex item) const {
    if (item.value < flags_.size()) __builtin_prefetch(&flags_[item.value]);
    price_->prefetch(item.value);
    categories_->prefetch(item.value);
    brand_->prefetch(item.value);
  }

  // Start those of item_id: first where it is, then what it is.
  void prefetch_id_place(ItemIndex item) const { ids_.prefetch_place(item.value); }
  void prefetch_id(ItemIndex item) const { ids_.prefetch_text(item.value); }

  // --- Sets ---------------------------------------------------------------------------------
  const Roaring& listed_items() const { return listed_; }
  const Roaring& in_stock_items() const { return in_stock_; }
  const RowBits& listed_bits() const { return listed_bits_; }
  const RowBits& in_stock_bits() const { return in_stock_bits_; }
  std::size_t listed_count() const { return listed_count_; }
  // Rows that were ever listed, by first listing; not all are listed now.
  std::span<const Row> listing_order() const { return listing_order_; }
  // Calls fn(ItemIndex) -> bool for listed items, latest first listing first, until it gives false.
  template <class Fn>
  void for_each_listed_newest_first(Fn&& fn) const {
    for (std::size_t i = listing_order_.size(); i-- > 0;) {
      const ItemIndex item{listing_order_[i]};
      if (listed(item) && !fn(item)) return;
    }
  }

  // --- Attributes ---------------------------------------------------------------------------
  // By name or alias, with item_id, in_stock, created, updated. Valid until the next apply.
  std::optional<Field> find_field(std::string_view name) const;
  // All names that find_field knows, aliases left out, in order of first use.
  std::vector<std::string_view> field_names() const;
  bool has_attribute(ItemIndex item, std::uint32_t attribute) const {
    const std::size_t word = item.value * std::size_t{stride_} + attribute / 64;
    return word < presence_.size() && ((presence_[word] >> (attribute % 64)) & 1) != 0;
  }
  // The item as it was sent, patches included; without created and updated. Empty if not listed.
  std::optional<Item> get_item(ItemIndex item) const;

  // --- For caches in this process; not part of the state -------------------------------------
  // Counts applied changes, each of which is about one item.
  std::uint64_t version() const { return version_; }
  // No two catalogs of a process have the same, and load() gives a new one: positions, codes and
  // versions say nothing about a catalog of another identity.
  std::uint64_t identity() const { return identity_.value(); }
  // Calls fn(ItemIndex) for the item of each change after `version` of this identity. False,
  // without a call, if that is more than kChangesKept changes ago.
  static constexpr std::size_t kChangesKept = 4096;
  template <class Fn>
  bool for_each_changed_since(std::uint64_t version, Fn&& fn) const {
    if (version_ - version > changes_.size()) return false;
    for (std::uint64_t v = version + 1; v <= version_; ++v) {
      fn(ItemIndex{changes_[v % changes_.size()]});
    }
    return true;
  }
  // An estimate, some ms at millions of distinct values.
  std::uint64_t memory_bytes() const;

  void save(Sink& sink) const;
  // kCorrupt leaves the catalog as it was.
  Status load(Source& source);

 private:
  enum Flag : std::uint8_t { kListed = 1, kInStock = 2 };
  struct Entry {
    std::string name;
    AttributeType type;
    Column column;
  };
  // What is moved from becomes another catalog.
  class Identity {
   public:
    Identity() : value_(next()) {}
    Identity(Identity&& other) noexcept : value_(std::exchange(other.value_, next())) {}
    Identity& operator=(Identity&& other) noexcept {
      value_ = std::exchange(other.value_, next());
      return *this;
    }
    ~Identity() = default;
    std::uint64_t value() const { return value_; }

   private:
    static std::uint64_t next();
    std::uint64_t value_;
  };

  bool has_flag(ItemIndex item, Flag flag) const {
    return item.value < flags_.size() && (flags_[item.value] & flag) != 0;
  }
  void bind_known();
  std::uint32_t find_attribute(std::string_view name) const;  // attributes_.size() if unknown
  std::uint32_t add_attribute(std::string_view name, AttributeType type);
  ApplyResult check_types(std::string_view name, const AttributeValue& value,
                          std::size_t& new_names) const;
  ApplyResult check_new_names(std::size_t new_names) const;
  ApplyResult check_patched_size(Row row, const ItemPatch& patch) const;
  void set_value(Row row, std::string_view name, const AttributeValue& value);
  void clear_value(Row row, std::uint32_t attribute);
  // Calls fn(attribute) for each that the row has; fn may clear it.
  template <class Fn>
  void for_each_attribute_of(Row row, Fn&& fn) const {
    for (std::uint32_t word = 0; word < stride_; ++word) {
      std::uint64_t bits = presence_[row * std::size_t{stride_} + word];
      for (; bits != 0; bits &= bits - 1) {
        fn(word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits)));
      }
    }
  }
  void note_change(Row row);
  void list(Row row, TimeUs append_time);
  void refresh_stock(Row row);
  AttributeValue value_of(Row row, const Entry& entry) const;
  std::size_t bytes_of(Row row, const Entry& entry) const;
  Status load_items(Source& source);
  Status load_attributes(Source& source);

  CatalogOptions options_;
  StringTable ids_;
  std::vector<std::uint8_t> flags_;  // by row
  Roaring listed_;
  RowBits listed_bits_;  // the same
  Roaring in_stock_;
  RowBits in_stock_bits_;
  std::size_t listed_count_ = 0;
  TimeColumn created_;
  TimeColumn updated_;
  std::vector<Row> listing_order_;       // each row that was ever listed, once, by first listing
  std::deque<Entry> attributes_;         // a deque: columns do not move when a name is added
  StringTable names_;                    // name -> position in attributes_
  std::vector<std::uint64_t> presence_;  // stride_ words a row: bit a says attribute a has a value
  std::uint32_t stride_ = 1;
  std::uint64_t version_ = 0;
  Identity identity_;
  // The row of change v at v % size: all of them, then the last kChangesKept.
  std::vector<Row> changes_;

  // Into attributes_.
  const NumberColumn* price_ = nullptr;
  const NumberColumn* stock_ = nullptr;
  const ListColumn* categories_ = nullptr;
  const StringColumn* brand_ = nullptr;
  const TextColumn* title_ = nullptr;
};

}  // namespace vitrine::catalog
