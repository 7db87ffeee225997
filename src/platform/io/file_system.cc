#include "platform/io/file_system.h"

namespace vitrine::io {

std::string join_path(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  path += name;
  return path;
}

std::string parent_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t size_max) {
  VITRINE_TRY(auto file, files.open(path, OpenMode::kRead));
  VITRINE_TRY(const std::uint64_t size, file->size());
  if (size > size_max) {
    return Error(ErrorCode::kTooLarge, path + " has " + std::to_string(size) +
                                           " bytes, more than the limit of " +
                                           std::to_string(size_max));
  }
  std::string bytes(size, '\0');
  VITRINE_TRY(const std::size_t got, file->read_at(0, bytes));
  bytes.resize(got);
  return bytes;
}

}  // namespace vitrine::io
