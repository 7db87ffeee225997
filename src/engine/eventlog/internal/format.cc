#include "engine/eventlog/internal/format.h"

#include <charconv>
#include <cstring>

#include "base/bytes.h"
#include "platform/codec/crc32c.h"

namespace vitrine::eventlog::internal {
namespace {

constexpr std::size_t kSegmentCrcAt = 8;
constexpr std::size_t kFrameCrcAt = 4;
constexpr std::size_t kNameDigits = 20;

template <class T>
T load(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

template <class T>
void store(std::string& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}

}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u64(kSegmentMagic);
  out.u32(0);
  out.u32(kFormatVersion);
  out.u64(header.first);
  out.u64(header.generation);
  out.u64(header.salt);
  out.i64(header.created_us);
  out.u64(header.segment_bytes);
  bytes.resize(kSegmentHeaderBytes, '\0');
  store(bytes, kSegmentCrcAt, codec::crc32c(std::string_view(bytes).substr(kSegmentCrcAt + 4)));
  return bytes;
}

Result<SegmentHeader> decode_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) {
    return Error(ErrorCode::kCorrupt, "the segment header is cut off");
  }
  bytes = bytes.substr(0, kSegmentHeaderBytes);
  ByteReader in(bytes);
  if (in.u64() != kSegmentMagic) return Error(ErrorCode::kCorrupt, "this is no log segment");
  if (in.u32() != codec::crc32c(bytes.substr(kSegmentCrcAt + 4))) {
    return Error(ErrorCode::kCorrupt, "the checksum of the segment header differs");
  }
  if (const std::uint32_t version = in.u32(); version != kFormatVersion) {
    return Error(ErrorCode::kUnsupported, "log format " + std::to_string(version) +
                                              ", this build reads " +
                                              std::to_string(kFormatVersion));
  }
  SegmentHeader header;
  header.first = in.u64();
  header.generation = in.u64();
  header.salt = in.u64();
  header.created_us = in.i64();
  header.segment_bytes = in.u64();
  return header;
}

void finish_frame(std::string& frame, FrameHeader header) {
  frame.resize(frame_bytes(header.record_bytes), '\0');
  header.length = static_cast<std::uint32_t>(frame.size());
  store(frame, 0, kFrameMagic);
  store(frame, 8, header.length);
  store(frame, 12, header.count);
  store(frame, 16, header.first);
  store(frame, 24, header.generation);
  store(frame, 32, header.append_time_us);
  store(frame, 40, header.durable);
  store(frame, 48, header.salt);
  store(frame, 56, header.record_bytes);
  store(frame, 60, std::uint32_t{0});
  store(frame, kFrameCrcAt, codec::crc32c(std::string_view(frame).substr(kFrameCrcAt + 4)));
}

FrameHeader peek_frame_header(std::string_view bytes) {
  FrameHeader header;
  header.length = load<std::uint32_t>(bytes, 8);
  header.count = load<std::uint32_t>(bytes, 12);
  header.first = load<std::uint64_t>(bytes, 16);
  header.generation = load<std::uint64_t>(bytes, 24);
  header.append_time_us = load<TimeUs>(bytes, 32);
  header.durable = load<std::uint64_t>(bytes, 40);
  header.salt = load<std::uint64_t>(bytes, 48);
  header.record_bytes = load<std::uint32_t>(bytes, 56);
  return header;
}

bool has_frame_magic(std::string_view bytes) {
  return bytes.size() >= kFrameHeaderBytes && load<std::uint32_t>(bytes, 0) == kFrameMagic;
}

bool frame_is_intact(std::string_view bytes, std::uint64_t salt) {
  if (!has_frame_magic(bytes)) return false;
  const FrameHeader header = peek_frame_header(bytes);
  if (header.salt != salt || header.length != bytes.size()) return false;
  if (header.record_bytes > bytes.size() - kFrameHeaderBytes) return false;
  return load<std::uint32_t>(bytes, kFrameCrcAt) == codec::crc32c(bytes.substr(kFrameCrcAt + 4));
}

std::string segment_name(Position first) {
  const std::string digits = std::to_string(first);
  return std::string(kNameDigits - digits.size(), '0') + digits + std::string(kSegmentSuffix);
}

Position parse_segment_name(std::string_view name) {
  if (name.size() != kNameDigits + kSegmentSuffix.size()) return 0;
  if (name.substr(kNameDigits) != kSegmentSuffix) return 0;
  Position first = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kNameDigits, first);
  return error == std::errc{} && end == name.data() + kNameDigits ? first : 0;
}

}  // namespace vitrine::eventlog::internal
