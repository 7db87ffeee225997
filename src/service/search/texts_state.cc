#include "service/search/texts_state.h"

#include <algorithm>

#include "base/bytes.h"
#include "domain/query/search_settings.h"

namespace vitrine::search {

namespace {
Error corrupt(std::string_view what) {
  return Error(ErrorCode::kCorrupt, "the state of a text index: " + std::string(what));
}
constexpr std::size_t kLanguageBytesMax = 64;
}  // namespace

std::string encode_texts_state(const TextsState& state) {
  std::string bytes;
  bytes.reserve(state.hashes.size() * sizeof(std::uint64_t) + state.word_counts.size() * 16);
  ByteWriter out(bytes);
  out.string(state.language);
  out.u8(state.stop_words ? 1 : 0);
  out.varint(state.position);
  out.u64(state.hashes.size());
  out.raw({reinterpret_cast<const char*>(state.hashes.data()),
           state.hashes.size() * sizeof(std::uint64_t)});
  std::vector<const std::pair<const std::string, std::uint32_t>*> words;
  words.reserve(state.word_counts.size());
  for (const auto& entry : state.word_counts) words.push_back(&entry);
  std::sort(words.begin(), words.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  out.varint(words.size());
  for (const auto* word : words) {
    out.string(word->first);
    out.varint(word->second);
  }
  return bytes;
}

Result<TextsState> decode_texts_state(std::string_view payload) {
  ByteReader in(payload);
  TextsState state;
  state.language = in.string();
  const std::uint8_t stop_words = in.u8();
  state.stop_words = stop_words == 1;
  state.position = in.varint();
  const std::uint64_t rows = in.u64();
  if (!in.ok() || stop_words > 1 || state.language.size() > kLanguageBytesMax) {
    return corrupt("its head is cut off or out of range");
  }
  if (rows > in.remaining() / sizeof(std::uint64_t))
    return corrupt("it has fewer rows than it says");
  state.hashes.resize(rows);
  for (std::uint64_t& hash : state.hashes) hash = in.u64();
  const std::uint64_t words = in.varint();
  // Each takes at least two bytes.
  if (!in.ok() || words > in.remaining() / 2) return corrupt("it has fewer words than it says");
  state.word_counts.reserve(words);
  for (std::uint64_t i = 0; i < words && in.ok(); ++i) {
    std::string word(in.string());
    const std::uint64_t count = in.varint();
    if (count > 0xFFFFFFFFu) in.fail();
    if (in.ok()) state.word_counts.emplace(std::move(word), static_cast<std::uint32_t>(count));
  }
  if (!in.ok()) return corrupt("a word is cut off or out of range");
  if (!in.at_end()) return corrupt(std::to_string(in.remaining()) + " bytes too many");
  return state;
}

}  // namespace vitrine::search
