#include "engine/text/internal/manifest.h"

#include <algorithm>

#include "base/bytes.h"
#include "engine/text/internal/image.h"
#include "platform/codec/crc32c.h"
#include "platform/io/atomic_file.h"

namespace vitrine::text::internal {
namespace {

constexpr std::string_view kMagic = "VTRTEXTI";
constexpr std::uint32_t kManifestFormat = 2;
constexpr std::uint64_t kManifestBytesMax = 1ull << 30;

}  // namespace

std::string segment_file_name(std::uint64_t file) {
  return "segment-" + std::to_string(file) + ".text";
}

std::string encode_manifest(const Manifest& manifest) {
  std::string out(kMagic);
  ByteWriter w(out);
  w.u32(kManifestFormat);
  Meta meta;
  meta.schema = manifest.schema;
  std::fill(std::begin(meta.average), std::end(meta.average), 1.0f);
  std::string schema;
  write_meta(meta, schema);
  w.string(schema);
  w.u64(manifest.next_file);
  w.string(manifest.note);
  w.varint(manifest.entries.size());
  for (const ManifestEntry& entry : manifest.entries) {
    w.u64(entry.file);
    w.u32(entry.documents);
    w.varint(entry.removed.size());
    for (const std::uint64_t word : entry.removed) w.u64(word);
  }
  w.u32(codec::crc32c(out));
  return out;
}

Result<Manifest> decode_manifest(std::string_view bytes) {
  const auto bad = [](std::string what) {
    return Error(ErrorCode::kCorrupt, "text index manifest: " + std::move(what));
  };
  if (bytes.size() < kMagic.size() + 8 || bytes.substr(0, kMagic.size()) != kMagic)
    return bad("it is none");
  ByteReader r(bytes.substr(kMagic.size(), bytes.size() - kMagic.size() - 4));
  const std::uint32_t format = r.u32();
  if (format != kManifestFormat)
    return Error(ErrorCode::kUnsupported,
                 "text index manifest of format " + std::to_string(format) +
                     "; this build reads format " + std::to_string(kManifestFormat));
  if (ByteReader(bytes.substr(bytes.size() - 4)).u32() !=
      codec::crc32c(bytes.substr(0, bytes.size() - 4)))
    return bad("checksum differs");
  Manifest manifest;
  auto meta = read_meta(r.string());
  if (!meta.ok()) return std::move(meta).error().context("text index manifest");
  manifest.schema = std::move(meta->schema);
  manifest.next_file = r.u64();
  manifest.note = r.string();
  const std::uint64_t entries = r.varint();
  for (std::uint64_t e = 0; e < entries && r.ok(); ++e) {
    ManifestEntry entry;
    entry.file = r.u64();
    entry.documents = r.u32();
    const std::uint64_t words = r.varint();
    if (words != 0 && words != (std::uint64_t{entry.documents} + 127) / 128 * 2)
      return bad("removals of another size");
    if (words > r.remaining() / 8) return bad("it ends early");
    for (std::uint64_t i = 0; i < words; ++i) entry.removed.push_back(r.u64());
    for (std::uint64_t d = entry.documents; d < words * 64; ++d)
      if ((entry.removed[d / 64] >> (d % 64) & 1) != 0)
        return bad("a document that does not exist is removed");
    if (entry.file == 0 || entry.file >= manifest.next_file)
      return bad("a file number is out of range");
    manifest.entries.push_back(std::move(entry));
  }
  if (!r.at_end()) return bad("it ends early or late");
  return manifest;
}

Result<Manifest> read_manifest(io::FileSystem& files, const std::string& directory) {
  const std::string path = io::join_path(directory, kManifestName);
  VITRINE_TRY(const std::string bytes, io::read_file(files, path, kManifestBytesMax));
  auto manifest = decode_manifest(bytes);
  if (!manifest.ok()) return std::move(manifest).error().context(path);
  return manifest;
}

Status write_manifest(io::FileSystem& files, const std::string& directory,
                      const Manifest& manifest) {
  return io::write_file_atomically(files, io::join_path(directory, kManifestName),
                                   encode_manifest(manifest));
}

Status write_segment_file(io::FileSystem& files, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  {
    VITRINE_TRY(auto file, files.open(temporary, io::OpenMode::kCreate));
    VITRINE_TRY(file->truncate(0));
    VITRINE_TRY(file->write_at(0, bytes));
    VITRINE_TRY(file->sync_data());
  }
  VITRINE_TRY(files.rename(temporary, path));
  return files.sync_directory(io::parent_path(path));
}

Status remove_strays(io::FileSystem& files, const std::string& directory,
                     const Manifest& manifest) {
  VITRINE_TRY(const auto names, files.list(directory));
  for (const std::string& name : names) {
    if (!name.starts_with("segment-")) continue;
    const bool named =
        std::any_of(manifest.entries.begin(), manifest.entries.end(),
                    [&](const ManifestEntry& e) { return segment_file_name(e.file) == name; });
    if (!named) VITRINE_TRY(files.remove(io::join_path(directory, name)));
  }
  return ok_status();
}

}  // namespace vitrine::text::internal
