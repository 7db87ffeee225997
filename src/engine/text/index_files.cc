// An index in a directory: opening and making durable.
#include <bit>

#include "engine/text/internal/index_state.h"
#include "engine/text/internal/manifest.h"

namespace vitrine::text {

namespace {

Result<std::unique_ptr<io::FileLock>> take_lock(io::FileSystem& files,
                                                const std::string& directory) {
  auto lock = files.try_lock(io::join_path(directory, "lock"));
  if (!lock.ok() && lock.error().code() == ErrorCode::kConflict)
    return Error(ErrorCode::kConflict,
                 "the text index in " + directory + " is open in another process");
  return lock;
}

}  // namespace

Result<std::unique_ptr<Index>> Index::open_existing(io::FileSystem& files, std::string directory,
                                                    IndexOptions options) {
  VITRINE_TRY(auto lock, take_lock(files, directory));
  VITRINE_TRY(Manifest manifest, read_manifest(files, directory));
  // What a crash left half done must not be taken for a segment of the same number.
  VITRINE_TRY(remove_strays(files, directory, manifest));
  auto state = std::make_unique<State>(manifest.schema, options);
  state->files = &files;
  state->directory = directory;
  state->lock_file = std::move(lock);
  state->next_file = manifest.next_file;
  state->note = std::move(manifest.note);
  for (ManifestEntry& entry : manifest.entries) {
    const std::string path = io::join_path(directory, segment_file_name(entry.file));
    auto member = std::make_shared<Member>();
    VITRINE_TRY(member->segment, Segment::open(files, path, Verify::kAll));
    if (member->segment->documents() != entry.documents ||
        !(member->segment->schema() == manifest.schema))
      return Error(ErrorCode::kCorrupt, path + ": not the segment that the manifest means");
    member->removed = std::move(entry.removed);
    for (const std::uint64_t word : member->removed)
      member->removed_count += static_cast<std::uint32_t>(std::popcount(word));
    member->file = entry.file;
    state->members.push_back(std::move(member));
  }
  return std::unique_ptr<Index>(new Index(std::move(state)));
}

Result<std::unique_ptr<Index>> Index::open(io::FileSystem& files, std::string directory,
                                           Schema schema, IndexOptions options) {
  VITRINE_TRY(schema.check());
  VITRINE_TRY(files.create_directories(directory));
  VITRINE_TRY(const bool exists, files.exists(io::join_path(directory, kManifestName)));
  if (exists) {
    VITRINE_TRY(auto index, open_existing(files, directory, options));
    if (!(index->schema() == schema))
      return Error(ErrorCode::kConflict,
                   "the text index in " + directory +
                       " was made with other fields or another analyser: build it anew");
    return index;
  }
  auto state = std::make_unique<State>(std::move(schema), options);
  VITRINE_TRY(state->lock_file, take_lock(files, directory));
  VITRINE_TRY(remove_strays(files, directory, Manifest{}));
  state->files = &files;
  state->directory = std::move(directory);
  return std::unique_ptr<Index>(new Index(std::move(state)));
}

// Writes what has no file yet, then the manifest, then removes files nobody names any more.
Status Index::flush() {
  std::string same;
  {
    std::lock_guard held(state_->mutex);
    same = state_->note;
  }
  return flush(same);
}

std::string Index::note() const {
  std::lock_guard held(state_->mutex);
  return state_->note;
}

Status Index::flush(std::string_view note) {
  State& s = *state_;
  if (note.size() > kNoteBytesMax)
    return Error(ErrorCode::kTooLarge, "a note of " + std::to_string(note.size()) +
                                           " bytes; at most " + std::to_string(kNoteBytesMax));
  std::lock_guard one_flush(s.flush_mutex);
  snapshot();
  Manifest manifest;
  manifest.schema = s.schema;
  manifest.note = note;
  if (s.files == nullptr) {
    std::lock_guard held(s.mutex);
    s.note = note;
    return ok_status();
  }
  std::vector<std::shared_ptr<Member>> members;
  {
    std::lock_guard held(s.mutex);
    members = s.members;
    for (const auto& member : members) {
      if (member->file == 0) member->file = s.next_file++;
      manifest.entries.push_back({member->file, member->segment->documents(), member->removed});
    }
    manifest.next_file = s.next_file;
  }
  for (const auto& member : members) {
    const std::string path = io::join_path(s.directory, segment_file_name(member->file));
    VITRINE_TRY(const bool exists, s.files->exists(path));
    if (exists) continue;
    VITRINE_TRY(write_segment_file(*s.files, path, member->segment->bytes()));
    VITRINE_TRY(auto mapped, Segment::open(*s.files, path, Verify::kNothing));
    std::lock_guard held(s.mutex);
    member->segment = std::move(mapped);  // the copy in memory goes with its last reader
  }
  VITRINE_TRY(write_manifest(*s.files, s.directory, manifest));
  {
    std::lock_guard held(s.mutex);
    s.note = note;
    const bool waiting = s.dirty;
    s.publish();
    s.dirty = waiting;
  }
  return remove_strays(*s.files, s.directory, manifest);
}

}  // namespace vitrine::text
