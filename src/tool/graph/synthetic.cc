#include "tool/graph/synthetic.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace vitrine::graphtool {
namespace {

constexpr double kItemShift = 50;
constexpr double kUserExponent = 1.5;
constexpr std::int64_t kYearUs = std::int64_t{365} * 24 * 3600 * 1'000'000;
constexpr std::int64_t kFirstDayUs = 1'700'000'000'000'000;

double unit(std::uint64_t random) { return static_cast<double>(random >> 11) * 0x1p-53; }

}  // namespace

SyntheticShop::SyntheticShop(const SyntheticOptions& options)
    : options_(options), random_(options.seed, 1) {
  left_ = events_of(0);
}

std::uint32_t SyntheticShop::events_of(std::uint32_t user) const {
  // The mean of a Pareto distribution is its minimum times exponent / (exponent - 1).
  const double mean = static_cast<double>(options_.events) / options_.users;
  const double least = mean * (kUserExponent - 1) / kUserExponent;
  const double u = 1 - unit(graph::RandomStream(options_.seed, 2, round_).at(user));
  const double drawn = least * std::pow(u, -1 / kUserExponent);
  return static_cast<std::uint32_t>(std::clamp(drawn, 1.0, std::max(1.0, mean * 100)));
}

Result<std::size_t> SyntheticShop::next(std::span<graph::Edge> out) {
  const double ratio = std::log((options_.items + kItemShift) / (1 + kItemShift));
  std::size_t n = 0;
  for (; n < out.size() && made_ < options_.events; ++n, ++made_) {
    while (left_ == 0) {
      if (++user_ == options_.users) {
        user_ = 0;
        ++round_;
      }
      left_ = events_of(user_);
    }
    --left_;
    // The distribution of a Zipf-Mandelbrot rank with exponent 1, inverted.
    const double rank =
        (1 + kItemShift) * std::exp(unit(random_.at(made_ * 2)) * ratio) - kItemShift - 1;
    const std::uint64_t other = random_.at(made_ * 2 + 1);
    out[n] = {user_, static_cast<std::uint32_t>(std::clamp(rank, 0.0, options_.items - 1.0)),
              kFirstDayUs + static_cast<std::int64_t>(other % static_cast<std::uint64_t>(kYearUs)),
              1.0f, static_cast<std::uint8_t>(1 + (other >> 60) % 4)};
  }
  return n;
}

Status write_synthetic_rows(io::FileSystem& files, const std::string& path,
                            const graph::RowFormat& format, std::uint64_t seed,
                            const std::function<std::uint64_t(std::uint64_t)>& node_at,
                            Progress& progress) {
  VITRINE_TRY(auto writer, graph::RowFileWriter::create(files, path, format));
  std::vector<float> row(format.dimension);
  progress.start("writing rows", format.count, "rows");
  for (std::uint64_t i = 0; i < format.count; ++i) {
    const graph::RandomStream random(seed, 3, node_at ? node_at(i) : i);
    for (std::uint32_t c = 0; c < format.dimension; c += 4) {
      const std::uint64_t bits = random.at(c);
      for (std::uint32_t k = 0; k < 4 && c + k < format.dimension; ++k) {
        const auto value = static_cast<std::int16_t>(bits >> (16 * k));
        row[c + k] = static_cast<float>(value) * 0x1p-15f;
      }
    }
    VITRINE_TRY(writer->append(row));
    if (i % 4096 == 0) progress.update(i);
  }
  progress.update(format.count);
  progress.finish();
  return writer->finish();
}

}  // namespace vitrine::graphtool
