#include "service/learn/checkpoint.h"

#include <filesystem>

#include "base/hash.h"
#include "base/stream.h"
#include "platform/io/atomic_file.h"
#include "service/learn/model_store.h"

namespace vitrine::learn {
namespace {

// A file a phase; written whole or not at all. What can't be read is begun anew.
class DirectoryCheckpoint final : public Checkpoint {
 public:
  DirectoryCheckpoint(io::FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  Result<std::optional<std::string>> load(std::string_view phase) override {
    const std::string path = file_of(phase);
    VITRINE_TRY(const bool exists, files_.exists(path));
    if (!exists) return std::optional<std::string>();
    VITRINE_TRY(std::string bytes, io::read_file(files_, path, kModelBytesMax));
    StringSource in(bytes);
    Hash128 hash;
    if (!in.value(hash).ok() || in.remaining() == 0) {
      return std::optional<std::string>();
    }
    bytes.erase(0, sizeof hash);
    if (hash128(bytes) != hash) return std::optional<std::string>();
    return std::optional(std::move(bytes));
  }
  Status save(std::string_view phase, const std::string& bytes) override {
    VITRINE_TRY(files_.create_directories(directory_));
    StringSink out;
    out.value(hash128(bytes));
    out.write(bytes);
    return io::write_file_atomically(files_, file_of(phase), out.bytes());
  }
  Status remove(std::string_view phase) override {
    const std::string path = file_of(phase);
    VITRINE_TRY(const bool exists, files_.exists(path));
    return exists ? files_.remove(path) : ok_status();
  }
  Status clear() override {
    std::error_code error;
    std::filesystem::remove_all(directory_, error);
    return error ? io_error("remove", directory_, error.value()) : ok_status();
  }

 private:
  std::string file_of(std::string_view phase) const {
    return io::join_path(directory_, std::string(phase) + ".checkpoint");
  }
  io::FileSystem& files_;
  const std::string directory_;
};

}  // namespace

std::unique_ptr<Checkpoint> directory_checkpoint(io::FileSystem& files, std::string directory) {
  return std::make_unique<DirectoryCheckpoint>(files, std::move(directory));
}

}  // namespace vitrine::learn
