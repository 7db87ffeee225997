// Faiss: IVFFlat (the best of Debian's build, whose fast scan is emulated) and 4-bit fast scan with
// exact refinement (for newer ones, with FAISS_ROOT). 1,024 lists.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>

#include <faiss/IVFlib.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexIVFPQFastScan.h>
#include <faiss/IndexRefine.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/index_io.h>

#include "vector_rivals.h"

namespace vitrine::bench {
namespace {

// Newer releases have it outside of the class.
using idx_t = decltype(faiss::Index::ntotal);

double process_cpu_s() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

int list_count(std::size_t rows) {
  int lists = 16;
  while (static_cast<std::size_t>(lists) * lists * 2 < rows) lists *= 2;
  return lists;
}

class Faiss final : public VectorRival {
 public:
  Faiss(const VectorSet& set, const std::string& cache, bool fast_scan) : fast_scan_(fast_scan) {
    const std::string path =
        cache + "/faiss-" + (fast_scan ? "fs-" : "flat-") + set.file_key() + ".bin";
    if (std::filesystem::exists(path)) {
      index_.reset(faiss::read_index(path.c_str()));
    } else {
      const double start = process_cpu_s();
      build(set);
      build_cpu_s_ = process_cpu_s() - start;
      faiss::write_index(index_.get(), (path + ".tmp").c_str());
      std::filesystem::rename(path + ".tmp", path);
    }
    faiss::Index* inner = index_.get();
    if (fast_scan) {
      refine_ = dynamic_cast<faiss::IndexRefine*>(inner);
      inner = refine_->base_index;
    }
    flat_ = dynamic_cast<faiss::IndexIVFFlat*>(inner);
    fast_ = dynamic_cast<faiss::IndexIVFPQFastScan*>(inner);
  }

  std::string name() const override { return fast_scan_ ? "Faiss IVFPQFastScan" : "Faiss IVFFlat"; }
  std::vector<int> efforts(bool) const override {
    return {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128};
  }
  double build_cpu_s() const override { return build_cpu_s_; }

  void search(const float* queries, std::size_t count, int effort, std::int64_t* ids) override {
    distances_.resize(count * 10);
    if (flat_ != nullptr) flat_->nprobe = static_cast<std::size_t>(effort);
    if (fast_ != nullptr) fast_->nprobe = static_cast<std::size_t>(effort);
    if (refine_ != nullptr) refine_->k_factor = effort >= 12 ? 64.0F : 16.0F;
    index_->search(static_cast<idx_t>(count), queries, 10, distances_.data(), ids);
  }

  bool search_filtered(const float* queries, std::size_t count, int effort,
                       std::span<const std::uint64_t> passing, std::int64_t* ids) override {
    if (flat_ == nullptr) return false;
    distances_.resize(count * 10);
    faiss::IDSelectorBitmap selector(passing.size() * 8,
                                     reinterpret_cast<const std::uint8_t*>(passing.data()));
    faiss::SearchParametersIVF parameters;
    parameters.nprobe = static_cast<std::size_t>(effort);
    parameters.sel = &selector;
    flat_->search(static_cast<idx_t>(count), queries, 10, distances_.data(), ids, &parameters);
    return true;
  }

 private:
  void build(const VectorSet& set) {
    const auto metric = set.inner_product ? faiss::METRIC_INNER_PRODUCT : faiss::METRIC_L2;
    const auto n = static_cast<idx_t>(set.count);
    // Lists are ranked by distance for inner products too: better for rows of equal length.
    auto* quantizer = new faiss::IndexFlatL2(static_cast<idx_t>(set.dim));
    faiss::IndexIVF* lists = nullptr;
    const auto dim = static_cast<std::size_t>(set.dim);
    const auto count = static_cast<std::size_t>(list_count(set.count));
    if (fast_scan_) {
      auto* fast = new faiss::IndexIVFPQFastScan(quantizer, dim, count, dim / 2, 4, metric);
      fast->own_fields = true;
      fast->cp.niter = 10;
      auto* refine = new faiss::IndexRefineFlat(fast);
      refine->own_fields = true;
      index_.reset(refine);
      index_->train(n, set.rows);
      index_->add(n, set.rows);
      return;
    }
    lists = new faiss::IndexIVFFlat(quantizer, dim, count, metric);
    lists->own_fields = true;
    lists->cp.niter = 10;
    index_.reset(lists);
    index_->train(std::min<idx_t>(n, static_cast<idx_t>(count) * 128), set.rows);
    index_->add(n, set.rows);
  }

  bool fast_scan_;
  double build_cpu_s_ = 0;
  std::unique_ptr<faiss::Index> index_;
  faiss::IndexRefine* refine_ = nullptr;
  faiss::IndexIVFFlat* flat_ = nullptr;
  faiss::IndexIVFPQFastScan* fast_ = nullptr;
  std::vector<float> distances_;
};

}  // namespace

std::unique_ptr<VectorRival> faiss_flat_lists_rival(const VectorSet& set,
                                                    const std::string& cache) {
  return std::make_unique<Faiss>(set, cache, false);
}

std::unique_ptr<VectorRival> faiss_fast_scan_rival(const VectorSet& set, const std::string& cache) {
#ifdef VITRINE_NEWER_FAISS
  return std::make_unique<Faiss>(set, cache, true);
#else
  static_cast<void>(set);
  static_cast<void>(cache);
  return nullptr;  // emulated in Debian's build, some ten times slower: no fair rival
#endif
}

}  // namespace vitrine::bench
