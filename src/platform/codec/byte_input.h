// A sequence of bytes read front to back in pieces: a file, a gzip file, or memory. Line and CSV
// readers sit on it, so that each of them reads all three.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vitrine::codec {

class ByteInput {
 public:
  virtual ~ByteInput() = default;

  // The next piece, empty at the end; it lives until the next call. kIo if the system refuses,
  // kInvalidArgument if packed data is broken or ends early. After an error no call may follow.
  virtual Result<std::string_view> next() = 0;

  // How far the reading is, for progress: bytes of the file as it lies on disk, packed or not.
  virtual std::uint64_t bytes_done() const = 0;
  virtual std::uint64_t bytes_total() const = 0;
};

// Opens a file; gzip is recognised by its first bytes, not by its name. kNotFound if there is none.
Result<std::unique_ptr<ByteInput>> open_input_file(const std::string& path);

// `bytes` must outlive the input. Unpacks nothing. Pieces have at most `piece_bytes`.
std::unique_ptr<ByteInput> memory_input(std::string_view bytes, std::size_t piece_bytes = 64 << 10);

}  // namespace vitrine::codec
