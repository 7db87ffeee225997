// The end of the last segment: where the log ends, and whether what follows is a torn write.
//
// At most one frame is ever written and not yet synced. So a crash can leave one damaged frame, at
// the end. Damage with an intact frame anywhere behind it was synced before and is corruption.
#pragma once

#include "engine/eventlog/internal/segment.h"

namespace vitrine::eventlog::internal {

struct TailScan {
  FrameOrder order;              // after the last intact frame
  std::uint64_t end_offset = 0;  // where the next frame goes
  std::uint64_t frames = 0;
  bool ends_with_data = false;          // the last intact frame holds records
  std::uint64_t last_frame_offset = 0;  // 0 where there is none
  std::uint64_t last_frame_bytes = 0;
  std::uint64_t torn_bytes = 0;  // from end_offset to the last byte that is not zero
};

// kCorrupt with file and offset for anything but a torn tail. `order` is the state before the
// segment's first frame. Reads all of the segment.
Result<TailScan> scan_tail(const Segment& segment, FrameOrder order);

}  // namespace vitrine::eventlog::internal
