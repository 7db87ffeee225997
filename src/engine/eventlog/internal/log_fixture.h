// A small language for tests of the log.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/eventlog/info.h"
#include "engine/eventlog/reader.h"
#include "engine/eventlog/writer.h"
#include "platform/io/simulated_files.h"

namespace vitrine::eventlog {

inline const std::string kLogDirectory = "data/log";

// Small segments and groups; no threads and timers that would make a run hard to repeat.
inline WriterOptions repeatable_log(io::FileSystem& files) {
  WriterOptions options;
  options.directory = kLogDirectory;
  options.files = &files;
  options.clock = &system_clock();
  options.executor = &thread_executor();
  options.segment_bytes = 16384;
  options.group_bytes_max = 4096;
  options.queue_bytes_max = 65536;
  options.background = false;
  options.seal_after_us = 0;
  options.disk_probe_us = 2000;
  return options;
}

// The n-th payload of every test: its number, and bytes that depend on it.
inline std::string payload_of(std::uint64_t n) {
  return std::to_string(n) + ":" + std::string((n * 37) % 300, static_cast<char>('a' + n % 26));
}

// Appends payloads first..first+count-1 as one append and waits for the outcome.
inline Status append_and_wait(Writer& writer, std::uint64_t first, std::uint64_t count) {
  std::vector<std::string> payloads;
  for (std::uint64_t n = first; n < first + count; ++n) payloads.push_back(payload_of(n));
  std::vector<RecordRef> records;
  for (const std::string& payload : payloads) records.push_back({1, 0, payload});
  VITRINE_TRY(const PositionRange range, writer.append(records, nullptr));
  VITRINE_TRY(const bool durable, writer.wait_durable(range.last, kMinuteUs));
  return durable ? ok_status() : Status(Error(ErrorCode::kDeadlineExceeded, "not durable"));
}

// Payloads from the oldest record to the end; the error where the log can't be read.
inline Result<std::vector<std::string>> read_all(io::FileSystem& files,
                                                 ReadScope scope = ReadScope::kDurable) {
  VITRINE_TRY(auto reader, Reader::open(files, kLogDirectory, 0, scope));
  std::vector<std::string> payloads;
  RecordView record;
  TimeUs time_us = 0;
  for (;;) {
    VITRINE_TRY(const ReadEnd end, reader->next(record));
    if (end == ReadEnd::kEndOfLog) return payloads;
    EXPECT_GE(record.append_time_us, time_us);
    time_us = record.append_time_us;
    payloads.emplace_back(record.payload);
  }
}

// True where `found` is payload 1, 2, 3, ... without a gap or a repetition.
inline bool counts_up(const std::vector<std::string>& found) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] != payload_of(i + 1)) return false;
  }
  return true;
}

}  // namespace vitrine::eventlog
