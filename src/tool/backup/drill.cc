#include "tool/backup/drill.h"

#include <algorithm>
#include <filesystem>

#include "engine/eventlog/cut.h"
#include "tool/backup/erasures.h"

namespace vitrine::backup {
namespace {

std::string name_of(const StateDigest& d) {
  return "partition " + std::to_string(d.partition) + " tenant " + std::to_string(d.tenant);
}

class Drill {
 public:
  Drill(Repository& repository, const DrillOptions& options)
      : repository_(repository),
        options_(options),
        clock_(*options.restore.clock),
        folder_(options.restore.target) {}

  ~Drill() {
    server_.reset();
    if (options_.keep || !restored_) return;
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  Result<DrillReport> run(Progress& progress) {
    VITRINE_TRY(const auto restored, restore_backup(repository_, options_.restore, progress));
    restored_ = true;
    report_.manifest = restored.manifest;
    report_.restore_s = restored.seconds;
    VITRINE_TRY(measure_loss());
    VITRINE_TRY(start_and_ask());
    VITRINE_TRY(compare(progress));
    return std::move(report_);
  }

 private:
  double since(std::int64_t start_ns) const {
    return static_cast<double>(clock_.steady_ns() - start_ns) / 1e9;
  }

  Status measure_loss() {
    TimeUs newest = 0;
    for (const auto& log : report_.manifest.logs) {
      if (!log.has_state) continue;
      VITRINE_TRY(const auto cut, eventlog::cut_log(*options_.restore.files,
                                                    folder_ + "/" + log.directory + "/log"));
      last_[partition_number(log.directory)] = cut.last;
      if (cut.last > 0) report_.records += cut.last - cut.oldest + 1;
      if (cut.last < log.durable_before) report_.rpo_records += log.durable_before - cut.last;
      newest = std::max(newest, cut.last_time_us);
      if (options_.source.empty()) continue;
      VITRINE_TRY(const auto now,
                  eventlog::durable_now(*options_.restore.files,
                                        options_.source + "/" + log.directory + "/log"));
      if (now > cut.last) report_.records_since += now - cut.last;
    }
    report_.since_s = static_cast<double>(clock_.wall_us() - report_.manifest.cut_us) / 1e6;
    // Nothing lost is a loss of no time, however quiet the shop was.
    if (report_.rpo_records > 0) {
      report_.rpo_s = static_cast<double>(report_.manifest.begun_us - newest) / 1e6;
    }
    return ok_status();
  }

  Status start_and_ask() {
    const std::int64_t started = clock_.steady_ns();
    auto server = options_.start(folder_);
    if (!server.ok()) return std::move(server).error().context("starting the restored server");
    server_ = std::move(server).value();
    report_.start_s = since(started);
    const std::int64_t ready = clock_.steady_ns();
    Status asked = server_->ask();
    if (!asked.ok()) return std::move(asked).error().context("asking the restored server");
    report_.answer_s = since(ready);
    report_.replayed = server_->replayed_records();
    Status stopped = server_->stop();
    if (!stopped.ok()) return std::move(stopped).error().context("stopping the restored server");
    server_.reset();
    return ok_status();
  }

  Status compare(Progress& progress) {
    if (options_.source.empty()) {
      report_.not_compared = "no source was given";
      return ok_status();
    }
    const std::int64_t started = clock_.steady_ns();
    progress.start("comparing with the source", 2, "states");
    VITRINE_TRY(auto restored, options_.digests(folder_, last_));
    progress.update(1);
    auto source = options_.digests(options_.source, last_);
    progress.update(2);
    progress.finish();
    report_.compare_s = since(started);
    if (!source.ok()) {
      report_.not_compared =
          "the source's state at the cut can't be made any more: " + source.error().to_string();
      return ok_status();
    }
    std::sort(restored.begin(), restored.end());
    std::sort(source->begin(), source->end());
    note_differences(restored, *source);
    report_.tenants_compared = source->size();
    return ok_status();
  }

  void note_differences(const std::vector<StateDigest>& restored,
                        const std::vector<StateDigest>& source) {
    const auto find = [](const std::vector<StateDigest>& in, const StateDigest& of) {
      return std::find_if(in.begin(), in.end(), [&](const StateDigest& d) {
        return d.partition == of.partition && d.tenant == of.tenant;
      });
    };
    for (const auto& digest : source) {
      const auto found = find(restored, digest);
      if (found == restored.end()) {
        report_.differences.push_back(name_of(digest) + " is missing");
      } else if (*found != digest) {
        report_.differences.push_back(name_of(digest) + " has another state");
      }
    }
    for (const auto& digest : restored) {
      if (find(source, digest) == source.end()) {
        report_.differences.push_back(name_of(digest) + " is not in the source");
      }
    }
  }

  Repository& repository_;
  const DrillOptions& options_;
  const Clock& clock_;
  const std::string folder_;
  bool restored_ = false;
  LastPositions last_;
  std::unique_ptr<DrillServer> server_;
  DrillReport report_;
};

}  // namespace

Result<DrillReport> run_drill(Repository& repository, const DrillOptions& options,
                              Progress& progress) {
  return Drill(repository, options).run(progress);
}

}  // namespace vitrine::backup
