// Snapshot, digest and files of an IdWindow.
//
// Layout: version (u32), next run number (u64), first generation (u64), how many are in runs
// (u64), the generations (array), the runs (array of references), the ids in memory (u64 count,
// then 24 bytes each, oldest first).
#include <algorithm>
#include <limits>

#include "engine/kv/id_window.h"

namespace vitrine::kv {

using internal::IdEntry;
using internal::IdRun;
using internal::IdRunReference;

namespace {

constexpr std::uint32_t kVersion = 1;

Error corrupt(const std::string& what) { return Error(ErrorCode::kCorrupt, "id window: " + what); }

// A sum does not depend on the order, so ids count the same from memory and from a sorted run.
struct Sums {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  void add(IdEntry entry) {
    entry.high &= IdEntry::kHighMask;
    const Hash128 hash = hash128({reinterpret_cast<const char*>(&entry), sizeof(entry)});
    low += hash.low;
    high += hash.high;
  }
};

}  // namespace

void IdWindow::save(Sink& sink) const {
  sink.value(kVersion);
  sink.value(next_run_);
  sink.value(first_generation_);
  sink.value(static_cast<std::uint64_t>(spilled_));
  sink.array(std::span<const Generation>(std::vector(generations_.begin(), generations_.end())));
  std::vector<IdRunReference> references;
  for (const auto& run : runs_) references.push_back(run->reference());
  sink.array(std::span<const IdRunReference>(references));
  sink.value(log_.size());
  for (std::uint64_t i = 0; i < log_.size();) {
    const auto part = log_.together_from(i);
    sink.write({reinterpret_cast<const char*>(part.data()), part.size_bytes()});
    i += part.size();
  }
}

Status IdWindow::sync_runs() const {
  for (const auto& run : runs_) VITRINE_TRY(run->sync());
  if (!runs_.empty()) VITRINE_TRY(options_.files->sync_directory(options_.directory));
  return ok_status();
}

void IdWindow::clear() {
  generations_.clear();
  first_generation_ = 0;
  spilled_ = 0;
  next_expiry_ = std::numeric_limits<TimeUs>::max();
  log_.clear();
  table_.clear();
  runs_.clear();
  next_run_ = 1;
}

Status IdWindow::load(Source& source) {
  clear();
  Status loaded = load_parts(source);
  if (!loaded.ok()) clear();
  return loaded;
}

Status IdWindow::load_parts(Source& source) {
  std::uint32_t version = 0;
  VITRINE_TRY(source.value(version));
  if (version != kVersion) {
    return Error(ErrorCode::kUnsupported, "id window: version " + std::to_string(version) +
                                              ", this build knows " + std::to_string(kVersion));
  }
  VITRINE_TRY(source.value(next_run_));
  VITRINE_TRY(load_generations(source));
  VITRINE_TRY(load_runs(source));
  VITRINE_TRY(load_memory(source));
  update_next_expiry();
  return ok_status();
}

Status IdWindow::load_generations(Source& source) {
  std::uint64_t spilled = 0;
  std::vector<Generation> generations;
  VITRINE_TRY(source.value(first_generation_));
  VITRINE_TRY(source.value(spilled));
  VITRINE_TRY(source.array(generations));
  if (spilled > generations.size()) return corrupt("more generations in runs than there are");
  spilled_ = spilled;
  constexpr TimeUs kFar = std::numeric_limits<TimeUs>::max() / 4;  // sums of two can't overflow
  for (const Generation& generation : generations) {
    if (generation.count == 0 || generation.first > generation.newest ||
        std::min(generation.first, generation.newest) < -kFar || generation.newest > kFar) {
      return corrupt("a generation without ids or with an impossible time");
    }
  }
  generations_.assign(generations.begin(), generations.end());
  return ok_status();
}

Status IdWindow::load_runs(Source& source) {
  std::vector<IdRunReference> references;
  VITRINE_TRY(source.array(references));
  if (!references.empty() && options_.files == nullptr) {
    return Error(ErrorCode::kInvalidArgument,
                 "id window: the snapshot has run files, and no file system was given");
  }
  std::uint64_t covered = first_generation_;
  for (const IdRunReference& reference : references) {
    // The first run may begin with generations that are forgotten already.
    const bool follows = runs_.empty() ? reference.first_generation <= covered
                                       : reference.first_generation == covered;
    const std::uint64_t end = reference.first_generation + reference.generations;
    if (!follows || end <= covered || reference.generations > 65536 ||
        reference.number >= next_run_) {
      return corrupt("run " + std::to_string(reference.number) + " does not follow the one before");
    }
    VITRINE_TRY(auto run, IdRun::open(*options_.files, options_.directory, reference));
    runs_.push_back(std::move(run));
    covered = end;
  }
  if (covered != first_generation_ + spilled_)
    return corrupt("the runs don't hold the generations that they should");
  return ok_status();
}

Status IdWindow::load_memory(Source& source) {
  std::uint64_t count = 0;
  VITRINE_TRY(source.value(count));
  std::uint64_t expected = 0;
  for (std::size_t g = spilled_; g < generations_.size(); ++g) {
    if (generations_[g].count > source.remaining())
      return corrupt("a generation is longer than what is left");
    expected += generations_[g].count;
  }
  if (count != expected || count > source.remaining() / sizeof(IdEntry)) {
    return corrupt(std::to_string(count) + " ids in memory, the generations have " +
                   std::to_string(expected));
  }
  table_.reserve(count);
  std::vector<IdEntry> part;
  while (log_.size() < count) {
    part.resize(std::min<std::uint64_t>(count - log_.size(), 4096));
    VITRINE_TRY(source.read(reinterpret_cast<char*>(part.data()), part.size() * sizeof(IdEntry)));
    constexpr std::size_t kAhead = 16;
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (i + kAhead < part.size()) table_.prefetch(part[i + kAhead].low);
      if ((part[i].high & ~IdEntry::kHighMask) != 0)
        return corrupt("an id in memory with the mark of a run");
      table_.insert(part[i].low, log_.number(log_.size()));
      log_.push(part[i]);
    }
  }
  return ok_status();
}

Status IdWindow::digest(Sink& sink) const {
  std::vector<Sums> sums(generations_.size());
  bool in_range = true;
  for (const auto& run : runs_) {
    const auto add = [&](const IdEntry& entry) {
      const std::uint64_t generation =
          run->reference().first_generation + (entry.high >> IdEntry::kGenerationShift);
      if (generation < first_generation_) return;
      const std::uint64_t at = generation - first_generation_;
      if (at < spilled_) {
        sums[at].add(entry);
      } else {
        in_range = false;
      }
    };
    VITRINE_TRY(run->for_each(add));
  }
  if (!in_range) return corrupt("a run has ids of a generation that it does not hold");
  std::uint64_t at = 0;
  for (std::size_t g = spilled_; g < generations_.size(); ++g) {
    for (std::uint64_t i = 0; i < generations_[g].count; ++i) sums[g].add(log_.nth(at++));
  }
  sink.value(first_generation_);
  sink.value(static_cast<std::uint64_t>(generations_.size()));
  for (std::size_t g = 0; g < generations_.size(); ++g) {
    sink.value(generations_[g]);
    sink.value(sums[g]);
  }
  return ok_status();
}

std::vector<std::string> IdWindow::live_files() const {
  std::vector<std::string> out;
  for (const auto& run : runs_) out.push_back(IdRun::file_name(run->reference().number));
  return out;
}

Status IdWindow::remove_unused_files(const std::vector<std::string>& keep) const {
  if (options_.files == nullptr) return ok_status();
  auto names = options_.files->list(options_.directory);
  if (!names.ok() && names.error().code() == ErrorCode::kNotFound)
    return ok_status();  // no run yet
  if (!names.ok()) return std::move(names).error();
  const std::vector<std::string> live = live_files();
  for (const std::string& name : *names) {
    if (!name.starts_with("run-") || !name.ends_with(".ids")) continue;
    if (std::find(live.begin(), live.end(), name) != live.end()) continue;
    if (std::find(keep.begin(), keep.end(), name) != keep.end()) continue;
    VITRINE_TRY(options_.files->remove(io::join_path(options_.directory, name)));
  }
  return ok_status();
}

}  // namespace vitrine::kv
