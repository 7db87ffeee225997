// How long work tells its watcher how far it is. Work takes a Progress&; only commands
// decide whether that is a bar on a terminal, lines in a log, or nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace vitrine {

class Progress {
 public:
  virtual ~Progress() = default;
  // Begins a phase. `total` in `unit`s; 0 where it isn't known beforehand.
  virtual void start(std::string_view phase, std::uint64_t total, std::string_view unit) = 0;
  // `done` so far in this phase. Cheap enough to call for each row.
  virtual void update(std::uint64_t done) = 0;
  virtual void finish() = 0;
};

// Says nothing.
Progress& no_progress();

// On a terminal a bar with rate and remaining time, redrawn at most ten times a second;
// elsewhere one line when a phase begins, every ten seconds, and when it ends. Writes to stderr.
std::unique_ptr<Progress> terminal_progress();

// "12.3 M", "980", "4.1 k": for people, not for machines.
std::string human_count(double value);
// "1.5 GiB".
std::string human_bytes(double bytes);
// "1:02:03", "4.2 s", "130 ms".
std::string human_duration(double seconds);

}  // namespace vitrine
