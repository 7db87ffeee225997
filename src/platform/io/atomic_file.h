// Small files that are replaced whole: after a crash a reader finds the old or the new one.
#pragma once

#include <string>
#include <string_view>

#include "platform/io/file_system.h"

namespace vitrine::io {

// Writes `path`.tmp, syncs it, renames it over `path`, syncs the folder. When it returns ok
// the new contents are durable; after an error the old or the new ones are there.
Status write_file_atomically(FileSystem& files, const std::string& path, std::string_view bytes,
                             unsigned permissions = 0640);

}  // namespace vitrine::io
