#include "service/archive/archive_verify.h"

#include <charconv>
#include <set>

#include <sodium.h>

#include "engine/blob/seal.h"

namespace vitrine::archive {
namespace {

constexpr std::size_t kProblemsMax = 100;
constexpr std::uint64_t kObjectBytesMax = 1ull << 30;

// The number behind `before` at the start of `line`, which then begins behind it.
bool take_number(std::string_view& line, std::string_view before, std::uint64_t& out) {
  if (!line.starts_with(before)) return false;
  line.remove_prefix(before.size());
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), out);
  if (error != std::errc{}) return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  return true;
}

class Verification {
 public:
  explicit Verification(const ArchiveOptions& options)
      : options_(options), store_(*options.store) {}

  Result<ArchiveVerifyReport> run(Progress& progress) {
    if (sodium_init() < 0) return Error(ErrorCode::kInternal, "libsodium does not start");
    VITRINE_TRY(const auto manifests, store_.list(manifest_prefix(options_.log)));
    VITRINE_TRY(find_oldest());
    progress.start("verifying " + options_.log, manifests.size(), "batches");
    for (const auto& object : manifests) {
      VITRINE_TRY(check_batch(object.key));
      progress.update(++report_.manifests);
    }
    progress.finish();
    return std::move(report_);
  }

 private:
  void problem(const std::string& object, const std::string& what) {
    if (report_.problems.size() < kProblemsMax) report_.problems.push_back(object + ": " + what);
  }

  Status find_oldest() {
    oldest_ = ~eventlog::Position{0};
    if (options_.log_directory.empty()) return ok_status();
    auto oldest = eventlog::oldest_position(*options_.files, options_.log_directory);
    if (!oldest.ok() && oldest.error().code() == ErrorCode::kNotFound) return ok_status();
    VITRINE_TRY(oldest_, std::move(oldest));
    return ok_status();
  }

  Status check_batch(const std::string& key) {
    const auto range = parse_manifest_key(key);
    if (!range.ok()) {
      problem(key, range.error().message());
      return ok_status();
    }
    if (report_.range.last > 0 && range->first != report_.range.last + 1) {
      problem(key, "begins at position " + std::to_string(range->first) +
                       " though the one before "
                       "ends at " +
                       std::to_string(report_.range.last));
    }
    if (report_.range.first == 0) report_.range.first = range->first;
    report_.range.last = range->last;
    const auto text = store_.get(key, kArchiveManifestBytesMax);
    if (!text.ok()) {
      problem(key, text.error().to_string());
      return ok_status();
    }
    const std::string previous = std::exchange(previous_, content_hash(text.value()));
    const auto manifest = decode_archive_manifest(text.value());
    if (!manifest.ok()) {
      problem(key, manifest.error().message());
      return ok_status();
    }
    if (manifest_key(manifest.value()) != key) problem(key, "is another batch's manifest");
    if (manifest->previous != previous) {
      problem(key, "the manifest before it is not the one it followed");
    }
    std::uint64_t records = 0;
    for (const auto& object : manifest->objects) {
      check_object(object);
      records += object.records;
    }
    report_.records += records;
    if (records != range->last - range->first + 1) {
      problem(key, "its objects hold " + std::to_string(records) + " records of " +
                       std::to_string(range->last - range->first + 1));
    }
    if (range->first >= oldest_) return compare_with_log(manifest.value());
    return ok_status();
  }

  void check_object(const ArchivedObject& object) {
    ++report_.objects;
    report_.bytes += object.bytes;
    const std::string key = object_key(options_.log, object);
    const auto packed = store_.get(key, kObjectBytesMax);
    if (!packed.ok()) return problem(key, packed.error().to_string());
    if (packed.value().size() != object.bytes || content_hash(packed.value()) != object.hash) {
      return problem(key, "is not what was written: its hash differs");
    }
    const auto text = blob::decompress(packed.value(), object.raw_bytes);
    if (!text.ok()) return problem(key, text.error().message());
    if (content_hash(text.value()) != object.raw_hash) {
      return problem(key, "its contents are not what was written");
    }
    check_lines(key, object, text.value());
  }

  void check_lines(const std::string& key, const ArchivedObject& object, std::string_view text) {
    std::uint64_t lines = 0;
    std::uint64_t last = 0;
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      if (end == text.npos) return problem(key, "its last line has no end");
      std::string_view line = text.substr(0, end);
      text.remove_prefix(end + 1);
      ++lines;
      std::uint64_t tenant = 0, position = 0;
      if (!take_number(line, "{\"tenant\":", tenant) ||
          !take_number(line, ",\"position\":", position)) {
        return problem(key, "line " + std::to_string(lines) + " is no record");
      }
      if (tenant != object.tenant) {
        return problem(key,
                       "line " + std::to_string(lines) + " is of tenant " + std::to_string(tenant));
      }
      const bool in_order = lines == 1 ? position == object.range.first : position > last;
      if (!in_order) return problem(key, "line " + std::to_string(lines) + " is out of order");
      last = position;
    }
    if (last != object.range.last || lines != object.records) {
      problem(key, "it holds " + std::to_string(lines) + " records up to position " +
                       std::to_string(last) + " instead of " + std::to_string(object.records) +
                       " up to " + std::to_string(object.range.last));
    }
  }

  Status compare_with_log(const ArchiveManifest& manifest) {
    VITRINE_TRY(const auto rendered, render_batch(options_, manifest.range));
    const std::string key = manifest_key(manifest);
    if (rendered.parts.size() != manifest.objects.size()) {
      problem(key, "the log has records of other tenants or dates");
      return ok_status();
    }
    for (std::size_t i = 0; i < rendered.parts.size(); ++i) {
      const auto& part = rendered.parts[i];
      const auto& object = manifest.objects[i];
      if (object_key(options_.log, part.object) != object_key(options_.log, object) ||
          content_hash(part.text) != object.raw_hash) {
        problem(object_key(options_.log, object), "the log says something else");
      }
      report_.compared += part.object.records;
    }
    return ok_status();
  }

  const ArchiveOptions& options_;
  blob::ObjectStore& store_;
  eventlog::Position oldest_ = 0;
  std::string previous_;
  ArchiveVerifyReport report_;
};

}  // namespace

Result<ArchiveVerifyReport> verify_archive(const ArchiveOptions& options, Progress& progress) {
  return Verification(options).run(progress);
}

Result<std::vector<std::string>> archived_logs(blob::ObjectStore& store) {
  VITRINE_TRY(const auto objects, store.list("manifests/"));
  std::set<std::string> names;
  for (const auto& object : objects) {
    const std::string_view rest = std::string_view(object.key).substr(10);
    names.emplace(rest.substr(0, rest.find('/')));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace vitrine::archive
