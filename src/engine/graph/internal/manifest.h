// The MANIFEST of a snapshot: counts and the directory of blocks, in a checked file.
#pragma once

#include <string>
#include <vector>

#include "base/stream.h"
#include "engine/graph/snapshot.h"

namespace vitrine::graph {

Status write_manifest(io::FileSystem& files, const std::string& path, const SnapshotInfo& info,
                      const std::vector<Snapshot::DirectoryEntry>& directory);

// The counts agree with each other and the directory ascends, or kCorrupt.
Status read_manifest(Source& in, SnapshotInfo& info,
                     std::vector<Snapshot::DirectoryEntry>& directory);

inline constexpr std::string_view kManifestName = "graph manifest";
inline constexpr std::uint32_t kManifestFormat = 1;

}  // namespace vitrine::graph
