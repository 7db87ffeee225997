#include "service/search/vectors_state.h"

#include "base/bytes.h"

namespace vitrine::search {

namespace {
Error corrupt(std::string_view what) {
  return Error(ErrorCode::kCorrupt, "the state of a vector index: " + std::string(what));
}
}  // namespace

std::string encode_vectors_state(const VectorsState& state) {
  const recommend::VectorRows& rows = state.rows;
  std::string bytes;
  bytes.reserve(state.hashes.size() * 8 + rows.size() * (rows.bytes_per_row() + 1));
  ByteWriter out(bytes);
  out.u32(kVectorRecipe);
  out.u32(rows.dim());
  out.varint(state.position);
  out.varint(state.counted_of);
  out.varint(state.base_file);
  out.u64(state.hashes.size());
  out.raw({reinterpret_cast<const char*>(state.hashes.data()),
           state.hashes.size() * sizeof(std::uint64_t)});
  out.varint(state.fresh.size());
  for (const std::uint32_t item : state.fresh) out.varint(item);
  out.u64(rows.size());
  std::uint32_t before = 0;
  for (std::uint32_t item = 0; item < rows.end(); ++item) {
    if (!rows.has(ItemIndex{item})) continue;
    out.varint(item - before);
    out.raw({reinterpret_cast<const char*>(rows.codes(ItemIndex{item})), rows.bytes_per_row()});
    before = item;
  }
  return bytes;
}

Result<VectorsState> decode_vectors_state(std::string_view payload, std::uint32_t dim) {
  ByteReader in(payload);
  const std::uint32_t recipe = in.u32();
  const std::uint32_t dims = in.u32();
  if (!in.ok()) return corrupt("its head is cut off");
  if (recipe != kVectorRecipe || dims != dim) {
    return Error(ErrorCode::kUnsupported, "vectors of recipe " + std::to_string(recipe) + " and " +
                                              std::to_string(dims) + " dimensions");
  }
  VectorsState state{recommend::VectorRows(dim)};
  state.position = in.varint();
  state.counted_of = in.varint();
  state.base_file = in.varint();
  const std::uint64_t hashes = in.u64();
  if (!in.ok() || hashes > in.remaining() / sizeof(std::uint64_t)) {
    return corrupt("it has fewer hashes than it says");
  }
  state.hashes.resize(hashes);
  for (std::uint64_t& hash : state.hashes) hash = in.u64();
  const std::uint64_t fresh = in.varint();
  if (!in.ok() || fresh > in.remaining()) return corrupt("it has fewer fresh items than it says");
  // Rows beyond the hashes belong to no item: a number that no item has would only take memory.
  const auto take_item = [&](std::uint64_t item) {
    if (item >= hashes) in.fail();
    return static_cast<std::uint32_t>(item);
  };
  state.fresh.reserve(fresh);
  for (std::uint64_t i = 0; i < fresh && in.ok(); ++i)
    state.fresh.push_back(take_item(in.varint()));
  const std::uint64_t rows = in.u64();
  if (!in.ok() || rows > in.remaining() / (state.rows.bytes_per_row() + 1)) {
    return corrupt("it has fewer rows than it says");
  }
  std::uint64_t item = 0;
  for (std::uint64_t i = 0; i < rows && in.ok(); ++i) {
    const std::uint64_t step = in.varint();
    if ((step == 0 && i > 0) || step > hashes) in.fail();
    item += step;
    const std::uint32_t at = take_item(item);
    const std::string_view codes = in.raw(state.rows.bytes_per_row());
    if (in.ok() &&
        !state.rows.put_codes(ItemIndex{at}, reinterpret_cast<const std::uint8_t*>(codes.data()))) {
      in.fail();
    }
  }
  if (!in.ok()) return corrupt("a row is cut off or out of range");
  if (!in.at_end()) return corrupt(std::to_string(in.remaining()) + " bytes too many");
  return state;
}

}  // namespace vitrine::search
