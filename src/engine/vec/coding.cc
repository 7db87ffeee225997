#include "engine/vec/coding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "engine/vec/random.h"

namespace vitrine::vec {
namespace {

constexpr std::size_t kWordsMost = 256;
// Entries of tables: two of them fit a byte.
constexpr std::size_t kTableMost = 127;
constexpr unsigned kTrainingRounds = 8;
// Residuals shorter than this have no direction.
constexpr float kLeastLength = 1e-18F;

// Rows of 32 bytes in a block: two parts of 16 words share one. Even, because scans take two.
std::size_t rows_for(const CodeOptions& options, std::uint32_t dims) {
  if (options.family == CodeFamily::kNibbles) return 0;
  const std::size_t parts = dims / width_for(options);
  const std::size_t rows = options.family == CodeFamily::kPq16 ? (parts + 1) / 2 : parts;
  return (rows + 1) / 2 * 2;
}

float product(const float* a, const float* b, std::size_t dims) {
  return kernels().dot(a, b, dims);
}

}  // namespace

void to_unit_length(float* rows, std::size_t count, std::size_t dims) {
  for (std::size_t i = 0; i < count; ++i) {
    float* row = rows + i * dims;
    const float length = std::sqrt(product(row, row, dims));
    const float inverse = length > kLeastLength ? 1.0F / length : 0.0F;
    for (std::size_t d = 0; d < dims; ++d) row[d] *= inverse;
  }
}

std::uint32_t width_for(const CodeOptions& options) {
  if (options.family == CodeFamily::kNibbles) return 0;
  if (options.width != 0) return options.width;
  return options.family == CodeFamily::kPq16 ? 2 : 4;
}

std::size_t word_floats(const CodeOptions& options, std::uint32_t dims) {
  if (options.family == CodeFamily::kNibbles) return 0;
  return std::size_t{dims} * (options.family == CodeFamily::kPq16 ? 16 : 256);
}

Coding::Coding(const CodeOptions& options, std::uint32_t dims, Column<float> words)
    : options_(options), dims_(dims), rows_(rows_for(options, dims)), words_(std::move(words)) {
  options_.width = width_for(options);
  block_bytes_ = is_product() ? word_block_bytes(rows_) : vec::block_bytes(dims);
  if (options.second) second_bytes_ = is_product() ? dims + 2 * sizeof(float) : dims / 2;
  if (!is_product()) return;
  const std::size_t n = word_count();
  biases_ = Column<float>(parts() * n);
  for (std::size_t part = 0; part < parts(); ++part)
    for (std::size_t d = 0; d < width(); ++d)
      for (std::size_t word = 0; word < n; ++word) {
        const float value = words_[(part * width() + d) * n + word];
        biases_.mutable_data()[part * n + word] -= 0.5F * value * value;
      }
}

std::size_t Coding::table_bytes() const {
  return options_.family == CodeFamily::kNibbles ? 0
         : options_.family == CodeFamily::kPq16  ? rows_ * 64
                                                 : rows_ * kWordsMost;
}

VectorFactors Coding::encode(const float* residual, const float* center, const float* rotated,
                             float minus, std::size_t lane, std::uint8_t* block,
                             std::uint8_t* second) const {
  if (!is_product()) {
    std::array<std::uint8_t, kDimMax / 2> unused;
    return encode_vector(residual, center, minus, dims_, lane, block,
                         second == nullptr ? unused.data() : second);
  }
  const std::size_t n = word_count();
  const float length = std::sqrt(product(residual, residual, dims_));
  const float inverse = length > kLeastLength ? 1.0F / length : 0.0F;
  std::array<float, kDimMax> unit;
  std::array<float, kDimMax> seen;
  for (std::size_t d = 0; d < dims_; ++d) unit[d] = residual[d] * inverse;
  std::array<std::uint8_t, kDimMax / 2> places;
  kernels().nearest_words(words_.data(), biases_.data(), n, parts(), width(), unit.data(),
                          places.data());
  for (std::size_t part = 0; part < parts(); ++part) {
    const std::size_t first = part * width();
    const float* words = words_.data() + first * n;
    const std::uint32_t word = places[part];
    if (options_.family == CodeFamily::kPq16)
      block[part / 2 * kLanes + lane] |=
          static_cast<std::uint8_t>(part % 2 == 0 ? word : word << 4);
    else
      block[part * kLanes + lane] = static_cast<std::uint8_t>(word);
    for (std::size_t d = 0; d < width(); ++d) seen[first + d] = words[d * n + word];
  }
  VectorFactors out;
  const float with_seen = product(unit.data(), seen.data(), dims_);
  // Words far from their vector give no direction to stretch.
  if (inverse > 0) out.scale = with_seen > 0.5F ? length / with_seen : length;
  out.bias =
      product(center, residual, dims_) - out.scale * product(center, seen.data(), dims_) - minus;
  if (second != nullptr) {
    const std::array<float, 2> factors{quantize_unsigned(rotated, dims_, second), -minus};
    std::memcpy(second + dims_, factors.data(), sizeof(factors));
  }
  return out;
}

void Coding::put(const ListFactors& list, const VectorFactors& vector, std::size_t lane,
                 std::uint8_t* block) const {
  put_factors(list, vector, lane, block + factors_offset());
}

Coding::Slope Coding::make_tables(const float* rotated, std::uint8_t* tables) const {
  const std::size_t n = word_count();
  std::memset(tables, 0, table_bytes());
  // Values first, because all parts share one step: the widest part's.
  thread_local std::vector<float> values;
  values.resize(parts() * n);
  std::array<float, kDimMax> least;
  float widest = 0;
  Slope out;
  for (std::size_t part = 0; part < parts(); ++part) {
    const std::size_t first = part * width();
    float most = 0;
    kernels().word_products(words_.data() + first * n, n, width(), rotated + first,
                            values.data() + part * n, &least[part], &most);
    widest = std::max(widest, most - least[part]);
    out.offset += least[part];
  }
  // Sums of all parts fit 16 bits.
  const auto most =
      static_cast<float>(std::min(kTableMost, 65535 / std::max<std::size_t>(1, parts())));
  if (!(widest > 0) || !std::isfinite(widest) || !std::isfinite(most / widest)) return out;
  out.slope = widest / most;
  const float inverse = most / widest;
  for (std::size_t part = 0; part < parts(); ++part) {
    const float* from = values.data() + part * n;
    const float base = least[part];
    std::array<std::uint8_t, kWordsMost> entries;
    for (std::size_t word = 0; word < n; ++word)
      entries[word] = static_cast<std::uint8_t>(
          static_cast<std::int32_t>((from[word] - base) * inverse + 0.5F));
    if (options_.family == CodeFamily::kPq256) {
      std::memcpy(tables + part * kWordsMost, entries.data(), kWordsMost);
      continue;
    }
    // Two copies beside each other: a shuffle of 32 bytes looks up within its halves.
    const std::size_t row = part / 2;
    std::uint8_t* to = tables + row / 2 * 128 + part % 2 * 64 + row % 2 * 32;
    std::memcpy(to, entries.data(), 16);
    std::memcpy(to + 16, entries.data(), 16);
  }
  return out;
}

void Coding::scan(const std::uint8_t* codes, std::size_t blocks, std::uint32_t first_slot,
                  const std::uint32_t* allowed, ScanQuery* queries, std::size_t n) const {
  const Kernels& with = kernels();
  switch (options_.family) {
    case CodeFamily::kNibbles:
      return with.scan(codes, blocks, dims_, first_slot, allowed, queries, n);
    case CodeFamily::kPq16:
      return with.scan_words16(codes, blocks, rows_, first_slot, allowed, queries, n);
    case CodeFamily::kPq256:
      return with.scan_words256(codes, blocks, rows_, first_slot, allowed, queries, n);
  }
}

void Coding::copy_lane(const std::uint8_t* from, std::size_t from_lane, std::uint8_t* to,
                       std::size_t to_lane) const {
  // Nibbles: four bytes a lane for each eight dimensions; words: one in each row.
  const std::size_t bytes = is_product() ? 1 : 4;
  for (std::size_t at = 0; at < factors_offset(); at += bytes * kLanes)
    std::memcpy(to + at + to_lane * bytes, from + at + from_lane * bytes, bytes);
  for (const std::size_t part : {factors_offset(), factors_offset() + 2 * kLanes})
    std::memcpy(to + part + to_lane * 2, from + part + from_lane * 2, 2);
}

float Coding::second_estimate(const std::int8_t* query, const SignedCodes& quantized,
                              const std::uint8_t* second) const {
  std::array<float, 2> factors;
  std::memcpy(factors.data(), second + dims_, sizeof(factors));
  const auto dot = static_cast<float>(kernels().dot_bytes(second, dims_, query));
  return factors[0] * quantized.step * (dot - 127.5F * static_cast<float>(quantized.sum)) +
         factors[1];
}

namespace {

// k-means of one part: `rows` are count x width; `out` gets width x n values.
void train_part(const std::vector<float>& rows, std::size_t count, std::size_t width, std::size_t n,
                Random random, float* out) {
  std::vector<float> biases(n);
  // Rows at random, the same one more than once only where there are fewer than words.
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  for (std::size_t word = 0; word < n; ++word) {
    if (word < count) std::swap(order[word], order[word + random.below(count - word)]);
    for (std::size_t d = 0; d < width; ++d)
      out[d * n + word] = rows[order[word % count] * width + d];
  }
  std::vector<double> sums(n * width);
  std::vector<std::uint32_t> sizes(n);
  for (unsigned round = 0; round < kTrainingRounds; ++round) {
    for (std::size_t word = 0; word < n; ++word) {
      float square = 0;
      for (std::size_t d = 0; d < width; ++d) square += out[d * n + word] * out[d * n + word];
      biases[word] = -0.5F * square;
    }
    std::fill(sums.begin(), sums.end(), 0.0);
    std::fill(sizes.begin(), sizes.end(), 0U);
    for (std::size_t i = 0; i < count; ++i) {
      const float* row = rows.data() + i * width;
      std::uint8_t word = 0;
      kernels().nearest_words(out, biases.data(), n, 1, width, row, &word);
      ++sizes[word];
      for (std::size_t d = 0; d < width; ++d) sums[word * width + d] += static_cast<double>(row[d]);
    }
    for (std::size_t word = 0; word < n; ++word) {
      // A word that nothing is near to starts anew at some row.
      const std::size_t row = sizes[word] == 0 ? random.below(count) : 0;
      for (std::size_t d = 0; d < width; ++d)
        out[d * n + word] =
            sizes[word] == 0
                ? rows[row * width + d]
                : static_cast<float>(sums[word * width + d] / static_cast<double>(sizes[word]));
    }
  }
}

}  // namespace

Column<float> train_words(const float* residuals, std::size_t count, std::uint32_t dims,
                          const CodeOptions& options, std::uint64_t seed, const Workers& workers,
                          Progress& progress) {
  Column<float> words(word_floats(options, dims));
  const std::size_t n = options.family == CodeFamily::kPq16 ? 16 : 256;
  const std::size_t width = width_for(options);
  const std::size_t parts = dims / width;
  progress.start("training codes", parts, "parts");
  parallel_for(workers, parts, [&](std::size_t part, unsigned worker) {
    std::vector<float> rows(count * width);
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(residuals + i * dims + part * width, width, rows.data() + i * width);
    train_part(rows, count, width, n, Random(seed ^ (0x776F7264ULL + part)),
               words.mutable_data() + part * width * n);
    if (worker == 0) progress.update(part);
  });
  progress.finish();
  return words;
}

}  // namespace vitrine::vec
