// Sends many JSON lines to one import route, in batches over keep-alive connections.
//
// Rendering and sending overlap: each connection has a thread and a queue of at most two
// batches, and add() waits while that is full. Lines of one lane go over one connection in
// the order they were added; with one connection everything does.
//
// A batch is repeated after 429 (as long as Retry-After says), 5xx and a lost connection. Repeating
// is harmless because events carry ids and items replace themselves. A batch that is too large
// (413) is halved. Any other refusal ends the sending.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "tool/import/api_client.h"

namespace vitrine::importer {

struct SendOptions {
  ApiTarget target;
  std::string path;                         // "/v1/events:import"
  std::size_t batch_lines = 1000;           // 1..1000, what the routes take at once
  std::size_t batch_bytes = 4 << 20;        // a single longer line makes a batch of its own
  int connections = 1;                      // 1..64
  int attempts_max = 8;                     // at one batch: lost connections and 5xx
  std::chrono::seconds throttled_max{600};  // at one batch: all waiting that 429 asked for
  // How to wait; empty: really. Tests pass their own.
  std::function<void(std::chrono::milliseconds)> sleep;
};

struct RejectedLine {
  std::uint64_t origin = 0;  // what add() was given: a line number, an event number
  std::string code;
  std::string detail;
};

inline constexpr std::size_t kRejectedKept = 20;

struct SendTotals {
  std::uint64_t lines = 0;  // added
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t rejected = 0;
  std::uint64_t batches = 0;
  std::uint64_t retries = 0;
  std::chrono::milliseconds throttled{0};  // waited because of 429
  std::map<std::string, std::uint64_t> rejected_by_code;
  std::vector<RejectedLine> first_rejected;  // at most kRejectedKept, by origin
  std::string profile_version;               // of the last answer; empty before
};

// add() and finish() from one thread.
class BatchSender {
 public:
  // kInvalidArgument for options out of range, or a bad target.
  static Result<std::unique_ptr<BatchSender>> start(SendOptions options);
  // Without finish(): what is not sent yet is dropped.
  ~BatchSender();
  BatchSender(const BatchSender&) = delete;
  BatchSender& operator=(const BatchSender&) = delete;

  // `line` is one JSON value without line end. The error is that of the batch that failed.
  Status add(std::string_view line, std::uint64_t origin, std::uint64_t lane = 0);

  // Lines answered so far.
  std::uint64_t answered() const;

  // Sends the rest and waits for all answers, meanwhile updating `progress` with answered().
  Result<SendTotals> finish(Progress& progress);

 private:
  class Lane;
  struct Shared;
  BatchSender();
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace vitrine::importer
