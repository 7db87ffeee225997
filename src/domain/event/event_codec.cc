#include "domain/event/event_codec.h"

#include <array>
#include <cmath>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace vitrine::event {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kCurrencyBytes = 3;

// Bits are on disk: add at the end, never renumber.
enum EventFlag : std::uint16_t {
  kHasCustomType = 1 << 0,
  kHasUserId = 1 << 1,
  kHasAnonymousId = 1 << 2,
  kHasSessionId = 1 << 3,
  kHasValue = 1 << 4,
  kHasCurrency = 1 << 5,
  kHasTransaction = 1 << 6,
  kHasSearch = 1 << 7,
  kHasPage = 1 << 8,
  kHasAttribution = 1 << 9,
  kHasContext = 1 << 10,
  kHasProperties = 1 << 11,
  kHasItems = 1 << 12,
  kTimeAssigned = 1 << 13,
};
constexpr std::uint16_t kKnownEventFlags = (1 << 14) - 1;

enum ItemFlag : std::uint8_t {
  kHasVariant = 1 << 0,
  kHasPrice = 1 << 1,
  kHasQuantity = 1 << 2,  // other than 1
  kHasPosition = 1 << 3,
  kHasList = 1 << 4,
};
constexpr std::uint8_t kKnownItemFlags = (1 << 5) - 1;

struct StringField {
  EventFlag flag;
  std::string_view Event::*member;
};
constexpr std::array<StringField, 4> kIdFields = {{
    {kHasCustomType, &Event::custom_type},
    {kHasUserId, &Event::user_id},
    {kHasAnonymousId, &Event::anonymous_id},
    {kHasSessionId, &Event::session_id},
}};
constexpr std::array<StringField, 6> kObjectFields = {{
    {kHasTransaction, &Event::transaction},
    {kHasSearch, &Event::search},
    {kHasPage, &Event::page},
    {kHasAttribution, &Event::attribution},
    {kHasContext, &Event::context},
    {kHasProperties, &Event::properties},
}};

// Writes into room that was measured beforehand: an event has about fifteen small fields, and a
// growing buffer that checks its capacity at each of them costs more than all the bytes.
class FixedWriter {
 public:
  explicit FixedWriter(char* at) : at_(at) {}

  template <class T>
  void fixed(T value) {
    std::memcpy(at_, &value, sizeof(value));
    at_ += sizeof(value);
  }
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      *at_++ = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    *at_++ = static_cast<char>(value);
  }
  void raw(std::string_view bytes) {
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void string(std::string_view bytes) {
    varint(bytes.size());
    raw(bytes);
  }
  char* at() const { return at_; }

 private:
  char* at_;
};

constexpr std::size_t kVarintBytesMax = 10;

std::size_t string_bound(std::string_view s) { return kVarintBytesMax + s.size(); }

std::size_t size_bound(const Event& event) {
  std::size_t bound = kEventHeaderBytes + string_bound(event.event_id) + sizeof(double) +
                      kCurrencyBytes + kVarintBytesMax;
  for (const auto& field : kIdFields) bound += string_bound(event.*field.member);
  for (const auto& field : kObjectFields) bound += string_bound(event.*field.member);
  for (const auto& item : event.items) {
    bound += 1 + string_bound(item.item_id) + string_bound(item.variant_id) +
             string_bound(item.list_id) + 2 * sizeof(double) + kVarintBytesMax;
  }
  return bound;
}

std::uint16_t event_flags(const Event& event) {
  std::uint16_t flags = event.time_assigned ? kTimeAssigned : 0;
  const auto set = [&flags](bool present, EventFlag flag) {
    if (present) flags |= flag;
  };
  for (const auto& field : kIdFields) set(!(event.*field.member).empty(), field.flag);
  for (const auto& field : kObjectFields) set(!(event.*field.member).empty(), field.flag);
  set(event.value.has_value(), kHasValue);
  set(!event.currency.empty(), kHasCurrency);
  set(!event.items.empty(), kHasItems);
  return flags;
}

std::uint8_t item_flags(const EventItem& item) {
  std::uint8_t flags = 0;
  if (!item.variant_id.empty()) flags |= kHasVariant;
  if (item.price.has_value()) flags |= kHasPrice;
  if (item.quantity != 1) flags |= kHasQuantity;
  if (item.position >= 0) flags |= kHasPosition;
  if (!item.list_id.empty()) flags |= kHasList;
  return flags;
}

void write_item(const EventItem& item, FixedWriter& out) {
  const std::uint8_t flags = item_flags(item);
  out.fixed(flags);
  out.string(item.item_id);
  if ((flags & kHasVariant) != 0) out.string(item.variant_id);
  if ((flags & kHasPrice) != 0) out.fixed(*item.price);
  if ((flags & kHasQuantity) != 0) out.fixed(item.quantity);
  if ((flags & kHasPosition) != 0) out.varint(static_cast<std::uint64_t>(item.position));
  if ((flags & kHasList) != 0) out.string(item.list_id);
}

Error corrupt(std::string_view what) {
  return {ErrorCode::kCorrupt, "event record: " + std::string(what)};
}

// A string that is there is not empty, otherwise its flag would be off.
bool read_string(ByteReader& in, std::string_view& out) {
  out = in.string();
  return !out.empty();
}

bool read_amount(ByteReader& in, double& out) {
  out = in.f64();
  return std::isfinite(out) && out >= 0;
}

bool read_item(ByteReader& in, EventItem& item) {
  const std::uint8_t flags = in.u8();
  if ((flags & ~kKnownItemFlags) != 0) return false;
  if (!read_string(in, item.item_id)) return false;
  if ((flags & kHasVariant) != 0 && !read_string(in, item.variant_id)) return false;
  if ((flags & kHasPrice) != 0) {
    double price = 0;
    if (!read_amount(in, price)) return false;
    item.price = price;
  }
  if ((flags & kHasQuantity) != 0 && !(read_amount(in, item.quantity) && item.quantity > 0)) {
    return false;
  }
  if ((flags & kHasPosition) != 0) {
    const std::uint64_t position = in.varint();
    if (position > kListPositionMax) return false;
    item.position = static_cast<std::int32_t>(position);
  }
  return (flags & kHasList) == 0 || read_string(in, item.list_id);
}

void clear(Event& event) {
  std::vector<EventItem> items = std::move(event.items);
  items.clear();
  event = Event{};
  event.items = std::move(items);
}

}  // namespace

void encode_event(const Event& event, std::string& out) {
  const std::size_t start = out.size();
  out.resize(start + size_bound(event));
  FixedWriter writer(out.data() + start);
  const std::uint16_t flags = event_flags(event);
  writer.fixed(kVersion);
  writer.fixed(static_cast<std::uint8_t>(event.type));
  writer.fixed(flags);
  writer.fixed(event.event_time);
  writer.string(event.event_id);
  for (const auto& field : kIdFields) {
    if ((flags & field.flag) != 0) writer.string(event.*field.member);
  }
  if ((flags & kHasValue) != 0) writer.fixed(*event.value);
  if ((flags & kHasCurrency) != 0) writer.raw(event.currency);
  for (const auto& field : kObjectFields) {
    if ((flags & field.flag) != 0) writer.string(event.*field.member);
  }
  if ((flags & kHasItems) != 0) {
    writer.varint(event.items.size());
    for (const auto& item : event.items) write_item(item, writer);
  }
  out.resize(static_cast<std::size_t>(writer.at() - out.data()));
}

Status decode_event(std::string_view bytes, Event& out) {
  clear(out);
  ByteReader in(bytes);
  const std::uint8_t version = in.u8();
  if (in.ok() && version != kVersion) {
    return Error(ErrorCode::kUnsupported, "event record: version " + std::to_string(version) +
                                              ", this build reads up to " +
                                              std::to_string(kVersion));
  }
  const std::uint8_t type = in.u8();
  const std::uint16_t flags = in.u16();
  out.event_time = in.i64();
  if (!in.ok() || !is_event_type(type)) return corrupt("unknown event type or no header");
  if ((flags & ~kKnownEventFlags) != 0) return corrupt("unknown flags");
  out.type = static_cast<EventType>(type);
  out.time_assigned = (flags & kTimeAssigned) != 0;
  if ((out.type == EventType::kCustom) != ((flags & kHasCustomType) != 0)) {
    return corrupt("a custom type without its name, or a name without it");
  }
  if (!read_string(in, out.event_id)) return corrupt("no event id");
  for (const auto& field : kIdFields) {
    if ((flags & field.flag) != 0 && !read_string(in, out.*field.member)) return corrupt("bad id");
  }
  if ((flags & kHasValue) != 0) {
    double value = 0;
    if (!read_amount(in, value)) return corrupt("bad value");
    out.value = value;
  }
  if ((flags & kHasCurrency) != 0) out.currency = in.raw(kCurrencyBytes);
  for (const auto& field : kObjectFields) {
    if ((flags & field.flag) != 0 && !read_string(in, out.*field.member)) {
      return corrupt("bad object");
    }
  }
  if ((flags & kHasItems) != 0) {
    const std::uint64_t count = in.varint();
    if (count == 0 || count > kItemsMax) return corrupt("bad item count");
    out.items.resize(count);
    for (auto& item : out.items) {
      if (!read_item(in, item)) return corrupt("bad item");
    }
  }
  if (!in.at_end()) return corrupt("its length and its contents differ");
  return ok_status();
}

std::uint64_t body_hash(std::string_view encoded) {
  VITRINE_CHECK(encoded.size() >= kEventHeaderBytes);
  std::uint32_t header = 0;
  TimeUs time = 0;
  std::memcpy(&header, encoded.data(), sizeof(header));
  std::memcpy(&time, encoded.data() + sizeof(header), sizeof(time));
  const auto flags = static_cast<std::uint16_t>(header >> 16);
  if ((flags & kTimeAssigned) != 0) time = 0;
  // An odd multiplier keeps different times different. The version (the low byte) is left out: a
  // retry may reach a newer build than the first try did.
  const std::uint64_t seed =
      (static_cast<std::uint64_t>(time) * 0x9E3779B97F4A7C15u) ^ (header >> 8);
  return hash64(encoded.substr(kEventHeaderBytes), seed);
}

}  // namespace vitrine::event
