#include "engine/eventlog/internal/log_end.h"

#include <algorithm>

namespace vitrine::eventlog::internal {
namespace {

// A full disk at the sync is no ordinary full disk: what was written before is in doubt.
Status final_error(Status status) {
  if (status.ok() || status.error().code() != ErrorCode::kExhausted) return status;
  return Error(ErrorCode::kIo, status.error().message());
}

// Zeros up to the end of the page behind a frame that goes to `offset`: over zeros, so nothing
// changes, but a write of whole pages need not read them first (they were never in the cache).
void pad_to_page(std::string& frame, std::uint64_t offset) {
  constexpr std::uint64_t kPage = 4096;
  const std::uint64_t end = (offset + frame.size() + kPage - 1) / kPage * kPage;
  frame.resize(end - offset, '\0');
}

}  // namespace

void LogEnd::continue_from(Segment segment, const TailScan& tail) {
  segment_ = std::move(segment);
  order_ = tail.order;
  end_offset_ = tail.end_offset;
  needs_seal_ = tail.ends_with_data;
}

bool LogEnd::fits(std::uint64_t record_bytes) const {
  return segment_.file &&
         end_offset_ + frame_bytes(record_bytes) + kFrameHeaderBytes <= segment_.size;
}

FrameHeader LogEnd::stamp(std::uint32_t count, std::uint64_t record_bytes, std::uint64_t salt) {
  FrameHeader header;
  header.count = count;
  header.first = order_.next;
  header.generation = order_.generation;
  header.append_time_us = std::max(now_us_, order_.append_time_us);
  header.durable = order_.next - 1;
  header.salt = salt;
  header.record_bytes = static_cast<std::uint32_t>(record_bytes);
  return header;
}

void LogEnd::advance(const FrameHeader& header) {
  order_.next = header.next();
  order_.append_time_us = header.append_time_us;
  needs_seal_ = header.count > 0;
}

Status LogEnd::write(std::string& frame, std::uint32_t count, std::uint64_t record_bytes) {
  const FrameHeader header = stamp(count, record_bytes, segment_.header.salt);
  finish_frame(frame, header);
  const std::uint64_t length = frame.size();
  pad_to_page(frame, end_offset_);
  VITRINE_TRY(segment_.file->write_at(end_offset_, frame));
  VITRINE_TRY(final_error(segment_.file->sync_data()));
  end_offset_ += length;
  advance(header);
  return ok_status();
}

Status LogEnd::write_in_new_segment(std::optional<PreparedSegment>& next, std::string& frame,
                                    std::uint32_t count, std::uint64_t record_bytes) {
  const FrameHeader header = stamp(count, record_bytes, next->salt);
  Segment segment;
  segment.name = segment_name(header.first);
  segment.path = io::join_path(directory_, segment.name);
  segment.size = next->size;
  segment.header = {.first = header.first,
                    .generation = header.generation,
                    .salt = next->salt,
                    .created_us = header.append_time_us,
                    .segment_bytes = next->size};
  finish_frame(frame, header);
  const std::uint64_t length = frame.size();
  pad_to_page(frame, kSegmentHeaderBytes);
  VITRINE_TRY(next->file->write_at(0, encode_segment_header(segment.header)));
  VITRINE_TRY(next->file->write_at(kSegmentHeaderBytes, frame));
  VITRINE_TRY(final_error(next->file->sync_data()));
  // Under its name a segment is never without header and first frame.
  VITRINE_TRY(final_error(files_.rename(next->path, segment.path)));
  VITRINE_TRY(final_error(files_.sync_directory(directory_)));
  segment.file = std::move(next->file);
  next.reset();
  segment_ = std::move(segment);
  end_offset_ = kSegmentHeaderBytes + length;
  advance(header);
  return ok_status();
}

}  // namespace vitrine::eventlog::internal
