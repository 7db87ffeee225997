// What goes with a text index in a directory: which texts of which catalog are in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace vitrine::search {

struct TextsState {
  std::string language;  // that the texts were analysed by
  bool stop_words = false;
  std::uint64_t position = 0;         // of the log: the catalog it was made from, or a later one
  std::vector<std::uint64_t> hashes;  // by row, of what is in the index; 0: not in
  std::unordered_map<std::string, std::uint32_t> word_counts;
};

// Words in byte order, so that equal states give equal bytes.
std::string encode_texts_state(const TextsState& state);
// kCorrupt with what is wrong.
Result<TextsState> decode_texts_state(std::string_view payload);

}  // namespace vitrine::search
