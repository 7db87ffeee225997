// The key that a backup repository is encrypted with, and the file it is kept in.
//
// The file has one line: "vitrine-backup-key-1 " and 64 hexadecimal digits. Whoever has it can read
// every backup; without it none can be read, by anyone. It is kept away from the repository.
// From the key three others are derived (libsodium's kdf): one encrypts objects, one names them by
// their contents, so that nobody without it can tell whether known bytes are in the repository, and
// one gives the id by which a wrong key is told from a damaged object.
#pragma once

#include <string>

#include "engine/blob/seal.h"
#include "platform/io/file_system.h"

namespace vitrine::backup {

struct BackupKey {
  blob::SealKey seal{};
  blob::SealKey naming{};
  std::string id;  // 16 hexadecimal digits; not secret
};

// A new random key in a new file of mode 0600; kConflict where the file exists.
Result<BackupKey> create_key_file(io::FileSystem& files, const std::string& path);
// kInvalidArgument where it is no key file.
Result<BackupKey> read_key_file(io::FileSystem& files, const std::string& path);

std::string to_hex(std::string_view bytes);

}  // namespace vitrine::backup
