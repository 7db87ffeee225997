#include "service/apply/snapshots.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/bytes.h"
#include "platform/codec/crc32c.h"
#include "platform/io/atomic_file.h"

namespace vitrine::apply {
namespace {

constexpr std::string_view kMagic = "vitrine snapshot";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kNameDigits = 20;
constexpr std::uint64_t kManifestBytesMax = 64ull << 20;

std::optional<eventlog::Position> parse_name(std::string_view name) {
  if (name.size() != kNameDigits) return std::nullopt;
  eventlog::Position position = 0;
  const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), position);
  if (code != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return position;
}

// A snapshot's folder holds files and a folder made by the row store, so this walks the real file
// system. (A simulated one has no folders: it keeps logs only, and no snapshots.)
Status remove_folder(io::FileSystem& files, const std::string& path) {
  if (&files != &io::system_files()) {  // files in memory: no folders inside a snapshot's
    VITRINE_TRY(const auto names, files.list(path));
    for (const auto& name : names) VITRINE_TRY(files.remove(io::join_path(path, name)));
    return ok_status();
  }
  std::error_code code;
  std::filesystem::remove_all(path, code);
  if (code) return io_error("remove", path, code.value());
  return ok_status();
}

}  // namespace

std::string encode_manifest(const SnapshotManifest& manifest) {
  std::string out;
  ByteWriter w(out);
  w.raw(kMagic);
  w.u32(kVersion);
  w.u64(manifest.position);
  w.u8(manifest.has_cold_rows ? 1 : 0);
  w.u32(static_cast<std::uint32_t>(manifest.tenants.size()));
  for (const auto& tenant : manifest.tenants) {
    w.u32(tenant.id.value);
    w.varint(tenant.id_files.size());
    for (const auto& file : tenant.id_files) w.string(file);
  }
  w.u32(codec::crc32c(out));
  return out;
}

Result<SnapshotManifest> decode_manifest(std::string_view bytes) {
  ByteReader r(bytes);
  if (r.raw(kMagic.size()) != kMagic) return Error(ErrorCode::kCorrupt, "not a snapshot manifest");
  const std::uint32_t version = r.u32();
  if (r.ok() && version != kVersion) {
    return Error(ErrorCode::kUnsupported, "snapshot format " + std::to_string(version) +
                                              ", this build reads format " +
                                              std::to_string(kVersion));
  }
  SnapshotManifest manifest;
  manifest.position = r.u64();
  manifest.has_cold_rows = r.u8() != 0;
  const std::uint32_t count = r.u32();
  for (std::uint32_t i = 0; r.ok() && i < count; ++i) {
    auto& tenant = manifest.tenants.emplace_back();
    tenant.id = TenantId{r.u32()};
    const std::uint64_t id_files = r.varint();
    for (std::uint64_t f = 0; r.ok() && f < id_files; ++f) tenant.id_files.emplace_back(r.string());
  }
  const std::uint32_t checksum = r.u32();
  if (!r.at_end()) {
    return Error(ErrorCode::kCorrupt, "the manifest's length does not fit its contents");
  }
  if (checksum != codec::crc32c(bytes.substr(0, bytes.size() - 4))) {
    return Error(ErrorCode::kCorrupt, "the manifest's checksum differs");
  }
  return manifest;
}

std::string snapshot_name(eventlog::Position position) {
  std::string digits = std::to_string(position);
  return std::string(kNameDigits - digits.size(), '0') + digits;
}

std::string tenant_file_name(TenantId tenant) {
  return "tenant-" + std::to_string(tenant.value) + ".state";
}

Result<SnapshotDirectory> SnapshotDirectory::open(io::FileSystem& files, std::string directory) {
  VITRINE_TRY(files.create_directories(directory));
  SnapshotDirectory snapshots(files, std::move(directory));
  VITRINE_TRY(const auto folders, snapshots.folders());
  for (eventlog::Position position : folders) {
    VITRINE_TRY(const bool complete, files.exists(snapshots.manifest_path(position)));
    if (!complete) VITRINE_TRY(remove_folder(files, snapshots.path(position)));
  }
  return snapshots;
}

std::string SnapshotDirectory::path(eventlog::Position position) const {
  return io::join_path(directory_, snapshot_name(position));
}

std::string SnapshotDirectory::manifest_path(eventlog::Position position) const {
  return io::join_path(path(position), "MANIFEST");
}

Result<std::vector<eventlog::Position>> SnapshotDirectory::folders() const {
  VITRINE_TRY(const bool exists, files_->exists(directory_));
  if (!exists) return std::vector<eventlog::Position>();
  VITRINE_TRY(const auto names, files_->list(directory_));
  std::vector<eventlog::Position> positions;
  for (const auto& name : names) {
    if (const auto position = parse_name(name)) positions.push_back(*position);
  }
  std::sort(positions.rbegin(), positions.rend());
  return positions;
}

Result<std::vector<eventlog::Position>> SnapshotDirectory::list() const {
  VITRINE_TRY(const auto all, folders());
  std::vector<eventlog::Position> complete;
  for (eventlog::Position position : all) {
    VITRINE_TRY(const bool exists, files_->exists(manifest_path(position)));
    if (exists) complete.push_back(position);
  }
  return complete;
}

Result<SnapshotManifest> SnapshotDirectory::manifest(eventlog::Position position) const {
  const std::string file = manifest_path(position);
  VITRINE_TRY(const auto bytes, io::read_file(*files_, file, kManifestBytesMax));
  auto manifest = decode_manifest(bytes);
  if (!manifest.ok()) return std::move(manifest).error().context(file);
  if (manifest->position != position) {
    return Error(ErrorCode::kCorrupt,
                 file + ": is of position " + std::to_string(manifest->position));
  }
  return manifest;
}

Result<std::string> SnapshotDirectory::begin(eventlog::Position position) {
  const std::string folder = path(position);
  VITRINE_TRY(const bool exists, files_->exists(folder));
  if (exists) VITRINE_TRY(remove(position));
  VITRINE_TRY(files_->create_directories(folder));
  VITRINE_TRY(files_->sync_directory(directory_));
  return folder;
}

Status SnapshotDirectory::finish(const SnapshotManifest& manifest) {
  const std::string folder = path(manifest.position);
  VITRINE_TRY(files_->sync_directory(folder));
  return io::write_file_atomically(*files_, manifest_path(manifest.position),
                                   encode_manifest(manifest));
}

Status SnapshotDirectory::remove(eventlog::Position position) {
  VITRINE_TRY(const bool complete, files_->exists(manifest_path(position)));
  if (complete) {
    VITRINE_TRY(files_->remove(manifest_path(position)));
    VITRINE_TRY(files_->sync_directory(path(position)));
  }
  return remove_folder(*files_, path(position));
}

Result<eventlog::Position> SnapshotDirectory::prune(std::size_t keep) {
  VITRINE_TRY(const auto positions, list());
  for (std::size_t i = keep; i < positions.size(); ++i) VITRINE_TRY(remove(positions[i]));
  if (positions.size() < keep) return eventlog::Position{0};
  return positions[keep - 1];
}

}  // namespace vitrine::apply
