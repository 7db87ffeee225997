// One training step's part of the graph: which rows it needs and how they flow together.
//
//   rows     all nodes whose rows are read, ascending
//   inner    nodes whose first layer is computed: the mean of `inner_from` and their own row
//   outer    nodes whose second layer is computed: the mean of `outer_from` and themselves
//   triples  user, item the user touched, another item; three for each example
//
//   rows ──inner_from, inner──▶ inner ──outer_from, outer──▶ outer ──triples──▶ loss
//
// `inner` and `inner_from` are places in rows, `outer` and `outer_from` places in inner, `triples`
// places in outer. inner_from[inner_begin[i] .. inner_begin[i + 1]) belongs to inner node i; the
// same for outer. A node without neighbours has none: its mean is zero.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::graph {

struct MiniBatch {
  std::uint32_t rows = 0;  // their number; the ids are in the trace
  std::vector<std::uint32_t> inner;
  std::vector<std::uint32_t> inner_begin;
  std::vector<std::uint32_t> inner_from;
  std::vector<std::uint32_t> outer;
  std::vector<std::uint32_t> outer_begin;
  std::vector<std::uint32_t> outer_from;
  std::vector<std::uint32_t> triples;

  friend bool operator==(const MiniBatch&, const MiniBatch&) = default;
};

// Appends. The outer half and the inner half are made at different times; outer first.
void encode_outer(const MiniBatch& batch, std::string& out);
void encode_inner(const MiniBatch& batch, std::string& out);
// Everything is checked: places lie inside, ranges ascend; else kCorrupt.
Status decode_mini_batch(std::string_view bytes, MiniBatch& out);

}  // namespace vitrine::graph
