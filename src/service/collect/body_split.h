// Takes the events of a JSON body apart without reading them, so that one that can't be read (an
// invalid byte, 1e400, a million brackets) costs only itself.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::collect {

// The elements of a JSON array, or the one object, that `body` is, as text without blanks around
// it. Only strings, brackets and top-level commas are looked at. kInvalidArgument with the byte
// offset if even these don't fit together; kTooLarge above `elements_max`. 1 to 2 ns a byte.
Result<std::vector<std::string_view>> split_json_body(std::string_view body,
                                                      std::size_t elements_max);

// Without the blanks JSON allows, and a byte order mark, at its ends.
std::string_view trim_json(std::string_view text);

// What is said when a request has more than `elements_max` events.
Error too_many_events(std::size_t elements_max);

}  // namespace vitrine::collect
