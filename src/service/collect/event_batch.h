// From the body of a request to checked, encoded events: everything before the log is asked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "domain/event/event_json.h"
#include "platform/codec/json_parse.h"

namespace vitrine::collect {

enum class BodyFormat {
  kJson,    // one event, or an array of them
  kNdjson,  // one event a line
};

enum class BodyEncoding { kIdentity, kGzip };

struct BodyLimits {
  std::size_t events_max = 1000;
  std::size_t body_bytes_max = 8 << 20;  // after unpacking
};

struct Body {
  std::string_view bytes;
  std::size_t readable_behind = 0;  // bytes behind them that may be read; 64 spare a copy
  BodyFormat format = BodyFormat::kJson;
  BodyEncoding encoding = BodyEncoding::kIdentity;
};

// An event of the request that was not taken.
struct RejectedEvent {
  std::uint32_t index = 0;  // in the request, from 0; empty lines of NDJSON don't count
  event::RejectCode code = event::RejectCode::kInvalidJson;
  std::string detail;
};

// An event that passed every check of its own.
struct EncodedEvent {
  std::uint32_t index = 0;   // in the request, from 0
  std::uint32_t offset = 0;  // of its record payload in EventBatch::payloads()
  std::uint32_t size = 0;
  Hash128 id;
  std::uint64_t body_hash = 0;
};

// Not thread-safe; one per thread. Keeps its buffers, so that a request allocates little.
class EventBatch {
 public:
  // Reads `body`; afterwards events() and rejected() hold its events in order. An error refuses the
  // whole request: kInvalidArgument (broken structure, truncated gzip, no event) or kTooLarge.
  Status read(const Body& body, const BodyLimits& limits, TenantId tenant,
              const event::EventRules& rules);

  const std::vector<EncodedEvent>& events() const { return events_; }
  std::vector<RejectedEvent>& rejected() { return rejected_; }
  std::string_view payload(const EncodedEvent& event) const {
    return std::string_view(payloads_).substr(event.offset, event.size);
  }
  // Was the body a single event, not in an array? Then its rejection refuses the request.
  bool is_single() const { return is_single_; }
  // Was it taken apart because it could not be read in one go?
  bool was_split() const { return was_split_; }

 private:
  Status read_json(std::string_view text, std::size_t readable_behind, std::size_t events_max);
  Status read_ndjson(std::string_view text, std::size_t readable_behind, std::size_t events_max);
  Status read_split(std::string_view text, std::size_t readable_behind, std::size_t events_max);
  void take_text(std::string_view json, std::size_t readable_behind);
  void take_result(bool accepted);
  void shrink();

  codec::JsonParser parser_;
  event::EventReader reader_;
  event::Event event_;
  event::Rejection why_;
  std::string unpacked_;
  std::string payloads_;
  std::vector<EncodedEvent> events_;
  std::vector<RejectedEvent> rejected_;
  TenantId tenant_;
  event::EventRules rules_;
  std::uint32_t next_index_ = 0;
  bool is_single_ = false;
  bool was_split_ = false;
};

}  // namespace vitrine::collect
