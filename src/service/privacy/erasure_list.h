// Orders to erase, kept outside the log they were given in: so that a restore of an older cut can
// carry them out before anybody is served from it (docs/decisions/erasures-and-backups.md).
//
// An entry holds the same hashes as the record of the order, no id. That is all that is needed:
// whoever applies it hashes the ids in the log and compares.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "engine/eventlog/types.h"

namespace vitrine::privacy {

struct ErasureEntry {
  TimeUs time = 0;  // when it was ordered: the append time of its record
  TenantId tenant;
  std::vector<Hash128> keys;  // as of person::Erasure; 1 to person::kErasureKeysMax
  friend bool operator==(const ErasureEntry&, const ErasureEntry&) = default;
};
using ErasureList = std::vector<ErasureEntry>;

// In order of time, each once.
void settle(ErasureList& list);

// The order that a record of an event log is; nothing for other kinds. kCorrupt as the decoder.
Result<std::optional<ErasureEntry>> erasure_of(const eventlog::RecordView& record);

// As part of a file in binary. The reader fails on what can't have been written.
void encode_erasures(const ErasureList& list, ByteWriter& out);
ErasureList decode_erasures(ByteReader& in);

// As lines of text, for `vitrine erase list`:
//   {"tenant":1,"time_us":1760000000000000,"keys":["00112233445566778899aabbccddeeff"]}
// Lists may be put behind each other. Empty lines don't count.
std::string erasures_text(const ErasureList& list);
// kInvalidArgument with the number of the line.
Result<ErasureList> parse_erasures(std::string_view text);

}  // namespace vitrine::privacy
