#include "engine/text/cost_model.h"

#include <algorithm>

#include "engine/text/internal/list_view.h"
#include "engine/text/internal/segment_impl.h"

namespace vitrine::text {

using namespace internal;  // NOLINT: the parts of this module

std::vector<Medium> published_media() {
  return {{"DRAM", 12.8e9, 90e-9, 10},
          {"storage-class memory", 6.6e9, 305e-9, 10},
          {"NVMe SSD", 3.5e9, 80e-6, 32}};
}

void FetchCost::add(const FetchCost& other) {
  blocks += other.blocks;
  bytes += other.bytes;
  for (std::size_t c = 0; c < bytes_by_codec.size(); ++c)
    bytes_by_codec[c] += other.bytes_by_codec[c];
}

namespace {

void collect_terms(const Query& query, std::vector<std::string>& terms) {
  if (query.kind != Query::Kind::kPrefix)
    terms.insert(terms.end(), query.terms.begin(), query.terms.end());
  for (const Query& child : query.children) collect_terms(child, terms);
}

struct Shares {
  double touched = 1;         // of the postings of windowed lists
  std::uint64_t windows = 0;  // opened
};

void add_list(const Segment::Impl& s, const std::string& term, const Shares& shares,
              QueryCost& cost) {
  TermEntry entry;
  if (!s.find(term, entry)) return;
  const std::uint64_t bytes = entry.postings.size();
  ListView view;
  const bool tiny = entry.frequency <= kTinyMax;
  if (!tiny) view_list(entry.postings, entry.frequency, s.meta.documents, view);
  const std::size_t codec = !tiny ? (view.windowed() ? 3 : 2)
                            : entry.frequency > 1 && is_run(entry.postings) ? 1
                                                                            : 0;
  cost.everything.add({1, bytes, {}});
  cost.everything.bytes_by_codec[codec] += bytes;
  if (codec != 3) {
    cost.early.add({1, bytes, {}});
    cost.early.bytes_by_codec[codec] += bytes;
    return;
  }
  const std::uint64_t maxima = static_cast<std::uint64_t>(view.counts - view.maxima);
  const auto rest = static_cast<double>(bytes - std::min(bytes, maxima));
  const auto fetched = maxima + static_cast<std::uint64_t>(shares.touched * rest);
  cost.early.add({1 + std::min<std::uint64_t>(shares.windows, view.header.windows), fetched, {}});
  cost.early.bytes_by_codec[codec] += fetched;
}

}  // namespace

Result<QueryCost> model_query(const Snapshot& snapshot, const Query& query, std::uint32_t k,
                              Searcher& searcher) {
  SearchOptions options;
  options.k = k;
  SearchResult result;
  VITRINE_TRY(searcher.search(snapshot, query, options, result));
  std::vector<std::string> terms;
  collect_terms(query, terms);
  // Whole lists count as touched: what is left is windowed.
  std::uint64_t whole = 0;
  for (const Snapshot::Part& part : snapshot.parts())
    for (const std::string& term : terms) {
      TermEntry entry;
      ListView view;
      if (!part.segment->impl().find(term, entry)) continue;
      const bool windowed =
          entry.frequency > kTinyMax &&
          view_list(entry.postings, entry.frequency, part.segment->documents(), view) &&
          view.windowed();
      if (!windowed) whole += entry.frequency;
    }
  Shares shares;
  const std::uint64_t windowed =
      result.stats.postings_total - std::min(result.stats.postings_total, whole);
  const std::uint64_t touched =
      result.stats.postings_touched - std::min(result.stats.postings_touched, whole);
  shares.touched = windowed > 0
                       ? std::min(1.0, static_cast<double>(touched) / static_cast<double>(windowed))
                       : 0;
  shares.windows = result.stats.windows_visited;
  QueryCost cost;
  for (const Snapshot::Part& part : snapshot.parts())
    for (const std::string& term : terms) add_list(part.segment->impl(), term, shares, cost);
  return cost;
}

}  // namespace vitrine::text
