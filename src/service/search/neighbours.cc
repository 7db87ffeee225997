#include "service/search/neighbours.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace vitrine::search {
namespace {

// The price may change the order of so many times as are asked for.
constexpr std::size_t kLookedAt = 3;

struct Telling {
  double weight;  // idf times the weight of the field
  float boost;
  std::string term;
};

std::vector<Telling> telling_terms(const IndexView& view, const ItemText& text) {
  const auto documents = static_cast<double>(view.snapshot->documents());
  std::map<std::string, float> weights;  // the largest of its fields
  std::vector<text::AnalysedTerm> terms;
  for (std::size_t f = 0; f < kTextFields; ++f) {
    terms.clear();
    view.analyser->analyse(text.fields[f], terms);
    for (const text::AnalysedTerm& term : terms) {
      if (term.alternative || term.text.empty()) continue;
      float& weight = weights[term.text];
      weight = std::max(weight, view.snapshot->schema().fields[f].weight);
    }
  }
  std::vector<Telling> out;
  for (const auto& [term, boost] : weights) {
    const auto frequency = static_cast<double>(view.snapshot->document_frequency(term));
    // One that only this item has finds nothing; one that half of all have says nothing.
    if (frequency < 2 || (documents > 20 && frequency > documents / 2)) continue;
    const double idf = std::log(1 + (documents - frequency + 0.5) / (frequency + 0.5));
    if (idf > 0) out.push_back({idf * static_cast<double>(boost), boost, term});
  }
  std::sort(out.begin(), out.end(), [](const Telling& a, const Telling& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.term < b.term;
  });
  if (out.size() > kNeighbourTerms) out.resize(kNeighbourTerms);
  return out;
}

double price_nearness(double a, double b) {
  if (!(a > 0) || !(b > 0)) return 0.85;
  return 0.7 + 0.3 * std::min(a, b) / std::max(a, b);
}

}  // namespace

void find_neighbours(const IndexView& view, const catalog::Catalog& catalog, ItemIndex item,
                     std::size_t limit, const text::IdSet* allowed, NeighbourScratch& scratch,
                     std::vector<Neighbour>& out) {
  out.clear();
  ItemText text;
  ItemTextReader(catalog).read(item, text);
  const std::vector<Telling> terms = telling_terms(view, text);
  if (terms.empty() || limit == 0) return;
  std::vector<text::Query> parts;
  for (const Telling& term : terms) parts.push_back(text::term(term.term, term.boost));
  const text::Query query =
      parts.size() == 1 ? std::move(parts[0]) : text::any_of(std::move(parts));
  text::SearchOptions options;
  options.k = static_cast<std::uint32_t>(std::min<std::size_t>(kLookedAt * limit + 1, 3'000));
  options.filter = allowed;
  std::vector<float> own;
  const text::DocumentId self = item.value;
  if (!scratch.searcher.search(*view.snapshot, query, options, scratch.result).ok() ||
      !scratch.searcher.score_each(*view.snapshot, query, std::span(&self, 1), own).ok()) {
    return;
  }
  // An item that is not indexed yet is measured by the best of the others.
  double most = own[0] > 0 ? static_cast<double>(own[0]) : 0;
  if (most == 0 && !scratch.result.hits.empty()) {
    most = static_cast<double>(scratch.result.hits[0].score);
  }
  for (const text::Hit& hit : scratch.result.hits) {
    const ItemIndex other{hit.id};
    if (other == item || !catalog.listed(other) || !(hit.score > 0) || !(most > 0)) continue;
    const double near = price_nearness(catalog.price(item), catalog.price(other));
    out.push_back({other, std::min(1.0, static_cast<double>(hit.score) / most) * near});
  }
  std::sort(out.begin(), out.end(), [](const Neighbour& a, const Neighbour& b) {
    return a.likeness != b.likeness ? a.likeness > b.likeness : a.item < b.item;
  });
  if (out.size() > limit) out.resize(limit);
}

}  // namespace vitrine::search
