// Short lists of words that say nothing in a shop, per language of Snowball; folded,
// space-separated.
#pragma once

#include <string_view>

namespace vitrine::text::internal {

std::string_view stop_words_of(std::string_view language);

}  // namespace vitrine::text::internal
