#include "domain/catalog/columns.h"

#include <cstring>

namespace vitrine::catalog {

namespace {

constexpr std::uint64_t kCompactFreeBytesMin = 4 << 20;
constexpr std::size_t kCompactGarbageMin = 1 << 16;

template <class Values>
void grow_to(Values& values, Row row, typename Values::value_type absent) {
  if (row >= values.size()) values.resize(row + std::size_t{1}, absent);
}

}  // namespace

void NumberColumn::set(Row row, double value) {
  grow_to(values_, row, kAbsent);
  const double old = values_[row];
  if (old == value) {
    values_[row] = value;  // 0 and -0 have one place in the order
    return;
  }
  clear(row);
  order_.add(row, value, values_);
  values_[row] = value;
}

void NumberColumn::clear(Row row) {
  const double old = at(row);
  if (!(old == old)) return;
  order_.remove(row, old, values_);
  values_[row] = kAbsent;
}

void NumberColumn::finish_loading() {
  std::vector<Row> rows;
  for (Row row = 0; row < values_.size(); ++row) {
    if (values_[row] == values_[row]) rows.push_back(row);
  }
  order_.build(std::move(rows), values_);
}

void BooleanColumn::set(Row row, bool value) {
  clear(row);
  grow_to(values_, row, kAbsent);
  values_[row] = value ? kTrue : kFalse;
  (value ? true_ : false_).add(row);
}

void BooleanColumn::clear(Row row) {
  const Value old = at(row);
  if (old == kAbsent) return;
  (old == kTrue ? true_ : false_).remove(row);
  values_[row] = kAbsent;
}

std::uint64_t BooleanColumn::memory_bytes() const {
  return values_.capacity() + true_.memory_bytes() + false_.memory_bytes();
}

bool StringColumn::set(Row row, std::string_view value) {
  const Code old = code(row);
  if (old != kNoCode && dictionary_.value(old) == value) return true;
  clear(row);
  const Code now = dictionary_.add(value, row);
  if (now == kNoCode) return false;
  grow_to(codes_, row, kNoCode);
  codes_[row] = now;
  return true;
}

void StringColumn::clear(Row row) {
  const Code old = code(row);
  if (old == kNoCode) return;
  dictionary_.remove(old, row);
  codes_[row] = kNoCode;
}

void StringColumn::load(Row row, Code code) {
  grow_to(codes_, row, kNoCode);
  codes_[row] = code;
  dictionary_.add_item(code, row);
}

std::uint64_t StringColumn::memory_bytes() const {
  return codes_.capacity() * sizeof(Code) + dictionary_.memory_bytes();
}

bool ListColumn::set(Row row, std::span<const std::string> entries) {
  const auto old = codes(row);
  bool same = row < rows_.size() && rows_[row].start != 0 && old.size() == entries.size();
  for (std::size_t i = 0; same && i < entries.size(); ++i) {
    same = dictionary_.value(old[i]) == entries[i];
  }
  if (same) return true;
  clear(row);
  grow_to(rows_, row, Place{});
  const std::size_t start = arena_.size();
  if (start + 1 + entries.size() > 0xFFFFFFFFu) return false;
  arena_.push_back(0);
  rows_[row].start = static_cast<std::uint32_t>(start);
  for (const auto& entry : entries) {
    const Code code = dictionary_.add(entry, row);
    if (code == kNoCode) {
      clear(row);
      return false;
    }
    arena_.push_back(code);
    ++arena_[start];
  }
  if (!entries.empty()) rows_[row].first = arena_[start + 1];
  if (entries.size() == 1) {
    rows_[row].start = kAlone;
    arena_.resize(start);
  }
  return true;
}

void ListColumn::clear(Row row) {
  if (row >= rows_.size() || rows_[row].start == 0) return;
  const auto old = codes(row);
  for (const Code code : old) dictionary_.remove(code, row);
  if (rows_[row].start != kAlone) garbage_ += 1 + old.size();
  rows_[row] = Place{};
  if (garbage_ > kCompactGarbageMin && garbage_ * 2 > arena_.size()) compact();
}

void ListColumn::compact() {
  std::vector<std::uint32_t> live{0};
  live.reserve(arena_.size() - garbage_ + (arena_.size() - garbage_) / 4);
  for (Place& place : rows_) {
    if (place.start == 0 || place.start == kAlone) continue;
    const auto begin = arena_.begin() + place.start;
    place.start = static_cast<std::uint32_t>(live.size());
    live.insert(live.end(), begin, begin + 1 + *begin);
  }
  arena_ = std::move(live);
  garbage_ = 0;
}

void ListColumn::load(Row row, std::span<const Code> codes) {
  grow_to(rows_, row, Place{});
  for (const Code code : codes) dictionary_.add_item(code, row);
  if (!codes.empty()) rows_[row].first = codes.front();
  if (codes.size() == 1) {
    rows_[row].start = kAlone;
    return;
  }
  rows_[row].start = static_cast<std::uint32_t>(arena_.size());
  arena_.push_back(static_cast<std::uint32_t>(codes.size()));
  arena_.insert(arena_.end(), codes.begin(), codes.end());
}

std::uint64_t ListColumn::memory_bytes() const {
  return rows_.capacity() * sizeof(Place) + arena_.capacity() * sizeof(std::uint32_t) +
         dictionary_.memory_bytes();
}

bool TextColumn::set(Row row, std::string_view value) {
  grow_to(refs_, row, StringPool::kNone);
  if (refs_[row] != StringPool::kNone) {
    if (pool_.get(refs_[row]) == value) return true;
    pool_.remove(refs_[row]);
  }
  refs_[row] = pool_.add(value);
  compact_if_worth_it();
  return refs_[row] != StringPool::kNone;
}

void TextColumn::clear(Row row) {
  if (row >= refs_.size() || refs_[row] == StringPool::kNone) return;
  pool_.remove(refs_[row]);
  refs_[row] = StringPool::kNone;
  compact_if_worth_it();
}

void TextColumn::compact_if_worth_it() {
  const std::uint64_t free = pool_.free_bytes();
  if (free < kCompactFreeBytesMin || free * 2 < pool_.used_bytes()) return;
  StringPool fresh;
  for (StringPool::Ref& ref : refs_) {
    if (ref != StringPool::kNone) ref = fresh.add(pool_.get(ref));
  }
  pool_ = std::move(fresh);
}

char* TextColumn::load(Row row, std::size_t size) {
  grow_to(refs_, row, StringPool::kNone);
  char* out = nullptr;
  refs_[row] = pool_.allocate(size, out);
  return refs_[row] == StringPool::kNone ? nullptr : out;
}

std::uint64_t TextColumn::memory_bytes() const {
  return refs_.capacity() * sizeof(StringPool::Ref) + pool_.memory_bytes();
}

}  // namespace vitrine::catalog
