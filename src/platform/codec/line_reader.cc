#include "platform/codec/line_reader.h"

#include <cstring>
#include <utility>

namespace vitrine::codec {

LineReader::LineReader(std::unique_ptr<ByteInput> input, std::size_t line_bytes_max)
    : input_(std::move(input)), line_bytes_max_(line_bytes_max) {}

// Moves the unfinished line to the front and reads one more piece behind it; false at the end.
Result<bool> LineReader::fill() {
  VITRINE_TRY(const std::string_view piece, input_->next());
  if (piece.empty()) {
    at_end_ = true;
    return false;
  }
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + piece.size() + kReadableBehind) {
    buffer_.resize(end_ + piece.size() + kReadableBehind);
  }
  std::memcpy(buffer_.data() + end_, piece.data(), piece.size());
  end_ += piece.size();
  return true;
}

Result<LineRead> LineReader::next(std::string_view& line) {
  line = {};
  for (;;) {
    const void* newline = std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_);
    if (newline == nullptr) {
      scanned_ = end_;
      if (end_ - begin_ >
          line_bytes_max_ + 1) {  // + 1: the last byte may be the CR of the line end
        skipping_ = true;
        begin_ = end_;
      }
      if (!at_end_) {
        VITRINE_TRY(const bool more, fill());
        if (more) continue;
      }
      if (begin_ == end_ && !skipping_) return LineRead::kEnd;
    }
    const std::size_t stop =
        newline != nullptr
            ? static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data())
            : end_;
    std::string_view found(buffer_.data() + begin_, stop - begin_);
    begin_ = scanned_ = newline != nullptr ? stop + 1 : end_;
    ++line_number_;
    if (found.ends_with('\r')) found.remove_suffix(1);
    if (std::exchange(skipping_, false) || found.size() > line_bytes_max_) {
      return LineRead::kTooLong;
    }
    line = found;
    return LineRead::kLine;
  }
}

}  // namespace vitrine::codec
