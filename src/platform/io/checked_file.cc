#include "platform/io/checked_file.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "platform/codec/crc32c.h"

namespace vitrine::io {
namespace {

constexpr std::string_view kMagic = "VTRNFILE";
constexpr std::size_t kBlockHeaderBytes = 8;
constexpr std::size_t kEndBytes = kBlockHeaderBytes + 8;
constexpr std::size_t kNameBytesMax = 256;

std::uint32_t block_crc(std::uint64_t index, std::string_view data) {
  const std::string_view index_bytes(reinterpret_cast<const char*>(&index), sizeof(index));
  return codec::crc32c(data, codec::crc32c(index_bytes));
}

void fill_block_header(std::string& block, std::uint64_t index) {
  const std::string_view data = std::string_view(block).substr(kBlockHeaderBytes);
  const auto length = static_cast<std::uint32_t>(data.size());
  const std::uint32_t crc = block_crc(index, data);
  std::memcpy(block.data(), &length, sizeof(length));
  std::memcpy(block.data() + 4, &crc, sizeof(crc));
}

}  // namespace

Result<std::unique_ptr<CheckedFileWriter>> CheckedFileWriter::create(FileSystem& files,
                                                                     std::string path,
                                                                     CheckedFileOptions options) {
  if (options.name.size() > kNameBytesMax) {
    return Error(ErrorCode::kInvalidArgument, "the name of a checked file is too long");
  }
  VITRINE_TRY(auto file, files.open(path + ".tmp", OpenMode::kCreate, options.permissions));
  VITRINE_TRY(file->truncate(0));
  std::unique_ptr<CheckedFileWriter> writer(
      new CheckedFileWriter(files, std::move(path), std::move(options), std::move(file)));
  return writer;
}

CheckedFileWriter::CheckedFileWriter(FileSystem& files, std::string path,
                                     CheckedFileOptions options, std::unique_ptr<File> file)
    : files_(files), path_(std::move(path)), options_(std::move(options)), file_(std::move(file)) {
  std::string header;
  ByteWriter out(header);
  out.raw(kMagic);
  out.u32(options_.format);
  out.u32(static_cast<std::uint32_t>(options_.name.size()));
  out.raw(options_.name);
  out.u32(codec::crc32c(header));
  put(header);
  block_.reserve(kBlockHeaderBytes + kCheckedBlockBytes);
  block_.assign(kBlockHeaderBytes, '\0');
}

CheckedFileWriter::~CheckedFileWriter() {
  if (finished_) return;
  file_.reset();
  // Nobody reads an unfinished file, so one that can't be removed does no harm.
  const Status removed = files_.remove(path_ + ".tmp");
  (void)removed;
}

void CheckedFileWriter::put(std::string_view bytes) {
  if (!status_.ok()) return;
  status_ = file_->write_at(offset_, bytes);
  offset_ += bytes.size();
  unsynced_ += bytes.size();
  if (status_.ok() && options_.sync_each_bytes > 0 && unsynced_ >= options_.sync_each_bytes) {
    status_ = file_->sync_data();
    unsynced_ = 0;
  }
}

void CheckedFileWriter::flush_block() {
  fill_block_header(block_, index_++);
  put(block_);
  block_.resize(kBlockHeaderBytes);
}

void CheckedFileWriter::write(std::string_view bytes) {
  total_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t room = kBlockHeaderBytes + kCheckedBlockBytes - block_.size();
    const std::size_t piece = std::min(room, bytes.size());
    block_.append(bytes.substr(0, piece));
    bytes.remove_prefix(piece);
    if (piece == room) flush_block();
  }
}

Status CheckedFileWriter::finish() {
  if (block_.size() > kBlockHeaderBytes) flush_block();
  std::string end;
  ByteWriter out(end);
  out.u32(0);
  out.u32(block_crc(index_, {reinterpret_cast<const char*>(&total_), sizeof(total_)}));
  out.u64(total_);
  put(end);
  VITRINE_TRY(std::move(status_));
  VITRINE_TRY(file_->sync_data());
  VITRINE_TRY(files_.rename(path_ + ".tmp", path_));
  finished_ = true;
  return files_.sync_directory(parent_path(path_));
}

Result<std::unique_ptr<CheckedFileReader>> CheckedFileReader::open(FileSystem& files,
                                                                   std::string path,
                                                                   std::string_view name,
                                                                   std::uint32_t format_max) {
  VITRINE_TRY(auto file, files.open(path, OpenMode::kRead));
  VITRINE_TRY(const std::uint64_t size, file->size());
  std::unique_ptr<CheckedFileReader> reader(
      new CheckedFileReader(std::move(file), std::move(path), size));
  VITRINE_TRY(reader->read_header(name, format_max));
  return reader;
}

Error CheckedFileReader::corrupt(std::uint64_t offset, std::string_view what) const {
  return {ErrorCode::kCorrupt,
          path_ + " at byte " + std::to_string(offset) + ": " + std::string(what)};
}

Status CheckedFileReader::read_header(std::string_view name, std::uint32_t format_max) {
  std::string header(kMagic.size() + 8 + kNameBytesMax + 4, '\0');
  VITRINE_TRY(const std::size_t got, file_->read_at(0, header));
  ByteReader in(std::string_view(header).substr(0, got));
  const std::string_view magic = in.raw(kMagic.size());
  format_ = in.u32();
  const std::uint32_t name_bytes = in.u32();
  const std::string_view found = in.raw(name_bytes);
  const std::size_t covered = kMagic.size() + 8 + name_bytes;
  const std::uint32_t crc = in.u32();
  if (!in.ok() || magic != kMagic) return corrupt(0, "this is no checked file");
  if (crc != codec::crc32c(std::string_view(header).substr(0, covered))) {
    return corrupt(0, "the checksum of the header differs");
  }
  if (found != name) {
    return corrupt(0, "it holds \"" + std::string(found) + "\", not \"" + std::string(name) + "\"");
  }
  if (format_ > format_max) {
    return Error(ErrorCode::kUnsupported, path_ + " has format " + std::to_string(format_) +
                                              ", this build reads up to " +
                                              std::to_string(format_max));
  }
  offset_ = covered + 4;
  return ok_status();
}

Status CheckedFileReader::next_block() {
  buffer_.resize(kBlockHeaderBytes + kCheckedBlockBytes);
  VITRINE_TRY(const std::size_t got, file_->read_at(offset_, buffer_));
  if (got < kEndBytes && got < kBlockHeaderBytes) return corrupt(offset_, "the file ends early");
  std::uint32_t length = 0;
  std::uint32_t crc = 0;
  std::memcpy(&length, buffer_.data(), sizeof(length));
  std::memcpy(&crc, buffer_.data() + 4, sizeof(crc));
  const std::size_t data_bytes = length == 0 ? 8 : length;
  if (data_bytes > kCheckedBlockBytes) return corrupt(offset_, "a block is too long");
  if (got < kBlockHeaderBytes + data_bytes) return corrupt(offset_, "the file ends early");
  const auto data = std::string_view(buffer_).substr(kBlockHeaderBytes, data_bytes);
  if (crc != block_crc(index_, data)) return corrupt(offset_, "the checksum of a block differs");
  ++index_;
  if (length == 0) {
    std::uint64_t total = 0;
    std::memcpy(&total, data.data(), sizeof(total));
    if (total != total_) return corrupt(offset_, "blocks are missing");
    if (offset_ + kEndBytes != size_) return corrupt(offset_ + kEndBytes, "bytes after the end");
    at_end_ = true;
    return ok_status();
  }
  offset_ += kBlockHeaderBytes + data_bytes;
  total_ += data_bytes;
  block_ = data;
  return ok_status();
}

Status CheckedFileReader::read(char* out, std::size_t size) {
  while (size > 0) {
    if (block_.empty()) {
      if (!at_end_) VITRINE_TRY(next_block());
      if (at_end_) return corrupt(offset_, "more is expected than was written");
    }
    const std::size_t piece = std::min(size, block_.size());
    std::memcpy(out, block_.data(), piece);
    block_.remove_prefix(piece);
    out += piece;
    size -= piece;
  }
  return ok_status();
}

std::uint64_t CheckedFileReader::remaining() const {
  return block_.size() + (size_ > offset_ ? size_ - offset_ : 0);
}

Status CheckedFileReader::expect_end() {
  if (block_.empty() && !at_end_) VITRINE_TRY(next_block());
  if (!at_end_) return corrupt(offset_, "bytes are left that nobody reads");
  return ok_status();
}

}  // namespace vitrine::io
