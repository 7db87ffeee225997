#include "engine/graph/edge_attributes.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "platform/codec/crc32c.h"

namespace vitrine::graph {
namespace {

constexpr std::uint8_t kEqualWeights = 1;
constexpr std::uint8_t kEqualTypes = 2;

template <class T>
bool all_equal(const std::vector<T>& values) {
  // As bits: a weight that is not a number equals itself.
  return std::all_of(values.begin(), values.end(), [&](const T& value) {
    return std::memcmp(&value, values.data(), sizeof(T)) == 0;
  });
}

template <class T>
void put_column(ByteWriter& writer, const std::vector<T>& values, bool equal) {
  const std::size_t count = equal ? std::min<std::size_t>(values.size(), 1) : values.size();
  writer.raw({reinterpret_cast<const char*>(values.data()), count * sizeof(T)});
}

template <class T>
bool take_column(ByteReader& reader, std::vector<T>& values, std::uint32_t count, bool equal) {
  values.resize(count);
  if (count == 0) return true;
  const std::string_view bytes = reader.raw(std::uint64_t{equal ? 1u : count} * sizeof(T));
  if (!reader.ok()) return false;
  std::memcpy(values.data(), bytes.data(), bytes.size());
  if (equal) std::fill(values.begin() + 1, values.end(), values.front());
  return true;
}

}  // namespace

void EdgeAttributes::clear() {
  times_us.clear();
  weights.clear();
  types.clear();
}

void encode_attributes(const EdgeAttributes& attributes, std::string& out) {
  const std::size_t begin = out.size();
  const bool equal_weights = all_equal(attributes.weights);
  const bool equal_types = all_equal(attributes.types);
  std::int64_t least = 0;
  std::uint64_t spread = 0;
  if (!attributes.times_us.empty()) {
    const auto [low, high] = std::ranges::minmax(attributes.times_us);
    least = low;
    spread = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  }
  std::uint8_t width = 0;
  while (width < 8 && (spread >> (8 * width)) != 0) ++width;
  ByteWriter writer(out);
  writer.u32(0);
  writer.u32(static_cast<std::uint32_t>(attributes.times_us.size()));
  writer.u8(static_cast<std::uint8_t>((equal_weights ? kEqualWeights : 0) |
                                      (equal_types ? kEqualTypes : 0)));
  writer.u8(width);
  writer.i64(least);
  for (const std::int64_t time : attributes.times_us) {
    const std::uint64_t value =
        static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(least);
    writer.raw({reinterpret_cast<const char*>(&value), width});
  }
  put_column(writer, attributes.weights, equal_weights);
  put_column(writer, attributes.types, equal_types);
  const std::uint32_t sum = codec::crc32c(std::string_view(out).substr(begin + 4));
  std::memcpy(out.data() + begin, &sum, 4);
}

Status decode_attributes(std::string_view bytes, EdgeAttributes& out) {
  ByteReader reader(bytes);
  const std::uint32_t sum = reader.u32();
  if (!reader.ok() || sum != codec::crc32c(bytes.substr(4))) {
    return Error(ErrorCode::kCorrupt, "the checksum of edge attributes differs");
  }
  const std::uint32_t count = reader.u32();
  const std::uint8_t flags = reader.u8();
  const std::uint8_t width = reader.u8();
  const std::int64_t least = reader.i64();
  if (!reader.ok() || count > kBlockEdgesMax || width > 8) {
    return Error(ErrorCode::kCorrupt, "edge attributes say impossible sizes");
  }
  const std::string_view times = reader.raw(std::uint64_t{count} * width);
  if (!reader.ok()) return Error(ErrorCode::kCorrupt, "edge attributes are cut short");
  out.times_us.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint64_t value = 0;
    std::memcpy(&value, times.data() + std::size_t{i} * width, width);
    out.times_us[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(least) + value);
  }
  if (!take_column(reader, out.weights, count, (flags & kEqualWeights) != 0) ||
      !take_column(reader, out.types, count, (flags & kEqualTypes) != 0) || !reader.at_end()) {
    return Error(ErrorCode::kCorrupt, "edge attributes are cut short or too long");
  }
  return ok_status();
}

}  // namespace vitrine::graph
