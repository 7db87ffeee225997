// Reads JSON that strangers sent: simdjson's DOM with a depth limit, no copy where the caller has
// padding, and errors that say what is wrong and at which byte.
#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

#include "base/result.h"

namespace vitrine::codec {

// Bytes that must be readable (with any contents) behind a JSON text for it to be read in place.
inline constexpr std::size_t kJsonPaddingBytes = simdjson::SIMDJSON_PADDING;

// Nesting allowed in any JSON we read: 64 brackets inside each other; an empty pair does not count.
inline constexpr std::size_t kJsonDepthMax = 64;

// What is wrong with a JSON text, in the classes that callers tell apart.
enum class JsonFault {
  kInvalidJson,    // the grammar is broken
  kInvalidUtf8,    // also: an escape that stands for half a surrogate pair
  kInvalidNumber,  // NaN, 1e400, 01, an integer above 64 bits
  kTooDeep,
};

struct JsonError {
  JsonFault fault = JsonFault::kInvalidJson;
  std::size_t offset = 0;  // of the first byte that is wrong
  std::string text;        // "expected a comma or '}' at byte 17 (line 2, column 5)"
};

// Finds the first fault of a text that simdjson refused, by reading it slowly (about 2 ns a byte,
// constant memory). simdjson itself says neither where nor what. For a text without fault the
// answer is kInvalidJson with offset = size.
JsonError diagnose_json(std::string_view text);

// Not thread-safe; one per thread. Keeps its buffers between documents, and gives large ones back.
class JsonParser {
 public:
  JsonParser();

  // The element lives until the next parse() or the parser's end. `readable_behind` counts the
  // bytes behind `text` that may be read (not interpreted); below kJsonPaddingBytes the text is
  // copied first. Errors are kInvalidArgument with JsonError::text; last_fault() has its class.
  Result<simdjson::dom::element> parse(std::string_view text, std::size_t readable_behind = 0);

  // Without the cost of an explanation: false for a bad text, which diagnose_json() explains.
  bool try_parse(std::string_view text, std::size_t readable_behind, simdjson::dom::element& out);

  JsonFault last_fault() const { return last_fault_; }

 private:
  void shrink();

  simdjson::dom::parser parser_;
  std::string padded_;
  JsonFault last_fault_ = JsonFault::kInvalidJson;
};

}  // namespace vitrine::codec
