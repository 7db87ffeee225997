#include "engine/vec/search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/vec/kernels.h"

namespace vitrine::vec {
namespace {

constexpr std::size_t kBurst = kBlocksPerCall * kLanes;
constexpr std::uint32_t kRowsAhead = 8;

void prefetch(const void* at, std::size_t bytes) {
  const char* p = static_cast<const char*>(at);
  for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(p + i);
}

}  // namespace

SearchStats& SearchStats::operator+=(const SearchStats& other) {
  list_visits += other.list_visits;
  lists_read += other.lists_read;
  code_bytes_visited += other.code_bytes_visited;
  code_bytes_read += other.code_bytes_read;
  return *this;
}

std::uint32_t probes_with_filter(const Plan& plan, double passing) {
  const double factor = std::pow(std::max(passing, 1e-9), -static_cast<double>(plan.filter_growth));
  return static_cast<std::uint32_t>(std::ceil(plan.probes * std::min(factor, 1e5)));
}

Plan effective_plan(const Plan& plan, std::size_t k, bool filtered) {
  Plan out = plan;
  if (filtered) {
    out.keep = plan.keep * 3;
    out.exact = plan.exact * 2;
  }
  out.exact = static_cast<std::uint32_t>(std::max<std::size_t>(out.exact, k));
  out.keep = std::max(out.keep, out.exact);
  return out;
}

RotatedQuery ListSearch::prepare(const float* query, float* unit, float* rotated,
                                 std::int8_t* codes) const {
  RotatedQuery out;
  if (lists_->metric == Metric::kCosine) {
    normalize(query, lists_->dim, unit);
    query = unit;
  }
  lists_->rotation.apply(query, rotated);
  out.original = query;
  out.rotated = rotated;
  out.codes = codes;
  out.quantized = quantize_signed(rotated, lists_->dims, codes);
  // Of nibbles; tables have others.
  out.slope = 16.0F * out.quantized.step;
  out.offset = -120.0F * out.quantized.step * static_cast<float>(out.quantized.sum);
  return out;
}

void ListSearch::add_tables(RotatedQuery& query, std::uint8_t* tables) const {
  if (!lists_->coding.is_product()) return;
  const Coding::Slope made = lists_->coding.make_tables(query.rotated, tables);
  query.tables = tables;
  query.slope = made.slope;
  query.offset = made.offset;
}

RotatedQuery ListSearch::prepare_with(const float* query, SearchScratch& scratch) const {
  scratch.rotated.resize(lists_->dims);
  scratch.unit.resize(lists_->dim);
  scratch.codes.resize(lists_->dims);
  return prepare(query, scratch.unit.data(), scratch.rotated.data(), scratch.codes.data());
}

void ListSearch::aim(ScanQuery& scan, const RotatedQuery& query, std::uint32_t list) const {
  const ListFactors& factors = lists_->factors[list];
  scan.base = kernels().dot(query.rotated, lists_->coarse.centroid(list), lists_->dims) +
              factors.bias_least;
  scan.slope = query.slope * factors.scale_step;
  scan.offset = query.offset * factors.scale_step;
  scan.bias_step = factors.bias_step;
}

CodeView ListSearch::view(std::uint32_t list, const Filter* filter) const {
  return filter == nullptr ? lists_->view(list) : filter->view(*lists_, list);
}

void ListSearch::choose_lists(const float* scores, const Plan& plan, const Filter* filter,
                              SearchScratch& scratch) const {
  const std::size_t n = lists_->list_count();
  const std::size_t probes = std::clamp<std::size_t>(plan.probes, 1, n);
  if (filter == nullptr) {
    const bool bounded = plan.volume > 0;
    select_largest(scores, n, bounded ? kVolumeProbes * probes : probes, scratch.groups,
                   scratch.lists);
    if (!bounded) return;
    const double most = static_cast<double>(plan.volume) * static_cast<double>(lists_->count) /
                        static_cast<double>(n);
    std::size_t visits = 0;
    for (double seen = 0; visits < scratch.lists.size() && seen < most; ++visits)
      seen += lists_->sizes[scratch.lists[visits]];
    scratch.lists.resize(visits);
    return;
  }
  // Ranks as many lists as are likely needed, all of them if that was too few.
  for (std::size_t ranked = std::min(n, 8 * probes + 32);; ranked = n) {
    select_largest(scores, n, ranked, scratch.groups, scratch.lists);
    std::size_t visits = 0;
    std::uint64_t passing = 0;
    std::uint64_t seen = 0;
    bool enough = false;
    for (const std::uint32_t list : scratch.lists) {
      seen += lists_->sizes[list];
      if (filter->in_list(list) == 0) continue;
      passing += filter->in_list(list);
      scratch.lists[visits++] = list;
      const double share = static_cast<double>(passing) / static_cast<double>(seen);
      enough = visits >= probes_with_filter(plan, share) && passing >= plan.keep;
      if (enough) break;
    }
    if (enough || ranked == n) {
      scratch.lists.resize(visits);
      return;
    }
  }
}

void ListSearch::rank_lists(const float* query, const Plan& plan, SearchScratch& scratch) const {
  const CoarseTable& coarse = lists_->coarse;
  scratch.dots.resize(coarse.padded());
  scratch.scores.resize(coarse.padded());
  const RotatedQuery rotated = prepare_with(query, scratch);
  coarse.score(&rotated, 1, scratch.dots.data(), scratch.scores.data(), nullptr);
  choose_lists(scratch.scores.data(), plan, nullptr, scratch);
}

bool ListSearch::is_sparse(std::uint32_t list, const Filter* filter) const {
  return filter != nullptr && filter->copied() == nullptr &&
         filter->in_list(list) * kSparseOneIn < lists_->sizes[list];
}

void ListSearch::compare_survivors(const float* original, std::uint32_t list, const Filter& filter,
                                   std::vector<Neighbor>& found) const {
  const std::uint32_t* words = filter.words();
  const std::size_t row_bytes = lists_->dim * sizeof(float);
  const std::uint32_t end = lists_->first_block[list + 1];
  // Rows are asked for while others are compared.
  std::array<std::uint32_t, kRowsAhead> pending;
  std::size_t asked = 0;
  const auto compare = [&](std::uint32_t slot) {
    found.push_back({lists_->ids[slot], lists_->exact(original, slot)});
  };
  for (std::uint32_t block = lists_->first_block[list]; block < end; ++block) {
    if (lists_->rows_on_disk)
      ask_pages(lists_->rows.data() + std::size_t{block} * kLanes * lists_->dim,
                words[block] == 0 ? 0 : kLanes * row_bytes);
    for (std::uint32_t word = words[block]; word != 0; word &= word - 1) {
      const std::uint32_t slot = block * static_cast<std::uint32_t>(kLanes) +
                                 static_cast<std::uint32_t>(std::countr_zero(word));
      prefetch(lists_->rows.data() + std::size_t{slot} * lists_->dim, row_bytes);
      if (asked >= kRowsAhead) compare(pending[asked % kRowsAhead]);
      pending[asked++ % kRowsAhead] = slot;
    }
  }
  for (std::size_t i = asked < kRowsAhead ? 0 : asked - kRowsAhead; i < asked; ++i)
    compare(pending[i % kRowsAhead]);
}

void ListSearch::compare_few(const float* original, const std::vector<std::uint32_t>& slots,
                             std::vector<Neighbor>& found) const {
  lists_->ask_rows(slots.data(), slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (i + kRowsAhead < slots.size())
      prefetch(lists_->rows.data() + std::size_t{slots[i + kRowsAhead]} * lists_->dim,
               lists_->dim * sizeof(float));
    found.push_back({lists_->ids[slots[i]], lists_->exact(original, slots[i])});
  }
}

void ListSearch::scan_list(const RotatedQuery& query, std::uint32_t list, const Plan& plan,
                           const Filter* filter, ScanQuery& shortlist,
                           SearchScratch& scratch) const {
  const CodeView codes = view(list, filter);
  const std::size_t stride = lists_->coding.block_bytes();
  std::array<std::uint32_t, kBlocksPerCall> space;
  aim(shortlist, query, list);
  for (std::size_t block = codes.first_block(); block < codes.end_block();
       block += kBlocksPerCall) {
    const std::size_t some = std::min(kBlocksPerCall, codes.end_block() - block);
    lists_->coding.scan(codes.codes + block * stride, some,
                        static_cast<std::uint32_t>(block * kLanes),
                        codes.words(block, some, space.data()), &shortlist, 1);
    shrink(shortlist, plan.keep, scratch.keys);
  }
  const std::size_t bytes = (codes.end_block() - codes.first_block()) * stride;
  scratch.stats.list_visits += 1;
  scratch.stats.lists_read += 1;
  scratch.stats.code_bytes_read += bytes;
  scratch.stats.code_bytes_visited += bytes;
}

void ListSearch::refine(const RotatedQuery& query, ScanQuery& shortlist, const Plan& plan,
                        const Filter* filter, SearchScratch& scratch) const {
  // The shortlist holds places of the codes that were scanned, copies of a filter's survivors
  // perhaps.
  const Filter::Copied* copied = filter == nullptr ? nullptr : filter->copied();
  const std::uint8_t* blocks = copied == nullptr ? lists_->codes.data() : copied->codes.data();
  const std::uint8_t* low = copied == nullptr ? lists_->low.data() : copied->low.data();
  const auto slot_of = [&](std::uint32_t place) {
    return copied == nullptr ? place : copied->slots[place];
  };
  cut(shortlist, plan.keep, scratch.keys);
  const std::size_t low_bytes = lists_->coding.second_bytes();
  for (std::uint32_t i = 0; low_bytes > 0 && i < shortlist.count; ++i) {
    prefetch(low + shortlist.slots[i] * low_bytes, low_bytes);
    // (A product code's second look needs nothing of its block.)
    if (!lists_->coding.is_product())
      __builtin_prefetch(lists_->coding.scale_place(blocks, shortlist.slots[i]));
  }
  for (std::uint32_t i = 0; low_bytes > 0 && i < shortlist.count; ++i) {
    const std::uint32_t place = shortlist.slots[i];
    shortlist.estimates[i] = lists_->second_look(shortlist.estimates[i], query,
                                                 lists_->list_of_block[slot_of(place) / kLanes],
                                                 blocks, place, low + place * low_bytes);
  }
  cut(shortlist, plan.exact, scratch.keys);
  if (lists_->rows_on_disk) {
    for (std::uint32_t i = 0; i < shortlist.count; ++i) {
      const std::uint32_t slot = slot_of(shortlist.slots[i]);
      lists_->ask_rows(&slot, 1);
    }
  }
  const std::size_t row_bytes = lists_->dim * sizeof(float);
  const auto ask = [&](std::uint32_t i) {
    prefetch(lists_->rows.data() + std::size_t{slot_of(shortlist.slots[i])} * lists_->dim,
             row_bytes);
  };
  for (std::uint32_t i = 0; i < std::min(kRowsAhead, shortlist.count); ++i) ask(i);
  for (std::uint32_t i = 0; i < shortlist.count; ++i) {
    if (i + kRowsAhead < shortlist.count) ask(i + kRowsAhead);
    const std::uint32_t slot = slot_of(shortlist.slots[i]);
    scratch.found.push_back({lists_->ids[slot], lists_->exact(query.original, slot)});
  }
}

std::size_t ListSearch::answer(std::vector<Neighbor>& found, std::size_t k, Neighbor* out) const {
  const bool small_is_near = lists_->metric == Metric::kL2;
  const auto before = [small_is_near](const Neighbor& a, const Neighbor& b) {
    if (a.score != b.score) return small_is_near ? a.score < b.score : a.score > b.score;
    return a.id < b.id;
  };
  const std::size_t n = std::min(k, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(n), found.end(),
                    before);
  std::copy_n(found.begin(), n, out);
  std::fill(out + n, out + k, Neighbor{});
  return n;
}

std::size_t ListSearch::search(const float* query, std::size_t k, const Plan& plan,
                               const Filter* filter, SearchScratch& scratch, Neighbor* out) const {
  const CoarseTable& coarse = lists_->coarse;
  const Plan wide = effective_plan(plan, k, filter != nullptr);
  scratch.dots.resize(coarse.padded());
  scratch.scores.resize(coarse.padded());
  scratch.estimates.resize(shortlist_capacity(wide.keep, kBurst));
  scratch.slots.resize(scratch.estimates.size());
  scratch.found.clear();
  RotatedQuery rotated = prepare_with(query, scratch);
  if (filter != nullptr && filter->count() <= kExactSurvivors) {
    compare_few(rotated.original, filter->few(), scratch.found);
    return answer(scratch.found, k, out);
  }
  coarse.score(&rotated, 1, scratch.dots.data(), scratch.scores.data(), nullptr);
  choose_lists(scratch.scores.data(), wide, filter, scratch);
  scratch.tables.resize(lists_->coding.table_bytes() + kTableAlignment);
  add_tables(rotated, aligned(scratch.tables.data()));
  ScanQuery shortlist;
  shortlist.codes = rotated.codes;
  shortlist.tables = rotated.tables;
  shortlist.estimates = scratch.estimates.data();
  shortlist.slots = scratch.slots.data();
  for (const std::uint32_t list : scratch.lists) {
    if (is_sparse(list, filter))
      compare_survivors(rotated.original, list, *filter, scratch.found);
    else
      scan_list(rotated, list, wide, filter, shortlist, scratch);
  }
  refine(rotated, shortlist, wide, filter, scratch);
  return answer(scratch.found, k, out);
}

}  // namespace vitrine::vec
