// The rivals of bench_vec behind one interface. Each lives in a file of its own: hnswlib is all
// header and compiled for the machine that runs the benchmark, Faiss is linked where it is there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace vitrine::bench {

struct VectorSet {
  std::string name;
  const float* rows = nullptr;
  std::size_t count = 0;
  std::uint32_t dim = 0;
  bool inner_product = false;  // else squared distance
  std::uint64_t fingerprint = 0;

  // What names of files that depend on the set contain.
  std::string file_key() const {
    return name + "-" + std::to_string(count) + "-" + std::to_string(fingerprint);
  }
};

class VectorRival {
 public:
  virtual ~VectorRival() = default;
  virtual std::string name() const = 0;
  // Efforts to try, least first; what the number means is the rival's business.
  virtual std::vector<int> efforts(bool filtered) const = 0;
  // ids[q * 10 + i]: the ten best of each query. Batches may be answered one by one inside.
  virtual void search(const float* queries, std::size_t count, int effort, std::int64_t* ids) = 0;
  // The same among ids whose bit is set; false where the rival has no such thing.
  virtual bool search_filtered(const float* queries, std::size_t count, int effort,
                               std::span<const std::uint64_t> passing, std::int64_t* ids) = 0;
  virtual double build_cpu_s() const = 0;  // 0 where the index came from the cache
};

// `cache`: a folder for built indexes. Null with a line on stdout where a rival isn't available.
std::unique_ptr<VectorRival> hnswlib_rival(const VectorSet& set, const std::string& cache);
std::unique_ptr<VectorRival> faiss_flat_lists_rival(const VectorSet& set, const std::string& cache);
std::unique_ptr<VectorRival> faiss_fast_scan_rival(const VectorSet& set, const std::string& cache);
std::unique_ptr<VectorRival> blas_rival(const VectorSet& set);

}  // namespace vitrine::bench
