// Says where in a text that somebody wrote something is wrong: a filter, a query.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace vitrine {

// kInvalidArgument "column 7: WHAT\n  ... excerpt\n      ^". Columns count characters of UTF-8 from
// 1; control characters are shown as spaces. `offset` is in bytes, at most the end of the text.
Error error_at(std::string_view text, std::size_t offset, const std::string& what);

}  // namespace vitrine
