#include "engine/text/internal/bisection.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <span>

#include "engine/text/internal/list_view.h"
#include "engine/text/internal/segment_impl.h"

namespace vitrine::text::internal {
namespace {

constexpr std::uint32_t kFrequencyMin = 8;  // rarer terms say little
constexpr std::size_t kLeaf = 32;           // parts of this size stay as they are
constexpr int kRounds = 12;

// log2 by exponent and a polynomial of the mantissa: the same bits on every machine, error < 0.01.
float log2_of(float v) {
  const auto bits = std::bit_cast<std::uint32_t>(v);
  const auto exponent = static_cast<float>(static_cast<int>(bits >> 23) - 127);
  const float m = std::bit_cast<float>((bits & 0x7FFFFFu) | 0x3F800000u);
  return exponent + (-1.0f / 3.0f * m + 2.0f) * m - 5.0f / 3.0f;
}

struct Bisector {
  std::vector<std::uint64_t> begins;  // of each document's terms
  std::vector<std::uint32_t> terms;
  std::vector<std::uint32_t> in_left, in_right;  // documents with the term; zero between parts
  std::vector<float> to_right, to_left;          // what moving one document gains
  std::vector<std::uint32_t> touched;
  std::vector<float> gain;  // of each document
  Progress* progress = nullptr;
  std::uint64_t done = 0;

  std::span<const std::uint32_t> terms_of(std::uint32_t d) const {
    return std::span(terms).subspan(begins[d], begins[d + 1] - begins[d]);
  }
  void count(std::span<const std::uint32_t> part, std::vector<std::uint32_t>& degrees) {
    for (const std::uint32_t d : part)
      for (const std::uint32_t t : terms_of(d)) {
        if (in_left[t] + in_right[t] == 0) touched.push_back(t);
        ++degrees[t];
      }
  }
  // Estimated bits of the gaps of a term that n documents of `size` have.
  static float cost(std::uint32_t n, float size) {
    return static_cast<float>(n) * log2_of(size / static_cast<float>(n + 1));
  }
  bool round(std::span<std::uint32_t> left, std::span<std::uint32_t> right);
  void split(std::span<std::uint32_t> part);
};

bool Bisector::round(std::span<std::uint32_t> left, std::span<std::uint32_t> right) {
  touched.clear();
  count(left, in_left);
  count(right, in_right);
  const auto nl = static_cast<float>(left.size()), nr = static_cast<float>(right.size());
  for (const std::uint32_t t : touched) {
    const std::uint32_t l = in_left[t], r = in_right[t];
    const float now = cost(l, nl) + cost(r, nr);
    to_right[t] = l > 0 ? now - cost(l - 1, nl) - cost(r + 1, nr) : 0;
    to_left[t] = r > 0 ? now - cost(l + 1, nl) - cost(r - 1, nr) : 0;
  }
  for (const std::uint32_t d : left) {
    gain[d] = 0;
    for (const std::uint32_t t : terms_of(d)) gain[d] += to_right[t];
  }
  for (const std::uint32_t d : right) {
    gain[d] = 0;
    for (const std::uint32_t t : terms_of(d)) gain[d] += to_left[t];
  }
  for (const std::uint32_t t : touched) in_left[t] = in_right[t] = 0;
  const auto better = [this](std::uint32_t a, std::uint32_t b) {
    return gain[a] != gain[b] ? gain[a] > gain[b] : a < b;
  };
  std::sort(left.begin(), left.end(), better);
  std::sort(right.begin(), right.end(), better);
  bool swapped = false;
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (gain[left[i]] + gain[right[i]] <= 0) break;
    std::swap(left[i], right[i]);
    swapped = true;
  }
  return swapped;
}

void Bisector::split(std::span<std::uint32_t> part) {
  if (part.size() <= kLeaf) {
    std::sort(part.begin(), part.end());
    progress->update(done += part.size());
    return;
  }
  std::sort(part.begin(), part.end());
  const auto left = part.first(part.size() / 2), right = part.subspan(part.size() / 2);
  for (int i = 0; i < kRounds && round(left, right); ++i) continue;
  split(left);
  split(right);
}

}  // namespace

std::vector<DocumentId> bisection_order(const Segment& segment, Progress& progress) {
  const Segment::Impl& s = segment.impl();
  const std::uint32_t n = s.meta.documents;
  Bisector b;
  b.progress = &progress;
  std::vector<RawPosting> postings;
  b.begins.assign(n + 1, 0);
  const auto each_list = [&](const auto& fn) {
    TermCursor cursor(s, 0);
    std::uint32_t term = 0;
    while (cursor.next()) {
      const std::uint32_t frequency = cursor.entry().frequency;
      if (frequency < kFrequencyMin || frequency > n / 2) continue;
      decode_list(cursor.entry().postings, frequency, n, postings);
      for (const RawPosting& p : postings) fn(p.document, term);
      ++term;
    }
    return term;
  };
  const std::uint32_t terms = each_list([&](std::uint32_t d, std::uint32_t) { ++b.begins[d + 1]; });
  std::partial_sum(b.begins.begin(), b.begins.end(), b.begins.begin());
  b.terms.resize(b.begins[n]);
  std::vector<std::uint64_t> at(b.begins.begin(), b.begins.end() - 1);
  each_list([&](std::uint32_t d, std::uint32_t term) { b.terms[at[d]++] = term; });
  b.in_left.assign(terms, 0);
  b.in_right.assign(terms, 0);
  b.to_right.assign(terms, 0);
  b.to_left.assign(terms, 0);
  b.gain.assign(n, 0);
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  progress.start("reordering", n, "documents");
  b.split(order);
  progress.finish();
  std::vector<DocumentId> ids(n);
  for (std::uint32_t i = 0; i < n; ++i) ids[i] = s.id(order[i]);
  return ids;
}

}  // namespace vitrine::text::internal
