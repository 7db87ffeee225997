// Bytes of a segment file (little-endian). Values are on disk: add, never renumber.
//
//   segment header   kSegmentHeaderBytes, once
//   frames           one after the other, each a multiple of 8 bytes
//   zeros            up to the size of the file: space that is taken but not used yet
//
// A frame is one commit group: frame header, then records {length u32, kind u16, flags u16,
// key_id u32, payload}, then zeros up to a multiple of 8. A frame without records is a seal.
// The salt, a random number per segment, keeps a payload that looks like a frame from being
// taken for one when the end of a damaged log is searched.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/eventlog/types.h"

namespace vitrine::eventlog::internal {

inline constexpr std::uint64_t kSegmentMagic = 0x31474F4C4E525456;  // "VTRNLOG1"
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::uint32_t kFrameMagic = 0x4D415246;  // "FRAM"
// A page, so that no later write ever touches the sectors of the header.
inline constexpr std::uint64_t kSegmentHeaderBytes = 4096;
inline constexpr std::uint64_t kFrameHeaderBytes = 64;
inline constexpr std::uint64_t kRecordHeaderBytes = 12;
inline constexpr std::uint64_t kFrameAlign = 8;

struct SegmentHeader {
  Position first = 0;
  std::uint64_t generation = 0;
  std::uint64_t salt = 0;
  TimeUs created_us = 0;  // append time of the first frame
  std::uint64_t segment_bytes = 0;
};

struct FrameHeader {
  std::uint32_t length = 0;  // of the whole frame with padding
  std::uint32_t count = 0;   // records; 0: a seal
  Position first = 0;        // of its first record; of the next one in a seal
  std::uint64_t generation = 0;
  TimeUs append_time_us = 0;
  Position durable = 0;  // when it was written; so always first - 1, unless the writer is wrong
  std::uint64_t salt = 0;
  std::uint32_t record_bytes = 0;  // without header and padding

  Position next() const { return first + count; }
};

struct RecordHeader {
  std::uint32_t length = 0;
  std::uint16_t kind = 0;
  std::uint16_t flags = 0;
  std::uint32_t key_id = 0;
};
static_assert(sizeof(RecordHeader) == kRecordHeaderBytes);

// All kSegmentHeaderBytes of it.
std::string encode_segment_header(const SegmentHeader& header);
// Any error is kCorrupt or kUnsupported, without a file name.
Result<SegmentHeader> decode_segment_header(std::string_view bytes);

inline constexpr std::uint64_t frame_bytes(std::uint64_t record_bytes) {
  return (kFrameHeaderBytes + record_bytes + kFrameAlign - 1) / kFrameAlign * kFrameAlign;
}

// `frame` begins with kFrameHeaderBytes to be filled, followed by header.record_bytes of records.
// Pads it and fills length and checksum; the other fields come from `header`. May be repeated.
void finish_frame(std::string& frame, FrameHeader header);

// Reads the header fields without looking at the checksum.
FrameHeader peek_frame_header(std::string_view bytes);
bool has_frame_magic(std::string_view bytes);
// `bytes` is a whole frame by its own length: is it what was written?
bool frame_is_intact(std::string_view bytes, std::uint64_t salt);

// "00000000000000000001.log", and back; 0 where it is no such name.
std::string segment_name(Position first);
Position parse_segment_name(std::string_view name);

inline constexpr std::string_view kSegmentSuffix = ".log";
inline constexpr std::string_view kPreparedSuffix = ".prepared";
inline constexpr std::string_view kTornSuffix = ".torn";
inline constexpr std::string_view kLockName = "lock";
inline constexpr std::string_view kGenerationName = "generation";
inline constexpr std::string_view kHeadName = "head";

}  // namespace vitrine::eventlog::internal
