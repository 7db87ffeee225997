// The rows of a graph (features or embeddings of its nodes) as one file, row i at a fixed place.
//
// Layout, little-endian, everything starting at a multiple of 4096:
//   header: "VTRNROWS", version u32, type u32, dimension u32, stride u32, count u64,
//           rows per chunk u32, crc32c of the bytes before it u32, zeros
//   rows:   row i at 4096 + i * stride; stride is the row rounded up to 64 bytes, padded with zeros
//   sums:   crc32c u32 of each chunk of rows, then crc32c u32 of these sums, zeros
// A chunk is about 1 MiB and the unit that a sequential scan reads and checks. Reads of single rows
// are not checked: a checksum for each row would cost more than it tells.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "engine/graph/aligned_buffer.h"
#include "platform/io/file_system.h"

namespace vitrine::graph {

// Values are on disk: add, never renumber.
enum class RowType : std::uint32_t { kFp32 = 1, kBf16 = 2 };

// "fp32", "bf16".
std::string_view row_type_name(RowType type);

struct RowFormat {
  std::uint64_t count = 0;      // 1 .. 2^32 - 2
  std::uint32_t dimension = 0;  // 1 .. kRowDimensionMax
  RowType type = RowType::kFp32;

  std::uint32_t element_bytes() const { return type == RowType::kFp32 ? 4 : 2; }
  std::uint32_t stride() const {
    return static_cast<std::uint32_t>(round_up(std::uint64_t{dimension} * element_bytes(), 64));
  }
  // A multiple of 64, so that chunks begin at multiples of 4096.
  std::uint32_t chunk_rows() const {
    const std::uint32_t fitting = (1u << 20) / stride() / 64 * 64;
    return fitting < 64 ? 64 : fitting;
  }
  std::uint64_t chunks() const { return (count + chunk_rows() - 1) / chunk_rows(); }
  std::uint64_t offset(std::uint64_t row) const { return kPage + row * stride(); }
  std::uint64_t file_bytes() const;
  friend bool operator==(const RowFormat&, const RowFormat&) = default;
};

inline constexpr std::uint32_t kRowDimensionMax = 8192;

// bf16 is the upper half of fp32, rounded to nearest even.
std::uint16_t to_bf16(float value);
inline float from_bf16(std::uint16_t value) {
  const std::uint32_t bits = std::uint32_t{value} << 16;
  float out;
  __builtin_memcpy(&out, &bits, sizeof out);
  return out;
}

// Writes rows in order. The file appears under its name when finish() succeeded; otherwise nothing
// stays. Not thread-safe.
class RowFileWriter {
 public:
  // kExhausted where the disk is too small for it.
  static Result<std::unique_ptr<RowFileWriter>> create(io::FileSystem& files, std::string path,
                                                       const RowFormat& format);
  ~RowFileWriter();
  // `dimension` values, converted to the file's type.
  Status append(std::span<const float> row);
  // kInvalidArgument unless exactly `count` rows were appended.
  Status finish();

 private:
  RowFileWriter(io::FileSystem& files, std::string path, const RowFormat& format);
  Status write_chunk();

  io::FileSystem& files_;
  std::string path_;
  RowFormat format_;
  std::unique_ptr<io::File> file_;
  AlignedBuffer chunk_;
  std::uint64_t in_chunk_ = 0;
  std::uint64_t rows_ = 0;
  std::vector<std::uint32_t> sums_;
};

// Reads and checks the header and that the file is as long as it says. kCorrupt, kUnsupported.
Result<RowFormat> read_row_format(io::FileSystem& files, const std::string& path);

// The checksums of the chunks, checked themselves.
Result<std::vector<std::uint32_t>> read_row_sums(io::FileSystem& files, const std::string& path,
                                                 const RowFormat& format);

// Checks every chunk; kCorrupt names the first that differs.
Status verify_row_file(io::FileSystem& files, const std::string& path, Progress& progress);

// For tests of readers of hostile bytes: the header alone.
Result<RowFormat> parse_row_header(std::string_view bytes);

}  // namespace vitrine::graph
