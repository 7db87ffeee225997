#include "engine/eventlog/internal/recovery.h"

#include <algorithm>
#include <charconv>

namespace vitrine::eventlog::internal {
namespace {

// 0 where there is no such file.
Result<std::uint64_t> read_generation(io::FileSystem& files, const std::string& directory) {
  const std::string path = io::join_path(directory, kGenerationName);
  VITRINE_TRY(const bool exists, files.exists(path));
  if (!exists) return std::uint64_t{0};
  VITRINE_TRY(std::string text, io::read_file(files, path, 64));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  std::uint64_t generation = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), generation);
  if (error != std::errc{} || end != text.data() + text.size() || generation == 0) {
    return Error(ErrorCode::kCorrupt, path + " at byte 0: this is no generation number");
  }
  return generation;
}

Status remove_leftovers(io::FileSystem& files, const std::string& directory) {
  VITRINE_TRY(const auto names, files.list(directory));
  for (const std::string& name : names) {
    if (std::string_view(name).ends_with(kPreparedSuffix)) {
      VITRINE_TRY(files.remove(io::join_path(directory, name)));
    }
  }
  return ok_status();
}

// Headers of all segments, in order.
Status read_headers(io::FileSystem& files, const std::string& directory,
                    const std::vector<Position>& firsts, Recovered& recovered) {
  std::uint64_t generation = 0;
  TimeUs created_us = INT64_MIN;
  for (const Position first : firsts) {
    const bool last = first == firsts.back();
    VITRINE_TRY(Segment segment,
                open_segment(files, directory, first,
                             last ? io::OpenMode::kReadWrite : io::OpenMode::kRead));
    if (segment.header.generation < generation) {
      return corrupt_at(segment, 0, "the segment is from an older writer than the one before it");
    }
    if (segment.header.created_us < created_us) {
      return corrupt_at(segment, 0, "the segment is older than the one before it");
    }
    generation = segment.header.generation;
    created_us = segment.header.created_us;
    recovered.segments.push_back({first, segment.size, created_us});
    if (last) recovered.last = std::move(segment);
  }
  return ok_status();
}

// The head is never ahead of the disk: what it calls durable must be found.
Status check_against_head(const Recovered& recovered, const Head& head) {
  if (!head.trustworthy() || head.durable() < recovered.tail.order.next) return ok_status();
  return corrupt_at(recovered.last, recovered.tail.end_offset,
                    "the log ends at position " + std::to_string(recovered.tail.order.next - 1) +
                        ", but its writer had records durable up to " +
                        std::to_string(head.durable()) +
                        "; if this directory was put together by hand, remove the file `head`");
}

Status save_torn_bytes(io::FileSystem& files, const std::string& directory, Recovered& recovered,
                       unsigned permissions) {
  const TailScan& tail = recovered.tail;
  std::string bytes(tail.torn_bytes, '\0');
  VITRINE_TRY(const std::size_t got, recovered.last.file->read_at(tail.end_offset, bytes));
  bytes.resize(got);
  VITRINE_TRY(const auto names, files.list(directory));
  std::vector<std::string> torn;
  for (const std::string& name : names) {
    if (std::string_view(name).ends_with(kTornSuffix)) torn.push_back(name);
  }
  // Names sort by position, so the first are the oldest.
  for (std::size_t i = 0; torn.size() - i >= kTornFilesMax; ++i) {
    VITRINE_TRY(files.remove(io::join_path(directory, torn[i])));
  }
  std::string offset = std::to_string(tail.end_offset);
  offset.insert(0, 12 - std::min<std::size_t>(12, offset.size()), '0');
  const std::string name = recovered.last.name + "." + offset + std::string(kTornSuffix);
  VITRINE_TRY(auto file,
              files.open(io::join_path(directory, name), io::OpenMode::kCreate, permissions));
  VITRINE_TRY(file->truncate(0));
  VITRINE_TRY(file->write_at(0, bytes));
  VITRINE_TRY(file->sync_data());
  VITRINE_TRY(files.sync_directory(directory));
  recovered.report.torn_saved_as = name;
  return ok_status();
}

}  // namespace

Result<Recovered> examine_log(io::FileSystem& files, const std::string& directory,
                              const Head& head) {
  Recovered recovered;
  VITRINE_TRY(remove_leftovers(files, directory));
  VITRINE_TRY(recovered.generation, read_generation(files, directory));
  VITRINE_TRY(const auto firsts, list_segments(files, directory));
  if (firsts.empty()) {
    // The first segment is there before the generation file.
    if (recovered.generation != 0 || (head.trustworthy() && head.durable() > 0)) {
      return Error(ErrorCode::kCorrupt,
                   directory + " at byte 0: the log was in use, but all of its segments are gone");
    }
    return recovered;
  }
  VITRINE_TRY(read_headers(files, directory, firsts, recovered));
  const FrameOrder before{.next = firsts.back(),
                          .generation = recovered.last.header.generation,
                          .append_time_us = recovered.last.header.created_us};
  VITRINE_TRY(recovered.tail, scan_tail(recovered.last, before));
  if (recovered.tail.frames == 0) {
    return corrupt_at(recovered.last, kSegmentHeaderBytes,
                      "the segment was begun with a frame, which is gone");
  }
  VITRINE_TRY(check_against_head(recovered, head));
  recovered.generation = std::max(recovered.generation, recovered.tail.order.generation);
  OpenReport& report = recovered.report;
  report.oldest = firsts.front();
  report.last = recovered.tail.order.next - 1;
  report.segments = firsts.size();
  report.bytes_scanned = recovered.last.size;
  return recovered;
}

Status repair_tail(io::FileSystem& files, const std::string& directory, Recovered& recovered,
                   unsigned permissions) {
  const TailScan& tail = recovered.tail;
  io::File& file = *recovered.last.file;
  if (tail.torn_bytes > 0) {
    VITRINE_TRY(save_torn_bytes(files, directory, recovered, permissions));
    recovered.report.torn_bytes = tail.torn_bytes;
    recovered.report.torn_file = recovered.last.path;
    recovered.report.torn_offset = tail.end_offset;
    VITRINE_TRY(file.write_at(tail.end_offset, std::string(tail.torn_bytes, '\0')));
  }
  std::string last_frame(tail.last_frame_bytes, '\0');
  VITRINE_TRY(const std::size_t got, file.read_at(tail.last_frame_offset, last_frame));
  if (got != last_frame.size()) {
    return corrupt_at(recovered.last, tail.last_frame_offset, "the segment became shorter");
  }
  VITRINE_TRY(file.write_at(tail.last_frame_offset, last_frame));
  return file.sync_data();
}

}  // namespace vitrine::eventlog::internal
