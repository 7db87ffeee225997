#include "base/progress.h"

#include <algorithm>
#include <cstdio>

#include <unistd.h>

#include "base/clock.h"
#include "base/noted_progress.h"

namespace vitrine {
namespace {

class NoProgress final : public Progress {
 public:
  void start(std::string_view, std::uint64_t, std::string_view) override {}
  void update(std::uint64_t) override {}
  void finish() override {}
};

class TerminalProgress final : public NotedProgress {
 public:
  TerminalProgress() : terminal_(isatty(STDERR_FILENO) == 1) {}

  void start(std::string_view phase, std::uint64_t total, std::string_view unit) override {
    phase_ = phase;
    unit_ = unit;
    total_ = total;
    done_ = 0;
    note_.clear();
    started_ns_ = drawn_ns_ = system_clock().steady_ns();
    open_ = true;
    draw(started_ns_);
  }

  void update(std::uint64_t done) override {
    done_ = done;
    const std::int64_t now = system_clock().steady_ns();
    const std::int64_t pause = terminal_ ? 100'000'000 : 10'000'000'000;
    if (now - drawn_ns_ >= pause) draw(now);
  }

  void note(std::string_view text) override { note_ = text; }

  void finish() override {
    if (!open_) return;
    draw(system_clock().steady_ns());
    if (terminal_) std::fputc('\n', stderr);
    open_ = false;
  }

 private:
  void draw(std::int64_t now) {
    drawn_ns_ = now;
    const double seconds = std::max(1e-9, static_cast<double>(now - started_ns_) / 1e9);
    const double rate = static_cast<double>(done_) / seconds;
    std::string line = phase_;
    if (total_ > 0) {
      const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
      constexpr int kWidth = 30;
      const int filled = static_cast<int>(share * kWidth);
      line += "  [" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "] ";
      line += std::to_string(static_cast<int>(share * 100)) + " %  ";
    } else {
      line += "  ";
    }
    line += human_count(static_cast<double>(done_)) + " " + unit_;
    if (done_ > 0) line += "  " + human_count(rate) + "/s";
    if (total_ > done_ && rate > 0) {
      line += "  " + human_duration(static_cast<double>(total_ - done_) / rate) + " left";
    } else if (done_ > 0) {
      line += "  in " + human_duration(seconds);
    }
    if (!note_.empty()) line += "  " + note_;
    if (terminal_) {
      std::fprintf(stderr, "\r\033[K%s", line.c_str());
    } else {
      std::fprintf(stderr, "%s\n", line.c_str());
    }
    std::fflush(stderr);
  }

  const bool terminal_;
  bool open_ = false;
  std::string phase_;
  std::string unit_;
  std::string note_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  std::int64_t started_ns_ = 0;
  std::int64_t drawn_ns_ = 0;
};

std::string format(const char* pattern, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, pattern, value);
  return buffer;
}

}  // namespace

Progress& no_progress() {
  static NoProgress progress;
  return progress;
}

std::unique_ptr<Progress> terminal_progress() { return std::make_unique<TerminalProgress>(); }

std::string human_count(double value) {
  if (value >= 1e9) return format("%.2f G", value / 1e9);
  if (value >= 1e6) return format("%.2f M", value / 1e6);
  if (value >= 1e4) return format("%.1f k", value / 1e3);
  return format("%.0f", value);
}

std::string human_bytes(double bytes) {
  if (bytes >= 1024.0 * 1024 * 1024) return format("%.2f GiB", bytes / (1024.0 * 1024 * 1024));
  if (bytes >= 1024.0 * 1024) return format("%.1f MiB", bytes / (1024.0 * 1024));
  if (bytes >= 1024.0) return format("%.1f KiB", bytes / 1024.0);
  return format("%.0f B", bytes);
}

std::string human_duration(double seconds) {
  if (seconds < 1e-3) return format("%.0f us", seconds * 1e6);
  if (seconds < 1) return format("%.0f ms", seconds * 1e3);
  if (seconds < 60) return format("%.1f s", seconds);
  const auto whole = static_cast<long>(seconds);
  char buffer[32];
  if (whole < 3600) {
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld", whole / 60, whole % 60);
  } else {
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  }
  return buffer;
}

}  // namespace vitrine
