#include "engine/eventlog/internal/segment.h"

#include <algorithm>

namespace vitrine::eventlog::internal {

Result<std::vector<Position>> list_segments(io::FileSystem& files, const std::string& directory) {
  VITRINE_TRY(const auto names, files.list(directory));
  std::vector<Position> firsts;
  for (const std::string& name : names) {
    if (const Position first = parse_segment_name(name); first != 0) firsts.push_back(first);
  }
  std::sort(firsts.begin(), firsts.end());
  return firsts;
}

Error corrupt_at(const Segment& segment, std::uint64_t offset, std::string_view what) {
  return {ErrorCode::kCorrupt,
          segment.path + " at byte " + std::to_string(offset) + ": " + std::string(what)};
}

Result<Segment> open_segment(io::FileSystem& files, const std::string& directory, Position first,
                             io::OpenMode mode) {
  Segment segment;
  segment.name = segment_name(first);
  segment.path = io::join_path(directory, segment.name);
  VITRINE_TRY(segment.file, files.open(segment.path, mode));
  VITRINE_TRY(segment.size, segment.file->size());
  std::string bytes(kSegmentHeaderBytes, '\0');
  VITRINE_TRY(const std::size_t got, segment.file->read_at(0, bytes));
  bytes.resize(got);
  auto header = decode_segment_header(bytes);
  if (!header.ok()) return std::move(header).error().context(segment.path + " at byte 0");
  segment.header = *header;
  if (segment.header.first != first) {
    return corrupt_at(segment, 0,
                      "the header says that the segment begins at position " +
                          std::to_string(segment.header.first));
  }
  return segment;
}

std::string_view FrameBuffer::held(std::uint64_t offset) const {
  if (offset < offset_ || offset > offset_ + size_) return {};
  return std::string_view(buffer_).substr(0, size_).substr(offset - offset_);
}

Status FrameBuffer::fill(const Segment& segment, std::uint64_t offset, std::size_t want) {
  if (buffer_.size() < want) buffer_.resize(want);
  size_ = 0;
  offset_ = offset;
  VITRINE_TRY(size_, segment.file->read_at(offset, std::span(buffer_.data(), want)));
  return ok_status();
}

Result<FrameFound> FrameBuffer::read(const Segment& segment, std::uint64_t offset, Frame& frame,
                                     std::uint64_t end_hint) {
  if (offset + kFrameHeaderBytes > segment.size) return FrameFound::kNothing;
  if (held(offset).size() < kFrameHeaderBytes) {
    std::uint64_t want = kReadAhead;
    // Not a byte beyond the end: what is there now would be old by the time it is looked at.
    if (end_hint > offset) want = std::min<std::uint64_t>(end_hint - offset, kReadAhead);
    want = std::min<std::uint64_t>(want, segment.size - offset);
    VITRINE_TRY(fill(segment, offset, want));
  }
  std::string_view bytes = held(offset);
  if (!has_frame_magic(bytes)) {
    const std::string_view start = bytes.substr(0, kFrameHeaderBytes);
    const bool zeros = start.find_first_not_of('\0') == std::string_view::npos;
    return zeros ? FrameFound::kNothing : FrameFound::kDamaged;
  }
  frame.offset = offset;
  frame.header = peek_frame_header(bytes);
  const std::uint64_t length = frame.header.length;
  if (length < kFrameHeaderBytes || length > segment.size - offset) return FrameFound::kDamaged;
  if (bytes.size() < length) {
    const std::uint64_t want = std::max<std::uint64_t>(length, end_hint > 0 ? 0 : kReadAhead);
    VITRINE_TRY(fill(segment, offset, std::min(want, segment.size - offset)));
    bytes = held(offset);
    if (bytes.size() < length) return FrameFound::kDamaged;
  }
  frame.bytes = bytes.substr(0, length);
  if (!frame_is_intact(frame.bytes, segment.header.salt)) return FrameFound::kDamaged;
  frame.header = peek_frame_header(frame.bytes);
  frame.records = frame.bytes.substr(kFrameHeaderBytes, frame.header.record_bytes);
  return FrameFound::kFrame;
}

std::string_view FrameOrder::accept(const FrameHeader& header) {
  if (header.first != next) return "the frame does not continue the positions before it";
  if (header.generation < generation) {
    return "the frame is from an older writer than the one before it";
  }
  if (header.append_time_us < append_time_us) return "the frame is older than the one before it";
  if (header.durable >= header.first) return "the frame claims that its own records were durable";
  next = header.next();
  generation = header.generation;
  append_time_us = header.append_time_us;
  return {};
}

}  // namespace vitrine::eventlog::internal
