#include "tool/backup/manifest.h"

#include <algorithm>

#include "base/bytes.h"

namespace vitrine::backup {
namespace {

constexpr std::string_view kMagic = "vitrine backup";
constexpr std::uint32_t kVersion = 2;  // 1: without erasures

Error corrupt(std::string_view what) {
  return {ErrorCode::kCorrupt, "backup manifest: " + std::string(what)};
}

bool sound_path(std::string_view path) {
  if (path.empty() || path.size() > 1024) return false;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != part.npos) return false;
    begin = end + 1;
  }
  return true;
}

void write_file(ByteWriter& w, const BackupFile& file) {
  w.string(file.path);
  w.u8(static_cast<std::uint8_t>(file.kind));
  w.u16(file.permissions);
  w.u64(file.file_bytes);
  w.u64(file.identity.low);
  w.u64(file.identity.high);
  w.varint(file.chunks.size());
  for (const Chunk& chunk : file.chunks) {
    w.fixed(chunk.id);
    w.u32(chunk.bytes);
  }
}

Result<BackupFile> read_file(ByteReader& r) {
  BackupFile file;
  file.path = r.string();
  const std::uint8_t kind = r.u8();
  file.kind = static_cast<FileKind>(kind);
  file.permissions = r.u16();
  file.file_bytes = r.u64();
  file.identity.low = r.u64();
  file.identity.high = r.u64();
  const std::uint64_t count = r.varint();
  if (!r.ok() || count > r.remaining() / 36) return corrupt("it ends early");
  if (kind < 1 || kind > 5) return corrupt("a file of unknown kind");
  if (!sound_path(file.path)) return corrupt("a file path that leads elsewhere");
  if (file.permissions > 0777) return corrupt("permissions that are none");
  for (std::uint64_t i = 0; i < count; ++i) {
    Chunk chunk;
    chunk.id = r.fixed<std::array<unsigned char, 32>>();
    chunk.bytes = r.u32();
    // All but the last are full: so a chunk's place in the file follows from its number.
    const bool fits =
        i + 1 < count ? chunk.bytes == kChunkBytes : chunk.bytes > 0 && chunk.bytes <= kChunkBytes;
    if (!fits) return corrupt("a chunk of a wrong size");
    file.chunks.push_back(chunk);
  }
  if (file.data_bytes() > file.file_bytes) return corrupt("more data than the file is long");
  return file;
}

void write_log(ByteWriter& w, const LogEntry& log) {
  w.string(log.directory);
  w.u8(log.has_state ? 1 : 0);
  w.u64(log.oldest);
  w.u64(log.durable_before);
  w.u64(log.last);
  w.i64(log.last_time_us);
  w.u64(log.snapshot);
}

Result<LogEntry> read_log(ByteReader& r) {
  LogEntry log;
  log.directory = r.string();
  const std::uint8_t has_state = r.u8();
  log.has_state = has_state == 1;
  log.oldest = r.u64();
  log.durable_before = r.u64();
  log.last = r.u64();
  log.last_time_us = r.i64();
  log.snapshot = r.u64();
  if (!r.ok()) return corrupt("it ends early");
  if (has_state > 1 || !sound_path(log.directory)) return corrupt("a log that is none");
  if (log.snapshot > log.last) return corrupt("a snapshot beyond the end of its log");
  return log;
}

}  // namespace

std::uint64_t BackupFile::data_bytes() const {
  if (chunks.empty()) return 0;
  return (chunks.size() - 1) * kChunkBytes + chunks.back().bytes;
}

std::uint64_t BackupManifest::data_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& file : files) sum += file.data_bytes();
  return sum;
}

std::string encode_backup_manifest(const BackupManifest& m) {
  std::string out;
  ByteWriter w(out);
  w.raw(kMagic);
  w.u32(kVersion);
  for (const std::string* text : {&m.id, &m.parent, &m.version, &m.source}) w.string(*text);
  w.i64(m.begun_us);
  w.i64(m.cut_us);
  w.i64(m.ended_us);
  w.u64(m.control_version);
  w.string(m.settings);
  w.varint(m.logs.size());
  for (const auto& log : m.logs) write_log(w, log);
  w.varint(m.tenants.size());
  for (const auto& tenant : m.tenants) {
    w.u32(tenant.id);
    w.string(tenant.name);
    w.u32(tenant.partition);
  }
  w.varint(m.files.size());
  for (const auto& file : m.files) write_file(w, file);
  w.u8(m.erasures_known ? 1 : 0);
  privacy::encode_erasures(m.erasures, w);
  return out;
}

Result<BackupManifest> decode_backup_manifest(std::string_view bytes) {
  ByteReader r(bytes);
  if (r.raw(kMagic.size()) != kMagic) return corrupt("these bytes are none");
  const std::uint32_t version = r.u32();
  if (r.ok() && (version == 0 || version > kVersion)) {
    return Error(ErrorCode::kUnsupported, "the backup is in format " + std::to_string(version) +
                                              ", this build reads up to " +
                                              std::to_string(kVersion) +
                                              ": use the version that made it, or a later one");
  }
  BackupManifest m;
  for (std::string* text : {&m.id, &m.parent, &m.version, &m.source}) *text = r.string();
  m.begun_us = r.i64();
  m.cut_us = r.i64();
  m.ended_us = r.i64();
  m.control_version = r.u64();
  m.settings = r.string();
  const std::uint64_t logs = r.varint();
  for (std::uint64_t i = 0; r.ok() && i < logs; ++i) {
    VITRINE_TRY(auto log, read_log(r));
    m.logs.push_back(std::move(log));
  }
  const std::uint64_t tenants = r.varint();
  for (std::uint64_t i = 0; r.ok() && i < tenants; ++i) {
    TenantEntry tenant;
    tenant.id = r.u32();
    tenant.name = r.string();
    tenant.partition = r.u32();
    m.tenants.push_back(std::move(tenant));
  }
  const std::uint64_t files = r.varint();
  for (std::uint64_t i = 0; r.ok() && i < files; ++i) {
    VITRINE_TRY(auto file, read_file(r));
    if (!m.files.empty() && file.path <= m.files.back().path) return corrupt("paths out of order");
    m.files.push_back(std::move(file));
  }
  m.erasures_known = false;
  if (version >= 2) {
    const std::uint8_t known = r.u8();
    if (known > 1) r.fail();
    m.erasures_known = known == 1;
    m.erasures = privacy::decode_erasures(r);
  }
  if (!r.at_end()) return corrupt("its length does not fit its contents");
  return m;
}

}  // namespace vitrine::backup
