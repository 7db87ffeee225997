#include "engine/factor/user_store.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/hash.h"

namespace vitrine::factor {
namespace {

constexpr std::uint32_t kBlockUsers = 4096;
constexpr std::uint32_t kMagic = 0x55415656;  // "VVAU"
constexpr std::uint32_t kVersion = 1;

std::string_view bytes_of(std::span<const float> v) {
  return {reinterpret_cast<const char*>(v.data()), v.size_bytes()};
}

class MemoryUsers final : public UserStore {
 public:
  explicit MemoryUsers(const spectral::Interactions& data) : data_(data) {
    for (std::uint32_t i = 0; i < data.items(); ++i) {
      counts_.push_back(static_cast<std::uint32_t>(data.users_of(i).size()));
    }
  }
  std::uint32_t users() const override { return data_.users(); }
  std::uint64_t events() const override { return data_.size(); }
  std::span<const std::uint32_t> item_counts() const override { return counts_; }
  std::uint32_t blocks() const override { return (users() + kBlockUsers - 1) / kBlockUsers; }

  Result<UserBlock> read(std::uint32_t block) override {
    const std::uint32_t first = block * kBlockUsers;
    const std::uint32_t last = std::min(users(), first + kBlockUsers);
    begin_.assign(1, 0);
    for (std::uint32_t u = first; u < last; ++u) {
      begin_.push_back(begin_.back() + data_.items_of(u).size());
    }
    return UserBlock{first, begin_, {data_.items_of(first).data(), begin_.back()}};
  }
  Status put_vectors(std::uint32_t block, std::span<const float> vectors) override {
    vectors_.resize(blocks());
    vectors_[block].assign(vectors.begin(), vectors.end());
    return ok_status();
  }
  Result<std::span<const float>> vectors(std::uint32_t block) override {
    if (block >= vectors_.size()) {
      return Error(ErrorCode::kNotFound, "no vectors of user block " + std::to_string(block));
    }
    return std::span<const float>(vectors_[block]);
  }

 private:
  const spectral::Interactions& data_;
  std::vector<std::uint32_t> counts_;
  std::vector<std::uint64_t> begin_;
  std::vector<std::vector<float>> vectors_;
};

// histories: a head, item counts, per block {offset, users, items, checksum}, then the blocks, each
// users x u32 counts and items x u32.
struct Head {
  std::uint32_t magic, version, users, items, blocks, unused;
  std::uint64_t events, checksum;  // of the head and what lies between it and the blocks
};
struct BlockEntry {
  std::uint64_t offset, checksum;
  std::uint32_t users, items;
};

// One piece of work on a file that goes on while the block before is computed with.
template <class Buffer>
struct Background {
  std::uint32_t block = 0;
  Status status;
  Buffer buffer;
  // Null: nothing was begun. Last, so that it is waited for before what it writes to goes.
  std::unique_ptr<Task> task;

  // True where it was for `block`, with its outcome in `status` and `buffer`.
  bool finish(std::uint32_t wanted) {
    if (task == nullptr) return false;
    task.reset();  // waits
    return block == wanted;
  }
};

class FileUsers final : public UserStore {
 public:
  FileUsers(std::unique_ptr<io::File> histories, std::unique_ptr<io::File> vectors,
            std::string path, const Head& head, std::vector<std::uint32_t> counts,
            std::vector<BlockEntry> entries, Executor* executor)
      : executor_(executor),
        histories_(std::move(histories)),
        vectors_file_(std::move(vectors)),
        path_(std::move(path)),
        head_(head),
        counts_(std::move(counts)),
        entries_(std::move(entries)),
        sums_(entries_.size()) {}

  std::uint32_t users() const override { return head_.users; }
  std::uint64_t events() const override { return head_.events; }
  std::span<const std::uint32_t> item_counts() const override { return counts_; }
  std::uint32_t blocks() const override { return head_.blocks; }

  Result<UserBlock> read(std::uint32_t block) override {
    const BlockEntry& entry = entries_[block];
    if (words_ahead_.finish(block)) {
      VITRINE_TRY(std::move(words_ahead_.status));
      words_.swap(words_ahead_.buffer);
    } else {
      VITRINE_TRY(load_words(block, words_));
    }
    begin_ahead(words_ahead_, block + 1,
                [this](std::uint32_t next, auto& to) { return load_words(next, to); });
    begin_.assign(1, 0);
    for (std::uint32_t n = 0; n < entry.users; ++n) begin_.push_back(begin_.back() + words_[n]);
    if (begin_.back() != entry.items) return damaged("histories", block);
    const std::span<const std::uint32_t> items(words_.data() + entry.users, entry.items);
    for (const std::uint32_t item : items) {
      if (item >= head_.items) return damaged("histories", block);
    }
    return UserBlock{block * kBlockUsers, begin_, items};
  }

  Status put_vectors(std::uint32_t block, std::span<const float> vectors) override {
    if (dimensions_ == 0) dimensions_ = vectors.size() / entries_[block].users;
    VITRINE_TRY(finish_write());
    values_ahead_.finish(block);  // may be of before
    sums_[block] = hash64(bytes_of(vectors));
    // The last write is waited for: nobody may ask again.
    if (executor_ == nullptr || block + 1 == blocks()) return write_values(block, vectors);
    write_.block = block;
    write_.buffer.assign(vectors.begin(), vectors.end());
    write_.task = executor_->run_thread(
        "users-write", [this] { write_.status = write_values(write_.block, write_.buffer); });
    return ok_status();
  }

  Result<std::span<const float>> vectors(std::uint32_t block) override {
    if (!sums_[block].has_value()) {
      return Error(ErrorCode::kNotFound, "no vectors of user block " + std::to_string(block));
    }
    VITRINE_TRY(finish_write());
    if (values_ahead_.finish(block)) {
      VITRINE_TRY(std::move(values_ahead_.status));
      values_.swap(values_ahead_.buffer);
    } else {
      VITRINE_TRY(load_values(block, values_));
    }
    if (block + 1 < sums_.size() && sums_[block + 1].has_value()) {
      begin_ahead(values_ahead_, block + 1,
                  [this](std::uint32_t next, auto& to) { return load_values(next, to); });
    }
    return std::span<const float>(values_);
  }

 private:
  template <class Buffer, class Load>
  void begin_ahead(Background<Buffer>& ahead, std::uint32_t block, Load load) {
    if (executor_ == nullptr || block >= blocks()) return;
    ahead.block = block;
    ahead.task = executor_->run_thread(
        "users-read", [&ahead, load] { ahead.status = load(ahead.block, ahead.buffer); });
  }
  Status load_words(std::uint32_t block, std::vector<std::uint32_t>& to) const {
    const BlockEntry& entry = entries_[block];
    to.resize(std::size_t{entry.users} + entry.items);
    const std::span<char> raw(reinterpret_cast<char*>(to.data()), to.size() * 4);
    VITRINE_TRY(const std::size_t got, histories_->read_at(entry.offset, raw));
    if (got < raw.size() || hash64({raw.data(), raw.size()}) != entry.checksum) {
      return damaged("histories", block);
    }
    return ok_status();
  }
  Status load_values(std::uint32_t block, std::vector<float>& to) const {
    to.resize(std::size_t{entries_[block].users} * dimensions_);
    const std::span<char> raw(reinterpret_cast<char*>(to.data()), to.size() * 4);
    VITRINE_TRY(const std::size_t got, vectors_file_->read_at(vector_offset(block), raw));
    if (got < raw.size() || hash64(bytes_of(to)) != *sums_[block]) {
      return damaged("vectors", block);
    }
    return ok_status();
  }
  Status write_values(std::uint32_t block, std::span<const float> vectors) const {
    return vectors_file_->write_at(vector_offset(block), bytes_of(vectors));
  }
  // Of the block before; its error is that of whoever asks next.
  Status finish_write() {
    if (write_.task == nullptr) return ok_status();
    write_.task.reset();
    return std::move(write_.status);
  }
  Error damaged(const char* file, std::uint32_t block) const {
    return {ErrorCode::kCorrupt,
            io::join_path(path_, file) + ": block " + std::to_string(block) + " is damaged"};
  }
  std::uint64_t vector_offset(std::uint32_t block) const {
    return std::uint64_t{block} * kBlockUsers * dimensions_ * sizeof(float);
  }

  Executor* executor_;
  std::unique_ptr<io::File> histories_, vectors_file_;
  std::string path_;
  Head head_;
  std::vector<std::uint32_t> counts_;
  std::vector<BlockEntry> entries_;
  std::vector<std::optional<std::uint64_t>> sums_;  // of vectors, by block
  std::size_t dimensions_ = 0;
  std::vector<std::uint32_t> words_;
  std::vector<std::uint64_t> begin_;
  std::vector<float> values_;
  // Last: their tasks end before what they work with.
  Background<std::vector<std::uint32_t>> words_ahead_;
  Background<std::vector<float>> values_ahead_;
  Background<std::vector<float>> write_;
};

std::string directory_bytes(std::span<const std::uint32_t> counts,
                            const std::vector<BlockEntry>& entries) {
  std::string out(counts.size() * 4 + entries.size() * sizeof(BlockEntry), '\0');
  if (!counts.empty()) std::memcpy(out.data(), counts.data(), counts.size() * 4);
  if (!entries.empty()) {
    std::memcpy(out.data() + counts.size() * 4, entries.data(),
                entries.size() * sizeof(BlockEntry));
  }
  return out;
}

std::uint64_t checksum(Head head, std::string_view directory) {
  head.checksum = 0;
  return hash64(directory, hash64({reinterpret_cast<const char*>(&head), sizeof(head)}));
}

}  // namespace

std::unique_ptr<UserStore> memory_users(const spectral::Interactions& data) {
  return std::make_unique<MemoryUsers>(data);
}

Status write_users(UserStore& from, io::FileSystem& files, const std::string& directory) {
  VITRINE_TRY(files.create_directories(directory));
  VITRINE_TRY(auto file,
              files.open(io::join_path(directory, "histories"), io::OpenMode::kCreateNew));
  const auto counts = from.item_counts();
  std::vector<BlockEntry> entries(from.blocks());
  std::uint64_t at = sizeof(Head) + counts.size() * 4 + entries.size() * sizeof(BlockEntry);
  for (std::uint32_t b = 0; b < from.blocks(); ++b) {
    VITRINE_TRY(const UserBlock block, from.read(b));
    std::vector<std::uint32_t> words;
    words.reserve(block.users() + block.items.size());
    for (std::uint32_t n = 0; n < block.users(); ++n) {
      words.push_back(static_cast<std::uint32_t>(block.history(n).size()));
    }
    words.insert(words.end(), block.items.begin(), block.items.end());
    const std::string_view raw(reinterpret_cast<const char*>(words.data()), words.size() * 4);
    VITRINE_TRY(file->write_at(at, raw));
    entries[b] = {at, hash64(raw), block.users(), static_cast<std::uint32_t>(block.items.size())};
    at += raw.size();
  }
  const std::string directory_block = directory_bytes(counts, entries);
  Head head{kMagic,        kVersion, from.users(),  static_cast<std::uint32_t>(counts.size()),
            from.blocks(), 0,        from.events(), 0};
  head.checksum = checksum(head, directory_block);
  VITRINE_TRY(file->write_at(sizeof(Head), directory_block));
  VITRINE_TRY(file->sync_data());
  VITRINE_TRY(
      file->write_at(0, std::string_view(reinterpret_cast<const char*>(&head), sizeof(head))));
  VITRINE_TRY(file->sync_data());
  return files.sync_directory(directory);
}

Result<std::unique_ptr<UserStore>> open_users(io::FileSystem& files, const std::string& directory,
                                              Executor* executor) {
  const std::string path = io::join_path(directory, "histories");
  VITRINE_TRY(auto file, files.open(path, io::OpenMode::kRead));
  VITRINE_TRY(const std::uint64_t size, file->size());
  const auto damaged = [&] { return Error(ErrorCode::kCorrupt, path + ": the head is damaged"); };
  Head head{};
  VITRINE_TRY(const std::size_t got,
              file->read_at(0, {reinterpret_cast<char*>(&head), sizeof(head)}));
  if (got < sizeof(head) || head.magic != kMagic) return damaged();
  if (head.version != kVersion) {
    return Error(ErrorCode::kUnsupported, path + ": version " + std::to_string(head.version));
  }
  const std::uint64_t rest =
      std::uint64_t{head.items} * 4 + std::uint64_t{head.blocks} * sizeof(BlockEntry);
  if (rest > size) return damaged();
  if (head.blocks != (std::uint64_t{head.users} + kBlockUsers - 1) / kBlockUsers) return damaged();
  std::string raw(rest, '\0');
  VITRINE_TRY(const std::size_t more, file->read_at(sizeof(head), raw));
  if (more < rest || checksum(head, raw) != head.checksum) return damaged();
  std::vector<std::uint32_t> counts(head.items);
  std::vector<BlockEntry> entries(head.blocks);
  if (head.items > 0) std::memcpy(counts.data(), raw.data(), counts.size() * 4);
  if (head.blocks > 0) {
    std::memcpy(entries.data(), raw.data() + counts.size() * 4,
                entries.size() * sizeof(BlockEntry));
  }
  for (std::uint32_t block = 0; block < head.blocks; ++block) {
    const BlockEntry& entry = entries[block];
    const std::uint32_t users = std::min(kBlockUsers, head.users - block * kBlockUsers);
    if (entry.offset > size || entry.users != users || entry.items > size / 4) return damaged();
  }
  VITRINE_TRY(auto vectors, files.open(io::join_path(directory, "vectors"), io::OpenMode::kCreate));
  return std::unique_ptr<UserStore>(std::make_unique<FileUsers>(std::move(file), std::move(vectors),
                                                                directory, head, std::move(counts),
                                                                std::move(entries), executor));
}

}  // namespace vitrine::factor
