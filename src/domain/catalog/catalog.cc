#include "domain/catalog/catalog.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

#include "base/check.h"

namespace vitrine::catalog {

namespace {

constexpr std::uint32_t kAttributesMaxEver = 1024;

// Registered in every catalog, in this order, so that their types are fixed from the start.
constexpr std::array<std::string_view, 10> kFirstNames{
    "title", "description", "categories", "brand",          "price",
    "stock", "image",       "url",        "available_from", "available_until"};

bool is_text(std::string_view name) {
  return name == "title" || name == "description" || name == "image" || name == "url";
}

Column make_column(std::string_view name, AttributeType type) {
  switch (type) {
    case AttributeType::kString:
      if (is_text(name)) return TextColumn();
      return StringColumn();
    case AttributeType::kNumber: return NumberColumn();
    case AttributeType::kBoolean: return BooleanColumn();
    case AttributeType::kList: return ListColumn();
    case AttributeType::kTime: return TimeColumn();
  }
  return StringColumn();
}

ApplyResult refuse(ApplyOutcome outcome, std::string detail) {
  return {outcome, std::move(detail)};
}

ApplyResult not_found(std::string_view id) {
  return refuse(ApplyOutcome::kNotFound, "there is no item \"" + std::string(id) + "\"");
}

}  // namespace

std::string_view apply_outcome_name(ApplyOutcome outcome) {
  switch (outcome) {
    case ApplyOutcome::kApplied: return "applied";
    case ApplyOutcome::kNotFound: return "not_found";
    case ApplyOutcome::kTypeConflict: return "type_conflict";
    case ApplyOutcome::kTooManyItems: return "too_many_items";
    case ApplyOutcome::kTooManyAttributes: return "too_many_attributes";
    case ApplyOutcome::kItemTooLarge: return "item_too_large";
  }
  return "unknown";
}

Catalog::Catalog(CatalogOptions options) : options_(options) {
  options_.attributes_max =
      std::clamp<std::uint32_t>(options_.attributes_max, kFirstNames.size(), kAttributesMaxEver);
  options_.items_max = std::min(options_.items_max, kNoItem.value - 1);
  for (const auto name : kFirstNames) add_attribute(name, find_known_attribute(name)->type);
  bind_known();
}

void Catalog::bind_known() {
  const auto column = [this](std::string_view name) {
    return &attributes_[find_attribute(name)].column;
  };
  title_ = std::get_if<TextColumn>(column("title"));
  categories_ = std::get_if<ListColumn>(column("categories"));
  brand_ = std::get_if<StringColumn>(column("brand"));
  price_ = std::get_if<NumberColumn>(column("price"));
  stock_ = std::get_if<NumberColumn>(column("stock"));
}

// --- Registry -------------------------------------------------------------------------------

ItemIndex Catalog::intern(std::string_view item_id) {
  const std::uint32_t known = ids_.find(item_id);
  if (known != StringTable::kNone) return ItemIndex{known};
  if (flags_.size() >= options_.items_max) return kNoItem;
  const std::uint32_t row = ids_.add(item_id);
  if (row == StringTable::kNone) return kNoItem;
  flags_.push_back(0);
  presence_.resize(presence_.size() + stride_, 0);
  return ItemIndex{row};
}

std::optional<ItemIndex> Catalog::find(std::string_view item_id) const {
  const std::uint32_t row = ids_.find(item_id);
  if (row == StringTable::kNone) return std::nullopt;
  return ItemIndex{row};
}

std::uint32_t Catalog::find_attribute(std::string_view name) const {
  const std::uint32_t number = names_.find(name);
  return number == StringTable::kNone ? static_cast<std::uint32_t>(attributes_.size()) : number;
}

std::uint32_t Catalog::add_attribute(std::string_view name, AttributeType type) {
  const std::uint32_t number = names_.add(name);
  attributes_.push_back({std::string(name), type, make_column(name, type)});
  const auto words = static_cast<std::uint32_t>((attributes_.size() + 63) / 64);
  if (words > stride_) {
    std::vector<std::uint64_t> wider(flags_.size() * std::size_t{words}, 0);
    for (std::size_t row = 0; row < flags_.size(); ++row) {
      std::copy_n(presence_.begin() + static_cast<std::ptrdiff_t>(row * stride_), stride_,
                  wider.begin() + static_cast<std::ptrdiff_t>(row * words));
    }
    presence_ = std::move(wider);
    stride_ = words;
  }
  return number;
}

// --- Checks ---------------------------------------------------------------------------------

ApplyResult Catalog::check_types(std::string_view name, const AttributeValue& value,
                                 std::size_t& new_names) const {
  const std::uint32_t attribute = find_attribute(name);
  if (attribute == attributes_.size()) {
    ++new_names;
    return {};
  }
  const AttributeType fixed = attributes_[attribute].type;
  if (fixed == type_of(value)) return {};
  return refuse(ApplyOutcome::kTypeConflict,
                "attribute \"" + std::string(name) + "\" is a " +
                    std::string(attribute_type_name(fixed)) +
                    " in this catalog since its first use; this change sends a " +
                    std::string(attribute_type_name(type_of(value))));
}

ApplyResult Catalog::check_new_names(std::size_t new_names) const {
  if (attributes_.size() + new_names <= options_.attributes_max) return {};
  return refuse(ApplyOutcome::kTooManyAttributes, "the catalog would have more than " +
                                                      std::to_string(options_.attributes_max) +
                                                      " different attribute names");
}

ApplyResult Catalog::check_upsert(const Item& item) const {
  std::size_t new_names = 0;
  for (const auto& [name, value] : item.attributes) {
    auto result = check_types(name, value, new_names);
    if (!result.applied()) return result;
  }
  auto result = check_new_names(new_names);
  if (!result.applied()) return result;
  if (ids_.find(item.id) == StringTable::kNone && flags_.size() >= options_.items_max) {
    return refuse(ApplyOutcome::kTooManyItems, "the catalog knows " +
                                                   std::to_string(flags_.size()) +
                                                   " item ids, the most this tenant may have");
  }
  return {};
}

ApplyResult Catalog::check_patch(const ItemPatch& patch) const {
  const std::uint32_t row = ids_.find(patch.id);
  if (row == StringTable::kNone || !listed(ItemIndex{row})) return not_found(patch.id);
  std::size_t new_names = 0;
  for (const auto& [name, value] : patch.edits) {
    if (!value.has_value()) continue;
    auto result = check_types(name, *value, new_names);
    if (!result.applied()) return result;
  }
  auto result = check_new_names(new_names);
  if (!result.applied()) return result;
  return check_patched_size(row, patch);
}

ApplyResult Catalog::check_patched_size(Row row, const ItemPatch& patch) const {
  std::size_t count = 0;
  std::size_t bytes = 0;
  bool grows = false;
  for (const auto& [name, value] : patch.edits) {
    if (!value.has_value()) continue;
    ++count;
    bytes += attribute_bytes(name, *value);
    const bool fixed_size = value->index() != static_cast<std::size_t>(AttributeType::kString) &&
                            value->index() != static_cast<std::size_t>(AttributeType::kList);
    grows = grows || !fixed_size || !has_attribute(ItemIndex{row}, find_attribute(name));
  }
  if (!grows) return {};  // as inventory changes are, mostly
  for_each_attribute_of(row, [&](std::uint32_t attribute) {
    const Entry& entry = attributes_[attribute];
    const auto edit = std::lower_bound(
        patch.edits.begin(), patch.edits.end(), entry.name,
        [](const AttributeEdit& e, const std::string& name) { return e.name < name; });
    if (edit != patch.edits.end() && edit->name == entry.name) return;
    ++count;
    bytes += bytes_of(row, entry);
  });
  if (count <= kAttributesPerItemMax && bytes <= kItemBytesMax) return {};
  return refuse(ApplyOutcome::kItemTooLarge, "the item would have " + std::to_string(count) +
                                                 " attributes in " + std::to_string(bytes) +
                                                 " bytes; at most " +
                                                 std::to_string(kAttributesPerItemMax) + " in " +
                                                 std::to_string(kItemBytesMax) + " are allowed");
}

// --- Changes --------------------------------------------------------------------------------

std::uint64_t Catalog::Identity::next() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void Catalog::note_change(Row row) {
  if (changes_.empty()) changes_.resize(kChangesKept);
  ++version_;
  changes_[version_ % kChangesKept] = row;
}

void Catalog::set_value(Row row, std::string_view name, const AttributeValue& value) {
  std::uint32_t attribute = find_attribute(name);
  if (attribute == attributes_.size()) attribute = add_attribute(name, type_of(value));
  Column& column = attributes_[attribute].column;
  bool stored = true;
  if (auto* numbers = std::get_if<NumberColumn>(&column)) {
    numbers->set(row, std::get<double>(value));
  } else if (auto* strings = std::get_if<StringColumn>(&column)) {
    stored = strings->set(row, std::get<std::string>(value));
  } else if (auto* lists = std::get_if<ListColumn>(&column)) {
    stored = lists->set(row, std::get<std::vector<std::string>>(value));
  } else if (auto* texts = std::get_if<TextColumn>(&column)) {
    stored = texts->set(row, std::get<std::string>(value));
  } else if (auto* times = std::get_if<TimeColumn>(&column)) {
    times->set(row, std::get<Time>(value).us);
  } else {
    std::get<BooleanColumn>(column).set(row, std::get<bool>(value));
  }
  // 32 GiB of text in one attribute: items_max and the machine end long before.
  VITRINE_CHECK_MSG(stored, "attribute " + std::string(name) + " is full");
  presence_[row * std::size_t{stride_} + attribute / 64] |= std::uint64_t{1} << (attribute % 64);
}

void Catalog::clear_value(Row row, std::uint32_t attribute) {
  if (!has_attribute(ItemIndex{row}, attribute)) return;
  std::visit([row](auto& column) { column.clear(row); }, attributes_[attribute].column);
  presence_[row * std::size_t{stride_} + attribute / 64] &= ~(std::uint64_t{1} << (attribute % 64));
}

void Catalog::list(Row row, TimeUs append_time) {
  updated_.set(row, append_time);
  if ((flags_[row] & kListed) == 0) {
    flags_[row] |= kListed;
    listed_.add(row);
    listed_bits_.add(row);
    ++listed_count_;
  }
  if (created_.at(row) == TimeColumn::kAbsent) {
    created_.set(row, append_time);
    listing_order_.push_back(row);
  }
}

void Catalog::refresh_stock(Row row) {
  const double stock = stock_->at(row);
  const bool now = (flags_[row] & kListed) != 0 && !(stock <= 0);  // NaN: not counted, so in stock
  const bool before = (flags_[row] & kInStock) != 0;
  if (now == before) return;
  flags_[row] ^= kInStock;
  if (now) {
    in_stock_.add(row);
    in_stock_bits_.add(row);
  } else {
    in_stock_.remove(row);
    in_stock_bits_.remove(row);
  }
}

ApplyResult Catalog::apply_upsert(const Item& item, TimeUs append_time) {
  auto result = check_upsert(item);
  if (!result.applied()) return result;
  const Row row = intern(item.id).value;
  // Clear what the new version does not name; set() replaces the rest in place.
  for_each_attribute_of(row, [&](std::uint32_t attribute) {
    if (item.find(attributes_[attribute].name) == nullptr) clear_value(row, attribute);
  });
  for (const auto& [name, value] : item.attributes) set_value(row, name, value);
  list(row, append_time);
  refresh_stock(row);
  note_change(row);
  return result;
}

ApplyResult Catalog::apply_patch(const ItemPatch& patch, TimeUs append_time) {
  auto result = check_patch(patch);
  if (!result.applied()) return result;
  const Row row = ids_.find(patch.id);
  for (const auto& [name, value] : patch.edits) {
    if (value.has_value()) {
      set_value(row, name, *value);
    } else if (const std::uint32_t attribute = find_attribute(name);
               attribute < attributes_.size()) {
      clear_value(row, attribute);
    }
  }
  updated_.set(row, append_time);
  refresh_stock(row);
  note_change(row);
  return result;
}

ApplyResult Catalog::apply_inventory(const ItemPatch& patch, TimeUs append_time) {
  return apply_patch(patch, append_time);
}

ApplyResult Catalog::apply_delete(std::string_view item_id, TimeUs append_time) {
  const std::uint32_t row = ids_.find(item_id);
  if (row == StringTable::kNone || !listed(ItemIndex{row})) return not_found(item_id);
  for_each_attribute_of(row, [&](std::uint32_t attribute) { clear_value(row, attribute); });
  flags_[row] &= static_cast<std::uint8_t>(~kListed);
  listed_.remove(row);
  listed_bits_.remove(row);
  --listed_count_;
  refresh_stock(row);
  updated_.set(row, append_time);
  note_change(row);
  return {};
}

// --- Attributes -----------------------------------------------------------------------------

std::optional<Field> Catalog::find_field(std::string_view name) const {
  name = canonical_name(name);
  if (name == "item_id") return Field{FieldKind::kItemId, AttributeType::kString};
  if (name == "in_stock") return Field{FieldKind::kInStock, AttributeType::kBoolean};
  if (name == "created")
    return Field{.kind = FieldKind::kCreated, .type = AttributeType::kTime, .time = &created_};
  if (name == "updated")
    return Field{.kind = FieldKind::kUpdated, .type = AttributeType::kTime, .time = &updated_};
  const std::uint32_t attribute = find_attribute(name);
  if (attribute == attributes_.size()) return std::nullopt;
  const Entry& entry = attributes_[attribute];
  return Field{FieldKind::kColumn, entry.type, attribute, &entry.column};
}

std::vector<std::string_view> Catalog::field_names() const {
  std::vector<std::string_view> names{"item_id", "in_stock", "created", "updated"};
  for (const Entry& entry : attributes_) names.push_back(entry.name);
  return names;
}

AttributeValue Catalog::value_of(Row row, const Entry& entry) const {
  if (const auto* numbers = std::get_if<NumberColumn>(&entry.column)) return numbers->at(row);
  if (const auto* times = std::get_if<TimeColumn>(&entry.column)) return Time{times->at(row)};
  if (const auto* texts = std::get_if<TextColumn>(&entry.column))
    return std::string(texts->at(row));
  if (const auto* booleans = std::get_if<BooleanColumn>(&entry.column)) {
    return booleans->at(row) == BooleanColumn::kTrue;
  }
  if (const auto* strings = std::get_if<StringColumn>(&entry.column)) {
    return std::string(strings->dictionary().value(strings->code(row)));
  }
  const auto& lists = std::get<ListColumn>(entry.column);
  std::vector<std::string> entries;
  for (const Code code : lists.codes(row)) entries.emplace_back(lists.dictionary().value(code));
  return entries;
}

std::size_t Catalog::bytes_of(Row row, const Entry& entry) const {
  std::size_t bytes = entry.name.size();
  if (const auto* texts = std::get_if<TextColumn>(&entry.column)) {
    bytes += texts->at(row).size();
  } else if (const auto* strings = std::get_if<StringColumn>(&entry.column)) {
    bytes += strings->dictionary().value(strings->code(row)).size();
  } else if (const auto* lists = std::get_if<ListColumn>(&entry.column)) {
    for (const Code code : lists->codes(row)) bytes += lists->dictionary().value(code).size();
  } else {
    bytes += 8;
  }
  return bytes;
}

std::optional<Item> Catalog::get_item(ItemIndex item) const {
  if (!listed(item)) return std::nullopt;
  Item out{std::string(item_id(item)), {}};
  for_each_attribute_of(item.value, [&](std::uint32_t attribute) {
    const Entry& entry = attributes_[attribute];
    out.attributes.push_back({entry.name, value_of(item.value, entry)});
  });
  std::sort(out.attributes.begin(), out.attributes.end(),
            [](const Attribute& a, const Attribute& b) { return a.name < b.name; });
  return out;
}

std::uint64_t Catalog::memory_bytes() const {
  std::uint64_t bytes =
      sizeof(Catalog) + ids_.memory_bytes() + names_.memory_bytes() + flags_.capacity() +
      created_.memory_bytes() + updated_.memory_bytes() + listing_order_.capacity() * sizeof(Row) +
      presence_.capacity() * sizeof(std::uint64_t) + listed_.getSizeInBytes(false) +
      listed_bits_.memory_bytes() + in_stock_.getSizeInBytes(false) +
      in_stock_bits_.memory_bytes() + changes_.capacity() * sizeof(Row);
  for (const Entry& entry : attributes_) {
    bytes += sizeof(Entry) +
             std::visit([](const auto& column) { return column.memory_bytes(); }, entry.column);
  }
  return bytes;
}

}  // namespace vitrine::catalog
