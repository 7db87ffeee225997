// Reads a log in order, while its writer writes, in the same or another process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/eventlog/types.h"
#include "platform/io/file_system.h"

namespace vitrine::eventlog {

enum class ReadEnd {
  kRecord,    // the view was filled
  kEndOfLog,  // nothing more now; later calls go on where this one stopped
};

enum class ReadScope {
  // What the writer has declared durable, through the file it shares with readers. Needs a log
  // that a writer has opened since the machine started, else kUnavailable.
  kDurable,
  // Every whole frame on disk: for tools, on logs without a running writer.
  kWholeFrames,
};

// Not thread-safe: one per reading thread. Memory: a read buffer of 1 MiB or one frame.
class Reader {
 public:
  // The next record will be `from`; 0 means the oldest that is kept. kGone with the oldest position
  // in the message where retention has dropped `from`; kInvalidArgument where `from` is beyond the
  // position after the last one. Reads up to one segment to get there.
  static Result<std::unique_ptr<Reader>> open(io::FileSystem& files, std::string directory,
                                              Position from, ReadScope scope = ReadScope::kDurable);
  ~Reader();

  // kCorrupt with file and offset where stored bytes are not what was written: the reader stays
  // there and never skips. kGone where retention has overtaken it.
  Result<ReadEnd> next(RecordView& record);

  // Replaces `out` by the next records of one frame, one to `most` of them where there are any;
  // none at the end of the log. Their payloads live until the next call of next() or next_batch().
  Status next_batch(std::vector<RecordView>& out, std::size_t most);

  Position position() const;  // of the record that next() gives next
  Position durable() const;   // as the writer says now; 0 with kWholeFrames
  // Waits until `position` is durable, at most `timeout_us`; whether it is.
  bool wait(Position position, TimeUs timeout_us) const;

 private:
  class Impl;
  explicit Reader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// First position that is kept (by the names of the segments); kNotFound where there is no log.
Result<Position> oldest_position(io::FileSystem& files, const std::string& directory);

}  // namespace vitrine::eventlog
