// A versioned file of checksummed blocks, written and read as a stream: snapshots and the like.
//
// Layout (little-endian):
//   "VTRNFILE", format (u32), name length (u32), name, crc32c of all that (u32)
//   blocks: length (u32, 1..kBlockBytes), crc32c (u32) over index (u64) and data, data
//   end: length 0 (u32), crc32c (u32) over index (u64) and total (u64), total data bytes (u64)
// The file appears under its name only when finish() succeeded. Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "base/stream.h"
#include "platform/io/file_system.h"

namespace vitrine::io {

inline constexpr std::size_t kCheckedBlockBytes = 256 * 1024;

struct CheckedFileOptions {
  std::string name;          // what is in it, e.g. "covisit"; a reader must expect the same
  std::uint32_t format = 1;  // version of the contents
  unsigned permissions = 0640;
  // Hand the data to the disk after so many bytes, so that no large backlog stands in the way of
  // the event log's syncs; 0: only at the end.
  std::uint64_t sync_each_bytes = 0;
};

class CheckedFileWriter final : public Sink {
 public:
  // Writes to `path`.tmp.
  static Result<std::unique_ptr<CheckedFileWriter>> create(FileSystem& files, std::string path,
                                                           CheckedFileOptions options);
  // Without finish() the unfinished file is removed.
  ~CheckedFileWriter() override;

  void write(std::string_view bytes) override;
  // The first error of any write, else syncs and gives the file its name, durably.
  Status finish();
  std::uint64_t bytes_written() const { return total_; }

 private:
  CheckedFileWriter(FileSystem& files, std::string path, CheckedFileOptions options,
                    std::unique_ptr<File> file);
  void flush_block();
  void put(std::string_view bytes);

  FileSystem& files_;
  std::string path_;
  CheckedFileOptions options_;
  std::unique_ptr<File> file_;
  std::string block_;  // header space, then data
  std::uint64_t offset_ = 0;
  std::uint64_t unsynced_ = 0;
  std::uint64_t index_ = 0;
  std::uint64_t total_ = 0;
  Status status_;
  bool finished_ = false;
};

class CheckedFileReader final : public Source {
 public:
  // kCorrupt where it is no such file or has another name, kUnsupported for a format above
  // `format_max`.
  static Result<std::unique_ptr<CheckedFileReader>> open(FileSystem& files, std::string path,
                                                         std::string_view name,
                                                         std::uint32_t format_max);
  // kCorrupt with file and offset where a checksum differs or the file ends early.
  Status read(char* out, std::size_t size) override;
  std::uint64_t remaining() const override;
  // ok only when everything was read and the end mark agrees.
  Status expect_end();
  std::uint32_t format() const { return format_; }

 private:
  CheckedFileReader(std::unique_ptr<File> file, std::string path, std::uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}
  Status read_header(std::string_view name, std::uint32_t format_max);
  Status next_block();
  Error corrupt(std::uint64_t offset, std::string_view what) const;

  std::unique_ptr<File> file_;
  std::string path_;
  std::uint64_t size_;
  std::uint32_t format_ = 0;
  std::string buffer_;      // of one block, with its header
  std::string_view block_;  // what is unread of it
  std::uint64_t offset_ = 0;
  std::uint64_t index_ = 0;
  std::uint64_t total_ = 0;
  bool at_end_ = false;
};

}  // namespace vitrine::io
