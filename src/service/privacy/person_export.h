// Everything there is about one person, as lines of JSON, a page at a time.
//
//   {"kind":"user", ...}        what the shop said, consents, counts, merged visitors
//   {"kind":"history", ...}     what answers are made from, oldest first
//   {"kind":"event", ...}       each event in the log, with the time it arrived
//   {"kind":"change", ...}      each change of the user in the log
//   {"kind":"answer", ...}      each recorded recommendation
//   {"kind":"end", ...}         the last line of a page: "next_cursor", null when all was said
// The logs hold what their retention has left. Events that somebody else did on one of the
// person's devices are somebody else's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "platform/io/file_system.h"
#include "service/apply/partition.h"

namespace vitrine::privacy {

// The user's own key, then those of the visitors merged into it; empty where nothing is known of
// it. Looks at every user of the tenant, a part at a time, so that the applier gets in between.
std::vector<Hash128> keys_of_person(const apply::TenantRuntime& runtime, std::string_view user_id);

struct ExportSource {
  io::FileSystem* files = nullptr;
  apply::Partition* partition = nullptr;
  std::string answers_directory;
};

struct ExportLimits {
  std::size_t page_bytes = 8 << 20;           // a page ends after the line that passes this
  std::uint64_t records_scanned = 4'000'000;  // of the logs, for one page
};

// Where a page begins. Text form: "log-123", "answers-1"; the first page has none.
struct ExportCursor {
  enum class Part : std::uint8_t { kState, kLog, kAnswers };
  Part part = Part::kState;
  eventlog::Position position = 0;
};
std::string format_cursor(const ExportCursor& cursor);
std::optional<ExportCursor> parse_cursor(std::string_view text);

struct ExportPage {
  std::string lines;
  std::optional<ExportCursor> next;  // none: all was said
};

// kNotFound (user_not_found) where neither the state nor a cursor knows the user. Blocks for disk:
// not for a server thread.
Result<ExportPage> export_person(const ExportSource& source, TenantId tenant,
                                 std::string_view user_id, const ExportCursor& from,
                                 const ExportLimits& limits = {});

}  // namespace vitrine::privacy
