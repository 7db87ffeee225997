#include "engine/eventlog/internal/tail_scan.h"

#include <algorithm>

namespace vitrine::eventlog::internal {
namespace {

// Bytes to read at a time from `from` on: of a short segment no more than it has.
std::size_t block_bytes(const Segment& segment, std::uint64_t from) {
  const std::uint64_t left = segment.size > from ? segment.size - from : 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>(left, FrameBuffer::kReadAhead));
}

// One past the last byte from `from` on that is not zero; `from` where all are.
Result<std::uint64_t> find_end_of_data(const Segment& segment, std::uint64_t from) {
  std::string block(block_bytes(segment, from), '\0');
  std::uint64_t end = from;
  for (std::uint64_t at = from; at < segment.size;) {
    VITRINE_TRY(const std::size_t got, segment.file->read_at(at, block));
    if (got == 0) break;
    const std::size_t last = std::string_view(block).substr(0, got).find_last_not_of('\0');
    if (last != std::string_view::npos) end = at + last + 1;
    at += got;
  }
  return end;
}

// Offset of an intact frame in (from, to), 0 where there is none. Frames lie on multiples of 8.
Result<std::uint64_t> find_intact_frame(const Segment& segment, std::uint64_t from,
                                        std::uint64_t to) {
  FrameBuffer probe;
  std::string block(block_bytes(segment, from) + kFrameHeaderBytes, '\0');
  for (std::uint64_t at = from + kFrameAlign; at < to; at += FrameBuffer::kReadAhead) {
    VITRINE_TRY(const std::size_t got, segment.file->read_at(at, block));
    const std::string_view bytes = std::string_view(block).substr(0, got);
    for (std::size_t i = 0; i < FrameBuffer::kReadAhead && i + kFrameHeaderBytes <= got;
         i += kFrameAlign) {
      const std::string_view here = bytes.substr(i);
      if (!has_frame_magic(here)) continue;
      if (peek_frame_header(here).salt != segment.header.salt) continue;
      Frame frame;
      VITRINE_TRY(const FrameFound found, probe.read(segment, at + i, frame));
      if (found == FrameFound::kFrame) return at + i;
    }
  }
  return std::uint64_t{0};
}

}  // namespace

Result<TailScan> scan_tail(const Segment& segment, FrameOrder order) {
  TailScan scan{.order = order, .end_offset = kSegmentHeaderBytes};
  FrameBuffer buffer;
  Frame frame;
  for (;;) {
    VITRINE_TRY(const FrameFound found, buffer.read(segment, scan.end_offset, frame));
    if (found != FrameFound::kFrame) break;
    const std::string_view wrong = scan.order.accept(frame.header);
    if (!wrong.empty()) return corrupt_at(segment, scan.end_offset, wrong);
    ++scan.frames;
    scan.ends_with_data = frame.header.count > 0;
    scan.last_frame_offset = scan.end_offset;
    scan.last_frame_bytes = frame.header.length;
    scan.end_offset += frame.header.length;
  }
  VITRINE_TRY(const std::uint64_t end, find_end_of_data(segment, scan.end_offset));
  scan.torn_bytes = end - scan.end_offset;
  if (scan.torn_bytes == 0) return scan;
  VITRINE_TRY(const std::uint64_t later, find_intact_frame(segment, scan.end_offset, end));
  if (later != 0) {
    return corrupt_at(segment, scan.end_offset,
                      "a damaged frame, with an intact one behind it at byte " +
                          std::to_string(later) + ": this is no torn write");
  }
  return scan;
}

}  // namespace vitrine::eventlog::internal
