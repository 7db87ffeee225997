#include "domain/catalog/time_text.h"

#include "platform/codec/time_format.h"

namespace vitrine::catalog {

Result<TimeUs> parse_time(std::string_view text) {
  constexpr std::size_t kDateLength = 10;
  auto time = text.size() == kDateLength ? codec::parse_date(text) : codec::parse_rfc3339(text);
  if (time.ok()) return time;
  return Error(ErrorCode::kInvalidArgument,
               "must be a time such as \"2026-11-22T16:10:43Z\" or a date such as \"2026-11-22\"");
}

std::string format_time(TimeUs time) { return codec::format_rfc3339(time); }

}  // namespace vitrine::catalog
