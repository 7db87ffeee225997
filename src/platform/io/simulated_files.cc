#include "platform/io/simulated_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>

namespace vitrine::io {
namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::uint64_t kNever = ~std::uint64_t{0};

struct Change {
  std::uint64_t offset = 0;
  std::string bytes;
  std::optional<std::uint64_t> truncate_to;
  bool doomed = false;  // a sync that covered it failed: later syncs don't save it
};

void apply_bytes(std::string& contents, std::uint64_t offset, std::string_view bytes) {
  if (contents.size() < offset + bytes.size()) contents.resize(offset + bytes.size(), '\0');
  std::memcpy(contents.data() + offset, bytes.data(), bytes.size());
}

void apply_change(std::string& contents, const Change& change) {
  if (change.truncate_to) {
    contents.resize(*change.truncate_to, '\0');
  } else {
    apply_bytes(contents, change.offset, change.bytes);
  }
}

// What is left of doomed changes when `saved` was written after them: bytes that reached the disk
// can't be replaced by older ones any more.
void supersede(std::vector<Change>& doomed, const Change& saved) {
  std::vector<Change> left;
  const std::uint64_t saved_end = saved.offset + saved.bytes.size();
  for (Change& change : doomed) {
    const std::uint64_t end = change.offset + change.bytes.size();
    if (saved.truncate_to) {
      change.bytes.resize(std::clamp(*saved.truncate_to, change.offset, end) - change.offset);
      left.push_back(std::move(change));
      continue;
    }
    if (end <= saved.offset || saved_end <= change.offset) {
      left.push_back(std::move(change));
      continue;
    }
    if (change.offset < saved.offset) {
      const std::string before = change.bytes.substr(0, saved.offset - change.offset);
      left.push_back({change.offset, before, std::nullopt, true});
    }
    if (end > saved_end) {
      const std::string after = change.bytes.substr(saved_end - change.offset);
      left.push_back({saved_end, after, std::nullopt, true});
    }
  }
  doomed = std::move(left);
}

struct Node {
  std::string contents;                       // as read by everyone now
  std::string synced;                         // as certain to survive
  std::vector<Change> unsynced;               // what leads from one to the other
  std::shared_ptr<std::vector<char>> mapped;  // where someone mapped it
};
using NodePtr = std::shared_ptr<Node>;

// One change of names: `path` now means `node` (or nothing); a rename also frees `from`.
struct NameChange {
  std::string path;
  NodePtr node;
  std::string from;
};

using Names = std::map<std::string, NodePtr>;

void apply_name(Names& names, const NameChange& change) {
  if (!change.from.empty()) names.erase(change.from);
  if (change.node) {
    names[change.path] = change.node;
  } else {
    names.erase(change.path);
  }
}

// Some of the sectors of one write, or its beginning up to any byte.
void apply_torn(std::string& contents, const Change& change, std::mt19937_64& random) {
  if (random() % 2 == 0) {
    apply_bytes(contents, change.offset,
                std::string_view(change.bytes).substr(0, random() % (change.bytes.size() + 1)));
    return;
  }
  const std::uint64_t end = change.offset + change.bytes.size();
  for (std::uint64_t at = change.offset; at < end;) {
    const std::uint64_t next = std::min(end, (at / kSector + 1) * kSector);
    if (random() % 2 == 0) {
      apply_bytes(contents, at,
                  std::string_view(change.bytes).substr(at - change.offset, next - at));
    }
    at = next;
  }
}

void lose_power(Node& node, std::mt19937_64& random) {
  std::shuffle(node.unsynced.begin(), node.unsynced.end(), random);
  const std::uint64_t mood = random() % 4;  // 0: all lost, 1: all kept, else each on its own
  for (const Change& change : node.unsynced) {
    const std::uint64_t fate = mood == 0 ? 0 : mood == 1 ? 1 : random() % 3;
    if (fate == 0) continue;
    if (fate == 1 || change.truncate_to) {
      apply_change(node.synced, change);
    } else {
      apply_torn(node.synced, change, random);
    }
  }
  if (node.mapped && random() % 2 == 0) {
    apply_bytes(node.synced, 0, {node.mapped->data(), node.mapped->size()});
  }
  node.unsynced.clear();
  node.mapped.reset();
  node.contents = node.synced;
}

Error simulated_error(std::string_view operation, std::string_view path, int error) {
  Error made = io_error(operation, path, error);
  if (error == ENOENT) return {ErrorCode::kNotFound, made.message()};
  if (error == EEXIST) return {ErrorCode::kConflict, made.message()};
  return made;
}

}  // namespace

struct SimulatedFiles::State {
  mutable std::mutex mutex;  // guards everything below
  Names names;
  Names durable_names;
  std::vector<NameChange> unsynced_names;
  std::set<std::string> locks;
  std::uint64_t epoch = 0;
  std::uint64_t operations = 0;
  std::map<std::uint64_t, int> failures;
  std::uint64_t power_cut = kNever;
  std::uint64_t capacity = kNever;
  std::uint64_t used = 0;

  // Counts one operation; nonzero: it fails so.
  int next_operation() {
    const std::uint64_t n = operations++;
    if (n >= power_cut) return EIO;
    const auto found = failures.find(n);
    return found == failures.end() ? 0 : found->second;
  }
  bool grow(const Node& node, std::uint64_t size) {
    if (size <= node.contents.size()) return true;
    const std::uint64_t more = size - node.contents.size();
    if (capacity != kNever && used + more > capacity) return false;
    used += more;
    return true;
  }
  void count_used() {
    std::set<const Node*> seen;
    used = 0;
    for (const auto& [path, node] : names) {
      if (seen.insert(node.get()).second) used += node->contents.size();
    }
  }
  void change_name(NameChange change) {
    apply_name(names, change);
    unsynced_names.push_back(std::move(change));
    count_used();
  }
};

class SimulatedFiles::Mapping final : public SharedMapping {
 public:
  explicit Mapping(std::shared_ptr<std::vector<char>> block) : block_(std::move(block)) {}
  std::span<char> bytes() override { return *block_; }

 private:
  std::shared_ptr<std::vector<char>> block_;
};

class SimulatedFiles::Lock final : public FileLock {
 public:
  Lock(std::shared_ptr<State> state, std::string path)
      : state_(std::move(state)), path_(std::move(path)), epoch_(state_->epoch) {}
  ~Lock() override {
    std::lock_guard guard(state_->mutex);
    if (epoch_ == state_->epoch) state_->locks.erase(path_);
  }

 private:
  std::shared_ptr<State> state_;
  std::string path_;
  std::uint64_t epoch_;
};

class SimulatedFiles::OpenFile final : public File {
 public:
  OpenFile(std::shared_ptr<State> state, NodePtr node, std::string path, bool writable)
      : state_(std::move(state)),
        node_(std::move(node)),
        path_(std::move(path)),
        epoch_(state_->epoch),
        writable_(writable) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
    std::lock_guard guard(state_->mutex);
    if (dead()) return simulated_error("read", path_, EIO);
    const std::string& contents = node_->contents;
    if (offset >= contents.size()) return std::size_t{0};
    const std::size_t size = std::min<std::uint64_t>(out.size(), contents.size() - offset);
    std::memcpy(out.data(), contents.data() + offset, size);
    return size;
  }

  Status write_at(std::uint64_t offset, std::string_view bytes) override {
    std::lock_guard guard(state_->mutex);
    if (dead() || !writable_) return simulated_error("write", path_, writable_ ? EIO : EBADF);
    const int error = state_->next_operation();
    if (error == 0 && !state_->grow(*node_, offset + bytes.size())) {
      return simulated_error("write", path_, ENOSPC);
    }
    if (error != 0) bytes = bytes.substr(0, (bytes.size() * 5 / 8) & ~std::size_t{3});
    if (!bytes.empty()) change(Change{offset, std::string(bytes), std::nullopt, false});
    if (error != 0) return simulated_error("write", path_, error);
    return ok_status();
  }

  Status sync_data() override {
    std::lock_guard guard(state_->mutex);
    if (dead()) return simulated_error("fdatasync", path_, EIO);
    const int error = state_->next_operation();
    if (error != 0) {
      // Sizes are in the journal, which is not what failed.
      for (Change& unsaved : node_->unsynced) unsaved.doomed = !unsaved.truncate_to;
      return simulated_error("fdatasync", path_, error);
    }
    std::vector<Change> left;
    for (Change& unsaved : node_->unsynced) {
      if (unsaved.doomed) {
        left.push_back(std::move(unsaved));
      } else {
        apply_change(node_->synced, unsaved);
        supersede(left, unsaved);
      }
    }
    node_->unsynced = std::move(left);
    return ok_status();
  }

  Result<std::uint64_t> size() override {
    std::lock_guard guard(state_->mutex);
    if (dead()) return simulated_error("stat", path_, EIO);
    return static_cast<std::uint64_t>(node_->contents.size());
  }

  Status truncate(std::uint64_t size) override {
    std::lock_guard guard(state_->mutex);
    if (dead() || !writable_) return simulated_error("truncate", path_, writable_ ? EIO : EBADF);
    if (const int error = state_->next_operation(); error != 0) {
      return simulated_error("truncate", path_, error);
    }
    if (!state_->grow(*node_, size)) return simulated_error("truncate", path_, ENOSPC);
    change(Change{0, {}, size, false});
    state_->count_used();
    return ok_status();
  }

  Status preallocate_zeros(std::uint64_t size) override {
    std::lock_guard guard(state_->mutex);
    if (dead() || !writable_) return simulated_error("allocate", path_, writable_ ? EIO : EBADF);
    const int error = state_->next_operation();
    if (error == 0 && !state_->grow(*node_, size)) {
      return simulated_error("allocate", path_, ENOSPC);
    }
    if (error != 0) {
      change(Change{0, std::string(size / 2, '\0'), std::nullopt, false});
      return simulated_error("allocate", path_, error);
    }
    node_->contents.assign(size, '\0');
    node_->synced = node_->contents;
    node_->unsynced.clear();
    return ok_status();
  }

  Result<std::unique_ptr<SharedMapping>> map_shared(std::size_t size) override {
    std::lock_guard guard(state_->mutex);
    if (dead()) return simulated_error("map", path_, EIO);
    if (size > node_->contents.size()) return simulated_error("map", path_, EINVAL);
    if (!node_->mapped) {
      node_->mapped = std::make_shared<std::vector<char>>(
          node_->contents.begin(), node_->contents.begin() + static_cast<std::ptrdiff_t>(size));
    }
    return std::unique_ptr<SharedMapping>(std::make_unique<Mapping>(node_->mapped));
  }

 private:
  bool dead() const { return epoch_ != state_->epoch; }
  void change(Change made) {
    apply_change(node_->contents, made);
    node_->unsynced.push_back(std::move(made));
  }

  std::shared_ptr<State> state_;
  NodePtr node_;
  std::string path_;
  std::uint64_t epoch_;
  bool writable_;
};

SimulatedFiles::SimulatedFiles() : state_(std::make_shared<State>()) {}
SimulatedFiles::~SimulatedFiles() = default;

Result<std::unique_ptr<File>> SimulatedFiles::open(const std::string& path, OpenMode mode,
                                                   unsigned /*permissions*/) {
  std::lock_guard guard(state_->mutex);
  const auto found = state_->names.find(path);
  NodePtr node = found == state_->names.end() ? nullptr : found->second;
  if (node && mode == OpenMode::kCreateNew) return simulated_error("open", path, EEXIST);
  if (!node && (mode == OpenMode::kRead || mode == OpenMode::kReadWrite)) {
    return simulated_error("open", path, ENOENT);
  }
  if (!node) {
    if (const int error = state_->next_operation(); error != 0) {
      return simulated_error("create", path, error);
    }
    node = std::make_shared<Node>();
    state_->change_name({path, node, {}});
  }
  return std::unique_ptr<File>(
      std::make_unique<OpenFile>(state_, std::move(node), path, mode != OpenMode::kRead));
}

Status SimulatedFiles::rename(const std::string& from, const std::string& to) {
  std::lock_guard guard(state_->mutex);
  const auto found = state_->names.find(from);
  if (found == state_->names.end()) return simulated_error("rename", from, ENOENT);
  if (const int error = state_->next_operation(); error != 0) {
    return simulated_error("rename", from, error);
  }
  state_->change_name({to, found->second, from});
  return ok_status();
}

Status SimulatedFiles::remove(const std::string& path) {
  std::lock_guard guard(state_->mutex);
  if (!state_->names.contains(path)) return simulated_error("remove", path, ENOENT);
  if (const int error = state_->next_operation(); error != 0) {
    return simulated_error("remove", path, error);
  }
  state_->change_name({path, nullptr, {}});
  return ok_status();
}

Status SimulatedFiles::rename_new(const std::string& from, const std::string& to) {
  std::lock_guard guard(state_->mutex);
  const auto found = state_->names.find(from);
  if (found == state_->names.end()) return simulated_error("rename", from, ENOENT);
  if (state_->names.contains(to)) return Error(ErrorCode::kConflict, to + " exists");
  if (const int error = state_->next_operation(); error != 0) {
    return simulated_error("rename", from, error);
  }
  state_->change_name({to, found->second, from});
  return ok_status();
}

Result<bool> SimulatedFiles::is_directory(const std::string& path) {
  std::lock_guard guard(state_->mutex);
  const auto inside = state_->names.lower_bound(path + "/");
  return inside != state_->names.end() && inside->first.starts_with(path + "/");
}

Result<std::vector<std::string>> SimulatedFiles::list(const std::string& directory) {
  std::lock_guard guard(state_->mutex);
  const std::string prefix = directory + "/";
  std::vector<std::string> found;
  for (auto it = state_->names.lower_bound(prefix);
       it != state_->names.end() && it->first.starts_with(prefix); ++it) {
    // A folder is there as long as something is in it; its files lie together.
    const std::string& path = it->first;
    std::string name = path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size());
    if (found.empty() || found.back() != name) found.push_back(std::move(name));
  }
  std::sort(found.begin(), found.end());
  return found;
}

Status SimulatedFiles::create_directories(const std::string& /*path*/) { return ok_status(); }

Status SimulatedFiles::sync_directory(const std::string& path) {
  std::lock_guard guard(state_->mutex);
  if (const int error = state_->next_operation(); error != 0) {
    return simulated_error("fsync", path, error);
  }
  std::vector<NameChange> left;
  for (NameChange& change : state_->unsynced_names) {
    if (parent_path(change.path) == path) {
      apply_name(state_->durable_names, change);
    } else {
      left.push_back(std::move(change));
    }
  }
  state_->unsynced_names = std::move(left);
  return ok_status();
}

Result<bool> SimulatedFiles::exists(const std::string& path) {
  std::lock_guard guard(state_->mutex);
  if (state_->names.contains(path)) return true;
  const auto inside = state_->names.lower_bound(path + "/");
  return inside != state_->names.end() && inside->first.starts_with(path + "/");
}

Result<std::uint64_t> SimulatedFiles::free_bytes(const std::string& /*path*/) {
  std::lock_guard guard(state_->mutex);
  return state_->capacity == kNever ? kNever
                                    : state_->capacity - std::min(state_->capacity, state_->used);
}

Result<std::unique_ptr<FileLock>> SimulatedFiles::try_lock(const std::string& path) {
  std::lock_guard guard(state_->mutex);
  if (!state_->locks.insert(path).second) {
    return Error(ErrorCode::kConflict, path + " is locked");
  }
  return std::unique_ptr<FileLock>(std::make_unique<Lock>(state_, path));
}

std::uint64_t SimulatedFiles::operations() const {
  std::lock_guard guard(state_->mutex);
  return state_->operations;
}

void SimulatedFiles::fail_operation(std::uint64_t n, int error) {
  std::lock_guard guard(state_->mutex);
  state_->failures[n] = error;
}

void SimulatedFiles::cut_power_at(std::uint64_t n) {
  std::lock_guard guard(state_->mutex);
  state_->power_cut = n;
}

void SimulatedFiles::crash(std::uint64_t seed) {
  std::lock_guard guard(state_->mutex);
  std::mt19937_64 random(seed);
  for (const NameChange& change : state_->unsynced_names) {
    if (random() % 2 == 0) apply_name(state_->durable_names, change);
  }
  state_->unsynced_names.clear();
  state_->names = state_->durable_names;
  for (auto& [path, node] : state_->names) lose_power(*node, random);
  state_->locks.clear();
  state_->failures.clear();
  state_->power_cut = kNever;
  ++state_->epoch;
  state_->count_used();
}

void SimulatedFiles::kill_process() {
  std::lock_guard guard(state_->mutex);
  for (auto& [path, node] : state_->names) {
    if (!node->mapped) continue;
    apply_bytes(node->contents, 0, {node->mapped->data(), node->mapped->size()});
    node->mapped.reset();
  }
  state_->locks.clear();
  state_->failures.clear();
  state_->power_cut = kNever;
  ++state_->epoch;
}

void SimulatedFiles::set_capacity(std::uint64_t bytes) {
  std::lock_guard guard(state_->mutex);
  state_->capacity = bytes;
}

Result<std::string> SimulatedFiles::contents(const std::string& path) const {
  std::lock_guard guard(state_->mutex);
  const auto found = state_->names.find(path);
  if (found == state_->names.end()) return simulated_error("read", path, ENOENT);
  return found->second->contents;
}

void SimulatedFiles::overwrite(const std::string& path, std::uint64_t offset,
                               std::string_view bytes) {
  std::lock_guard guard(state_->mutex);
  NodePtr& node = state_->names[path];
  if (!node) {
    node = std::make_shared<Node>();
    state_->durable_names[path] = node;
  }
  apply_bytes(node->contents, offset, bytes);
  apply_bytes(node->synced, offset, bytes);
  if (node->mapped && offset + bytes.size() <= node->mapped->size()) {
    std::memcpy(node->mapped->data() + offset, bytes.data(), bytes.size());
  }
  state_->count_used();
}

}  // namespace vitrine::io
