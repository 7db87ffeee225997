#include "engine/eventlog/rewrite.h"

#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "engine/eventlog/internal/segment.h"

namespace vitrine::eventlog {

using namespace internal;  // NOLINT: this is a part of the log

namespace {

constexpr std::string_view kRewriteSuffix = ".rewrite";

class Rewriter {
 public:
  Rewriter(io::FileSystem& files, std::string directory, const Redact& redact)
      : files_(files), directory_(std::move(directory)), redact_(redact) {}

  // What an earlier attempt left, and the side files of torn writes.
  Status remove_leftovers() {
    VITRINE_TRY(const auto names, files_.list(directory_));
    for (const std::string& name : names) {
      const bool torn = name.find(kTornSuffix) != std::string::npos;
      if (!torn && !name.ends_with(kRewriteSuffix)) continue;
      VITRINE_TRY(files_.remove(io::join_path(directory_, name)));
      if (torn) ++report.leftovers;
    }
    return files_.sync_directory(directory_);
  }

  Status segment(Position first) {
    VITRINE_TRY(const Segment segment, open_segment(files_, directory_, first));
    bool changes = false;
    const auto look = [&](const Frame& frame) -> Status {
      VITRINE_TRY(const bool changed, redact_frame(frame));
      changes = changes || changed;
      report.records += frame.header.count;
      return ok_status();
    };
    VITRINE_TRY(const std::uint64_t end, each_frame(segment, look));
    (void)end;
    return changes ? write_anew(segment) : ok_status();
  }

  RewriteReport report;

 private:
  // Gives where the frames end.
  template <class Fn>
  Result<std::uint64_t> each_frame(const Segment& segment, Fn&& fn) {
    buffer_.forget();
    std::uint64_t offset = kSegmentHeaderBytes;
    Frame frame;
    for (;;) {
      VITRINE_TRY(const FrameFound found, buffer_.read(segment, offset, frame));
      if (found == FrameFound::kNothing) return offset;
      if (found == FrameFound::kDamaged) return corrupt_at(segment, offset, "damaged frame");
      VITRINE_TRY(fn(frame));
      offset += frame.header.length;
    }
  }

  // Fills frame_ with the frame as it is to be; whether that is another one.
  Result<bool> redact_frame(const Frame& frame) {
    frame_.assign(frame.bytes);
    bool changed = false;
    std::size_t at = kFrameHeaderBytes;
    const std::size_t end = kFrameHeaderBytes + frame.header.record_bytes;
    for (std::uint32_t i = 0; i < frame.header.count; ++i) {
      RecordHeader header;
      if (end - at < sizeof header) return bad_frame(frame);
      std::memcpy(&header, frame_.data() + at, sizeof header);
      at += sizeof header;
      if (end - at < header.length) return bad_frame(frame);
      const RecordView record{frame.header.first + i, frame.header.append_time_us, header.kind,
                              header.key_id, frame.bytes.substr(at, header.length)};
      payload_.assign(record.payload);
      VITRINE_TRY(const bool other, redact_(record, header.kind, payload_));
      if (other) {
        VITRINE_CHECK(payload_.size() == header.length);
        std::memcpy(frame_.data() + at - sizeof header, &header, sizeof header);
        std::memcpy(frame_.data() + at, payload_.data(), payload_.size());
        changed = true;
        ++changed_;
      }
      at += header.length;
    }
    if (changed) finish_frame(frame_, frame.header);
    return changed;
  }

  static Error bad_frame(const Frame& frame) {
    return {ErrorCode::kCorrupt,
            "the frame at byte " + std::to_string(frame.offset) + " has records beyond its end"};
  }

  Status write_anew(const Segment& segment) {
    const std::string path = segment.path + std::string(kRewriteSuffix);
    VITRINE_TRY(auto file, files_.open(path, io::OpenMode::kCreateNew));
    VITRINE_TRY(file->preallocate_zeros(segment.size));
    // Another salt: a backup knows sealed segments by their header, and must see that this is
    // another one. It follows from the old one, so that doing it all again ends the same.
    SegmentHeader header = segment.header;
    header.salt = hash128(std::to_string(header.salt)).low;
    VITRINE_TRY(file->write_at(0, encode_segment_header(header)));
    changed_ = 0;
    const auto copy = [&](const Frame& frame) -> Status {
      VITRINE_TRY(const bool changed, redact_frame(frame));
      (void)changed;
      FrameHeader salted = frame.header;
      salted.salt = header.salt;
      finish_frame(frame_, salted);
      VITRINE_CHECK(frame_.size() == frame.bytes.size());
      return file->write_at(frame.offset, frame_);
    };
    VITRINE_TRY(const std::uint64_t end, each_frame(segment, copy));
    (void)end;
    VITRINE_TRY(file->sync_data());
    file.reset();
    VITRINE_TRY(files_.rename(path, segment.path));
    VITRINE_TRY(files_.sync_directory(directory_));
    report.changed += changed_;
    report.bytes += segment.size;
    ++report.segments;
    return ok_status();
  }

  io::FileSystem& files_;
  const std::string directory_;
  const Redact& redact_;
  FrameBuffer buffer_;
  std::string frame_, payload_;
  std::uint64_t changed_ = 0;
};

}  // namespace

Result<RewriteReport> rewrite_log(io::FileSystem& files, const std::string& directory,
                                  const Redact& redact, Progress& progress) {
  VITRINE_TRY(const auto lock, files.try_lock(io::join_path(directory, kLockName)));
  (void)lock;
  Rewriter rewriter(files, directory, redact);
  VITRINE_TRY(rewriter.remove_leftovers());
  VITRINE_TRY(const auto segments, list_segments(files, directory));
  progress.start("rewriting the log", segments.size(), "segments");
  for (std::size_t i = 0; i < segments.size(); ++i) {
    VITRINE_TRY(rewriter.segment(segments[i]));
    progress.update(i + 1);
  }
  progress.finish();
  return rewriter.report;
}

}  // namespace vitrine::eventlog
