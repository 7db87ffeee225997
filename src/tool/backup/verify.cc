#include "tool/backup/verify.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "tool/backup/parallel.h"

namespace vitrine::backup {
namespace {

struct Needed {
  Chunk chunk;
  std::vector<std::string> by;
};

// The number behind "at byte " in an error's text.
std::uint64_t offset_in(const std::string& text) {
  constexpr std::string_view kBefore = "at byte ";
  const std::size_t at = text.find(kBefore);
  std::uint64_t offset = 0;
  if (at == std::string::npos) return 0;
  std::from_chars(text.data() + at + kBefore.size(), text.data() + text.size(), offset);
  return offset;
}

class Verification {
 public:
  Verification(Repository& repository, const VerifyOptions& options)
      : repository_(repository), options_(options) {}

  Result<VerifyReport> run(Progress& progress) {
    VITRINE_TRY(read_manifests());
    VITRINE_TRY(const auto objects, repository_.store().list("chunks/"));
    std::map<std::string, std::uint64_t> stored;
    for (const auto& object : objects) stored.emplace(object.key, object.bytes);
    std::vector<std::pair<std::string, const Needed*>> work;
    std::uint64_t total = 0;
    for (const auto& [key, needed] : needed_) {
      work.emplace_back(key, &needed);
      const auto found = stored.find(key);
      if (found != stored.end()) total += found->second;
    }
    if (options_.id.empty()) {
      for (const auto& object : objects) {
        if (needed_.contains(object.key)) continue;
        ++report_.unneeded_objects;
        total += object.bytes;
        work.emplace_back(object.key, nullptr);
      }
    }
    SharedProgress shared(progress, "verifying", total, "bytes");
    VITRINE_TRY(for_each_parallel(*options_.executor, options_.threads, work.size(),
                                  [&](std::size_t i) -> Status {
                                    const auto size = stored.find(work[i].first);
                                    check(work[i].first, work[i].second);
                                    if (size != stored.end()) shared.add(size->second);
                                    return ok_status();
                                  }));
    report_.objects += work.size();
    report_.bytes += total;
    std::sort(report_.damages.begin(), report_.damages.end(),
              [](const Damage& a, const Damage& b) { return a.object < b.object; });
    return std::move(report_);
  }

 private:
  Status read_manifests() {
    VITRINE_TRY(auto ids, repository_.list_backups());
    if (!options_.id.empty()) {
      if (options_.id == "latest" && !ids.empty()) ids = {ids.back()};
      std::erase_if(ids, [&](const std::string& id) {
        return options_.id != "latest" && !id.starts_with(options_.id);
      });
      if (ids.empty()) {
        return Error(ErrorCode::kNotFound,
                     "there is no backup " + options_.id + " in " + repository_.store().describe());
      }
    }
    for (const auto& id : ids) {
      ++report_.objects;
      auto manifest = repository_.get_manifest(id);
      if (!manifest.ok()) {
        add_damage(backup_key(id), manifest.error(), {id});
        continue;
      }
      ++report_.backups;
      for (const auto& file : manifest->files) {
        for (const auto& chunk : file.chunks) {
          Needed& needed = needed_[chunk_key(chunk)];
          needed.chunk = chunk;
          if (needed.by.empty() || needed.by.back() != id) needed.by.push_back(id);
        }
      }
    }
    return ok_status();
  }

  void check(const std::string& key, const Needed* needed) {
    if (needed != nullptr) {
      auto bytes = repository_.get_chunk(needed->chunk);
      if (!bytes.ok()) add_damage(key, bytes.error(), needed->by);
      return;
    }
    auto checked = repository_.check_chunk_object(key);
    if (!checked.ok()) add_damage(key, checked.error(), {});
  }

  void add_damage(const std::string& object, const Error& error, std::vector<std::string> by) {
    std::lock_guard lock(mutex_);
    report_.damages.push_back({object, offset_in(error.message()), error.message(), std::move(by)});
  }

  Repository& repository_;
  const VerifyOptions& options_;
  std::map<std::string, Needed> needed_;
  std::mutex mutex_;
  VerifyReport report_;  // its damages are guarded by mutex_ while threads run
};

}  // namespace

Result<VerifyReport> verify_repository(Repository& repository, const VerifyOptions& options,
                                       Progress& progress) {
  return Verification(repository, options).run(progress);
}

}  // namespace vitrine::backup
