#pragma once
// What `vitrine vec ...` does; the command line is parsed in apps/vitrine.

#include <cstdint>
#include <ostream>
#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "engine/vec/index.h"

namespace vitrine::vec {

struct VecBuildOptions {
  std::string input;             ///< .fvecs, .bvecs, .npy; or empty with `shape`
  std::string shape;             ///< "clustered" or "spread": made-up vectors instead of a file
  std::uint64_t count = 100000;  ///< of made-up vectors
  std::string output;
  std::string metric = "l2";      ///< l2, ip, cosine
  std::string graph = "auto";     ///< auto, always, never
  std::string codes = "nibbles";  ///< nibbles, pq16, pq256
  std::uint32_t code_width = 0;   ///< of product codes: 2, 4 or 8; 0: as is usual for the family
  bool no_second = false;         ///< no codes for the second look
  std::uint32_t lists = 0;
  std::uint64_t seed = 1;
  unsigned threads = 2;
};
Status run_vec_build(const VecBuildOptions& options, Progress& progress, std::ostream& out);

struct VecSearchOptions {
  std::string index;
  std::string queries;
  std::size_t k = 10;
  double recall = 0.95;
  std::size_t limit = 10;  ///< queries that are answered
  bool rows_on_disk = false;
  bool json = false;
};
Status run_vec_search(const VecSearchOptions& options, std::ostream& out);

struct VecBenchOptions {
  std::string index;
  std::string queries;
  std::size_t k = 10;
  std::size_t limit = 1000;
  unsigned threads = 1;
  bool rows_on_disk = false;
  bool json = false;
};
/// Speed and recall of every calibrated plan, one by one and as one batch. Recall is against a plan
/// that visits all lists, not against comparing everything.
Status run_vec_bench(const VecBenchOptions& options, std::ostream& out);

Status run_vec_info(const std::string& index, bool json, std::ostream& out);

struct VecImportOptions {
  std::string input;  ///< a Faiss index: Flat, IVFFlat, IVFPQ or IVFPQFastScan
  std::string output;
  unsigned threads = 2;
};
Status run_vec_import_faiss(const VecImportOptions& options, Progress& progress, std::ostream& out);

struct VecModelOptions {
  std::string index;  ///< with `queries`: their visits are the trace; else only the example
  std::string queries;
  double recall = 0.95;
  std::size_t batch = 1000;
  double gigabytes_a_second = 13;
  double paper_batch = 1000;  ///< of the paper's example
  double paper_probes = 128;
  double paper_lists = 10000;
  bool json = false;
};
Status run_vec_model(const VecModelOptions& options, std::ostream& out);

}  // namespace vitrine::vec
