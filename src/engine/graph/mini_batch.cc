#include "engine/graph/mini_batch.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace vitrine::graph {
namespace {

using Places = std::vector<std::uint32_t>;

void put(ByteWriter& writer, const Places& values) {
  writer.u32(static_cast<std::uint32_t>(values.size()));
  writer.raw({reinterpret_cast<const char*>(values.data()), values.size() * 4});
}

void take(ByteReader& reader, Places& values) {
  const std::uint32_t count = reader.u32();
  const std::string_view bytes = reader.raw(std::uint64_t{count} * 4);
  values.resize(bytes.size() / 4);
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
}

bool all_below(const Places& values, std::size_t bound) {
  return std::all_of(values.begin(), values.end(), [=](std::uint32_t v) { return v < bound; });
}

bool good_ranges(const Places& begin, std::size_t targets, std::size_t entries) {
  return begin.size() == targets + 1 && begin.front() == 0 && begin.back() == entries &&
         std::is_sorted(begin.begin(), begin.end());
}

}  // namespace

void encode_outer(const MiniBatch& batch, std::string& out) {
  ByteWriter writer(out);
  put(writer, batch.outer);
  put(writer, batch.outer_begin);
  put(writer, batch.outer_from);
  put(writer, batch.triples);
}

void encode_inner(const MiniBatch& batch, std::string& out) {
  ByteWriter writer(out);
  writer.u32(batch.rows);
  put(writer, batch.inner);
  put(writer, batch.inner_begin);
  put(writer, batch.inner_from);
}

Status decode_mini_batch(std::string_view bytes, MiniBatch& out) {
  ByteReader reader(bytes);
  take(reader, out.outer);
  take(reader, out.outer_begin);
  take(reader, out.outer_from);
  take(reader, out.triples);
  out.rows = reader.u32();
  take(reader, out.inner);
  take(reader, out.inner_begin);
  take(reader, out.inner_from);
  if (!reader.at_end() || !all_below(out.inner, out.rows) || !all_below(out.inner_from, out.rows) ||
      !all_below(out.outer, out.inner.size()) || !all_below(out.outer_from, out.inner.size()) ||
      !all_below(out.triples, out.outer.size()) || out.triples.size() % 3 != 0 ||
      !good_ranges(out.inner_begin, out.inner.size(), out.inner_from.size()) ||
      !good_ranges(out.outer_begin, out.outer.size(), out.outer_from.size())) {
    return Error(ErrorCode::kCorrupt, "a stored batch is not what was written");
  }
  return ok_status();
}

}  // namespace vitrine::graph
