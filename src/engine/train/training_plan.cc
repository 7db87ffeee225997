#include "engine/train/training_plan.h"

namespace vitrine::train {
namespace {

std::uint64_t with_slack(std::uint64_t n) { return n + n / 32 + 1; }

constexpr std::uint64_t kSpillExtent = 16 * 1024;

}  // namespace

Result<TrainingNeeds> measure_needs(graph::Snapshot& graph, const graph::RowFormat& format,
                                    const TrainerOptions& options) {
  VITRINE_TRY(auto scratch, graph::SegmentStore::create({}, *options.budget));
  VITRINE_TRY(auto structures, graph::SegmentStore::create({}, *options.budget));
  graph::Sampler sampler(graph, options.sample, *scratch, *options.budget);
  if (sampler.batches_per_epoch() == 0) {
    return Error(ErrorCode::kInvalidArgument, "the graph has fewer edges than a batch examples");
  }
  graph::AccessTrace trace;
  VITRINE_TRY(sampler.sample(0, 0, 1, trace, *structures));
  std::string bytes;
  VITRINE_TRY(graph::read_segment(*structures, 0, bytes));
  graph::MiniBatch batch;
  VITRINE_TRY(graph::decode_mini_batch(bytes, batch));

  TrainingNeeds needs;
  const std::uint64_t batches = options.superbatch;
  needs.superbatch.batches = options.superbatch;
  needs.superbatch.rows_max = static_cast<std::uint32_t>(with_slack(batch.rows));
  needs.superbatch.accesses = with_slack(batch.rows) * batches;
  needs.inner = with_slack(batch.inner.size());
  needs.outer = with_slack(batch.outer.size());
  const std::uint64_t rows_bytes = std::uint64_t{needs.superbatch.rows_max} * format.stride();
  needs.gathered_bytes = rows_bytes + rows_bytes / 64;
  needs.model_bytes =
      GraphSage::bytes_for(options.shape, with_slack(needs.inner), with_slack(needs.outer));
  needs.trace_bytes = 2 * with_slack(trace.bytes()) * batches;
  const std::uint64_t seeds = batches * options.sample.batch_examples * 3;
  needs.sampling_bytes =
      graph::Sampler::bytes_for(options.sample, options.superbatch) + graph::Snapshot::kReadBytes;
  if (options.spill_directory.empty()) {
    // Two superbatches of structures and a hop.
    needs.sampling_bytes +=
        2 * with_slack(bytes.size()) * batches +
        seeds * 4 * (options.sample.fanout_outer + 1) * (options.sample.fanout_inner + 1);
  } else {
    const graph::SegmentOptions io;
    needs.sampling_bytes +=
        2 * batches * kSpillExtent + 3 * (io.write_depth + io.read_depth) * kSpillExtent;
  }
  return needs;
}

}  // namespace vitrine::train
