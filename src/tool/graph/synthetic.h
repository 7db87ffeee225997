// A made-up shop of any size, for benchmarks: events by power laws, rows of random values.
//
// Users have Pareto degrees (exponent 1.5, at most 100 times the mean), items are drawn by
// Zipf-Mandelbrot (exponent 1, shift 50), as popularity in shops looks. Everything is a function of
// the seed. About 40 ns an event.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/progress.h"
#include "engine/graph/edge.h"
#include "engine/graph/random.h"
#include "engine/graph/row_file.h"

namespace vitrine::graphtool {

struct SyntheticOptions {
  std::uint32_t users = 5'000'000;
  std::uint32_t items = 1'000'000;
  std::uint64_t events = 100'000'000;
  std::uint64_t seed = 1;
};

class SyntheticShop final : public graph::EdgeStream {
 public:
  explicit SyntheticShop(const SyntheticOptions& options);
  Result<std::size_t> next(std::span<graph::Edge> out) override;
  std::uint64_t edges_max() const override { return options_.events; }

 private:
  std::uint32_t events_of(std::uint32_t user) const;

  SyntheticOptions options_;
  graph::RandomStream random_;
  std::uint64_t made_ = 0;
  std::uint32_t user_ = 0;
  std::uint64_t round_ = 0;
  std::uint32_t left_ = 0;
};

// Writes `format.count` rows of values in [-1, 1). Row i of the file holds the values of node
// node_at(i); without a function, of node i.
Status write_synthetic_rows(io::FileSystem& files, const std::string& path,
                            const graph::RowFormat& format, std::uint64_t seed,
                            const std::function<std::uint64_t(std::uint64_t)>& node_at,
                            Progress& progress);

}  // namespace vitrine::graphtool
