// Any bytes give lines within the bounds, the same ones in pieces of any size.
#include <string>
#include <string_view>

#include "platform/codec/line_reader.h"

namespace {

std::string read_all(std::string_view text, std::size_t piece_bytes) {
  using namespace vitrine::codec;
  LineReader reader(memory_input(text, piece_bytes), 32);
  std::string all;
  for (;;) {
    std::string_view line;
    const auto read = reader.next(line);
    if (!read.ok()) __builtin_trap();
    if (read.value() == LineRead::kEnd) return all;
    if (line.size() > 32 || line.find('\n') != std::string_view::npos) __builtin_trap();
    // The room behind a line is there.
    volatile char last =
        line.empty() ? '\0' : line.data()[line.size() + LineReader::kReadableBehind - 1];
    (void)last;
    all.append(read.value() == LineRead::kTooLong ? "<long>" : line).push_back('\n');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read_all(text, 1 + data[0] % 16) != read_all(text, 1 << 16)) __builtin_trap();
  return 0;
}
