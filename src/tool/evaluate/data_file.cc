#include "tool/evaluate/data_file.h"

#include <filesystem>
#include <utility>

namespace vitrine::evaluate {
namespace {

constexpr std::size_t kLongestLine = 16 * 1024 * 1024;

}  // namespace

Result<std::unique_ptr<codec::ByteInput>> open_data_input(const std::string& path) {
  std::error_code failed;
  if (std::filesystem::is_directory(path, failed)) {
    return Error(ErrorCode::kInvalidArgument, path + " is a folder; give a file");
  }
  return codec::open_input_file(path);
}

Error data_error(const std::string& path, std::uint64_t line, Error error) {
  if (error.code() != ErrorCode::kInvalidArgument) return error;
  return {ErrorCode::kCorrupt, path + " is damaged or cut off after line " + std::to_string(line) +
                                   ": " + error.message()};
}

DataFile::DataFile(std::string path, codec::LineReader lines)
    : path_(std::move(path)), lines_(std::move(lines)) {}

Result<DataFile> DataFile::open(const std::string& path) {
  VITRINE_TRY(auto input, open_data_input(path));
  return DataFile(path, codec::LineReader(std::move(input), kLongestLine));
}

Result<bool> DataFile::next(std::string_view& line) {
  auto read = lines_.next(line);
  if (!read.ok()) return data_error(path_, line_number(), std::move(read).error());
  if (read.value() == codec::LineRead::kTooLong) {
    return Error(ErrorCode::kTooLarge,
                 path_ + ":" + std::to_string(line_number()) + ": a line is longer than 16 MiB");
  }
  return read.value() == codec::LineRead::kLine;
}

Error DataFile::error(const std::string& what) const {
  return {ErrorCode::kInvalidArgument, path_ + ":" + std::to_string(line_number()) + ": " + what};
}

}  // namespace vitrine::evaluate
