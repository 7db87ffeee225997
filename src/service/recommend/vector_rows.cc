#include "service/recommend/vector_rows.h"

#include <algorithm>
#include <cmath>

#include "engine/vec/kernels.h"

namespace vitrine::recommend {

namespace {
// The kernels take rows without a sign.
constexpr int kBias = 128;
constexpr int kLargest = 127;
constexpr std::uint32_t kPadding = 64;  // a cache line

float largest_of(const float* row, std::uint32_t dim) {
  float largest = 0;
  for (std::uint32_t d = 0; d < dim; ++d) largest = std::max(largest, std::abs(row[d]));
  return largest;
}

int rounded(float value, float largest) {
  return static_cast<int>(
      std::lround(static_cast<double>(value) / static_cast<double>(largest) * double{kLargest}));
}

float scale_for(std::int64_t squares) {
  return squares == 0 ? 0 : static_cast<float>(1 / std::sqrt(static_cast<double>(squares)));
}
}  // namespace

VectorRows::VectorRows(std::uint32_t dim)
    : dim_(dim), padded_((dim + kPadding - 1) / kPadding * kPadding) {}

std::uint64_t VectorRows::memory_bytes() const {
  return chunks_.size() * (sizeof(Chunk) + kChunkRows * std::uint64_t{padded_});
}

VectorRows::Chunk& VectorRows::writable(ItemIndex item) {
  const std::size_t at = item.value / kChunkRows;
  if (at >= chunks_.size()) {
    chunks_.resize(at + 1);
    own_.resize(at + 1, false);
  }
  std::shared_ptr<Chunk>& chunk = chunks_[at];
  if (chunk == nullptr) {
    chunk = std::make_shared<Chunk>();
    chunk->codes.assign(kChunkRows * padded_, kBias);
  } else if (!own_[at]) {
    chunk = std::make_shared<Chunk>(*chunk);
  }
  own_[at] = true;
  return *chunk;
}

void VectorRows::note(float& scale, float now) {
  if (scale == 0 && now != 0) ++size_;
  if (scale != 0 && now == 0) --size_;
  scale = now;
}

void VectorRows::put(ItemIndex item, const float* row) {
  const float largest = largest_of(row, dim_);
  if (!(largest > 0)) return remove(item);
  Chunk& chunk = writable(item);
  std::uint8_t* const codes = chunk.codes.data() + item.value % kChunkRows * padded_;
  std::int64_t squares = 0;
  for (std::uint32_t d = 0; d < dim_; ++d) {
    const int code = rounded(row[d], largest);
    codes[d] = static_cast<std::uint8_t>(code + kBias);
    squares += std::int64_t{code} * code;
  }
  note(chunk.scale[item.value % kChunkRows], scale_for(squares));
}

void VectorRows::remove(ItemIndex item) {
  if (!has(item)) return;
  note(writable(item).scale[item.value % kChunkRows], 0);
}

VectorRows VectorRows::shared() {
  own_.assign(own_.size(), false);
  return *this;
}

float VectorRows::scale_of(ItemIndex item) const {
  const std::size_t at = item.value / kChunkRows;
  if (at >= chunks_.size() || chunks_[at] == nullptr) return 0;
  return chunks_[at]->scale[item.value % kChunkRows];
}

const std::uint8_t* VectorRows::codes(ItemIndex item) const {
  return chunks_[item.value / kChunkRows]->codes.data() + item.value % kChunkRows * padded_;
}

bool VectorRows::put_codes(ItemIndex item, const std::uint8_t* codes) {
  std::int64_t squares = 0;
  for (std::uint32_t d = 0; d < padded_; ++d) {
    const int code = int{codes[d]} - kBias;
    if (code < -kLargest || (d >= dim_ && code != 0)) return false;
    squares += std::int64_t{code} * code;
  }
  if (squares == 0) return false;
  Chunk& chunk = writable(item);
  std::copy_n(codes, padded_, chunk.codes.data() + item.value % kChunkRows * padded_);
  note(chunk.scale[item.value % kChunkRows], scale_for(squares));
  return true;
}

bool VectorRows::read(ItemIndex item, float* out) const {
  const float scale = scale_of(item);
  if (scale == 0) return false;
  const std::uint8_t* const row = codes(item);
  for (std::uint32_t d = 0; d < dim_; ++d) out[d] = static_cast<float>(int{row[d]} - kBias) * scale;
  return true;
}

void VectorRows::prepare(const float* query, VectorQuery& out) const {
  out.codes.assign(padded_, 0);
  out.offset = 0;
  out.scale = 0;
  const float largest = largest_of(query, dim_);
  if (!(largest > 0)) return;
  std::int64_t squares = 0;
  for (std::uint32_t d = 0; d < dim_; ++d) {
    const int code = rounded(query[d], largest);
    out.codes[d] = static_cast<std::int8_t>(code);
    out.offset += code * kBias;
    squares += std::int64_t{code} * code;
  }
  out.scale = scale_for(squares);
}

float VectorRows::cosine(const VectorQuery& query, ItemIndex item) const {
  const float scale = scale_of(item);
  if (scale == 0) return 0;
  const std::int32_t sum =
      vec::kernels().dot_bytes(codes(item), padded_, query.codes.data()) - query.offset;
  return static_cast<float>(sum) * scale * query.scale;
}

void VectorRows::prefetch(ItemIndex item) const {
  const std::size_t at = item.value / kChunkRows;
  if (at >= chunks_.size() || chunks_[at] == nullptr) return;
  const Chunk& chunk = *chunks_[at];
  const std::uint8_t* const row = chunk.codes.data() + item.value % kChunkRows * padded_;
  for (std::uint32_t d = 0; d < padded_; d += 64) __builtin_prefetch(row + d);
  __builtin_prefetch(&chunk.scale[item.value % kChunkRows]);
}

}  // namespace vitrine::recommend
