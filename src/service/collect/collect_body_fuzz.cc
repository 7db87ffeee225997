// Any body is read or refused; what is accepted is a record that decodes.
#include <string_view>

#include "domain/event/event_codec.h"
#include "domain/record/record.h"
#include "service/collect/event_batch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  if (size == 0) return 0;
  static collect::EventBatch batch;
  static const event::TypeNames custom{"wishlist-shared"};
  const collect::BodyLimits limits{.events_max = 20, .body_bytes_max = 1 << 20};
  collect::Body body;
  body.bytes = {reinterpret_cast<const char*>(data) + 1, size - 1};
  body.format = (data[0] & 1) != 0 ? collect::BodyFormat::kNdjson : collect::BodyFormat::kJson;
  if ((data[0] & 6) == 6) body.encoding = collect::BodyEncoding::kGzip;
  constexpr TimeUs kNow = 1'795'363'200'000'000;
  const auto rules = event::EventRules::live(kNow, &custom);
  if (!batch.read(body, limits, TenantId{1}, rules).ok()) return 0;
  const std::size_t events = batch.events().size() + batch.rejected().size();
  if (events == 0 || events > limits.events_max) __builtin_trap();
  for (const auto& encoded : batch.events()) {
    const std::string_view bytes = batch.payload(encoded).substr(record::kTenantBytes);
    event::Event event;
    if (!event::decode_event(bytes, event).ok()) __builtin_trap();
    if (bytes.size() > event::kEventBytesMax) __builtin_trap();
    if (event.event_time < rules.oldest || event.event_time > rules.newest) __builtin_trap();
  }
  return 0;
}
