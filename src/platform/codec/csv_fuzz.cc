// Any bytes give rows within the bounds, the same ones in pieces of any size.
#include <string>
#include <string_view>
#include <vector>

#include "platform/codec/csv.h"

namespace {

std::string read_all(std::string_view text, std::size_t piece_bytes) {
  using namespace vitrine::codec;
  const CsvOptions options{.row_bytes_max = 64, .fields_max = 8};
  CsvReader reader(memory_input(text, piece_bytes), options);
  std::vector<std::string_view> fields;
  std::string all;
  for (;;) {
    const auto read = reader.next(fields);
    if (!read.ok()) __builtin_trap();
    if (read.value() == CsvRead::kEnd) return all;
    if (fields.size() > options.fields_max) __builtin_trap();
    if ((read.value() == CsvRead::kBadRow) != fields.empty()) __builtin_trap();
    for (const auto field : fields) all.append(field).push_back('\x01');
    all.append(std::to_string(reader.line_number())).push_back('\x02');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read_all(text, 1 + data[0] % 16) != read_all(text, 1 << 16)) __builtin_trap();
  return 0;
}
