#include "engine/vec/cost_model.h"

#include <algorithm>

namespace vitrine::vec {

Traffic traffic(const VisitTrace& trace, std::size_t batch) {
  Traffic out;
  if (batch == 0) batch = trace.visits.size();
  std::vector<std::size_t> last_batch(trace.list_bytes.size(), 0);
  for (std::size_t q = 0; q < trace.visits.size(); ++q) {
    const std::size_t number = q / batch + 1;
    for (const std::uint32_t list : trace.visits[q]) {
      const auto bytes = static_cast<double>(trace.list_bytes[list]);
      out.bytes_each += bytes;
      if (last_batch[list] == number) continue;
      last_batch[list] = number;
      out.bytes_shared += bytes;
    }
  }
  return out;
}

double paper_saving(double queries, double probes, double lists) {
  return queries * probes / std::min(lists, queries * probes);
}

double AcceleratorTime::total_s() const { return std::max({filter_s, scan_s, memory_s}); }

AcceleratorTime accelerator_time(const VisitTrace& trace, std::size_t batch,
                                 const Accelerator& accelerator, double codewords,
                                 double subspaces) {
  const auto queries = static_cast<double>(trace.visits.size());
  const auto dims = static_cast<double>(trace.dims);
  double visits = 0;
  double vectors = 0;
  for (const auto& lists : trace.visits) {
    visits += static_cast<double>(lists.size());
    for (const std::uint32_t list : lists) vectors += static_cast<double>(trace.list_vectors[list]);
  }
  const double filter_operations = queries * static_cast<double>(trace.list_bytes.size()) * dims;
  // A table is codewords x dims products; for L2 of residuals each visited list needs its own.
  const double tables = (trace.inner_product ? queries : visits) * codewords * dims;
  AcceleratorTime out;
  out.filter_s = (filter_operations + tables) / accelerator.filter_units / accelerator.hertz;
  out.scan_s =
      vectors * subspaces / (accelerator.lookups_a_cycle * accelerator.modules) / accelerator.hertz;
  out.memory_s = traffic(trace, batch).bytes_shared / accelerator.bytes_a_second;
  return out;
}

}  // namespace vitrine::vec
