// Bytes from anywhere as a segment: refused, or searched without harm. Checksums are put right
// first, because an attacker would.
#include <cstdint>
#include <cstring>
#include <string>

#include "engine/text/index.h"
#include "engine/text/search.h"
#include "engine/text/segment.h"
#include "platform/codec/crc32c.h"

using namespace vitrine;
using namespace vitrine::text;

namespace {

// A good image to start from, changed by the input: pairs of a place and a byte.
const std::string& good_image() {
  static const std::string image = [] {
    Schema schema;
    schema.positions = true;
    auto index = std::move(Index::create(schema)).value();
    for (std::uint32_t d = 0; d < 300; ++d) {
      const std::string words[4] = {"all", d % 2 == 0 ? "even" : "odd",
                                    "w" + std::to_string(d % 10), "all"};
      std::vector<Token> tokens;
      for (std::uint32_t i = 0; i < 4; ++i) tokens.push_back({words[i], i});
      const FieldTokens field{0, tokens};
      if (!index->add(d, std::span(&field, 1)).ok()) std::abort();
    }
    return std::string(index->snapshot()->parts()[0].segment->bytes());
  }();
  return image;
}

void mend_checksums(std::string& image) {
  std::uint32_t count = 0;
  std::memcpy(&count, image.data() + 12, 4);
  if (count > 64 || image.size() < 32 + 24ull * count) return;
  for (std::uint32_t k = 0; k < count; ++k) {
    std::uint64_t offset = 0, size = 0;
    char* row = image.data() + 32 + 24 * k;
    std::memcpy(&offset, row + 8, 8);
    std::memcpy(&size, row + 16, 8);
    if (offset > image.size() || size > image.size() - offset) continue;
    const std::uint32_t crc = codec::crc32c(std::string_view(image).substr(offset, size));
    std::memcpy(row + 4, &crc, 4);
  }
  const std::uint32_t crc = codec::crc32c(std::string_view(image).substr(32, 24ull * count));
  std::memcpy(image.data() + 24, &crc, 4);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string image = good_image();
  for (; size >= 5; data += 5, size -= 5) {
    std::uint32_t at = 0;
    std::memcpy(&at, data, 4);
    image[at % image.size()] = static_cast<char>(data[4]);
  }
  mend_checksums(image);
  auto segment = Segment::from_bytes(std::move(image), Verify::kAll);
  if (!segment.ok()) return 0;
  const Snapshot snapshot((*segment)->schema(), {{std::move(segment).value(), nullptr, 0}});
  Searcher searcher;
  SearchResult result;
  std::vector<Query> queries{term("all"), any_of({term("even"), term("w3")}),
                             all_of({term("odd"), prefix("w")})};
  if (snapshot.schema().positions) queries.push_back(phrase({"all", "even"}));
  for (const Query& query : queries)
    if (!searcher.search(snapshot, query, {}, result).ok()) __builtin_trap();
  return 0;
}
