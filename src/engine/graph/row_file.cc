#include "engine/graph/row_file.h"

#include <cstring>

#include "base/bytes.h"
#include "platform/codec/crc32c.h"

namespace vitrine::graph {
namespace {

constexpr std::string_view kMagic = "VTRNROWS";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 8 + 4 + 4 + 4 + 4 + 8 + 4 + 4;

std::uint64_t sums_offset(const RowFormat& format) {
  return round_up(format.offset(format.count), kPage);
}

std::string header_of(const RowFormat& format) {
  std::string out;
  ByteWriter writer(out);
  writer.raw(kMagic);
  writer.u32(kVersion);
  writer.u32(static_cast<std::uint32_t>(format.type));
  writer.u32(format.dimension);
  writer.u32(format.stride());
  writer.u64(format.count);
  writer.u32(format.chunk_rows());
  writer.u32(codec::crc32c(out));
  out.resize(kPage, '\0');
  return out;
}

}  // namespace

std::string_view row_type_name(RowType type) { return type == RowType::kFp32 ? "fp32" : "bf16"; }

std::uint64_t RowFormat::file_bytes() const {
  return sums_offset(*this) + round_up((chunks() + 1) * 4, kPage);
}

std::uint16_t to_bf16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40);
  bits += 0x7FFFu + ((bits >> 16) & 1u);
  return static_cast<std::uint16_t>(bits >> 16);
}

RowFileWriter::RowFileWriter(io::FileSystem& files, std::string path, const RowFormat& format)
    : files_(files),
      path_(std::move(path)),
      format_(format),
      chunk_(round_up(std::size_t{format.chunk_rows()} * format.stride(), kPage)) {}

RowFileWriter::~RowFileWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  const Status ignored = files_.remove(path_ + ".tmp");
  (void)ignored;
}

Result<std::unique_ptr<RowFileWriter>> RowFileWriter::create(io::FileSystem& files,
                                                             std::string path,
                                                             const RowFormat& format) {
  if (format.dimension == 0 || format.dimension > kRowDimensionMax || format.count == 0 ||
      format.count > 0xFFFFFFFEu) {
    return Error(ErrorCode::kInvalidArgument, path + ": rows must have 1 to " +
                                                  std::to_string(kRowDimensionMax) +
                                                  " values and be 1 to 4294967294");
  }
  VITRINE_TRY(const std::uint64_t free, files.free_bytes(io::parent_path(path)));
  if (free < format.file_bytes()) {
    return Error(ErrorCode::kExhausted, path + " needs " + std::to_string(format.file_bytes()) +
                                            " bytes of disk, but only " + std::to_string(free) +
                                            " are free");
  }
  auto writer = std::unique_ptr<RowFileWriter>(new RowFileWriter(files, std::move(path), format));
  VITRINE_TRY(writer->file_, files.open(writer->path_ + ".tmp", io::OpenMode::kCreate));
  VITRINE_TRY(writer->file_->truncate(0));
  VITRINE_TRY(writer->file_->write_at(0, header_of(format)));
  return writer;
}

Status RowFileWriter::append(std::span<const float> row) {
  VITRINE_CHECK(row.size() == format_.dimension);
  if (rows_ == format_.count) {
    return Error(ErrorCode::kInvalidArgument, path_ + ": more rows than were announced");
  }
  char* at = chunk_.data() + in_chunk_ * format_.stride();
  if (format_.type == RowType::kFp32) {
    std::memcpy(at, row.data(), row.size_bytes());
  } else {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::uint16_t half = to_bf16(row[i]);
      std::memcpy(at + i * 2, &half, 2);
    }
  }
  ++rows_;
  if (++in_chunk_ == format_.chunk_rows()) return write_chunk();
  return ok_status();
}

Status RowFileWriter::write_chunk() {
  const std::size_t bytes = in_chunk_ * format_.stride();
  const std::string_view data(chunk_.data(), bytes);
  sums_.push_back(codec::crc32c(data));
  const Status status = file_->write_at(format_.offset(rows_ - in_chunk_), data);
  in_chunk_ = 0;
  return status;
}

Status RowFileWriter::finish() {
  if (rows_ != format_.count) {
    return Error(ErrorCode::kInvalidArgument, path_ + ": " + std::to_string(rows_) + " rows of " +
                                                  std::to_string(format_.count) + " were given");
  }
  if (in_chunk_ > 0) VITRINE_TRY(write_chunk());
  std::string tail(reinterpret_cast<const char*>(sums_.data()), sums_.size() * 4);
  const std::uint32_t sum = codec::crc32c(tail);
  ByteWriter(tail).u32(sum);
  tail.resize(round_up(tail.size(), kPage), '\0');
  VITRINE_TRY(file_->write_at(sums_offset(format_), tail));
  VITRINE_TRY(file_->sync_data());
  file_.reset();
  VITRINE_TRY(files_.rename(path_ + ".tmp", path_));
  return files_.sync_directory(io::parent_path(path_));
}

Result<RowFormat> parse_row_header(std::string_view bytes) {
  ByteReader reader(bytes);
  const std::string_view magic = reader.raw(kMagic.size());
  const std::uint32_t version = reader.u32();
  RowFormat format;
  const std::uint32_t type = reader.u32();
  format.dimension = reader.u32();
  const std::uint32_t stride = reader.u32();
  format.count = reader.u64();
  const std::uint32_t chunk_rows = reader.u32();
  const std::uint32_t sum = reader.u32();
  if (!reader.ok() || magic != kMagic) {
    return Error(ErrorCode::kCorrupt, "this is no file of rows");
  }
  if (sum != codec::crc32c(bytes.substr(0, kHeaderBytes - 4))) {
    return Error(ErrorCode::kCorrupt, "the header's checksum differs");
  }
  if (version != kVersion || (type != 1 && type != 2)) {
    return Error(ErrorCode::kUnsupported, "rows of version " + std::to_string(version) + ", type " +
                                              std::to_string(type) +
                                              " are not known to this build");
  }
  format.type = static_cast<RowType>(type);
  if (format.dimension == 0 || format.dimension > kRowDimensionMax || format.count == 0 ||
      format.count > 0xFFFFFFFEu || stride != format.stride() ||
      chunk_rows != format.chunk_rows()) {
    return Error(ErrorCode::kCorrupt, "the header says impossible sizes");
  }
  return format;
}

Result<RowFormat> read_row_format(io::FileSystem& files, const std::string& path) {
  VITRINE_TRY(auto file, files.open(path, io::OpenMode::kRead));
  std::string header(kHeaderBytes, '\0');
  VITRINE_TRY(const std::size_t got, file->read_at(0, header));
  auto format = parse_row_header(std::string_view(header).substr(0, got));
  if (!format.ok()) return std::move(format).error().context(path);
  VITRINE_TRY(const std::uint64_t size, file->size());
  if (size < format->file_bytes()) {
    return Error(ErrorCode::kCorrupt, path + " is " + std::to_string(size) +
                                          " bytes long, but its header asks for " +
                                          std::to_string(format->file_bytes()));
  }
  return format;
}

Result<std::vector<std::uint32_t>> read_row_sums(io::FileSystem& files, const std::string& path,
                                                 const RowFormat& format) {
  VITRINE_TRY(auto file, files.open(path, io::OpenMode::kRead));
  std::vector<std::uint32_t> sums(format.chunks() + 1);
  VITRINE_TRY(
      const std::size_t got,
      file->read_at(sums_offset(format), {reinterpret_cast<char*>(sums.data()), sums.size() * 4}));
  const std::string_view bytes(reinterpret_cast<const char*>(sums.data()), format.chunks() * 4);
  if (got != sums.size() * 4 || codec::crc32c(bytes) != sums.back()) {
    return Error(ErrorCode::kCorrupt, path + ": the table of checksums is damaged");
  }
  sums.pop_back();
  return sums;
}

Status verify_row_file(io::FileSystem& files, const std::string& path, Progress& progress) {
  VITRINE_TRY(const RowFormat format, read_row_format(files, path));
  VITRINE_TRY(const auto sums, read_row_sums(files, path, format));
  VITRINE_TRY(auto file, files.open(path, io::OpenMode::kRead));
  std::string chunk;
  progress.start("checking rows", format.count, "rows");
  for (std::uint64_t c = 0; c < sums.size(); ++c) {
    const std::uint64_t first = c * format.chunk_rows();
    const std::uint64_t rows = std::min<std::uint64_t>(format.chunk_rows(), format.count - first);
    chunk.resize(rows * format.stride());
    VITRINE_TRY(const std::size_t got, file->read_at(format.offset(first), chunk));
    if (got != chunk.size() || codec::crc32c(chunk) != sums[c]) {
      return Error(ErrorCode::kCorrupt, path + ": rows " + std::to_string(first) + " to " +
                                            std::to_string(first + rows - 1) + " at offset " +
                                            std::to_string(format.offset(first)) +
                                            " are not what was written");
    }
    progress.update(first + rows);
  }
  progress.finish();
  return ok_status();
}

}  // namespace vitrine::graph
