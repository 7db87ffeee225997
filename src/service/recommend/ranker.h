// Eligible items in the order of the chain: links one after the other, each by key, ties by
// ItemIndex. Made piece by piece: filters are tested in rank order and only until the pool
// holds what the slate asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "service/recommend/eligibility.h"
#include "service/recommend/filter_gate.h"
#include "service/recommend/scorer.h"
#include "service/recommend/streams.h"

namespace vitrine::recommend {

// Working memory of a ranker, reused.
struct RankScratch {
  std::vector<Ranked> pool;     // eligible, in order
  std::vector<Ranked> pending;  // eligible and scored, but a better one may still come; a heap
  std::vector<EvidenceStream::Entry> order;
  std::vector<std::uint32_t> members;
};

// True if scoring every item that passes the filter is less work than walking rankings until
// enough pass. Of n listed items m pass: a walk meets one in n/m, so `limit` take limit * n/m
// steps; enumeration takes m. `matches` is m, or an upper bound where it is not known.
bool worth_enumerating(std::uint64_t matches, std::uint64_t listed, std::uint32_t limit);

class Ranker {
 public:
  Ranker(const Context& context, const Scorer& scorer, ItemTable& table, const WalkLimits& limits,
         std::uint16_t relaxed, RankScratch& scratch, Answer& answer);

  // Grows the pool to `want` items, or to all there are. Call with rising `want`.
  void fill(std::size_t want);
  // Scores every item that passes the context's filter (there is one); afterwards the pool has all
  // of them, the best `want` first and in order, and fill() must not be called.
  void enumerate(std::size_t want);

 private:
  // Moves items of one stream into the pool. True when the pool holds `want`.
  bool drain(CandidateStream& stream, Link link, std::size_t want);
  bool drain_category(std::size_t want);
  // Last resort of an answer whose walks ended at their limits: whatever the filter finds.
  void add_unwalked_matches(std::size_t want);

  const Context& context_;
  const Scorer& scorer_;
  ItemTable& table_;
  FilterGate gate_;
  Eligibility eligibility_;
  std::vector<Ranked>& pool_;
  std::vector<Ranked>& pending_;
  std::vector<std::uint32_t>& members_;
  EvidenceStream evidence_;
  bool category_is_small_;
  PostingStream posting_;
  RankingStream similar_;
  RankingStream ranking_;
  NewestStream newest_;
  bool primary_done_ = false;
  bool everything_walked_ = false;
};

}  // namespace vitrine::recommend
