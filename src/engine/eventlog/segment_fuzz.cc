// Hostile segment bytes: opening, reading and verifying may refuse them, never crash, hang, or
// deliver records that are not in order.
//
// Random bytes never have the right checksum, so the first byte of the input says whether headers
// and frames are made to fit: then the fuzzer gets past the checksums to the fields.
#include <cstdint>
#include <cstring>
#include <string>

#include "engine/eventlog/info.h"
#include "engine/eventlog/internal/format.h"
#include "engine/eventlog/reader.h"
#include "engine/eventlog/writer.h"
#include "platform/codec/crc32c.h"
#include "platform/io/simulated_files.h"

namespace vitrine::eventlog {
namespace {

using namespace internal;  // NOLINT: the inside is what is attacked

constexpr std::uint64_t kSalt = 42;
constexpr std::uint64_t kSegmentBytes = 16384;

// Puts magic, salt and checksum where a frame is supposed to begin, walking by the lengths found.
void make_frames_fit(std::string& bytes) {
  for (std::size_t at = kSegmentHeaderBytes; at + kFrameHeaderBytes <= bytes.size();) {
    const std::uint32_t length = peek_frame_header(std::string_view(bytes).substr(at)).length;
    if (length < kFrameHeaderBytes || length > bytes.size() - at) return;
    std::memcpy(bytes.data() + at, &kFrameMagic, sizeof(kFrameMagic));
    std::memcpy(bytes.data() + at + 48, &kSalt, sizeof(kSalt));
    const std::uint32_t crc = codec::crc32c(std::string_view(bytes).substr(at + 8, length - 8));
    std::memcpy(bytes.data() + at + 4, &crc, sizeof(crc));
    at += length;
  }
}

void read_everything(io::FileSystem& files) {
  auto reader = Reader::open(files, "log", 0, ReadScope::kWholeFrames);
  if (!reader.ok()) return;
  RecordView record;
  Position expected = 0;
  for (auto end = reader.value()->next(record); end.ok() && *end == ReadEnd::kRecord;
       end = reader.value()->next(record)) {
    if (expected != 0 && record.position != expected) __builtin_trap();
    expected = record.position + 1;
  }
}

void write_on(io::FileSystem& files) {
  WriterOptions options;
  options.directory = "log";
  options.files = &files;
  options.clock = &system_clock();
  options.executor = &thread_executor();
  options.segment_bytes = kSegmentBytes;
  options.group_bytes_max = 4096;
  options.queue_bytes_max = 4096;
  options.background = false;
  auto writer = Writer::open(options);
  if (!writer.ok()) return;
  const RecordRef record{1, 0, "after"};
  const auto range = writer.value()->append({&record, 1}, nullptr);
  if (!range.ok() || !writer.value()->wait_durable(range->last, kMinuteUs).ok()) __builtin_trap();
}

}  // namespace
}  // namespace vitrine::eventlog

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::eventlog;  // NOLINT: short
  if (size == 0) return 0;
  const std::uint8_t mode = data[0];
  std::string bytes;
  if ((mode & 1) != 0) {
    bytes = encode_segment_header({.first = 1,
                                   .generation = 1,
                                   .salt = kSalt,
                                   .created_us = 0,
                                   .segment_bytes = kSegmentBytes});
  }
  bytes.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  bytes.resize(kSegmentBytes, '\0');
  if ((mode & 2) != 0) make_frames_fit(bytes);
  vitrine::io::SimulatedFiles files;
  files.overwrite(vitrine::io::join_path("log", segment_name(1)), 0, bytes);
  read_everything(files);
  const auto report = log_verify(files, "log", vitrine::no_progress());
  (void)report;
  if ((mode & 4) != 0) write_on(files);
  return 0;
}
