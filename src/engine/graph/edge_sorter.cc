#include "engine/graph/internal/edge_sorter.h"

#include <algorithm>

namespace vitrine::graph {
namespace {

inline std::uint64_t key(const DirectedEdge& e) {
  return std::uint64_t{e.node} << 32 | e.neighbour;
}

inline bool less(const DirectedEdge& a, const DirectedEdge& b) {
  if (key(a) != key(b)) return key(a) < key(b);
  if (a.time_us != b.time_us) return a.time_us < b.time_us;
  if (a.type != b.type) return a.type < b.type;
  return a.weight_bits < b.weight_bits;
}

constexpr std::size_t kNoRun = ~std::size_t{0};

}  // namespace

Result<std::unique_ptr<EdgeSorter>> EdgeSorter::create(io::FileSystem& files, std::string path,
                                                       std::uint64_t memory_bytes,
                                                       MemoryBudget& budget) {
  auto sorter = std::unique_ptr<EdgeSorter>(new EdgeSorter(files, std::move(path)));
  VITRINE_TRY(sorter->held_, budget.reserve("sorting", memory_bytes));
  VITRINE_TRY(sorter->file_, files.open(sorter->path_, io::OpenMode::kCreate));
  VITRINE_TRY(sorter->file_->truncate(0));
  sorter->edges_max_ = std::max<std::uint64_t>(memory_bytes / sizeof(DirectedEdge), 16);
  sorter->edges_.reserve(sorter->edges_max_);
  return sorter;
}

EdgeSorter::~EdgeSorter() {
  file_.reset();
  const Status ignored = files_.remove(path_);
  (void)ignored;
}

Status EdgeSorter::add(const DirectedEdge& edge) {
  edges_.push_back(edge);
  return edges_.size() == edges_max_ ? write_run() : ok_status();
}

Status EdgeSorter::write_run() {
  std::sort(edges_.begin(), edges_.end(), less);
  runs_.push_back({written_, edges_.size(), {}, 0});
  const std::string_view bytes(reinterpret_cast<const char*>(edges_.data()),
                               edges_.size() * sizeof(DirectedEdge));
  VITRINE_TRY(file_->write_at(written_, bytes));
  written_ += bytes.size();
  edges_.clear();
  return ok_status();
}

Status EdgeSorter::finish() {
  if (runs_.empty()) {  // everything fits: one run that is in its buffer already
    std::sort(edges_.begin(), edges_.end(), less);
    runs_.push_back({0, 0, std::move(edges_), 0});
  } else {
    if (!edges_.empty()) VITRINE_TRY(write_run());
    std::vector<DirectedEdge>().swap(edges_);
    const std::uint64_t each = std::max<std::uint64_t>(edges_max_ / runs_.size(), 1);
    for (Run& run : runs_) {
      run.buffer.reserve(std::min(each, run.left));
      VITRINE_TRY(refill(run));
    }
  }
  build_tree();
  return ok_status();
}

Status EdgeSorter::refill(Run& run) {
  const std::uint64_t count = std::min<std::uint64_t>(run.buffer.capacity(), run.left);
  run.buffer.resize(count);
  run.at = 0;
  if (count == 0) return ok_status();
  const std::span<char> into(reinterpret_cast<char*>(run.buffer.data()),
                             count * sizeof(DirectedEdge));
  VITRINE_TRY(const std::size_t got, file_->read_at(run.next_offset, into));
  if (got != into.size()) {
    return Error(ErrorCode::kCorrupt, path_ + ": the run file ends early, at offset " +
                                          std::to_string(run.next_offset + got));
  }
  run.next_offset += into.size();
  run.left -= count;
  return ok_status();
}

// An exhausted run is behind every other; ties go to the earlier run.
bool EdgeSorter::before(std::size_t a, std::size_t b) const {
  if (a == kNoRun) return true;  // only while the tree is built
  if (b == kNoRun) return false;
  const bool a_ended = runs_[a].at == runs_[a].buffer.size();
  const bool b_ended = runs_[b].at == runs_[b].buffer.size();
  if (a_ended || b_ended) return !a_ended;
  return less(runs_[a].buffer[runs_[a].at], runs_[b].buffer[runs_[b].at]);
}

void EdgeSorter::build_tree() {
  losers_.assign(runs_.size(), kNoRun);
  for (std::size_t run = 0; run < runs_.size(); ++run) replay(run);
}

void EdgeSorter::replay(std::size_t run) {
  std::size_t winner = run;
  for (std::size_t at = (run + runs_.size()) / 2; at > 0; at /= 2) {
    if (before(losers_[at], winner)) std::swap(losers_[at], winner);
  }
  losers_[0] = winner;
}

Result<bool> EdgeSorter::next(DirectedEdge& edge) {
  const std::size_t winner = losers_[0];
  Run& run = runs_[winner];
  if (run.at == run.buffer.size()) return false;
  edge = run.buffer[run.at++];
  if (run.at == run.buffer.size() && run.left > 0) VITRINE_TRY(refill(run));
  replay(winner);
  return true;
}

}  // namespace vitrine::graph
