// hnswlib, compiled with -march=native (see bench/CMakeLists.txt): M = 16, efConstruction = 200.
#include <atomic>
#include <ctime>
#include <filesystem>
#include <thread>

#include <hnswlib/hnswlib.h>

#include "vector_rivals.h"

namespace vitrine::bench {
namespace {

double process_cpu_s() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

class Hnswlib final : public VectorRival {
 public:
  Hnswlib(const VectorSet& set, const std::string& cache) : dim_(set.dim) {
    if (set.inner_product)
      space_ = std::make_unique<hnswlib::InnerProductSpace>(set.dim);
    else
      space_ = std::make_unique<hnswlib::L2Space>(set.dim);
    const std::string path = cache + "/hnswlib-" + set.file_key() + ".bin";
    if (std::filesystem::exists(path)) {
      graph_ = std::make_unique<hnswlib::HierarchicalNSW<float>>(space_.get(), path);
      return;
    }
    const double start = process_cpu_s();
    graph_ = std::make_unique<hnswlib::HierarchicalNSW<float>>(space_.get(), set.count, 16, 200);
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (std::size_t i = next++; i < set.count; i = next++) {
        graph_->addPoint(set.rows + i * set.dim, i);
        if (i % 50000 == 0) {
          std::printf("  building hnswlib's graph with two threads: %zu of %zu rows, %.0f CPU s\n",
                      i, set.count, process_cpu_s() - start);
          std::fflush(stdout);
        }
      }
    };
    std::thread other(work);
    work();
    other.join();
    build_cpu_s_ = process_cpu_s() - start;
    graph_->saveIndex(path + ".tmp");
    std::filesystem::rename(path + ".tmp", path);
  }

  std::string name() const override { return "hnswlib"; }
  std::vector<int> efforts(bool filtered) const override {
    if (filtered) return {};
    return {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024};
  }
  void search(const float* queries, std::size_t count, int effort, std::int64_t* ids) override {
    graph_->setEf(static_cast<std::size_t>(effort));
    for (std::size_t q = 0; q < count; ++q) {
      auto found = graph_->searchKnn(queries + q * dim_, 10);
      std::fill_n(ids + q * 10, 10, -1);
      for (std::size_t i = 0; !found.empty(); ++i, found.pop())
        ids[q * 10 + i] = static_cast<std::int64_t>(found.top().second);
    }
  }
  // Debian's release has no filter in the search itself.
  bool search_filtered(const float*, std::size_t, int, std::span<const std::uint64_t>,
                       std::int64_t*) override {
    return false;
  }
  double build_cpu_s() const override { return build_cpu_s_; }

 private:
  std::size_t dim_;
  double build_cpu_s_ = 0;
  std::unique_ptr<hnswlib::SpaceInterface<float>> space_;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph_;
};

}  // namespace

std::unique_ptr<VectorRival> hnswlib_rival(const VectorSet& set, const std::string& cache) {
  return std::make_unique<Hnswlib>(set, cache);
}

}  // namespace vitrine::bench
