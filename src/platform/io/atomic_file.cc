#include "platform/io/atomic_file.h"

namespace vitrine::io {

Status write_file_atomically(FileSystem& files, const std::string& path, std::string_view bytes,
                             unsigned permissions) {
  const std::string unfinished = path + ".tmp";
  {
    VITRINE_TRY(auto file, files.open(unfinished, OpenMode::kCreate, permissions));
    VITRINE_TRY(file->truncate(0));
    VITRINE_TRY(file->write_at(0, bytes));
    VITRINE_TRY(file->sync_data());
  }
  VITRINE_TRY(files.rename(unfinished, path));
  return files.sync_directory(parent_path(path));
}

}  // namespace vitrine::io
