// The words of the event log: positions, records, groups.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"

namespace vitrine::eventlog {

// Number of a record in its log: dense, the first is 1; 0 is before everything.
using Position = std::uint64_t;

struct PositionRange {
  Position first = 0;
  Position last = 0;  // inclusive
  friend constexpr bool operator==(const PositionRange&, const PositionRange&) = default;
};

// A record to append. The log gives no meaning to kind and key_id.
struct RecordRef {
  std::uint16_t kind = 0;
  std::uint32_t key_id = 0;  // of the key that encrypts the payload; 0: plain
  std::string_view payload;
};

// A record as read. The payload lives until the next call on the reader that gave it.
struct RecordView {
  Position position = 0;
  TimeUs append_time_us = 0;  // never below that of the record before
  std::uint16_t kind = 0;
  std::uint32_t key_id = 0;
  std::string_view payload;
};

inline constexpr std::size_t kRecordPayloadMax = 4u << 20;

}  // namespace vitrine::eventlog
