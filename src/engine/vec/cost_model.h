#pragma once
// What a batch of searches would cost in memory traffic and time: on this engine's dataflow,
// without the reuse of clusters, and on the accelerator of the ANNA paper (HPCA 2022). A model for
// planning, not a measurement: it counts bytes and operations and divides.

#include <cstdint>
#include <span>
#include <vector>

namespace vitrine::vec {

/// What each query of a trace visits, and what a list costs to load.
struct VisitTrace {
  std::vector<std::uint64_t> list_bytes;           ///< code bytes of each list
  std::vector<std::uint64_t> list_vectors;         ///< vectors of each list
  std::vector<std::vector<std::uint32_t>> visits;  ///< lists of each query
  std::uint32_t dims = 128;
  std::uint32_t bytes_per_vector = 64;
  bool inner_product = true;
};

struct Traffic {
  double bytes_each = 0;    ///< every visit loads its list
  double bytes_shared = 0;  ///< each list is loaded once for all its visitors in a batch
  double saved() const { return bytes_shared > 0 ? bytes_each / bytes_shared : 1; }
};

/// `batch`: queries that are answered together; 0 takes the whole trace.
Traffic traffic(const VisitTrace& trace, std::size_t batch);

/// The paper's own example: `queries` queries visit `probes` of `lists` equal lists each, all
/// lists are touched: B * W / C.
double paper_saving(double queries, double probes, double lists);

/// As published: 96 units of the cluster filter and table maker, 16 similarity modules of 64
/// lookups a cycle, 1 GHz, 64 GB/s.
struct Accelerator {
  double filter_units = 96;
  double lookups_a_cycle = 64;
  double modules = 16;
  double hertz = 1e9;
  double bytes_a_second = 64e9;
};

struct AcceleratorTime {
  double filter_s = 0;  ///< ranking lists and making tables
  double scan_s = 0;
  double memory_s = 0;
  /// The parts overlap, so the slowest decides.
  double total_s() const;
};
/// `centroid_tables`: 16 or 256 codewords a subspace; `subspaces` of the product code.
AcceleratorTime accelerator_time(const VisitTrace& trace, std::size_t batch,
                                 const Accelerator& accelerator, double codewords,
                                 double subspaces);

}  // namespace vitrine::vec
