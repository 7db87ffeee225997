// Where a list that is read page by page goes on: which items its pages showed.
//
// The ranking moves while somebody reads (their own clicks move it), so a place in it would show
// items twice and skip others. The cursor carries what was shown instead; the next page is the
// best of the rest, as of then. Opaque to clients: base64 of a fingerprint of the request, so that
// it is not used with another, and the items' numbers. Nothing secret is in it, and who forges one
// leaves items out of their own answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace vitrine::api {

std::string format_page_cursor(std::uint64_t fingerprint, const std::vector<ItemIndex>& shown);

// kInvalidArgument for anything else than what format_page_cursor() gave for this fingerprint.
// Empty text is the first page.
Result<std::vector<ItemIndex>> parse_page_cursor(std::string_view text, std::uint64_t fingerprint);

}  // namespace vitrine::api
