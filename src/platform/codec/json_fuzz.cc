// Parser and diagnosis agree on what is JSON; what is read can be written and read again.
#include <string>
#include <string_view>

#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::codec;
  static JsonParser parser;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const JsonError error = diagnose_json(text);
  if (error.offset > size || error.text.empty()) __builtin_trap();
  simdjson::dom::element element;
  if (!parser.try_parse(text, 0, element) && error.text.starts_with("this JSON")) __builtin_trap();
  std::string written;
  JsonWriter(written).string(text).finish();
  if (!is_valid_utf8(written) || !parser.try_parse(written, 0, element)) __builtin_trap();
  if (is_valid_utf8(text) && element.get_string().value_unsafe() != text) __builtin_trap();
  return 0;
}
