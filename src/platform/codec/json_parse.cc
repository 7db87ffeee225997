#include "platform/codec/json_parse.h"

#include "base/check.h"

namespace vitrine::codec {
namespace {

// A parser holds about 17 bytes for each byte of the largest text it has seen. What ordinary
// batches need is kept; after a giant one the memory goes back.
constexpr std::size_t kKeptCapacityBytes = 2 << 20;

}  // namespace

JsonParser::JsonParser() { shrink(); }

void JsonParser::shrink() {
  parser_ = simdjson::dom::parser();
  // simdjson refuses the bracket that reaches its limit.
  const auto error = parser_.allocate(4096, kJsonDepthMax + 1);
  VITRINE_CHECK_MSG(error == simdjson::SUCCESS, simdjson::error_message(error));
}

bool JsonParser::try_parse(std::string_view text, std::size_t readable_behind,
                           simdjson::dom::element& out) {
  if (parser_.capacity() > kKeptCapacityBytes && text.size() <= kKeptCapacityBytes) shrink();
  if (readable_behind < kJsonPaddingBytes) {
    padded_.reserve(text.size() + kJsonPaddingBytes);
    padded_.assign(text);
    padded_.append(kJsonPaddingBytes, ' ');
    if (padded_.capacity() > kKeptCapacityBytes * 2 && text.size() <= kKeptCapacityBytes) {
      padded_.shrink_to_fit();
    }
    text = std::string_view(padded_).substr(0, text.size());
  }
  const auto error = parser_.parse(text.data(), text.size(), false).get(out);
  VITRINE_CHECK_MSG(error != simdjson::MEMALLOC, "no memory for a JSON text");
  return error == simdjson::SUCCESS;
}

Result<simdjson::dom::element> JsonParser::parse(std::string_view text,
                                                 std::size_t readable_behind) {
  simdjson::dom::element element;
  if (try_parse(text, readable_behind, element)) return element;
  JsonError error = diagnose_json(text);
  last_fault_ = error.fault;
  return Error(ErrorCode::kInvalidArgument, std::move(error.text));
}

}  // namespace vitrine::codec
