#include "platform/codec/gzip.h"

#include <algorithm>
#include <limits>

#include <zlib.h>

#include "base/check.h"

namespace vitrine::codec {
namespace {

// 15 bits of window, and 16 for "gzip header only".
constexpr int kGzipWindowBits = 15 + 16;
constexpr std::size_t kStepBytes = 64 << 10;

Error broken(std::string_view what) {
  return {ErrorCode::kInvalidArgument, "the gzip data is broken: " + std::string(what)};
}

}  // namespace

struct GzipInflater::State {
  z_stream stream{};
  bool member_done = false;  // at the end of a member: the next byte begins another one
  bool any_input = false;
};

GzipInflater::GzipInflater() : state_(std::make_unique<State>()) {
  const int status = inflateInit2(&state_->stream, kGzipWindowBits);
  VITRINE_CHECK_MSG(status == Z_OK, "inflateInit2: " + std::to_string(status));
}

GzipInflater::~GzipInflater() { inflateEnd(&state_->stream); }

void GzipInflater::reset() {
  inflateReset(&state_->stream);
  state_->member_done = false;
  state_->any_input = false;
}

Status GzipInflater::feed(std::string_view input, std::size_t bytes_max, std::string& out) {
  z_stream& stream = state_->stream;
  bool output_full = false;  // zlib may hold more than it had room for, also without input
  while (!input.empty() || output_full) {
    if (state_->member_done) {
      inflateReset(&stream);
      state_->member_done = false;
    }
    state_->any_input = true;
    const std::size_t used = out.size();
    // One byte more than allowed, so that a text of exactly bytes_max is told from a longer one.
    const std::size_t room = std::min(bytes_max - std::min(used, bytes_max) + 1, kStepBytes);
    const std::size_t given = std::min(input.size(), kStepBytes);
    out.resize(used + room);
    stream.next_in =
        reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));  // NOLINT: only read
    stream.avail_in = static_cast<uInt>(given);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream, Z_NO_FLUSH);
    input.remove_prefix(given - stream.avail_in);
    out.resize(used + room - stream.avail_out);
    if (out.size() > bytes_max) {
      out.resize(bytes_max);
      return Error(ErrorCode::kTooLarge,
                   "the gzip data unpacks to more than " + std::to_string(bytes_max) + " bytes");
    }
    if (status != Z_OK && status != Z_BUF_ERROR && status != Z_STREAM_END) {
      return broken(stream.msg != nullptr ? stream.msg : "unknown format");
    }
    state_->member_done = status == Z_STREAM_END;
    output_full = status == Z_OK && stream.avail_out == 0;
  }
  return ok_status();
}

Status GzipInflater::finish() const {
  if (state_->member_done) return ok_status();
  return Error(ErrorCode::kInvalidArgument,
               state_->any_input ? "the gzip data is truncated: it ends before its last block"
                                 : "the gzip data is empty");
}

Status gunzip(std::string_view compressed, std::size_t bytes_max, std::size_t padding,
              std::string& out) {
  thread_local GzipInflater inflater;
  inflater.reset();
  out.clear();
  VITRINE_TRY(inflater.feed(compressed, bytes_max, out));
  VITRINE_TRY(inflater.finish());
  out.reserve(out.size() + padding);
  return ok_status();
}

std::string gzip(std::string_view plain, int level) {
  z_stream stream{};
  int status = deflateInit2(&stream, level, Z_DEFLATED, kGzipWindowBits, 8, Z_DEFAULT_STRATEGY);
  VITRINE_CHECK_MSG(status == Z_OK, "deflateInit2: " + std::to_string(status));
  std::string out;
  out.resize(deflateBound(&stream, plain.size()));
  VITRINE_CHECK(plain.size() <= std::numeric_limits<uInt>::max());
  VITRINE_CHECK(out.size() <= std::numeric_limits<uInt>::max());
  stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));  // NOLINT: zlib reads only
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  status = deflate(&stream, Z_FINISH);
  VITRINE_CHECK_MSG(status == Z_STREAM_END, "deflate: " + std::to_string(status));
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace vitrine::codec
