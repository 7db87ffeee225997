#include "tool/import/batch_sender.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

#include "platform/codec/json_parse.h"
#include "tool/import/json_field.h"
#include "tool/import/patient_send.h"

namespace vitrine::importer {
namespace {

using std::chrono::milliseconds;
constexpr std::size_t kQueuedBatchesMax = 2;

struct Batch {
  std::string body;  // NDJSON
  std::vector<std::uint64_t> origins;
  std::vector<std::size_t> ends;  // of each line in `body`, its line end included
};

// Lines [begin, end) of `whole` as a batch of their own.
Batch part_of(const Batch& whole, std::size_t begin, std::size_t end) {
  const std::size_t from = begin == 0 ? 0 : whole.ends[begin - 1];
  Batch part;
  part.body = whole.body.substr(from, whole.ends[end - 1] - from);
  for (std::size_t i = begin; i < end; ++i) {
    part.origins.push_back(whole.origins[i]);
    part.ends.push_back(whole.ends[i] - from);
  }
  return part;
}

void keep_rejected(SendTotals& totals, RejectedLine line) {
  ++totals.rejected;
  ++totals.rejected_by_code[line.code];
  if (totals.first_rejected.size() < kRejectedKept) {
    totals.first_rejected.push_back(std::move(line));
  }
}

Status read_answer(const ApiAnswer& answer, const Batch& batch, SendTotals& totals) {
  codec::JsonParser parser;
  VITRINE_TRY(auto json, parser.parse(answer.body));
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
  simdjson::dom::array rejected;
  if (!read_field(json, "accepted", accepted) || !read_field(json, "rejected", rejected)) {
    return Error(ErrorCode::kCorrupt,
                 "the server's answer lacks accepted and rejected: " + answer.body.substr(0, 200));
  }
  read_field(json, "duplicates", duplicates);  // items have none
  totals.accepted += accepted;
  totals.duplicates += duplicates;
  for (const auto one : rejected) {
    std::uint64_t index = 0;
    std::string_view code;
    std::string_view detail;
    if (!read_field(one, "index", index) || index >= batch.origins.size()) {
      return Error(ErrorCode::kCorrupt, "the server rejects a line that was not sent: " +
                                            simdjson::minify(one).substr(0, 200));
    }
    read_field(one, "code", code);
    read_field(one, "detail", detail);
    keep_rejected(totals, {batch.origins[index], std::string(code), std::string(detail)});
  }
  std::string_view version;
  if (read_field(json, "profile_version", version)) totals.profile_version = version;
  return ok_status();
}

}  // namespace

struct BatchSender::Shared {
  SendOptions options;
  std::atomic<std::uint64_t> answered{0};
  std::mutex mutex;
  std::condition_variable changed;  // of anything below, or of a lane's queue
  bool stopping = false;            // guarded by mutex
  std::optional<Error> failure;     // guarded by mutex; the first one

  // False if the sending ends meanwhile.
  bool pause(milliseconds time) {
    if (options.sleep) {
      options.sleep(time);
      std::lock_guard lock(mutex);
      return !stopping;
    }
    std::unique_lock lock(mutex);
    return !changed.wait_for(lock, time, [this] { return stopping; });
  }
};

class BatchSender::Lane {
 public:
  Lane(Shared& shared, ApiClient client)
      : shared_(shared), client_(std::move(client)), thread_([this] { run(); }) {}
  ~Lane() { thread_.join(); }

  Status add(std::string_view line, std::uint64_t origin) {
    const SendOptions& options = shared_.options;
    if (!filling_.origins.empty() && (filling_.origins.size() >= options.batch_lines ||
                                      filling_.body.size() + line.size() > options.batch_bytes)) {
      VITRINE_TRY(submit());
    }
    filling_.body.append(line).push_back('\n');
    filling_.origins.push_back(origin);
    filling_.ends.push_back(filling_.body.size());
    return ok_status();
  }

  // Hands what is filled over to the thread; waits for room.
  Status submit() {
    std::unique_lock lock(shared_.mutex);
    shared_.changed.wait(lock,
                         [this] { return shared_.stopping || queue_.size() < kQueuedBatchesMax; });
    if (shared_.failure) return *shared_.failure;
    if (!filling_.origins.empty()) queue_.push_back(std::exchange(filling_, {}));
    shared_.changed.notify_all();
    return ok_status();
  }

  bool idle() const { return queue_.empty() && !busy_; }  // with the mutex held
  const SendTotals& totals() const { return totals_; }    // when idle or joined

 private:
  void run() {
    std::unique_lock lock(shared_.mutex);
    for (;;) {
      shared_.changed.wait(lock, [this] { return shared_.stopping || !queue_.empty(); });
      if (shared_.stopping) return;
      const Batch batch = std::move(queue_.front());
      queue_.pop_front();
      busy_ = true;
      lock.unlock();
      Status sent = send(batch);
      lock.lock();
      busy_ = false;
      if (!sent.ok()) {
        if (!shared_.failure) shared_.failure = std::move(sent).error();
        shared_.stopping = true;
      }
      shared_.changed.notify_all();
    }
  }

  Status send(const Batch& batch) {
    VITRINE_TRY(const ApiAnswer answer, send_patiently(batch));
    if (answer.ok()) {
      ++totals_.batches;
      VITRINE_TRY(read_answer(answer, batch, totals_));
      shared_.answered += batch.origins.size();
      return ok_status();
    }
    const bool about_lines = answer.status == 400 || answer.status == 409 || answer.status == 413 ||
                             answer.status == 422;
    if (about_lines && batch.origins.size() == 1) {
      const Error why = refusal(answer);
      keep_rejected(totals_, {batch.origins[0], code_in(answer), why.message()});
      ++shared_.answered;
      return ok_status();
    }
    if (answer.status == 413) {
      const std::size_t half = batch.origins.size() / 2;
      VITRINE_TRY(send(part_of(batch, 0, half)));
      return send(part_of(batch, half, batch.origins.size()));
    }
    return refusal(answer).context("POST " + shared_.options.path);
  }

  static std::string code_in(const ApiAnswer& answer) {
    codec::JsonParser parser;
    std::string_view code;
    const auto problem = parser.parse(answer.body);
    if (problem.ok() && read_field(problem.value(), "code", code)) {
      return std::string(code);
    }
    return "http_" + std::to_string(answer.status);
  }

  Result<ApiAnswer> send_patiently(const Batch& batch) {
    const SendOptions& options = shared_.options;
    const Patience patience{options.attempts_max, options.throttled_max,
                            [this](milliseconds time) { return shared_.pause(time); }};
    Retries retries;
    auto answer = importer::send_patiently(
        client_, {"POST", options.path, "application/x-ndjson", batch.body}, patience, retries);
    totals_.retries += retries.requests;
    totals_.throttled += retries.throttled;
    return answer;
  }

  Shared& shared_;
  ApiClient client_;
  Batch filling_;            // only used by the adding thread
  std::deque<Batch> queue_;  // guarded by shared_.mutex
  bool busy_ = false;        // guarded by shared_.mutex
  SendTotals totals_;        // the thread's while busy_
  std::thread thread_;       // last: it uses the rest
};

BatchSender::BatchSender() : shared_(std::make_unique<Shared>()) {}

Result<std::unique_ptr<BatchSender>> BatchSender::start(SendOptions options) {
  if (options.batch_lines < 1 || options.batch_lines > 1000) {
    return Error(ErrorCode::kInvalidArgument, "a batch has 1 to 1000 lines");
  }
  if (options.connections < 1 || options.connections > 64) {
    return Error(ErrorCode::kInvalidArgument, "connections: 1 to 64");
  }
  std::unique_ptr<BatchSender> sender(new BatchSender);
  sender->shared_->options = std::move(options);
  for (int i = 0; i < sender->shared_->options.connections; ++i) {
    VITRINE_TRY(auto client, ApiClient::open(sender->shared_->options.target));
    sender->lanes_.push_back(std::make_unique<Lane>(*sender->shared_, std::move(client)));
  }
  return sender;
}

BatchSender::~BatchSender() {
  {
    std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    shared_->changed.notify_all();
  }
  lanes_.clear();
}

Status BatchSender::add(std::string_view line, std::uint64_t origin, std::uint64_t lane) {
  return lanes_[lane % lanes_.size()]->add(line, origin);
}

std::uint64_t BatchSender::answered() const { return shared_->answered.load(); }

Result<SendTotals> BatchSender::finish(Progress& progress) {
  for (auto& lane : lanes_) VITRINE_TRY(lane->submit());
  std::unique_lock lock(shared_->mutex);
  const auto done = [this] {
    return shared_->stopping ||
           std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->idle(); });
  };
  while (!shared_->changed.wait_for(lock, milliseconds(100), done)) progress.update(answered());
  if (shared_->failure) return *shared_->failure;
  progress.update(answered());
  SendTotals sum;
  for (const auto& lane : lanes_) {
    const SendTotals& one = lane->totals();
    sum.accepted += one.accepted;
    sum.duplicates += one.duplicates;
    sum.rejected += one.rejected;
    sum.batches += one.batches;
    sum.retries += one.retries;
    sum.throttled += one.throttled;
    for (const auto& [code, count] : one.rejected_by_code) sum.rejected_by_code[code] += count;
    sum.first_rejected.insert(sum.first_rejected.end(), one.first_rejected.begin(),
                              one.first_rejected.end());
    // Tokens of one epoch differ in their position: the longer, then the greater text is later.
    const std::string& version = one.profile_version;
    if (version.size() > sum.profile_version.size() ||
        (version.size() == sum.profile_version.size() && version > sum.profile_version)) {
      sum.profile_version = version;
    }
  }
  sum.lines = answered();
  std::sort(sum.first_rejected.begin(), sum.first_rejected.end(),
            [](const auto& a, const auto& b) { return a.origin < b.origin; });
  if (sum.first_rejected.size() > kRejectedKept) sum.first_rejected.resize(kRejectedKept);
  return sum;
}

}  // namespace vitrine::importer
