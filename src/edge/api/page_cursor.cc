#include "edge/api/page_cursor.h"

#include <sodium.h>

#include "base/bytes.h"
#include "service/recommend/request.h"

namespace vitrine::api {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
// Version, fingerprint, and a varint of at most five bytes for each item and their number.
constexpr std::size_t kBytesMax = 1 + 8 + 5 * (recommend::kPagedItemsMax + 1);

Error wrong(std::string_view what) {
  return Error(ErrorCode::kInvalidArgument, "cursor: " + std::string(what))
      .with_reason("invalid_request");
}

}  // namespace

std::string format_page_cursor(std::uint64_t fingerprint, const std::vector<ItemIndex>& shown) {
  std::string bytes;
  {
    ByteWriter out(bytes);
    out.u8(kVersion);
    out.u64(fingerprint);
    out.varint(shown.size());
    for (const ItemIndex item : shown) out.varint(item.value);
  }
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), kVariant);
  text.pop_back();  // the terminating zero
  return text;
}

Result<std::vector<ItemIndex>> parse_page_cursor(std::string_view text, std::uint64_t fingerprint) {
  std::vector<ItemIndex> shown;
  if (text.empty()) return shown;
  std::string bytes(std::min(text.size(), kBytesMax), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                        text.size(), nullptr, &size, nullptr, kVariant) != 0) {
    return wrong("must be the next_cursor of an answer");
  }
  bytes.resize(size);
  ByteReader in(bytes);
  const bool known = in.u8() == kVersion;
  const std::uint64_t made_for = in.u64();
  const std::uint64_t count = in.varint();
  if (!known || !in.ok() || count > recommend::kPagedItemsMax) {
    return wrong("must be the next_cursor of an answer");
  }
  if (made_for != fingerprint) {
    return wrong("is of another request; a page must ask for the same as the one before it");
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t item = in.varint();
    if (item >= kNoItem.value) in.fail();
    shown.push_back(ItemIndex{static_cast<std::uint32_t>(item)});
  }
  if (!in.ok() || !in.at_end()) return wrong("must be the next_cursor of an answer");
  return shown;
}

}  // namespace vitrine::api
