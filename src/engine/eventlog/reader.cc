#include "engine/eventlog/reader.h"

#include <algorithm>
#include <cstring>

#include "engine/eventlog/internal/head.h"
#include "engine/eventlog/internal/segment.h"
#include "engine/eventlog/internal/tail_scan.h"

namespace vitrine::eventlog {

using namespace internal;  // NOLINT: this is the inside

class Reader::Impl {
 public:
  Impl(io::FileSystem& files, std::string directory, ReadScope scope)
      : files_(files), directory_(std::move(directory)), scope_(scope) {}

  Status open(Position from);
  Result<ReadEnd> next(RecordView& record);
  Status next_batch(std::vector<RecordView>& out, std::size_t most);
  Position position() const { return frame_ends_at_ - left_; }
  Position durable() const { return head_ ? head_->durable() : 0; }
  bool wait(Position position, TimeUs timeout_us) const {
    return head_ != nullptr && head_->wait(position, timeout_us, nullptr);
  }

 private:
  Status open_segment_with(Position from);
  Status enter(Segment segment);
  Status skip_to(Position from);
  Result<bool> next_frame();          // false: the log ends here for now
  Result<FrameFound> read_frame();    // at offset_
  Result<bool> enter_next_segment();  // false: there is none
  Result<bool> at_damage();           // false: nothing intact follows, the log ends
  Result<bool> take(const Frame& frame);
  bool may_have_more();

  io::FileSystem& files_;
  const std::string directory_;
  const ReadScope scope_;
  std::unique_ptr<Head> head_;  // only with kDurable
  Position known_durable_ = 0;
  Segment segment_;
  FrameBuffer buffer_;
  Frame frame_;
  FrameOrder order_;
  std::uint64_t offset_ = 0;    // of the next frame
  std::string_view records_;    // unread part of the current frame
  std::uint64_t left_ = 0;      // records in it
  Position frame_ends_at_ = 0;  // position after the current frame
};

Result<Position> oldest_position(io::FileSystem& files, const std::string& directory) {
  VITRINE_TRY(const auto firsts, list_segments(files, directory));
  if (firsts.empty()) return Error(ErrorCode::kNotFound, "there is no log in " + directory);
  return firsts.front();
}

Status Reader::Impl::open(Position from) {
  if (scope_ == ReadScope::kDurable) {
    VITRINE_TRY(head_, Head::open_readable(files_, directory_));
    known_durable_ = head_->durable();
    if (from > known_durable_ + 1) {
      return Error(ErrorCode::kInvalidArgument,
                   "reading from position " + std::to_string(from) + " was asked, but the log in " +
                       directory_ + " is durable up to " + std::to_string(known_durable_));
    }
  }
  VITRINE_TRY(open_segment_with(from));
  return skip_to(std::max(from, order_.next));
}

Status Reader::Impl::open_segment_with(Position from) {
  // Twice, because retention may remove the segment between listing and opening.
  for (int attempt = 0;; ++attempt) {
    VITRINE_TRY(const auto firsts, list_segments(files_, directory_));
    if (firsts.empty()) return Error(ErrorCode::kNotFound, "there is no log in " + directory_);
    if (from != 0 && from < firsts.front()) {
      return Error(ErrorCode::kGone, "position " + std::to_string(from) + " of the log in " +
                                         directory_ + " is past its retention, the oldest is " +
                                         std::to_string(firsts.front()));
    }
    auto after =
        std::upper_bound(firsts.begin(), firsts.end(), std::max<Position>(from, firsts.front()));
    auto opened = open_segment(files_, directory_, *std::prev(after));
    if (opened.ok()) return enter(std::move(opened).value());
    if (opened.error().code() != ErrorCode::kNotFound || attempt > 0) {
      return std::move(opened).error();
    }
  }
}

Status Reader::Impl::enter(Segment segment) {
  if (segment.header.generation < order_.generation) {
    return corrupt_at(segment, 0, "the segment is from an older writer than the one before it");
  }
  if (segment.header.created_us < order_.append_time_us) {
    return corrupt_at(segment, 0, "the segment is older than the one before it");
  }
  order_ = {.next = segment.header.first,
            .generation = segment.header.generation,
            .append_time_us = segment.header.created_us};
  segment_ = std::move(segment);
  offset_ = kSegmentHeaderBytes;
  frame_ends_at_ = order_.next;
  left_ = 0;
  buffer_.forget();
  return ok_status();
}

Status Reader::Impl::skip_to(Position from) {
  while (order_.next < from) {
    VITRINE_TRY(const bool more, next_frame());
    if (!more) {
      return Error(ErrorCode::kInvalidArgument, "reading from position " + std::to_string(from) +
                                                    " was asked, but the log in " + directory_ +
                                                    " ends at " + std::to_string(order_.next - 1));
    }
  }
  RecordView skipped;
  while (position() < from) {
    VITRINE_TRY(const ReadEnd end, next(skipped));
    if (end != ReadEnd::kRecord) break;
  }
  return ok_status();
}

Result<ReadEnd> Reader::Impl::next(RecordView& record) {
  while (left_ == 0) {
    VITRINE_TRY(const bool more, next_frame());
    if (!more) return ReadEnd::kEndOfLog;
  }
  // The checksum was right, so a frame that does not add up was written by a wrong program.
  RecordHeader header;
  if (records_.size() < sizeof(header)) {
    return corrupt_at(segment_, frame_.offset, "a record reaches beyond its frame");
  }
  std::memcpy(&header, records_.data(), sizeof(header));
  if (records_.size() - sizeof(header) < header.length) {
    return corrupt_at(segment_, frame_.offset, "a record reaches beyond its frame");
  }
  record.position = position();
  record.append_time_us = frame_.header.append_time_us;
  record.kind = header.kind;
  record.key_id = header.key_id;
  record.payload = records_.substr(sizeof(header), header.length);
  records_.remove_prefix(sizeof(header) + header.length);
  --left_;
  return ReadEnd::kRecord;
}

Status Reader::Impl::next_batch(std::vector<RecordView>& out, std::size_t most) {
  out.clear();
  RecordView record;
  do {
    VITRINE_TRY(const ReadEnd end, next(record));
    if (end == ReadEnd::kEndOfLog) break;
    out.push_back(record);
  } while (left_ > 0 && out.size() < most);
  return ok_status();
}

bool Reader::Impl::may_have_more() {
  if (scope_ == ReadScope::kWholeFrames) return true;
  if (order_.next <= known_durable_) return true;
  known_durable_ = head_->durable();
  return order_.next <= known_durable_;
}

Result<FrameFound> Reader::Impl::read_frame() {
  const auto hint = [this] { return head_ ? head_->end_offset_in(segment_.header.first) : 0; };
  VITRINE_TRY(FrameFound found, buffer_.read(segment_, offset_, frame_, hint()));
  if (found == FrameFound::kFrame) return found;
  // What was read ahead may be older than the frame.
  buffer_.forget();
  return buffer_.read(segment_, offset_, frame_, hint());
}

Result<bool> Reader::Impl::next_frame() {
  while (may_have_more()) {
    VITRINE_TRY(const FrameFound found, read_frame());
    if (found == FrameFound::kFrame) return take(frame_);
    if (found == FrameFound::kDamaged) return at_damage();
    VITRINE_TRY(const bool entered, enter_next_segment());
    if (!entered) return false;
  }
  return false;
}

Result<bool> Reader::Impl::take(const Frame& frame) {
  const std::string_view wrong = order_.accept(frame.header);
  if (!wrong.empty()) return corrupt_at(segment_, offset_, wrong);
  records_ = frame.records;
  left_ = frame.header.count;
  frame_ends_at_ = frame.header.next();
  offset_ += frame.header.length;
  return true;
}

Result<bool> Reader::Impl::at_damage() {
  // Who may read what nobody has declared durable must tell the end from damage himself.
  if (scope_ == ReadScope::kWholeFrames) {
    VITRINE_TRY(const auto firsts, list_segments(files_, directory_));
    if (!firsts.empty() && firsts.back() == segment_.header.first) {
      const FrameOrder before{.next = segment_.header.first,
                              .generation = segment_.header.generation,
                              .append_time_us = segment_.header.created_us};
      VITRINE_TRY(scan_tail(segment_, before));
      return false;
    }
  }
  return corrupt_at(segment_, offset_, "a damaged frame");
}

Result<bool> Reader::Impl::enter_next_segment() {
  auto opened = open_segment(files_, directory_, order_.next);
  if (opened.ok() && opened->header.salt != segment_.header.salt) {
    VITRINE_TRY(enter(std::move(opened).value()));
    return true;
  }
  if (!opened.ok() && opened.error().code() != ErrorCode::kNotFound) {
    return std::move(opened).error();
  }
  VITRINE_TRY(const auto firsts, list_segments(files_, directory_));
  if (!firsts.empty() && firsts.front() > order_.next) {
    return Error(ErrorCode::kGone, "position " + std::to_string(order_.next) + " of the log in " +
                                       directory_ + " is past its retention, the oldest is " +
                                       std::to_string(firsts.front()));
  }
  const bool last = firsts.empty() || firsts.back() <= segment_.header.first;
  if (last && scope_ == ReadScope::kWholeFrames) return at_damage();
  return corrupt_at(segment_, offset_,
                    "position " + std::to_string(order_.next) +
                        " should be here or begin the next segment, and does neither");
}

Reader::Reader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reader::~Reader() = default;

Result<std::unique_ptr<Reader>> Reader::open(io::FileSystem& files, std::string directory,
                                             Position from, ReadScope scope) {
  auto impl = std::make_unique<Impl>(files, std::move(directory), scope);
  VITRINE_TRY(impl->open(from));
  return std::unique_ptr<Reader>(new Reader(std::move(impl)));
}

Result<ReadEnd> Reader::next(RecordView& record) { return impl_->next(record); }
Status Reader::next_batch(std::vector<RecordView>& out, std::size_t most) {
  return impl_->next_batch(out, most);
}
Position Reader::position() const { return impl_->position(); }
Position Reader::durable() const { return impl_->durable(); }
bool Reader::wait(Position position, TimeUs timeout_us) const {
  return impl_->wait(position, timeout_us);
}

}  // namespace vitrine::eventlog
