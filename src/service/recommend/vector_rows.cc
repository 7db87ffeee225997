#include "service/recommend/vector_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

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

std::uint64_t VectorRows::memory_bytes() const { return chunks_.size() * chunk_bytes(); }

VectorRows::Chunk VectorRows::new_chunk() const {
  constexpr std::align_val_t kLine{kPadding};
  return {static_cast<std::uint8_t*>(::operator new[](chunk_bytes(), kLine)),
          [](std::uint8_t* bytes) { ::operator delete[](bytes, std::align_val_t{kPadding}); }};
}

// Makes sure that the item's chunk is there and that no copy shares it.
void VectorRows::own(ItemIndex item) {
  const std::size_t at = item.value / kChunkRows;
  if (at >= chunks_.size()) {
    chunks_.resize(at + 1);
    own_.resize(at + 1, false);
  }
  if (own_[at]) return;
  Chunk chunk = new_chunk();
  if (chunks_[at] == nullptr) {
    std::memset(chunk.get(), 0, kScaleBytes);
    std::memset(chunk.get() + kScaleBytes, kBias, chunk_bytes() - kScaleBytes);
  } else {
    std::memcpy(chunk.get(), chunks_[at].get(), chunk_bytes());
  }
  chunks_[at] = std::move(chunk);
  own_[at] = true;
}

// Valid after own().
float* VectorRows::writable_scale(ItemIndex item) {
  std::uint8_t* const scales = chunks_[item.value / kChunkRows].get();
  return reinterpret_cast<float*>(scales) + item.value % kChunkRows;
}
std::uint8_t* VectorRows::writable_codes(ItemIndex item) {
  return chunks_[item.value / kChunkRows].get() + kScaleBytes + item.value % kChunkRows * padded_;
}

void VectorRows::note(float& scale, float now) {
  if (scale == 0 && now != 0) ++size_;
  if (scale != 0 && now == 0) --size_;
  scale = now;
}

void VectorRows::put(ItemIndex item, const float* row) {
  const float largest = largest_of(row, dim_);
  if (!(largest > 0)) return remove(item);
  own(item);
  std::uint8_t* const codes = writable_codes(item);
  std::int64_t squares = 0;
  for (std::uint32_t d = 0; d < dim_; ++d) {
    const int code = rounded(row[d], largest);
    codes[d] = static_cast<std::uint8_t>(code + kBias);
    squares += std::int64_t{code} * code;
  }
  note(*writable_scale(item), scale_for(squares));
}

void VectorRows::remove(ItemIndex item) {
  if (!has(item)) return;
  own(item);
  note(*writable_scale(item), 0);
}

VectorRows VectorRows::shared() {
  own_.assign(own_.size(), false);
  return *this;
}

float VectorRows::scale_of(ItemIndex item) const {
  const std::size_t at = item.value / kChunkRows;
  if (at >= chunks_.size() || chunks_[at] == nullptr) return 0;
  return reinterpret_cast<const float*>(chunks_[at].get())[item.value % kChunkRows];
}

const std::uint8_t* VectorRows::codes(ItemIndex item) const {
  return chunks_[item.value / kChunkRows].get() + kScaleBytes + item.value % kChunkRows * padded_;
}

bool VectorRows::put_codes(ItemIndex item, const std::uint8_t* codes) {
  std::int64_t squares = 0;
  for (std::uint32_t d = 0; d < padded_; ++d) {
    const int code = int{codes[d]} - kBias;
    if (code < -kLargest || (d >= dim_ && code != 0)) return false;
    squares += std::int64_t{code} * code;
  }
  if (squares == 0) return false;
  own(item);
  std::copy_n(codes, padded_, writable_codes(item));
  note(*writable_scale(item), scale_for(squares));
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
  const std::uint8_t* const row = codes(item);
  for (std::uint32_t d = 0; d < padded_; d += kPadding) __builtin_prefetch(row + d);
  __builtin_prefetch(chunks_[at].get() + item.value % kChunkRows * sizeof(float));
}

}  // namespace vitrine::recommend
