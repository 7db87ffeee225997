#include "service/collect/event_batch.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "domain/event/event_codec.h"
#include "domain/record/record.h"
#include "platform/codec/gzip.h"
#include "service/collect/body_split.h"

namespace vitrine::collect {
namespace {

// What an ordinary request needs is kept between requests, more is given back.
constexpr std::size_t kKeptBufferBytes = 2 << 20;

Error no_events() {
  return Error(ErrorCode::kInvalidArgument, "the request holds no event").with_reason("no_events");
}

Error body_too_large(std::size_t limit) {
  return Error(ErrorCode::kTooLarge, "the body has more than " + std::to_string(limit) +
                                         " bytes: send fewer events in one request")
      .with_reason("body_too_large");
}

}  // namespace

void EventBatch::shrink() {
  for (std::string* buffer : {&unpacked_, &payloads_}) {
    if (buffer->capacity() > kKeptBufferBytes) std::string().swap(*buffer);
  }
}

Status EventBatch::read(const Body& body, const BodyLimits& limits, TenantId tenant,
                        const event::EventRules& rules) {
  shrink();
  payloads_.clear();
  events_.clear();
  rejected_.clear();
  next_index_ = 0;
  is_single_ = was_split_ = false;
  tenant_ = tenant;
  rules_ = rules;

  std::string_view text = body.bytes;
  std::size_t readable_behind = body.readable_behind;
  if (body.encoding == BodyEncoding::kGzip) {
    auto unpacked =
        codec::gunzip(body.bytes, limits.body_bytes_max, codec::kJsonPaddingBytes, unpacked_);
    if (!unpacked.ok()) {
      if (unpacked.error().code() == ErrorCode::kTooLarge) {
        return body_too_large(limits.body_bytes_max);
      }
      return Error(unpacked.error()).with_reason("invalid_gzip");
    }
    // Bytes behind the end are not only reserved but there: a reader may look at them.
    const std::size_t size = unpacked_.size();
    unpacked_.append(codec::kJsonPaddingBytes, ' ');
    text = std::string_view(unpacked_).substr(0, size);
    readable_behind = codec::kJsonPaddingBytes;
  }
  if (text.size() > limits.body_bytes_max) return body_too_large(limits.body_bytes_max);
  const std::string_view trimmed = trim_json(text);
  readable_behind +=
      static_cast<std::size_t>((text.data() + text.size()) - (trimmed.data() + trimmed.size()));
  if (trimmed.empty()) return no_events();
  return body.format == BodyFormat::kNdjson
             ? read_ndjson(trimmed, readable_behind, limits.events_max)
             : read_json(trimmed, readable_behind, limits.events_max);
}

void EventBatch::take_result(bool accepted) {
  const std::uint32_t index = next_index_++;
  if (!accepted) {
    rejected_.push_back({index, why_.code, std::move(why_.detail)});
    return;
  }
  EncodedEvent& encoded = events_.emplace_back();
  encoded.index = index;
  encoded.offset = static_cast<std::uint32_t>(payloads_.size());
  ByteWriter writer(payloads_);
  record::write_tenant(writer, tenant_);
  event::encode_event(event_, payloads_);
  encoded.size = static_cast<std::uint32_t>(payloads_.size()) - encoded.offset;
  encoded.id = event::event_id_hash(event_.event_id);
  encoded.body_hash = event::body_hash(payload(encoded).substr(record::kTenantBytes));
}

void EventBatch::take_text(std::string_view json, std::size_t readable_behind) {
  take_result(reader_.read(json, readable_behind, rules_, event_, why_));
}

Status EventBatch::read_json(std::string_view text, std::size_t readable_behind,
                             std::size_t events_max) {
  simdjson::dom::element root;
  if (!parser_.try_parse(text, readable_behind, root)) {
    return read_split(text, readable_behind, events_max);
  }
  simdjson::dom::array array;
  if (root.get(array) != simdjson::SUCCESS) {
    is_single_ = true;
    take_result(reader_.read(root, rules_, event_, why_));
    return ok_status();
  }
  if (array.size() == 0) return no_events();
  if (array.size() > events_max) return too_many_events(events_max);
  for (const auto element : array) take_result(reader_.read(element, rules_, event_, why_));
  return ok_status();
}

Status EventBatch::read_split(std::string_view text, std::size_t readable_behind,
                              std::size_t events_max) {
  was_split_ = true;
  VITRINE_TRY(const auto elements, split_json_body(text, events_max));
  if (elements.empty()) return no_events();
  is_single_ = text.front() != '[';
  const char* end = text.data() + text.size() + readable_behind;
  for (const std::string_view element : elements) {
    take_text(element, static_cast<std::size_t>(end - (element.data() + element.size())));
  }
  return ok_status();
}

Status EventBatch::read_ndjson(std::string_view text, std::size_t readable_behind,
                               std::size_t events_max) {
  const char* end = text.data() + text.size() + readable_behind;
  while (!text.empty()) {
    const std::size_t newline = std::min(text.find('\n'), text.size());
    const std::string_view line = trim_json(text.substr(0, newline));
    text.remove_prefix(std::min(newline + 1, text.size()));
    if (line.empty()) continue;
    if (next_index_ == events_max) return too_many_events(events_max);
    take_text(line, static_cast<std::size_t>(end - (line.data() + line.size())));
  }
  return ok_status();
}

}  // namespace vitrine::collect
