// The names of an object's members, each of which may stand once: which of two counts is not said
// by JSON, and its readers differ.
//
// False: `why` says which name is there twice in `field`, one of kTransaction to kProperties. Both
// cost what sorting the names costs, so give them objects within kObjectBytesMax.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "domain/event/event_json.h"
#include "domain/event/internal/event_fields.h"

namespace simdjson::dom {
class object;
}

namespace vitrine::event::internal {

// A quick look while the names of one object come by: for up to a handful it mostly shows that each
// is there once, and spares the sorting.
class NameDigests {
 public:
  // False: no name before was the same. True: perhaps.
  bool may_repeat(std::string_view name) {
    const std::uint32_t digest = digest_of(name);
    const std::uint64_t bit = std::uint64_t{1} << (digest % 64);
    std::uint64_t& word = seen_[digest / 64];
    const bool before = (word & bit) != 0;
    word |= bit;
    return before;
  }

 private:
  static std::uint32_t digest_of(std::string_view name) {  // 0..255
    if (name.empty()) return 0;
    const auto byte = [&](std::size_t at) -> std::uint32_t {
      return static_cast<std::uint8_t>(name[at]);
    };
    const std::uint32_t mixed = byte(0) | byte(name.size() / 2) << 8 | byte(name.size() - 1) << 16 |
                                static_cast<std::uint32_t>(name.size()) << 24;
    return mixed * 0x9E3779B1u >> 24;
  }

  std::array<std::uint64_t, 4> seen_{};  // bit d: a name with the digest d
};

// Of one object of a document, without those inside it.
bool check_names(Field field, const simdjson::dom::object& object, Rejection& why);
// Of `field` as it is stored (json_walker.h) after parameters of GA4 were merged into it, without
// the objects inside it.
bool check_merged_names(Field field, std::string_view json, Rejection& why);

}  // namespace vitrine::event::internal
