// Where does the time of an event go between the socket and the log?
//
// Batches of 100 events of about 200 bytes, every batch with other ids and items (repeating one
// would train the branch predictor), on one thread: parse + check + encode alone, then the whole
// collector over a log that keeps nothing. Minimum and median of several rounds; the last line is
// JSON.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "domain/event/event_codec.h"
#include "domain/event/event_json.h"
#include "platform/codec/json_writer.h"
#include "service/collect/collector.h"

namespace {

using namespace vitrine;

constexpr TimeUs kNow = 1'795'363'200'000'000;
constexpr std::size_t kBatchEvents = 100;
constexpr std::size_t kBatches = 2000;
constexpr std::size_t kRounds = 7;

// Takes records and makes them durable and applied at once: what is left is the collector.
class NullLog final : public collect::RecordAppender, public collect::IdDirectory {
 public:
  Result<eventlog::PositionRange> append(std::span<const eventlog::RecordRef> records,
                                         eventlog::OnDurable done) override {
    const eventlog::Position first = last_ + 1;
    for (const auto& record : records) {
      if (buffer_.size() > (4u << 20)) buffer_.clear();
      buffer_.append(record.payload);
    }
    last_ += records.size();
    done(ok_status());
    return eventlog::PositionRange{first, last_};
  }
  // As a healthy applier: a few batches behind.
  eventlog::Position applied() const override { return last_ > 5000 ? last_ - 5000 : 0; }
  Status find(TenantId, std::span<const collect::IdQuery>,
              std::span<collect::IdVerdict> verdicts) override {
    std::ranges::fill(verdicts, collect::IdVerdict::kNew);
    return ok_status();
  }

 private:
  std::string buffer_;
  eventlog::Position last_ = 0;
};

std::string make_event(std::mt19937_64& random, std::uint64_t number) {
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("event_id").string("ev-" + std::to_string(number));
  json.key("type").string(random() % 3 == 0 ? "add-to-cart" : "detail-page-view");
  json.key("event_time").string("2026-11-22T15:5" + std::to_string(random() % 10) + ":07.123Z");
  json.key("user").begin_object();
  json.key("user_id").string("user-" + std::to_string(random() % 1000000));
  json.key("session_id").string("s-" + std::to_string(random() % 10000000));
  json.end_object();
  json.key("items").begin_array().begin_object();
  json.key("item_id").string("sku-" + std::to_string(random() % 100000));
  json.key("quantity").number(1 + random() % 3);
  json.key("price").number(static_cast<double>(random() % 10000) / 100);
  json.end_object().end_array();
  json.key("currency").string("EUR");
  json.end_object();
  json.finish();
  return out;
}

struct Spread {
  double least = 0;
  double median = 0;
};

// Nanoseconds per event over kRounds runs of `work`, which handles all batches.
template <class Work>
Spread measure(Work work) {
  std::vector<double> rounds;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    rounds.push_back(spent.count() / static_cast<double>(kBatches * kBatchEvents));
  }
  std::ranges::sort(rounds);
  return {rounds.front(), rounds[rounds.size() / 2]};
}

}  // namespace

int main() {
  std::mt19937_64 random(1);
  std::vector<std::string> bodies;
  std::size_t bytes = 0;
  for (std::size_t b = 0; b < kBatches; ++b) {
    std::string body = "[";
    for (std::size_t i = 0; i < kBatchEvents; ++i) {
      body += (i > 0 ? "," : "") + make_event(random, b * kBatchEvents + i);
    }
    body += "]";
    bytes += body.size();
    body.reserve(body.size() + codec::kJsonPaddingBytes);
    bodies.push_back(std::move(body));
  }

  collect::EventBatch batch;
  std::vector<std::string> records;
  const auto read_all = [&] {
    for (const auto& text : bodies) {
      const collect::Body body{text, codec::kJsonPaddingBytes, collect::BodyFormat::kJson,
                               collect::BodyEncoding::kIdentity};
      const auto status = batch.read(body, {}, TenantId{1}, event::EventRules::live(kNow));
      if (!status.ok() || batch.events().size() != kBatchEvents) std::abort();
    }
  };
  const Spread read = measure(read_all);

  codec::JsonParser parser;
  const Spread parse = measure([&] {
    for (const auto& text : bodies) {
      simdjson::dom::element element;
      if (!parser.try_parse(text, codec::kJsonPaddingBytes, element)) std::abort();
    }
  });

  for (const auto& encoded : batch.events()) records.emplace_back(batch.payload(encoded).substr(4));
  const Spread decode = measure([&] {
    event::Event event;
    for (std::size_t b = 0; b < kBatches; ++b) {
      for (const auto& record : records) {
        if (!event::decode_event(record, event).ok()) std::abort();
      }
    }
  });

  // Every round is a new collector: its ids are new again.
  const Spread whole = measure([&] {
    NullLog log;
    collect::Collector collector(log, log);
    std::uint64_t accepted = 0;
    for (const auto& text : bodies) {
      collect::CollectRequest request{.tenant = TenantId{1}, .now = kNow};
      request.body.bytes = text;
      request.body.readable_behind = codec::kJsonPaddingBytes;
      const auto status = collector.collect(
          request, [&](Result<collect::CollectResult> result) { accepted += result->accepted; });
      if (!status.ok()) std::abort();
    }
    if (accepted != kBatches * kBatchEvents) std::abort();
  });

  std::printf("%zu batches of %zu events of %.0f bytes, ns per event\n\n", kBatches, kBatchEvents,
              static_cast<double>(bytes) / static_cast<double>(kBatches * kBatchEvents));
  std::printf("%-34s %8s %8s\n", "", "least", "median");
  const auto row = [](const char* name, const Spread& s) {
    std::printf("%-34s %8.0f %8.0f\n", name, s.least, s.median);
  };
  row("parse only (simdjson DOM)", parse);
  row("parse, check, encode, hash", read);
  row("decode", decode);
  row("collect: all of it, no disk", whole);
  std::printf("{\"parse_ns\":%.0f,\"read_ns\":%.0f,\"decode_ns\":%.0f,\"collect_ns\":%.0f}\n",
              parse.median, read.median, decode.median, whole.median);
  return 0;
}
