#include "engine/eventlog/info.h"

#include "engine/eventlog/internal/head.h"
#include "engine/eventlog/internal/segment.h"
#include "engine/eventlog/internal/tail_scan.h"

namespace vitrine::eventlog {

using namespace internal;  // NOLINT: this is the inside

namespace {

void add_problem(LogReport& report, std::string file, std::uint64_t offset, std::string what) {
  if (report.problems.size() < kProblemsMax) {
    report.problems.push_back({std::move(file), offset, std::move(what)});
  }
}

SegmentReport describe(const Segment& segment) {
  SegmentReport made;
  made.file = segment.name;
  made.first = segment.header.first;
  made.generation = segment.header.generation;
  made.created_us = segment.header.created_us;
  made.bytes_used = segment.size;
  made.file_bytes = segment.size;
  return made;
}

// Segment after segment; what can be known without reading frames.
class Survey {
 public:
  Survey(io::FileSystem& files, const std::string& directory)
      : files_(files), directory_(directory) {}

  // Lists segments, side files and the head. kNotFound where there is no log.
  Status begin() {
    VITRINE_TRY(firsts_, list_segments(files_, directory_));
    if (firsts_.empty()) {
      return Error(ErrorCode::kNotFound, "there is no log in " + directory_);
    }
    VITRINE_TRY(const auto names, files_.list(directory_));
    for (const std::string& name : names) {
      if (std::string_view(name).ends_with(kTornSuffix)) report.torn_files.push_back(name);
    }
    report.oldest = firsts_.front();
    report.last = firsts_.front() - 1;
    if (auto head = Head::open_readable(files_, directory_); head.ok()) {
      report.durable = head.value()->durable();
    }
    return ok_status();
  }

  const std::vector<Position>& firsts() const { return firsts_; }

  // Empty (and a problem noted) where the header is damaged; kNotFound is passed up.
  Result<std::unique_ptr<Segment>> open(Position first) {
    auto opened = open_segment(files_, directory_, first);
    if (opened.ok()) return std::make_unique<Segment>(std::move(opened).value());
    if (opened.error().code() != ErrorCode::kCorrupt) return std::move(opened).error();
    add_problem(report, segment_name(first), 0, opened.error().message());
    return std::unique_ptr<Segment>();
  }

  void check_header(const Segment& segment, FrameOrder& order) {
    if (segment.header.generation < order.generation) {
      add_problem(report, segment.name, 0, "older writer than the segment before");
    }
    if (segment.header.created_us < order.append_time_us) {
      add_problem(report, segment.name, 0, "older than the segment before");
    }
    order.generation = segment.header.generation;
    order.append_time_us = segment.header.created_us;
  }

  // The frames of the last segment, and the torn tail.
  Status scan_last(const Segment& segment, SegmentReport& made) {
    auto scan = scan_tail(segment, {.next = segment.header.first,
                                    .generation = segment.header.generation,
                                    .append_time_us = segment.header.created_us});
    report.bytes_checked += segment.size;
    if (!scan.ok()) {
      if (scan.error().code() != ErrorCode::kCorrupt) return std::move(scan).error();
      add_problem(report, segment.name, 0, scan.error().message());
      made.last = made.first - 1;
      return ok_status();
    }
    made.last = scan->order.next - 1;
    made.last_time_us = scan->order.append_time_us;
    made.frames = scan->frames;
    made.bytes_used = scan->end_offset;
    report.last = made.last;
    report.generation = scan->order.generation;
    report.torn_bytes = scan->torn_bytes;
    if (report.durable > report.last) {
      add_problem(report, segment.name, scan->end_offset,
                  "the log ends at position " + std::to_string(report.last) +
                      ", but had records durable up to " + std::to_string(report.durable));
    }
    return ok_status();
  }

  // Every frame of a segment that has a successor beginning at `next_first`.
  Status scan_sealed(const Segment& segment, Position next_first, SegmentReport& made) {
    FrameOrder order{.next = segment.header.first,
                     .generation = segment.header.generation,
                     .append_time_us = segment.header.created_us};
    FrameBuffer buffer;
    Frame frame;
    std::uint64_t offset = kSegmentHeaderBytes;
    for (;;) {
      VITRINE_TRY(const FrameFound found, buffer.read(segment, offset, frame));
      if (found == FrameFound::kDamaged) {
        add_problem(report, segment.name, offset, "a damaged frame");
        break;
      }
      if (found == FrameFound::kNothing) {
        if (order.next != next_first) {
          add_problem(report, segment.name, offset,
                      "the segment ends at position " + std::to_string(order.next - 1) +
                          ", the next one begins at " + std::to_string(next_first));
        }
        break;
      }
      if (const std::string_view wrong = order.accept(frame.header); !wrong.empty()) {
        add_problem(report, segment.name, offset, std::string(wrong));
        break;
      }
      ++made.frames;
      offset += frame.header.length;
    }
    made.last_time_us = order.append_time_us;
    made.bytes_used = offset;
    report.bytes_checked += segment.size;
    return ok_status();
  }

  LogReport report;

 private:
  io::FileSystem& files_;
  const std::string& directory_;
  std::vector<Position> firsts_;
};

Result<LogReport> survey(io::FileSystem& files, const std::string& directory, bool read_all,
                         Progress& progress) {
  Survey survey(files, directory);
  VITRINE_TRY(survey.begin());
  const std::vector<Position>& firsts = survey.firsts();
  FrameOrder order{.next = firsts.front()};
  for (std::size_t i = 0; i < firsts.size(); ++i) {
    const bool last = i + 1 == firsts.size();
    auto opened = survey.open(firsts[i]);
    if (!opened.ok()) {
      // Retention may be at work at the old end.
      if (opened.error().code() == ErrorCode::kNotFound && !last) continue;
      return std::move(opened).error();
    }
    if (opened.value() == nullptr) continue;
    const Segment& segment = *opened.value();
    SegmentReport made = describe(segment);
    survey.check_header(segment, order);
    if (last) {
      VITRINE_TRY(survey.scan_last(segment, made));
    } else {
      made.last = firsts[i + 1] - 1;
      if (read_all) VITRINE_TRY(survey.scan_sealed(segment, firsts[i + 1], made));
    }
    survey.report.segments.push_back(std::move(made));
    progress.update(survey.report.bytes_checked);
  }
  return std::move(survey.report);
}

}  // namespace

Result<LogReport> log_info(io::FileSystem& files, const std::string& directory) {
  return survey(files, directory, false, no_progress());
}

Result<LogReport> log_verify(io::FileSystem& files, const std::string& directory,
                             Progress& progress) {
  VITRINE_TRY(const auto firsts, list_segments(files, directory));
  std::uint64_t bytes = 0;
  for (const Position first : firsts) {
    auto file = files.open(io::join_path(directory, segment_name(first)), io::OpenMode::kRead);
    if (file.ok()) bytes += file.value()->size().ok() ? file.value()->size().value() : 0;
  }
  progress.start("verify log", bytes, "bytes");
  auto report = survey(files, directory, true, progress);
  progress.finish();
  return report;
}

}  // namespace vitrine::eventlog
