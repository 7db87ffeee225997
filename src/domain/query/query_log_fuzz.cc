// Any bytes as a saved query log: refused, or a log that can be used and saved again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "domain/query/query_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  query::QueryLog log;
  StringSource source(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!log.load(source).ok()) {
    VITRINE_CHECK(log.queries().empty());
    return 0;
  }
  StringSink first;
  log.save(first);
  query::QueryLog again;
  StringSource saved(first.bytes());
  VITRINE_CHECK(again.load(saved).ok());
  StringSink second;
  again.save(second);
  VITRINE_CHECK(first.bytes() == second.bytes());
  log.note_search("query", UserIndex{1}, 1'700'000'000'000'000);
  log.note_interest("", UserIndex{1}, ItemIndex{1}, 1, 1'700'000'000'000'000);
  return 0;
}
