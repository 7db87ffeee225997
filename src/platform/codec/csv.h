// The rows of a CSV file (RFC 4180), one by one, in bounded memory.
//
// Fields are separated by a character, rows by LF or CR LF. A field that begins with a quote ends
// with one, may contain separators and line ends, and "" in it stands for a quote. A quote inside
// a field that did not begin with one is an ordinary character, as many exports write it. A byte
// order mark at the start is skipped, empty lines are too. A row that can't be read is reported and
// reading goes on behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "platform/codec/byte_input.h"

namespace vitrine::codec {

struct CsvOptions {
  char separator = ',';
  std::size_t row_bytes_max = 1 << 20;  // also bounds a field
  std::size_t fields_max = 1024;
};

enum class CsvRead {
  kRow,
  kBadRow,  // problem() says why; it was skipped
  kEnd,
};

// Not thread-safe.
class CsvReader {
 public:
  explicit CsvReader(std::unique_ptr<ByteInput> input, CsvOptions options = {});

  // The fields live until the next call. Errors are those of ByteInput::next.
  Result<CsvRead> next(std::vector<std::string_view>& fields);

  const std::string& problem() const { return problem_; }
  // Line of the file (from 1) where the last row began.
  std::uint64_t line_number() const { return row_line_; }
  const ByteInput& input() const { return *input_; }

 private:
  // Next byte, or kEnd at the end, also when error_ is set because the input failed.
  int get();
  void skip_byte_order_mark();
  CsvRead read_row();
  CsvRead bad_row(std::string_view why, bool at_line_end);

  std::unique_ptr<ByteInput> input_;
  CsvOptions options_;
  std::string_view piece_;  // not yet read part of the current piece
  std::string head_;        // the first piece, put together if it was tiny
  bool started_ = false;
  bool at_end_ = false;
  Error error_;
  int peeked_;              // a byte given back, if any
  std::uint64_t line_ = 1;  // of the next byte
  std::uint64_t row_line_ = 0;
  std::string row_;                // the fields' bytes one after the other, quotes removed
  std::vector<std::size_t> ends_;  // of each field in row_
  std::string problem_;
};

}  // namespace vitrine::codec
