#include "service/search/index_store.h"

#include "platform/io/checked_file.h"

namespace vitrine::search {

namespace {

constexpr std::uint32_t kFormat = 1;
// A save stands in nobody's way: not in that of the event log's syncs either.
constexpr std::uint64_t kSyncEach = 8u << 20;

}  // namespace

Status write_state(const IndexStore& store, std::string_view name, std::string_view payload) {
  VITRINE_TRY(auto file,
              io::CheckedFileWriter::create(
                  *store.files, store.path(name),
                  {.name = std::string(name), .format = kFormat, .sync_each_bytes = kSyncEach}));
  file->value<std::uint64_t>(payload.size());
  file->write(payload);
  return file->finish();
}

Result<std::string> read_state(const IndexStore& store, std::string_view name) {
  VITRINE_TRY(auto file,
              io::CheckedFileReader::open(*store.files, store.path(name), name, kFormat));
  std::uint64_t size = 0;
  VITRINE_TRY(file->value(size));
  if (size > file->remaining()) {
    return Error(ErrorCode::kCorrupt, store.path(name) + ": has fewer bytes than it says");
  }
  std::string payload(size, '\0');
  VITRINE_TRY(file->read(payload.data(), size));
  VITRINE_TRY(file->expect_end());
  return payload;
}

Status remove_files(const IndexStore& store, std::string_view directory,
                    const std::function<bool(std::string_view)>& which) {
  const std::string path = directory.empty() ? store.directory : store.path(directory);
  VITRINE_TRY(const bool there, store.files->exists(path));
  if (!there) return ok_status();
  VITRINE_TRY(const auto names, store.files->list(path));
  for (const std::string& name : names) {
    const std::string file = io::join_path(path, name);
    VITRINE_TRY(const bool folder, store.files->is_directory(file));
    if (!folder && which(name)) VITRINE_TRY(store.files->remove(file));
  }
  return ok_status();
}

}  // namespace vitrine::search
