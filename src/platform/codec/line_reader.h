// The lines of a file or of memory, one by one, in bounded memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/codec/byte_input.h"

namespace vitrine::codec {

enum class LineRead {
  kLine,
  kTooLong,  // a line above the limit: skipped, the reader stands behind it
  kEnd,
};

// Not thread-safe.
class LineReader {
 public:
  // Longer lines come back as kTooLong. The reader holds at most one line and one piece.
  explicit LineReader(std::unique_ptr<ByteInput> input, std::size_t line_bytes_max = 1 << 20);

  // `line` is without its end (LF or CR LF) and lives until the next call; kReadableBehind bytes
  // behind it may be read, so that JSON lines are parsed in place. The last line may lack its end.
  // Errors are those of ByteInput::next.
  Result<LineRead> next(std::string_view& line);

  static constexpr std::size_t kReadableBehind = 64;

  // Number of the line the last next() gave or skipped, from 1.
  std::uint64_t line_number() const { return line_number_; }
  const ByteInput& input() const { return *input_; }

 private:
  Result<bool> fill();

  std::unique_ptr<ByteInput> input_;
  std::size_t line_bytes_max_;
  std::string buffer_;       // what is read and not yet given, and kReadableBehind bytes of room
  std::size_t begin_ = 0;    // of the first line not yet given
  std::size_t end_ = 0;      // of the bytes read
  std::size_t scanned_ = 0;  // up to here there is no line end
  std::uint64_t line_number_ = 0;
  bool skipping_ = false;  // within a line that is too long
  bool at_end_ = false;
};

}  // namespace vitrine::codec
