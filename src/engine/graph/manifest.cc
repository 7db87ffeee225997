#include "engine/graph/internal/manifest.h"

#include "platform/io/checked_file.h"

namespace vitrine::graph {

static_assert(sizeof(Snapshot::DirectoryEntry) == 24);

Status write_manifest(io::FileSystem& files, const std::string& path, const SnapshotInfo& info,
                      const std::vector<Snapshot::DirectoryEntry>& directory) {
  io::CheckedFileOptions options;
  options.name = kManifestName;
  options.format = kManifestFormat;
  VITRINE_TRY(auto out, io::CheckedFileWriter::create(files, path, options));
  out->value(info.users);
  out->value(info.items);
  out->value(info.edges);
  out->value(info.entries);
  out->value(info.blocks);
  out->value(info.degree_max);
  out->value(info.time_first_us);
  out->value(info.time_last_us);
  out->value(info.attribute_bytes);
  out->value<std::uint64_t>(directory.size());
  out->write({reinterpret_cast<const char*>(directory.data()),
              directory.size() * sizeof(Snapshot::DirectoryEntry)});
  return out->finish();
}

Status read_manifest(Source& in, SnapshotInfo& info,
                     std::vector<Snapshot::DirectoryEntry>& directory) {
  VITRINE_TRY(in.value(info.users));
  VITRINE_TRY(in.value(info.items));
  VITRINE_TRY(in.value(info.edges));
  VITRINE_TRY(in.value(info.entries));
  VITRINE_TRY(in.value(info.blocks));
  VITRINE_TRY(in.value(info.degree_max));
  VITRINE_TRY(in.value(info.time_first_us));
  VITRINE_TRY(in.value(info.time_last_us));
  VITRINE_TRY(in.value(info.attribute_bytes));
  VITRINE_TRY(in.array(directory));
  const auto corrupt = [](std::string_view what) {
    return Error(ErrorCode::kCorrupt, std::string(what));
  };
  if (info.users > 0xFFFFFFFFu || info.items > 0xFFFFFFFFu || info.nodes() >= 0xFFFFFFFFu ||
      info.nodes() == 0 || info.edges > (std::uint64_t{1} << 40) ||
      info.entries != info.edges * 2) {
    return corrupt("the counts are impossible");
  }
  if (directory.size() != info.blocks || directory.empty() || info.blocks > 0xFFFFFFFFu) {
    return corrupt("the directory of blocks is incomplete");
  }
  const auto& first = directory.front();
  if (first.first_node != 0 || first.first_position != 0 || first.first_entry != 0 ||
      first.attribute_offset != 0) {
    return corrupt("the directory does not begin at the beginning");
  }
  for (std::size_t i = 1; i < directory.size(); ++i) {
    const auto& a = directory[i - 1];
    const auto& b = directory[i];
    if (b.first_node < a.first_node || b.first_entry < a.first_entry ||
        b.first_entry - a.first_entry > kBlockEdgesMax || b.attribute_offset < a.attribute_offset ||
        b.attribute_offset - a.attribute_offset > kBlockEdgesMax * 16) {
      return corrupt("the directory of blocks does not ascend");
    }
  }
  const auto& last = directory.back();
  if (last.first_node >= info.nodes() || last.first_entry > info.entries ||
      info.entries - last.first_entry > kBlockEdgesMax ||
      last.attribute_offset > info.attribute_bytes ||
      info.attribute_bytes - last.attribute_offset > kBlockEdgesMax * 16) {
    return corrupt("the directory goes beyond the end");
  }
  return ok_status();
}

}  // namespace vitrine::graph
