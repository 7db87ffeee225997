// Which files make up an index: a small file that is replaced whole.
//
// "VTRTEXTI", u32 format, then Meta (image.h) for the schema, u64 next file number, the
// note (varint size, bytes), varint segments: {u64 file number, u32 documents, varint words of
// removed, u64 each}; u32 crc32c of all before. A segment file exists under its name only when it
// is complete.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/text/schema.h"
#include "platform/io/file_system.h"

namespace vitrine::text::internal {

inline constexpr const char* kManifestName = "text-index";

struct ManifestEntry {
  std::uint64_t file = 0;
  std::uint32_t documents = 0;
  std::vector<std::uint64_t> removed;  // empty, or a bit per document, rounded up to 128
};

struct Manifest {
  Schema schema;
  std::uint64_t next_file = 1;
  std::string note;  // of Index::flush()
  std::vector<ManifestEntry> entries;
};

std::string segment_file_name(std::uint64_t file);
std::string encode_manifest(const Manifest& manifest);
// kCorrupt or kUnsupported with what is wrong.
Result<Manifest> decode_manifest(std::string_view bytes);
Result<Manifest> read_manifest(io::FileSystem& files, const std::string& directory);
Status write_manifest(io::FileSystem& files, const std::string& directory,
                      const Manifest& manifest);
Status write_segment_file(io::FileSystem& files, const std::string& path, std::string_view bytes);
// Removes segment files that the manifest does not name.
Status remove_strays(io::FileSystem& files, const std::string& directory, const Manifest& manifest);

}  // namespace vitrine::text::internal
