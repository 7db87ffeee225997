// Any bytes as the state of a search index: refused with a message, or what it says is in it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "service/search/texts_state.h"
#include "service/search/vectors_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::search;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto texts = decode_texts_state(bytes); texts.ok()) {
    const auto again = decode_texts_state(encode_texts_state(*texts));
    VITRINE_CHECK(again.ok() && again->hashes == texts->hashes);
    VITRINE_CHECK(again->word_counts == texts->word_counts);
  } else {
    VITRINE_CHECK(!texts.error().message().empty());
  }
  constexpr std::uint32_t kDim = 4;
  if (const auto vectors = decode_vectors_state(bytes, kDim); vectors.ok()) {
    const auto again = decode_vectors_state(encode_vectors_state(*vectors), kDim);
    VITRINE_CHECK(again.ok() && again->rows.size() == vectors->rows.size());
    VITRINE_CHECK(again->hashes == vectors->hashes && again->fresh == vectors->fresh);
  } else {
    VITRINE_CHECK(!vectors.error().message().empty());
  }
  return 0;
}
