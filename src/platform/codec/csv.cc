#include "platform/codec/csv.h"

#include <utility>

namespace vitrine::codec {
namespace {

constexpr int kEnd = -1;
constexpr int kNone = -2;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

CsvReader::CsvReader(std::unique_ptr<ByteInput> input, CsvOptions options)
    : input_(std::move(input)), options_(options), peeked_(kNone) {}

int CsvReader::get() {
  if (peeked_ != kNone) return std::exchange(peeked_, kNone);
  if (piece_.empty()) {
    if (at_end_) return kEnd;
    const auto piece = input_->next();
    if (!piece.ok()) error_ = piece.error();
    if (!piece.ok() || piece.value().empty()) {
      at_end_ = true;
      return kEnd;
    }
    piece_ = piece.value();
  }
  const auto byte = static_cast<unsigned char>(piece_.front());
  piece_.remove_prefix(1);
  if (byte == '\n') ++line_;
  return byte;
}

void CsvReader::skip_byte_order_mark() {
  while (!at_end_ && head_.size() < kByteOrderMark.size()) {
    const auto piece = input_->next();
    if (!piece.ok()) error_ = piece.error();
    at_end_ = !piece.ok() || piece.value().empty();
    if (!at_end_) head_ += piece.value();
  }
  piece_ = head_;
  if (piece_.starts_with(kByteOrderMark)) piece_.remove_prefix(kByteOrderMark.size());
}

CsvRead CsvReader::bad_row(std::string_view why, bool at_line_end) {
  problem_ = why;
  while (!at_line_end) {
    const int byte = get();
    at_line_end = byte == '\n' || byte == kEnd;
  }
  return CsvRead::kBadRow;
}

// A state machine over the bytes of one row, which begins at the next byte.
CsvRead CsvReader::read_row() {
  enum class In { kFieldStart, kPlain, kQuoted, kQuoteInQuoted, kCrBehindQuote };
  In in = In::kFieldStart;
  for (;;) {
    const int byte = get();
    const bool ends_row = byte == '\n' || byte == kEnd;
    if (in == In::kQuoted) {
      if (byte == kEnd) return bad_row("a quoted field is not closed before the end", true);
      if (byte == '"') {
        in = In::kQuoteInQuoted;
        continue;
      }
    } else if (ends_row || (byte == options_.separator && in != In::kCrBehindQuote)) {
      // A CR before the line end belongs to it.
      if (ends_row && in == In::kPlain && row_.ends_with('\r')) row_.pop_back();
      ends_.push_back(row_.size());
      if (ends_.size() > options_.fields_max) {
        return bad_row("more than " + std::to_string(options_.fields_max) + " fields", ends_row);
      }
      if (ends_row) return CsvRead::kRow;
      in = In::kFieldStart;
      continue;
    } else if (in == In::kFieldStart && byte == '"') {
      in = In::kQuoted;
      continue;
    } else if (in == In::kQuoteInQuoted && byte == '\r') {
      in = In::kCrBehindQuote;
      continue;
    } else if (in == In::kCrBehindQuote || (in == In::kQuoteInQuoted && byte != '"')) {
      return bad_row("text follows a closing quote", false);
    } else {
      in = in == In::kQuoteInQuoted ? In::kQuoted : In::kPlain;
    }
    if (row_.size() == options_.row_bytes_max) {
      return bad_row("a row of more than " + std::to_string(options_.row_bytes_max) + " bytes",
                     byte == '\n');
    }
    row_.push_back(static_cast<char>(byte));
  }
}

Result<CsvRead> CsvReader::next(std::vector<std::string_view>& fields) {
  fields.clear();
  if (!std::exchange(started_, true)) skip_byte_order_mark();
  CsvRead read = CsvRead::kRow;
  bool is_blank_line = true;
  while (is_blank_line) {
    row_.clear();
    ends_.clear();
    row_line_ = line_;
    const int first = get();
    if (first == kEnd) {
      if (error_) return error_;
      return CsvRead::kEnd;
    }
    peeked_ = first;
    read = read_row();
    if (error_) return error_;  // what was read of the row is not all of it
    is_blank_line = read == CsvRead::kRow && ends_.size() == 1 && row_.empty() && first != '"';
  }
  if (read == CsvRead::kBadRow) return read;
  std::size_t start = 0;
  for (const std::size_t end : ends_) {
    fields.push_back(std::string_view(row_).substr(start, end - start));
    start = end;
  }
  return CsvRead::kRow;
}

}  // namespace vitrine::codec
