#include "engine/eventlog/cut.h"

#include <cstring>

#include "engine/eventlog/internal/head.h"
#include "engine/eventlog/internal/segment.h"
#include "engine/eventlog/internal/tail_scan.h"

namespace vitrine::eventlog {

using namespace internal;  // NOLINT: this is the inside

namespace {

FrameOrder before_first_frame(const Segment& segment) {
  return {.next = segment.header.first,
          .generation = segment.header.generation,
          .append_time_us = segment.header.created_us};
}

struct WalkEnd {
  std::uint64_t offset = 0;
  FrameOrder order;
};

Status visit_records(const Segment& segment, const Frame& frame, const VisitRecord& visit) {
  RecordView record{frame.header.first, frame.header.append_time_us, 0, 0, {}};
  std::string_view rest = frame.records;
  for (std::uint64_t i = 0; i < frame.header.count; ++i, ++record.position) {
    RecordHeader header;
    if (rest.size() >= sizeof(header)) std::memcpy(&header, rest.data(), sizeof(header));
    if (rest.size() < sizeof(header) || rest.size() - sizeof(header) < header.length) {
      return corrupt_at(segment, frame.offset, "a frame with records beyond its end");
    }
    record.kind = header.kind;
    record.key_id = header.key_id;
    record.payload = rest.substr(sizeof(header), header.length);
    rest.remove_prefix(sizeof(header) + header.length);
    VITRINE_TRY(visit(record));
  }
  return ok_status();
}

// Frame by frame until the one that ends with record `last`.
Result<WalkEnd> walk_to(const Segment& segment, Position last, const VisitRecord& visit = {}) {
  WalkEnd end{kSegmentHeaderBytes, before_first_frame(segment)};
  FrameBuffer buffer;
  Frame frame;
  while (end.order.next <= last) {
    VITRINE_TRY(const FrameFound found, buffer.read(segment, end.offset, frame));
    if (found != FrameFound::kFrame) {
      return corrupt_at(segment, end.offset,
                        found == FrameFound::kDamaged
                            ? std::string("a damaged frame")
                            : "the frames end before position " + std::to_string(last));
    }
    const std::string_view wrong = end.order.accept(frame.header);
    if (!wrong.empty()) return corrupt_at(segment, end.offset, wrong);
    if (visit) VITRINE_TRY(visit_records(segment, frame, visit));
    end.offset += frame.header.length;
  }
  if (end.order.next == last + 1) return end;
  return corrupt_at(segment, end.offset, "position " + std::to_string(last) + " ends no frame");
}

Result<Hash128> identity_of(const Segment& segment) {
  std::string header(kSegmentHeaderBytes, '\0');
  VITRINE_TRY(const std::size_t got, segment.file->read_at(0, header));
  header.resize(got);
  return hash128(header);
}

Result<CutSegment> describe(const Segment& segment) {
  CutSegment made;
  made.file = segment.name;
  made.range.first = segment.header.first;
  made.data_bytes = segment.size;
  made.file_bytes = segment.size;
  VITRINE_TRY(made.identity, identity_of(segment));
  return made;
}

// How far the log is durable as its running writer says; ~0 where none runs, so that every whole
// frame counts. Then `lock` keeps one out.
Result<Position> durable_end(io::FileSystem& files, const std::string& directory,
                             std::unique_ptr<io::FileLock>& lock) {
  auto held = files.try_lock(io::join_path(directory, kLockName));
  if (held.ok()) {
    lock = std::move(held).value();
    return ~Position{0};
  }
  if (held.error().code() != ErrorCode::kConflict) return std::move(held).error();
  VITRINE_TRY(const auto head, Head::open_readable(files, directory));
  return head->durable();
}

}  // namespace

Result<Position> durable_now(io::FileSystem& files, const std::string& directory) {
  auto head = Head::open_readable(files, directory);
  if (head.ok()) return head.value()->durable();
  const ErrorCode code = head.error().code();
  if (code == ErrorCode::kUnavailable || code == ErrorCode::kNotFound) return Position{0};
  return std::move(head).error();
}

Result<LogCut> cut_log(io::FileSystem& files, const std::string& directory) {
  LogCut cut;
  VITRINE_TRY(const bool exists, files.exists(directory));
  if (!exists) return cut;
  std::unique_ptr<io::FileLock> lock;
  VITRINE_TRY(const Position durable, durable_end(files, directory, lock));
  VITRINE_TRY(auto firsts, list_segments(files, directory));
  while (!firsts.empty() && firsts.back() > durable) firsts.pop_back();
  if (firsts.empty()) return cut;
  for (const Position first : firsts) {
    VITRINE_TRY(const Segment segment, open_segment(files, directory, first));
    VITRINE_TRY(CutSegment made, describe(segment));
    if (!cut.segments.empty()) cut.segments.back().range.last = first - 1;
    made.sealed = first != firsts.back();
    if (!made.sealed) {
      WalkEnd end;
      if (lock) {
        VITRINE_TRY(const TailScan tail, scan_tail(segment, before_first_frame(segment)));
        end = {tail.end_offset, tail.order};
      } else {
        VITRINE_TRY(end, walk_to(segment, durable));
      }
      made.data_bytes = end.offset;
      made.range.last = end.order.next - 1;
      cut.last = made.range.last;
      cut.last_time_us = end.order.append_time_us;
    }
    cut.segments.push_back(std::move(made));
  }
  cut.oldest = firsts.front();
  const std::string generation = io::join_path(directory, kGenerationFile);
  VITRINE_TRY(const bool has_generation, files.exists(generation));
  if (has_generation) {
    VITRINE_TRY(cut.generation, io::read_file(files, generation, 64));
  }
  return cut;
}

Status check_cut_segment(io::FileSystem& files, const std::string& directory, const CutSegment& cut,
                         const VisitRecord& visit) {
  VITRINE_TRY(const Segment segment, open_segment(files, directory, cut.range.first));
  VITRINE_TRY(const WalkEnd end, walk_to(segment, cut.range.last, visit));
  (void)end;
  return ok_status();
}

}  // namespace vitrine::eventlog
