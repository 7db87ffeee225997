// The kernels in plain C++: the oracle of the tests, and what machines of another kind run.
#include <array>
#include <cstring>
#include <limits>

#include "engine/vec/kernels.h"

namespace vitrine::vec {
namespace {

using Sums = std::array<std::int32_t, kLanes>;

void keep(const Sums& dots, const std::uint8_t* factor_bytes, std::uint32_t first_slot,
          std::uint32_t allowed, ScanQuery& query) {
  std::array<std::uint16_t, 2 * kLanes> factors;
  std::memcpy(factors.data(), factor_bytes, sizeof(factors));
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    if ((allowed >> lane & 1U) == 0) continue;
    const float inner = query.slope * static_cast<float>(dots[lane]) + query.offset;
    const float bias = query.bias_step * static_cast<float>(factors[kLanes + lane]) + query.base;
    const float estimate = static_cast<float>(factors[lane]) * inner + bias;
    if (!(estimate >= query.threshold)) continue;
    query.estimates[query.count] = estimate;
    query.slots[query.count++] = first_slot + static_cast<std::uint32_t>(lane);
  }
}

void scan_one(const std::uint8_t* block, std::size_t dims, std::uint32_t first_slot,
              std::uint32_t allowed, ScanQuery& query) {
  Sums dots{};
  for (std::size_t g = 0; g < dims / 8; ++g) {
    const std::uint8_t* group = block + g * 4 * kLanes;
    const std::int8_t* q = query.codes + g * 8;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      for (std::size_t b = 0; b < 4; ++b) {
        const std::uint8_t code = group[lane * 4 + b];
        dots[lane] += (code & 15) * q[b] + (code >> 4) * q[4 + b];
      }
    }
  }
  keep(dots, block + dims / 8 * 4 * kLanes, first_slot, allowed, query);
}

// Blocks of product codes, one query after the other; `add` adds a row to the sums.
template <class Add>
void scan_words(const std::uint8_t* codes, std::size_t blocks, std::size_t rows,
                std::uint32_t first_slot, const std::uint32_t* allowed, ScanQuery* queries,
                std::size_t n, Add add) {
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::uint32_t mask = allowed == nullptr ? 0xFFFFFFFFU : allowed[b];
    if (mask == 0) continue;
    const std::uint8_t* block = codes + b * word_block_bytes(rows);
    for (std::size_t q = 0; q < n; ++q) {
      Sums sums{};
      for (std::size_t row = 0; row < rows; ++row)
        add(block + row * kLanes, row, queries[q].tables, sums);
      keep(sums, block + rows * kLanes, first_slot + static_cast<std::uint32_t>(b * kLanes), mask,
           queries[q]);
    }
  }
}

void scan_words16(const std::uint8_t* codes, std::size_t blocks, std::size_t rows,
                  std::uint32_t first_slot, const std::uint32_t* allowed, ScanQuery* queries,
                  std::size_t n) {
  scan_words(codes, blocks, rows, first_slot, allowed, queries, n,
             [](const std::uint8_t* at, std::size_t row, const std::uint8_t* tables, Sums& sums) {
               const std::uint8_t* low = tables + row / 2 * 128 + row % 2 * 32;
               for (std::size_t lane = 0; lane < kLanes; ++lane)
                 sums[lane] += low[at[lane] & 15] + low[64 + (at[lane] >> 4)];
             });
}

void nearest_words(const float* words, const float* biases, std::size_t n, std::size_t parts,
                   std::size_t width, const float* x, std::uint8_t* places) {
  for (std::size_t part = 0; part < parts; ++part) {
    float most = -std::numeric_limits<float>::infinity();
    places[part] = 0;
    for (std::size_t i = 0; i < n; ++i) {
      float value = biases[part * n + i];
      for (std::size_t d = part * width; d < (part + 1) * width; ++d)
        value += x[d] * words[d * n + i];
      if (!(value > most)) continue;
      most = value;
      places[part] = static_cast<std::uint8_t>(i);
    }
  }
}

void word_products(const float* words, std::size_t n, std::size_t width, const float* x, float* out,
                   float* least, float* most) {
  *least = std::numeric_limits<float>::infinity();
  *most = -*least;
  for (std::size_t i = 0; i < n; ++i) {
    float value = 0;
    for (std::size_t d = 0; d < width; ++d) value += x[d] * words[d * n + i];
    out[i] = value;
    *least = value < *least ? value : *least;
    *most = value > *most ? value : *most;
  }
}

void scan(const std::uint8_t* codes, std::size_t blocks, std::size_t dims, std::uint32_t first_slot,
          const std::uint32_t* allowed, ScanQuery* queries, std::size_t n) {
  const std::size_t stride = block_bytes(dims);
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::uint32_t mask = allowed == nullptr ? 0xFFFFFFFFU : allowed[b];
    if (mask == 0) continue;
    for (std::size_t q = 0; q < n; ++q) {
      scan_one(codes + b * stride, dims, first_slot + static_cast<std::uint32_t>(b * kLanes), mask,
               queries[q]);
    }
  }
}

void dot_blocks(const std::uint8_t* codes, std::size_t blocks, std::size_t dims,
                const std::int8_t* const* queries, std::size_t n, std::int32_t* out,
                std::size_t out_stride) {
  for (std::size_t q = 0; q < n; ++q) {
    for (std::size_t i = 0; i < blocks * kLanes; ++i) {
      const std::uint8_t* block = codes + i / kLanes * dims * kLanes + i % kLanes * 4;
      std::int32_t sum = 0;
      for (std::size_t d = 0; d < dims; ++d)
        sum += block[d / 4 * 4 * kLanes + d % 4] * queries[q][d];
      out[q * out_stride + i] = sum;
    }
  }
}

std::uint32_t rank(const std::int32_t* dots, std::size_t n, float slope, float offset,
                   const float* scales, const float* biases, float* out) {
  std::uint32_t best = 0;
  float most = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < n; ++i) {
    const float value = scales[i] * (slope * static_cast<float>(dots[i]) + offset) + biases[i];
    if (value > most) {
      most = value;
      best = static_cast<std::uint32_t>(i);
    }
    if (out != nullptr) out[i] = value;
  }
  return best;
}

void dot_nibbles(const std::uint8_t* row, std::size_t dims, const std::int8_t* a,
                 const std::int8_t* b, std::int32_t* sum_a, std::int32_t* sum_b) {
  const std::size_t half = dims / 2;
  std::int32_t sa = 0;
  std::int32_t sb = 0;
  for (std::size_t i = 0; i < half; ++i) {
    const std::int32_t low = row[i] & 15;
    const std::int32_t high = row[i] >> 4;
    sa += low * a[i] + high * a[half + i];
    sb += low * b[i] + high * b[half + i];
  }
  *sum_a = sa;
  *sum_b = sb;
}

std::int32_t dot_bytes(const std::uint8_t* row, std::size_t dims, const std::int8_t* query) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < dims; ++i) sum += row[i] * query[i];
  return sum;
}

void dot_bytes_many(const std::uint8_t* const* rows, std::size_t n, std::size_t dims,
                    const std::int8_t* query, std::int32_t* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = dot_bytes(rows[i], dims, query);
}

// Sixteen partial sums, as the wide levels keep them: the compiler can use what it has.
template <class Term>
float summed(std::size_t dims, Term term) {
  std::array<float, 16> parts{};
  std::size_t i = 0;
  for (; i + 16 <= dims; i += 16)
    for (std::size_t j = 0; j < 16; ++j) parts[j] += term(i + j);
  for (std::size_t j = 0; i < dims; ++i, ++j) parts[j] += term(i);
  for (std::size_t width = 8; width > 0; width /= 2)
    for (std::size_t j = 0; j < width; ++j) parts[j] += parts[j + width];
  return parts[0];
}

float dot(const float* a, const float* b, std::size_t dims) {
  return summed(dims, [&](std::size_t i) { return a[i] * b[i]; });
}

float squared_distance(const float* a, const float* b, std::size_t dims) {
  return summed(dims, [&](std::size_t i) {
    const float diff = a[i] - b[i];
    return diff * diff;
  });
}

}  // namespace

void internal::scan_words256_plain(const std::uint8_t* codes, std::size_t blocks, std::size_t rows,
                                   std::uint32_t first_slot, const std::uint32_t* allowed,
                                   ScanQuery* queries, std::size_t n) {
  scan_words(codes, blocks, rows, first_slot, allowed, queries, n,
             [](const std::uint8_t* at, std::size_t row, const std::uint8_t* tables, Sums& sums) {
               const std::uint8_t* table = tables + row * 256;
               for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += table[at[lane]];
             });
}

// Bisection between the smallest and the largest value: counting is cheaper than moving.
std::uint32_t internal::cut_plain(float* estimates, std::uint32_t* slots, std::uint32_t n,
                                  std::uint32_t least, std::uint32_t most, float* threshold) {
  float low = estimates[0];
  float high = estimates[0];
  for (std::uint32_t i = 1; i < n; ++i) {
    low = estimates[i] < low ? estimates[i] : low;
    high = estimates[i] > high ? estimates[i] : high;
  }
  // Everything reaches `low`; fewer than `least` reach `high`, or the largest value is shared.
  for (;;) {
    const float middle = low * 0.5F + high * 0.5F;
    if (!(middle > low && middle < high)) break;
    std::uint32_t reached = 0;
    for (std::uint32_t i = 0; i < n; ++i) reached += estimates[i] >= middle ? 1 : 0;
    if (reached < least) {
      high = middle;
    } else {
      low = middle;
      if (reached <= most) break;
    }
  }
  std::uint32_t at_high = 0;
  for (std::uint32_t i = 0; i < n; ++i) at_high += estimates[i] >= high ? 1 : 0;
  const float value = at_high >= least ? high : low;
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    if (!(estimates[i] >= value)) continue;
    estimates[kept] = estimates[i];
    slots[kept++] = slots[i];
  }
  *threshold = value;
  return kept;
}

const Kernels internal::kScalarKernels = {simd::Level::kScalar,
                                          scan,
                                          scan_words16,
                                          internal::scan_words256_plain,
                                          nearest_words,
                                          word_products,
                                          dot_blocks,
                                          rank,
                                          internal::cut_plain,
                                          dot_nibbles,
                                          dot_bytes,
                                          dot_bytes_many,
                                          dot,
                                          squared_distance};

}  // namespace vitrine::vec
