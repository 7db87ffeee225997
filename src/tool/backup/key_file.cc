#include "tool/backup/key_file.h"

#include <sodium.h>

namespace vitrine::backup {
namespace {

constexpr std::string_view kPrefix = "vitrine-backup-key-1 ";
constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "vtrnbkup";
enum Subkey : std::uint64_t { kSeal = 1, kNaming = 2, kId = 3 };  // never renumber

Status start_sodium() {
  if (sodium_init() < 0) return Error(ErrorCode::kInternal, "libsodium does not start");
  return ok_status();
}

BackupKey derive(const blob::SealKey& master) {
  BackupKey key;
  crypto_kdf_derive_from_key(key.seal.data(), key.seal.size(), kSeal, kContext, master.data());
  crypto_kdf_derive_from_key(key.naming.data(), key.naming.size(), kNaming, kContext,
                             master.data());
  std::array<unsigned char, 16> id{};
  crypto_kdf_derive_from_key(id.data(), id.size(), kId, kContext, master.data());
  key.id = to_hex({reinterpret_cast<const char*>(id.data()), 8});
  return key;
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<BackupKey> create_key_file(io::FileSystem& files, const std::string& path) {
  VITRINE_TRY(start_sodium());
  blob::SealKey master;
  randombytes_buf(master.data(), master.size());
  VITRINE_TRY(auto file, files.open(path, io::OpenMode::kCreateNew, 0600));
  VITRINE_TRY(file->write_at(
      0, std::string(kPrefix) +
             to_hex({reinterpret_cast<const char*>(master.data()), master.size()}) + "\n"));
  VITRINE_TRY(file->sync_data());
  VITRINE_TRY(files.sync_directory(io::parent_path(path)));
  BackupKey key = derive(master);
  sodium_memzero(master.data(), master.size());
  return key;
}

Result<BackupKey> read_key_file(io::FileSystem& files, const std::string& path) {
  VITRINE_TRY(start_sodium());
  auto text = io::read_file(files, path, 4096);
  if (!text.ok()) return std::move(text).error().context("the key file");
  std::string_view line = *text;
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  blob::SealKey master{};
  std::size_t got = 0;
  const char* end = nullptr;
  const bool right = line.starts_with(kPrefix) &&
                     sodium_hex2bin(master.data(), master.size(), line.data() + kPrefix.size(),
                                    line.size() - kPrefix.size(), nullptr, &got, &end) == 0 &&
                     got == master.size() && end == line.data() + line.size();
  if (!right) {
    return Error(ErrorCode::kInvalidArgument,
                 path + " is no backup key: it must hold '" + std::string(kPrefix) +
                     "' and 64 hexadecimal digits (vitrine backup key makes one)");
  }
  BackupKey key = derive(master);
  sodium_memzero(master.data(), master.size());
  return key;
}

}  // namespace vitrine::backup
