// Catalog::save and Catalog::load.
//
// Layout: format u32, then by row: id lengths u16[], id bytes, listed u8[], created i64[], updated
// i64[]; listing order u32[]; attribute count u32 and for each name string, type u8; presence
// u64[]; then for each attribute the values of the rows that have one, in row order:
//   text: lengths u16[], bytes    number: f64[]    boolean: u8[]    time: i64[]
//   string: dictionary, codes u32[]    list: dictionary, entries of each row u8[], codes u32[]
// dictionary: lengths u16[], bytes, in order of first use by row.
#include <algorithm>
#include <bit>

#include "domain/catalog/catalog.h"

namespace vitrine::catalog {

namespace {

constexpr std::uint32_t kFormat = 1;

Error corrupt(const std::string& what) { return Error(ErrorCode::kCorrupt, "catalog: " + what); }

using Rows = std::vector<Row>;

// Gives values their canonical codes: 0, 1, 2... in order of first use.
class Renumber {
 public:
  explicit Renumber(const Dictionary& dictionary)
      : dictionary_(dictionary), fresh_(dictionary.code_end(), kNoCode) {}
  void add(Code code) {
    if (fresh_[code] == kNoCode) {
      fresh_[code] = static_cast<Code>(order_.size());
      order_.push_back(code);
    }
    codes_.push_back(fresh_[code]);
  }
  void save_dictionary(Sink& sink) const {
    std::vector<std::uint16_t> lengths;
    for (const Code code : order_) {
      lengths.push_back(static_cast<std::uint16_t>(dictionary_.value(code).size()));
    }
    sink.array<std::uint16_t>(lengths);
    for (const Code code : order_) sink.write(dictionary_.value(code));
  }
  const std::vector<Code>& codes() const { return codes_; }

 private:
  const Dictionary& dictionary_;
  std::vector<Code> fresh_;  // by old code
  std::vector<Code> order_;  // old codes by new code
  std::vector<Code> codes_;
};

void save_column(const TextColumn& column, const Rows& rows, Sink& sink) {
  std::vector<std::uint16_t> lengths;
  lengths.reserve(rows.size());
  for (const Row row : rows) lengths.push_back(static_cast<std::uint16_t>(column.at(row).size()));
  sink.array<std::uint16_t>(lengths);
  for (const Row row : rows) sink.write(column.at(row));
}

void save_column(const NumberColumn& column, const Rows& rows, Sink& sink) {
  std::vector<double> values;
  values.reserve(rows.size());
  for (const Row row : rows) values.push_back(column.at(row));
  sink.array<double>(values);
}

void save_column(const TimeColumn& column, const Rows& rows, Sink& sink) {
  std::vector<TimeUs> values;
  values.reserve(rows.size());
  for (const Row row : rows) values.push_back(column.at(row));
  sink.array<TimeUs>(values);
}

void save_column(const BooleanColumn& column, const Rows& rows, Sink& sink) {
  std::vector<std::uint8_t> values;
  values.reserve(rows.size());
  for (const Row row : rows) values.push_back(column.at(row) == BooleanColumn::kTrue ? 1 : 0);
  sink.array<std::uint8_t>(values);
}

void save_column(const StringColumn& column, const Rows& rows, Sink& sink) {
  Renumber renumber(column.dictionary());
  for (const Row row : rows) renumber.add(column.code(row));
  renumber.save_dictionary(sink);
  sink.array<Code>(renumber.codes());
}

void save_column(const ListColumn& column, const Rows& rows, Sink& sink) {
  Renumber renumber(column.dictionary());
  std::vector<std::uint8_t> counts;
  counts.reserve(rows.size());
  for (const Row row : rows) {
    const auto codes = column.codes(row);
    counts.push_back(static_cast<std::uint8_t>(codes.size()));
    for (const Code code : codes) renumber.add(code);
  }
  renumber.save_dictionary(sink);
  sink.array<std::uint8_t>(counts);
  sink.array<Code>(renumber.codes());
}

// `what` names the attribute, for the message.
template <class T>
Status load_values(Source& source, std::size_t expected, const std::string& what,
                   std::vector<T>& out) {
  VITRINE_TRY(source.array(out));
  if (out.size() != expected) {
    return corrupt(what + " has " + std::to_string(out.size()) + " values for " +
                   std::to_string(expected) + " items");
  }
  return ok_status();
}

Status load_column(TextColumn& column, const Rows& rows, const std::string& what, Source& source) {
  std::vector<std::uint16_t> lengths;
  VITRINE_TRY(load_values(source, rows.size(), what, lengths));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (lengths[i] > kStringBytesMax || lengths[i] > source.remaining()) {
      return corrupt(what + " has a string longer than allowed or than what is left");
    }
    char* const out = column.load(rows[i], lengths[i]);
    if (out == nullptr) return Error(ErrorCode::kExhausted, "catalog: " + what + " is full");
    VITRINE_TRY(source.read(out, lengths[i]));
  }
  return ok_status();
}

Status load_column(NumberColumn& column, const Rows& rows, const std::string& what,
                   Source& source) {
  std::vector<double> values;
  VITRINE_TRY(load_values(source, rows.size(), what, values));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!std::isfinite(values[i])) return corrupt(what + " has a number that is not finite");
    column.load(rows[i], values[i]);
  }
  column.finish_loading();
  return ok_status();
}

Status load_column(TimeColumn& column, const Rows& rows, const std::string& what, Source& source) {
  std::vector<TimeUs> values;
  VITRINE_TRY(load_values(source, rows.size(), what, values));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (values[i] < kTimeMin || values[i] > kTimeMax)
      return corrupt(what + " has a time out of range");
    column.set(rows[i], values[i]);
  }
  return ok_status();
}

Status load_column(BooleanColumn& column, const Rows& rows, const std::string& what,
                   Source& source) {
  std::vector<std::uint8_t> values;
  VITRINE_TRY(load_values(source, rows.size(), what, values));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (values[i] > 1) return corrupt(what + " has a boolean that is neither 0 nor 1");
    column.set(rows[i], values[i] == 1);
  }
  return ok_status();
}

Status load_dictionary(Dictionary& dictionary, const std::string& what, Source& source) {
  std::vector<std::uint16_t> lengths;
  VITRINE_TRY(source.array(lengths));
  std::string value;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] > kStringBytesMax) return corrupt(what + " has a value longer than allowed");
    value.resize(lengths[i]);
    VITRINE_TRY(source.read(value.data(), value.size()));
    if (dictionary.intern(value) != i) return corrupt(what + " has a value twice");
  }
  return ok_status();
}

// New codes come in ascending order: that is what makes the bytes canonical, and it leaves no
// value without an item.
Status check_order(std::span<const Code> codes, const Dictionary& dictionary,
                   const std::string& what) {
  Code next = 0;
  for (const Code code : codes) {
    if (code > next || code >= dictionary.code_end()) return corrupt(what + " has a wrong code");
    if (code == next) ++next;
  }
  if (next != dictionary.code_end()) return corrupt(what + " has a value without items");
  return ok_status();
}

Status load_column(StringColumn& column, const Rows& rows, const std::string& what,
                   Source& source) {
  VITRINE_TRY(load_dictionary(column.loading_dictionary(), what, source));
  std::vector<Code> codes;
  VITRINE_TRY(load_values(source, rows.size(), what, codes));
  VITRINE_TRY(check_order(codes, column.dictionary(), what));
  for (std::size_t i = 0; i < rows.size(); ++i) column.load(rows[i], codes[i]);
  return ok_status();
}

Status load_column(ListColumn& column, const Rows& rows, const std::string& what, Source& source) {
  VITRINE_TRY(load_dictionary(column.loading_dictionary(), what, source));
  std::vector<std::uint8_t> counts;
  VITRINE_TRY(load_values(source, rows.size(), what, counts));
  std::size_t total = 0;
  for (const auto count : counts) total += count;
  std::vector<Code> codes;
  VITRINE_TRY(load_values(source, total, what, codes));
  VITRINE_TRY(check_order(codes, column.dictionary(), what));
  std::span<const Code> rest(codes);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto own = rest.first(counts[i]);
    rest = rest.subspan(counts[i]);
    if (counts[i] > kListEntriesMax) return corrupt(what + " has a list longer than allowed");
    for (std::size_t k = 1; k < own.size(); ++k) {
      if (std::find(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(k), own[k]) !=
          own.begin() + static_cast<std::ptrdiff_t>(k)) {
        return corrupt(what + " has a list that names a value twice");
      }
    }
    column.load(rows[i], own);
  }
  return ok_status();
}

}  // namespace

void Catalog::save(Sink& sink) const {
  const std::size_t rows = flags_.size();
  sink.value(kFormat);
  std::vector<std::uint16_t> lengths(rows);
  std::vector<std::uint8_t> listed(rows);
  std::vector<TimeUs> created(rows);
  std::vector<TimeUs> updated(rows);
  for (Row row = 0; row < rows; ++row) {
    lengths[row] = static_cast<std::uint16_t>(ids_.get(row).size());
    listed[row] = flags_[row] & kListed;
    created[row] = created_.at(row);
    updated[row] = updated_.at(row);
  }
  sink.array<std::uint16_t>(lengths);
  for (Row row = 0; row < rows; ++row) sink.write(ids_.get(row));
  sink.array<std::uint8_t>(listed);
  sink.array<TimeUs>(created);
  sink.array<TimeUs>(updated);
  sink.array<Row>(listing_order_);

  sink.value(static_cast<std::uint32_t>(attributes_.size()));
  for (const Entry& entry : attributes_) {
    sink.string(entry.name);
    sink.value(entry.type);
  }
  sink.array<std::uint64_t>(presence_);
  for (std::uint32_t attribute = 0; attribute < attributes_.size(); ++attribute) {
    Rows present;
    for (Row row = 0; row < rows; ++row) {
      if (has_attribute(ItemIndex{row}, attribute)) present.push_back(row);
    }
    std::visit([&](const auto& column) { save_column(column, present, sink); },
               attributes_[attribute].column);
  }
}

Status Catalog::load(Source& source) {
  Catalog fresh(options_);
  std::uint32_t format = 0;
  VITRINE_TRY(source.value(format));
  if (format != kFormat) {
    return Error(ErrorCode::kUnsupported,
                 "catalog: format " + std::to_string(format) + " is unknown");
  }
  VITRINE_TRY(fresh.load_items(source));
  VITRINE_TRY(fresh.load_attributes(source));
  for (Row row = 0; row < fresh.flags_.size(); ++row) fresh.refresh_stock(row);
  fresh.version_ = version_ + 1;
  *this = std::move(fresh);
  return ok_status();
}

Status Catalog::load_items(Source& source) {
  std::vector<std::uint16_t> lengths;
  VITRINE_TRY(source.array(lengths));
  const std::size_t rows = lengths.size();
  if (rows >= kNoItem.value) return corrupt("too many items");
  ids_.reserve(rows);
  std::string id;
  for (Row row = 0; row < rows; ++row) {
    if (lengths[row] == 0 || lengths[row] > kItemIdBytesMax)
      return corrupt("an item id is empty or too long");
    id.resize(lengths[row]);
    VITRINE_TRY(source.read(id.data(), id.size()));
    if (ids_.add(id) != row) return corrupt("an item id appears twice");
  }
  std::vector<TimeUs> created;
  std::vector<TimeUs> updated;
  VITRINE_TRY(load_values(source, rows, "listed", flags_));
  VITRINE_TRY(load_values(source, rows, "created", created));
  VITRINE_TRY(load_values(source, rows, "updated", updated));
  VITRINE_TRY(source.array(listing_order_));

  std::vector<Row> listed_rows;
  std::size_t ever_listed = 0;
  for (Row row = 0; row < rows; ++row) {
    if (flags_[row] > kListed) return corrupt("a listed flag is neither 0 nor 1");
    if (flags_[row] == kListed) listed_rows.push_back(row);
    const bool has_created = created[row] != TimeColumn::kAbsent;
    if (has_created) created_.set(row, created[row]);
    if (updated[row] != TimeColumn::kAbsent) updated_.set(row, updated[row]);
    if (has_created != (updated[row] != TimeColumn::kAbsent))
      return corrupt("an item has half of its times");
    if (flags_[row] == kListed && !has_created) return corrupt("a listed item has no created time");
    ever_listed += has_created ? 1 : 0;
  }
  std::vector<bool> seen(rows, false);
  for (const Row row : listing_order_) {
    if (row >= rows || created[row] == TimeColumn::kAbsent || seen[row]) {
      return corrupt("the listing order names a wrong item");
    }
    seen[row] = true;
  }
  if (listing_order_.size() != ever_listed) return corrupt("the listing order is incomplete");
  listed_.addMany(listed_rows.size(), listed_rows.data());
  for (const Row row : listed_rows) listed_bits_.add(row);
  listed_count_ = listed_rows.size();
  return ok_status();
}

Status Catalog::load_attributes(Source& source) {
  std::uint32_t count = 0;
  VITRINE_TRY(source.value(count));
  const std::size_t first = attributes_.size();
  if (count < first || count > 1024) return corrupt("a wrong number of attributes");
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string name;
    std::uint8_t type = 0;
    VITRINE_TRY(source.string(name));
    VITRINE_TRY(source.value(type));
    if (i < first) {
      if (name != attributes_[i].name || type != static_cast<std::uint8_t>(attributes_[i].type)) {
        return corrupt("a known attribute has another name or type");
      }
      continue;
    }
    const bool good = check_attribute_name(name).ok() && type <= 4 &&
                      find_known_attribute(name) == nullptr &&
                      find_attribute(name) == attributes_.size();
    if (!good) return corrupt("an attribute has a wrong name or type");
    add_attribute(name, static_cast<AttributeType>(type));
  }
  const std::size_t rows = flags_.size();
  VITRINE_TRY(load_values(source, rows * stride_, "presence", presence_));

  std::vector<Rows> present(count);
  for (Row row = 0; row < rows; ++row) {
    if ((flags_[row] & kListed) == 0) {
      for (std::uint32_t word = 0; word < stride_; ++word) {
        if (presence_[row * std::size_t{stride_} + word] != 0)
          return corrupt("an unlisted item has attributes");
      }
      continue;
    }
    bool good = true;
    for_each_attribute_of(row, [&](std::uint32_t attribute) {
      good = good && attribute < count;
      if (good) present[attribute].push_back(row);
    });
    if (!good) return corrupt("an item has an attribute that does not exist");
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    Entry& entry = attributes_[i];
    const std::string what = "attribute " + entry.name;
    VITRINE_TRY(std::visit(
        [&](auto& column) { return load_column(column, present[i], what, source); }, entry.column));
    present[i] = {};
  }
  return ok_status();
}

}  // namespace vitrine::catalog
