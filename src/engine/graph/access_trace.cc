#include "engine/graph/access_trace.h"

#include <algorithm>

namespace vitrine::graph {
namespace {

inline void put_varint(std::string& out, std::uint32_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

inline std::uint32_t take_varint(const char*& at) {
  auto byte = static_cast<std::uint8_t>(*at++);
  if (byte < 0x80) return byte;
  std::uint32_t value = byte & 0x7F;
  for (int shift = 7;; shift += 7) {
    byte = static_cast<std::uint8_t>(*at++);
    value |= std::uint32_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return value;
  }
}

}  // namespace

void IdList::assign(std::span<const RowId> sorted) {
  bytes_.clear();
  count_ = 0;
  last_ = 0;
  bytes_.reserve(sorted.size() + sorted.size() / 4 + 8);
  for (const RowId id : sorted) append(id);
  bytes_.shrink_to_fit();
}

void IdList::append(RowId next) {
  VITRINE_CHECK(count_ == 0 || next > last_);
  put_varint(bytes_, next - last_);
  last_ = next;
  ++count_;
}

void IdList::decode(std::vector<RowId>& out) const {
  out.resize(count_);
  const char* at = bytes_.data();
  RowId id = 0;
  for (RowId& slot : out) {
    id += take_varint(at);
    slot = id;
  }
}

void IdList::Cursor::next() {
  if (left_ == 0) {
    done_ = true;
    return;
  }
  --left_;
  id_ += take_varint(at_);
}

void AccessTrace::add_batch(std::span<const RowId> sorted) {
  lists_.emplace_back().assign(sorted);
  accesses_ += sorted.size();
  rows_max_ = std::max(rows_max_, static_cast<std::uint32_t>(sorted.size()));
  if (!sorted.empty()) largest_ = std::max(largest_, sorted.back());
}

std::uint64_t AccessTrace::bytes() const {
  std::uint64_t bytes = 0;
  for (const IdList& list : lists_) bytes += list.bytes() + sizeof(IdList);
  return bytes;
}

Status AccessTrace::hold(MemoryBudget& budget) {
  VITRINE_TRY(held_, budget.reserve("trace", bytes()));
  return ok_status();
}

}  // namespace vitrine::graph
