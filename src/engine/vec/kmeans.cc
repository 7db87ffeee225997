#include "engine/vec/kmeans.h"

#include <algorithm>
#include <numeric>

#include "engine/vec/kernels.h"
#include "engine/vec/random.h"

namespace vitrine::vec {
namespace {

constexpr std::size_t kChunk = 1024;

struct Clusters {
  std::vector<std::uint32_t> list_of;
  std::vector<std::uint32_t> order;  // rows, cluster after cluster
  std::vector<std::size_t> begin;    // of each cluster in `order`, and the end
};

Clusters grouped(const CoarseTable& table, const float* rows, std::size_t count,
                 const Workers& workers) {
  Clusters out;
  out.list_of.resize(count);
  parallel_for(workers, (count + kChunk - 1) / kChunk, [&](std::size_t chunk, unsigned) {
    const std::size_t first = chunk * kChunk;
    assign_lists(table, rows + first * table.dims(), std::min(kChunk, count - first),
                 out.list_of.data() + first);
  });
  out.begin.assign(table.count() + 1, 0);
  for (const std::uint32_t list : out.list_of) ++out.begin[list + 1];
  std::partial_sum(out.begin.begin(), out.begin.end(), out.begin.begin());
  std::vector<std::size_t> next(out.begin.begin(), out.begin.end() - 1);
  out.order.resize(count);
  for (std::size_t i = 0; i < count; ++i)
    out.order[next[out.list_of[i]]++] = static_cast<std::uint32_t>(i);
  return out;
}

void move_to_means(Column<float>& centroids, const Clusters& clusters, const float* rows,
                   std::size_t dims, const Workers& workers) {
  parallel_for(workers, clusters.begin.size() - 1, [&](std::size_t list, unsigned) {
    const std::size_t size = clusters.begin[list + 1] - clusters.begin[list];
    if (size == 0) return;
    float* center = centroids.mutable_data() + list * dims;
    std::fill(center, center + dims, 0.0F);
    for (std::size_t i = clusters.begin[list]; i < clusters.begin[list + 1]; ++i) {
      const float* row = rows + clusters.order[i] * dims;
      for (std::size_t d = 0; d < dims; ++d) center[d] += row[d];
    }
    const float inverse = 1.0F / static_cast<float>(size);
    for (std::size_t d = 0; d < dims; ++d) center[d] *= inverse;
  });
}

// Clusters below an eighth of the mean move into those above three times the mean: beside their
// centroid, towards one of their rows.
void split_large(Column<float>& centroids, const Clusters& clusters, const float* rows,
                 std::size_t dims, Random& random) {
  const std::size_t lists = clusters.begin.size() - 1;
  const std::size_t mean = std::max<std::size_t>(1, clusters.order.size() / lists);
  std::vector<std::uint32_t> by_size(lists);
  std::iota(by_size.begin(), by_size.end(), 0U);
  const auto size = [&](std::uint32_t list) {
    return clusters.begin[list + 1] - clusters.begin[list];
  };
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return size(a) < size(b); });
  std::size_t low = 0;
  std::size_t high = lists;
  while (low + 1 < high) {
    const std::uint32_t small = by_size[low++];
    const std::uint32_t large = by_size[--high];
    const bool empty = size(small) == 0 && size(large) > 1;
    if (!empty && (size(small) * 8 >= mean || size(large) <= 3 * mean)) return;
    const float* row =
        rows + clusters.order[clusters.begin[large] + random.below(size(large))] * dims;
    float* moved = centroids.mutable_data() + small * dims;
    float* split = centroids.mutable_data() + large * dims;
    for (std::size_t d = 0; d < dims; ++d) {
      const float step = 0.5F * (row[d] - split[d]);
      moved[d] = split[d] + step;
      split[d] -= step;
    }
  }
}

}  // namespace

void assign_lists(const CoarseTable& table, const float* rows, std::size_t count,
                  std::uint32_t* lists) {
  const std::size_t dims = table.dims();
  std::vector<std::int8_t> codes(kQueriesPerPass * dims);
  std::vector<std::int32_t> dots(kQueriesPerPass * table.padded());
  for (std::size_t start = 0; start < count; start += kQueriesPerPass) {
    const std::size_t some = std::min(kQueriesPerPass, count - start);
    RotatedQuery queries[kQueriesPerPass];
    for (std::size_t q = 0; q < some; ++q) {
      queries[q].codes = codes.data() + q * dims;
      queries[q].quantized =
          quantize_signed(rows + (start + q) * dims, dims, codes.data() + q * dims);
    }
    table.score(queries, some, dots.data(), nullptr, lists + start);
  }
}

Column<float> train_centroids(const float* rows, std::size_t count, std::size_t dims,
                              const KMeansOptions& options, const Workers& workers,
                              Progress& progress) {
  Random random(options.seed ^ 0x6B6D65616E73ULL);
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  Column<float> centroids(options.clusters * dims);
  for (std::size_t i = 0; i < options.clusters; ++i) {
    std::swap(order[i], order[i + random.below(count - i)]);
    std::copy_n(rows + order[i] * dims, dims, centroids.mutable_data() + i * dims);
  }
  progress.start("clustering", options.iterations, "rounds");
  for (unsigned i = 0; i < options.iterations; ++i) {
    const CoarseTable table(centroids, dims, CoarseOrder::kDistance);
    const Clusters clusters = grouped(table, rows, count, workers);
    move_to_means(centroids, clusters, rows, dims, workers);
    // Not after the last rounds, which settle what was split.
    if (i + 3 <= options.iterations) split_large(centroids, clusters, rows, dims, random);
    progress.update(i + 1);
  }
  progress.finish();
  return centroids;
}

}  // namespace vitrine::vec
