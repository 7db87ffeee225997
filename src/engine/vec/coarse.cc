#include "engine/vec/coarse.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "engine/vec/kernels.h"
#include "engine/vec/types.h"

namespace vitrine::vec {
namespace {

// Places that may be sorted in vain: finding the exact bound costs more.
constexpr std::size_t kSelectSlack = 8;

}  // namespace

CoarseTable::CoarseTable(Column<float> centroids, std::size_t dims, CoarseOrder order)
    : count_(centroids.size() / dims),
      dims_(dims),
      order_(order),
      centroids_(std::move(centroids)) {
  const std::size_t blocks = (count_ + kLanes - 1) / kLanes;
  blocks_ = Column<std::uint8_t>(blocks * kLanes * dims);
  scales_ = Column<float>(blocks * kLanes);
  biases_ = Column<float>(blocks * kLanes);
  signed_ = Column<std::int8_t>(count_ * dims);
  signed_factors_.resize(count_);
  std::array<std::uint8_t, kDimMax> codes;
  for (std::size_t i = 0; i < blocks * kLanes; ++i) {
    biases_.mutable_data()[i] = -std::numeric_limits<float>::infinity();
    if (i >= count_) continue;
    const float* center = centroid(i);
    scales_.mutable_data()[i] = quantize_unsigned(center, dims, codes.data());
    biases_.mutable_data()[i] =
        order == CoarseOrder::kDistance ? -0.5F * kernels().dot(center, center, dims) : 0.0F;
    std::uint8_t* block = blocks_.mutable_data() + i / kLanes * kLanes * dims;
    for (std::size_t d = 0; d < dims; ++d)
      block[d / 4 * 4 * kLanes + i % kLanes * 4 + d % 4] = codes[d];
    signed_factors_[i] = quantize_signed(center, dims, signed_.mutable_data() + i * dims);
  }
}

void CoarseTable::score(const RotatedQuery* queries, std::size_t n, std::int32_t* dots,
                        float* scores, std::uint32_t* best) const {
  for (std::size_t start = 0; start < n; start += kQueriesPerPass) {
    const std::size_t some = std::min(kQueriesPerPass, n - start);
    std::array<const std::int8_t*, kQueriesPerPass> codes{};
    for (std::size_t q = 0; q < some; ++q) codes[q] = queries[start + q].codes;
    std::int32_t* out = dots + start * padded();
    kernels().dot_blocks(blocks_.data(), padded() / kLanes, dims_, codes.data(), some, out,
                         padded());
    for (std::size_t q = 0; q < some; ++q) {
      const SignedCodes& query = queries[start + q].quantized;
      const float offset = -127.5F * query.step * static_cast<float>(query.sum);
      float* to = scores == nullptr ? nullptr : scores + (start + q) * padded();
      const std::uint32_t first = kernels().rank(out + q * padded(), padded(), query.step, offset,
                                                 scales_.data(), biases_.data(), to);
      if (best != nullptr) best[start + q] = first;
    }
  }
}

std::size_t CoarseTable::bytes() const {
  return centroids_.bytes() + blocks_.bytes() + scales_.bytes() + biases_.bytes() +
         signed_.bytes() + signed_factors_.size() * sizeof(SignedCodes);
}

void select_largest(const float* values, std::size_t n, std::size_t m, std::vector<float>& scratch,
                    std::vector<std::uint32_t>& places) {
  m = std::min(m, n);
  const std::size_t room = n + kLanes;
  places.resize(room);
  std::iota(places.begin(), places.end(), 0U);
  std::size_t kept = n;
  if (m == 0) kept = 0;
  if (kept > m + kSelectSlack) {
    scratch.resize(room);
    std::copy_n(values, n, scratch.data());
    float threshold = 0;
    kept = kernels().cut(scratch.data(), places.data(), static_cast<std::uint32_t>(n),
                         static_cast<std::uint32_t>(m),
                         static_cast<std::uint32_t>(m + kSelectSlack), &threshold);
  }
  const auto before = [values](std::uint32_t a, std::uint32_t b) {
    return values[a] > values[b] || (values[a] == values[b] && a < b);
  };
  std::partial_sort(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(std::min(m, kept)),
                    places.begin() + static_cast<std::ptrdiff_t>(kept), before);
  places.resize(std::min(m, kept));
}

}  // namespace vitrine::vec
