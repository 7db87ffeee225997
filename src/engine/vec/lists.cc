#include "engine/vec/lists.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "engine/vec/kernels.h"
#include "engine/vec/kmeans.h"
#include "engine/vec/random.h"

namespace vitrine::vec {
namespace {

constexpr std::size_t kChunk = 1024;
// Rows that train the words of product codes: 64 for each of 256.
constexpr std::size_t kWordSample = 16384;

// Row `i` as it is indexed: itself, or scaled to length 1 into `space`.
const float* indexed_row(const Rows& rows, std::size_t i, Metric metric, float* space) {
  if (metric != Metric::kCosine) return rows.row(i);
  normalize(rows.row(i), rows.dim, space);
  return space;
}

std::uint32_t automatic_lists(std::size_t count) {
  if (count < 4096) return 1;
  // A power of two near the square root: 1,024 lists for a million.
  std::uint32_t lists = 16;
  while (std::size_t{lists} * lists * 2 < count) lists *= 2;
  return lists;
}

// `wanted` rows at random, rotated.
Column<float> sampled(const Rows& rows, std::size_t wanted, Metric metric, std::uint64_t seed,
                      const Rotation& rotation, const Workers& workers) {
  const std::size_t dims = rotation.dims();
  std::vector<std::uint32_t> chosen(rows.count);
  std::iota(chosen.begin(), chosen.end(), 0U);
  Random random(seed);
  for (std::size_t i = 0; i < wanted; ++i)
    std::swap(chosen[i], chosen[i + random.below(rows.count - i)]);
  std::sort(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(wanted));
  Column<float> sample(wanted * dims);
  parallel_for(workers, (wanted + kChunk - 1) / kChunk, [&](std::size_t chunk, unsigned) {
    std::vector<float> space(rows.dim);
    for (std::size_t i = chunk * kChunk; i < std::min(wanted, (chunk + 1) * kChunk); ++i)
      rotation.apply(indexed_row(rows, chosen[i], metric, space.data()),
                     sample.mutable_data() + i * dims);
  });
  return sample;
}

Column<float> train(const Rows& rows, const ListOptions& options, const Rotation& rotation,
                    std::uint32_t lists, const Workers& workers, Progress& progress) {
  const std::size_t wanted =
      std::min<std::size_t>(rows.count, std::size_t{lists} * options.sample_per_list);
  const Column<float> sample =
      sampled(rows, wanted, options.metric, options.seed, rotation, workers);
  KMeansOptions kmeans;
  kmeans.clusters = lists;
  kmeans.iterations = lists == 1 ? 1 : options.iterations;
  kmeans.seed = options.seed;
  return train_centroids(sample.data(), wanted, rotation.dims(), kmeans, workers, progress);
}

// The words of product codes, from residuals of a sample.
Column<float> train_codes(const Rows& rows, const ListOptions& options, const Rotation& rotation,
                          const CoarseTable& coarse, const Workers& workers, Progress& progress) {
  const std::size_t dims = rotation.dims();
  const std::size_t wanted = std::min(rows.count, kWordSample);
  Column<float> sample =
      sampled(rows, wanted, options.metric, options.seed ^ 0x636F646573ULL, rotation, workers);
  const CoarseTable nearest(coarse.centroids(), dims, CoarseOrder::kDistance);
  parallel_for(workers, (wanted + kChunk - 1) / kChunk, [&](std::size_t chunk, unsigned) {
    const std::size_t first = chunk * kChunk;
    const std::size_t some = std::min(kChunk, wanted - first);
    std::vector<std::uint32_t> list_of(some);
    assign_lists(nearest, sample.data() + first * dims, some, list_of.data());
    for (std::size_t i = 0; i < some; ++i) {
      float* row = sample.mutable_data() + (first + i) * dims;
      for (std::size_t d = 0; d < dims; ++d) row[d] -= coarse.centroid(list_of[i])[d];
    }
  });
  to_unit_length(sample.mutable_data(), wanted, dims);
  return train_words(sample.data(), wanted, rotation.dims(), options.codes, options.seed, workers,
                     progress);
}

std::vector<std::uint32_t> assigned(const Rows& rows, Metric metric, const Rotation& rotation,
                                    const CoarseTable& coarse, const Workers& workers) {
  std::vector<std::uint32_t> list_of(rows.count);
  const std::size_t dims = rotation.dims();
  // Vectors go to the nearest centroid, in whatever order searches rank the lists.
  const CoarseTable nearest = coarse.order() == CoarseOrder::kDistance
                                  ? coarse
                                  : CoarseTable(coarse.centroids(), dims, CoarseOrder::kDistance);
  parallel_for(workers, (rows.count + kChunk - 1) / kChunk, [&](std::size_t chunk, unsigned) {
    const std::size_t first = chunk * kChunk;
    const std::size_t some = std::min(kChunk, rows.count - first);
    std::vector<float> rotated(some * dims);
    std::vector<float> space(rows.dim);
    for (std::size_t i = 0; i < some; ++i)
      rotation.apply(indexed_row(rows, first + i, metric, space.data()), rotated.data() + i * dims);
    assign_lists(nearest, rotated.data(), some, list_of.data() + first);
  });
  return list_of;
}

// Sizes and block ranges, with ids in place; returns the slot of each row.
std::vector<std::uint32_t> lay_out(Lists& lists, const std::vector<std::uint32_t>& list_of,
                                   const std::uint32_t* ids) {
  const std::size_t n = lists.coarse.count();
  lists.sizes = Column<std::uint32_t>(n);
  lists.first_block = Column<std::uint32_t>(n + 1);
  lists.factors = Column<ListFactors>(n);
  for (const std::uint32_t list : list_of) ++lists.sizes.mutable_data()[list];
  std::uint32_t blocks = 0;
  for (std::size_t list = 0; list <= n; ++list) {
    lists.first_block.mutable_data()[list] = blocks;
    if (list < n) blocks += (lists.sizes[list] + static_cast<std::uint32_t>(kLanes) - 1) / kLanes;
  }
  lists.list_of_block = Column<std::uint32_t>(blocks);
  lists.codes = Column<std::uint8_t>(blocks * lists.coding.block_bytes());
  lists.low = Column<std::uint8_t>(blocks * kLanes * lists.coding.second_bytes());
  lists.ids = Column<std::uint32_t>(blocks * kLanes);
  lists.rows = Column<float>(blocks * kLanes * lists.dim);
  std::fill_n(lists.ids.mutable_data(), lists.ids.size(), kNoId);
  std::vector<std::uint32_t> next(n);
  for (std::size_t list = 0; list < n; ++list) {
    next[list] = lists.first_block[list] * static_cast<std::uint32_t>(kLanes);
    std::fill(lists.list_of_block.mutable_data() + lists.first_block[list],
              lists.list_of_block.mutable_data() + lists.first_block[list + 1],
              static_cast<std::uint32_t>(list));
  }
  std::vector<std::uint32_t> slot_of(list_of.size());
  for (std::size_t i = 0; i < list_of.size(); ++i) {
    slot_of[i] = next[list_of[i]]++;
    lists.ids.mutable_data()[slot_of[i]] = ids == nullptr ? static_cast<std::uint32_t>(i) : ids[i];
  }
  return slot_of;
}

void encode_list(Lists& lists, const Rows& rows, const std::vector<std::uint32_t>& row_of,
                 std::size_t list) {
  const std::size_t dims = lists.dims;
  const float* center = lists.coarse.centroid(list);
  std::vector<float> rotated(dims);
  std::vector<float> residual(dims);
  const std::size_t second_bytes = lists.coding.second_bytes();
  const std::size_t first = std::size_t{lists.first_block[list]} * kLanes;
  std::vector<VectorFactors> factors(lists.sizes[list]);
  const auto block_of = [&](std::size_t slot) {
    return lists.codes.mutable_data() + slot / kLanes * lists.coding.block_bytes();
  };
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const std::size_t slot = first + i;
    float* row = lists.rows.mutable_data() + slot * lists.dim;
    if (lists.metric == Metric::kCosine)
      normalize(rows.row(row_of[slot]), lists.dim, row);
    else
      std::copy_n(rows.row(row_of[slot]), lists.dim, row);
    lists.rotation.apply(row, rotated.data());
    for (std::size_t d = 0; d < dims; ++d) residual[d] = rotated[d] - center[d];
    const float minus =
        lists.metric == Metric::kL2 ? 0.5F * kernels().dot(row, row, lists.dim) : 0.0F;
    factors[i] = lists.coding.encode(
        residual.data(), center, rotated.data(), minus, slot % kLanes, block_of(slot),
        second_bytes == 0 ? nullptr : lists.low.mutable_data() + slot * second_bytes);
  }
  const ListFactors steps = factors_for(factors);
  lists.factors.mutable_data()[list] = steps;
  for (std::size_t i = 0; i < factors.size(); ++i)
    lists.coding.put(steps, factors[i], (first + i) % kLanes, block_of(first + i));
}

}  // namespace

void normalize(const float* row, std::size_t dim, float* out) {
  double square = 0;
  for (std::size_t i = 0; i < dim; ++i) square += static_cast<double>(row[i]) * row[i];
  const auto inverse = square > 0 ? static_cast<float>(1.0 / std::sqrt(square)) : 0.0F;
  for (std::size_t i = 0; i < dim; ++i) out[i] = row[i] * inverse;
}

const std::uint32_t* CodeView::words(std::size_t block, std::size_t some,
                                     std::uint32_t* space) const {
  if (allowed != nullptr) return allowed + block;
  if (begin <= block * kLanes && (block + some) * kLanes <= end) return nullptr;
  for (std::size_t i = 0; i < some; ++i) {
    const std::size_t first = (block + i) * kLanes;
    std::uint32_t word = 0xFFFFFFFFU;
    if (begin > first) word &= word << (begin - first);
    if (end < first + kLanes) word &= 0xFFFFFFFFU >> (first + kLanes - end);
    space[i] = word;
  }
  return space;
}

CodeView Lists::view(std::uint32_t list) const {
  const std::size_t begin = std::size_t{first_block[list]} * kLanes;
  return {codes.data(), begin, begin + sizes[list], nullptr};
}

float Lists::second_look(float estimate, const RotatedQuery& query, std::uint32_t list,
                         const std::uint8_t* blocks, std::size_t place,
                         const std::uint8_t* low_row) const {
  if (coding.is_product()) return coding.second_estimate(query.codes, query.quantized, low_row);
  const SignedCodes& center = coarse.signed_factors(list);
  std::int32_t with_query = 0;
  std::int32_t with_center = 0;
  kernels().dot_nibbles(low_row, dims, query.codes, coarse.signed_codes(list), &with_query,
                        &with_center);
  const float q = query.quantized.step *
                  (static_cast<float>(with_query) - 7.5F * static_cast<float>(query.quantized.sum));
  const float c =
      center.step * (static_cast<float>(with_center) - 7.5F * static_cast<float>(center.sum));
  std::uint16_t scale = 0;
  std::memcpy(&scale, coding.scale_place(blocks, place), sizeof(scale));
  return estimate + factors[list].scale_step * static_cast<float>(scale) * (q - c);
}

void Lists::ask_rows(const std::uint32_t* slots, std::size_t n) const {
  if (!rows_on_disk) return;
  for (std::size_t i = 0; i < n; ++i)
    ask_pages(rows.data() + std::size_t{slots[i]} * dim, dim * sizeof(float));
}

float Lists::exact(const float* original, std::uint32_t slot) const {
  const float* row = rows.data() + std::size_t{slot} * dim;
  return metric == Metric::kL2 ? kernels().squared_distance(original, row, dim)
                               : kernels().dot(original, row, dim);
}

std::size_t Lists::total_bytes() const {
  return code_bytes() + ids.bytes() + rows.bytes() + first_block.bytes() + sizes.bytes() +
         list_of_block.bytes() + factors.bytes() + coarse.bytes() + coding.words().bytes();
}

Lists encode_lists(const Rows& rows, const std::uint32_t* ids, Metric metric,
                   const Rotation& rotation, CoarseTable coarse, Coding coding,
                   const Workers& workers, Progress& progress) {
  Lists lists;
  lists.metric = metric;
  lists.dim = rows.dim;
  lists.dims = rotation.dims();
  lists.count = rows.count;
  lists.rotation = rotation;
  lists.coarse = std::move(coarse);
  lists.coding = std::move(coding);
  const auto slot_of = lay_out(lists, assigned(rows, metric, rotation, lists.coarse, workers), ids);
  std::vector<std::uint32_t> row_of(lists.slot_count(), kNoId);
  for (std::size_t i = 0; i < slot_of.size(); ++i)
    row_of[slot_of[i]] = static_cast<std::uint32_t>(i);
  progress.start("encoding", lists.list_count(), "lists");
  parallel_for(workers, lists.list_count(), [&](std::size_t list, unsigned worker) {
    encode_list(lists, rows, row_of, list);
    if (worker == 0) progress.update(list);
  });
  progress.finish();
  return lists;
}

Lists build_lists(const Rows& rows, const std::uint32_t* ids, const ListOptions& options,
                  const Workers& workers, Progress& progress) {
  const Rotation rotation(rows.dim, options.seed);
  const std::uint32_t wanted = options.lists != 0 ? options.lists : automatic_lists(rows.count);
  const auto lists = static_cast<std::uint32_t>(
      std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(1, rows.count)));
  Column<float> centroids(std::size_t{lists} * rotation.dims());
  if (rows.count > 0) centroids = train(rows, options, rotation, lists, workers, progress);
  CoarseTable coarse(std::move(centroids), rotation.dims(), options.order);
  Column<float> words(word_floats(options.codes, rotation.dims()));
  if (rows.count > 0 && words.size() > 0)
    words = train_codes(rows, options, rotation, coarse, workers, progress);
  Coding coding(options.codes, rotation.dims(), std::move(words));
  return encode_lists(rows, ids, options.metric, rotation, std::move(coarse), std::move(coding),
                      workers, progress);
}

}  // namespace vitrine::vec
