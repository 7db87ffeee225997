// Where a search box keeps its indexes from one start to the next: a directory of its own beside
// the partition's snapshots.
//
//   text/            segments and manifest of the text index (engine/text/index.h)
//   texts.state      which texts are in it, and the words of the catalog
//   vectors.state    rows by item, and which texts they were made of
//   vectors-N.vec    the index over the rows (engine/vec/index_file.h)
//
// All of it can be made again from the catalog, and whatever is not exactly what was written is
// thrown away. A .state file is older than the index beside it or of the same moment, never newer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/io/file_system.h"

namespace vitrine::search {

struct IndexStore {
  io::FileSystem* files = nullptr;  // null: indexes are in memory only
  std::string directory;

  bool there() const { return files != nullptr; }
  std::string path(std::string_view name) const { return io::join_path(directory, name); }
};

// A .state file is a checked file (platform/io/checked_file.h) of that name. Replaces it; durable
// when it returns.
Status write_state(const IndexStore& store, std::string_view name, std::string_view payload);
// The payload. kNotFound, kUnsupported for a later format, kCorrupt with file and offset.
Result<std::string> read_state(const IndexStore& store, std::string_view name);

// Removes the files of `directory` (below the store's; "" for itself) whose name `which` says yes
// to. No error where there is no such directory.
Status remove_files(const IndexStore& store, std::string_view directory,
                    const std::function<bool(std::string_view)>& which);

}  // namespace vitrine::search
