#include "engine/text/exhaustive.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/text/internal/norms.h"
#include "engine/text/internal/segment_impl.h"

namespace vitrine::text {
namespace {

struct Document {
  std::array<std::uint32_t, kFieldsMax> frequency{};
  std::vector<std::uint32_t> positions;
};
using List = std::map<std::uint32_t, Document>;

// One segment at a time; terms' lists as plain maps.
struct Twin {
  const Snapshot& snapshot;
  const Segment& segment;
  double documents = 0;
  std::map<std::string, List, std::less<>> lists;
  std::map<std::string, double> idfs;
  std::map<std::pair<std::string, std::string>, std::vector<bool>> prefixes;  // by field and prefix

  const List& list(const std::string& term) {
    const auto [at, fresh] = lists.try_emplace(term);
    List& postings = at->second;
    if (fresh)
      segment.for_each_posting(term, [&](const Segment::Posting& p) {
        postings[p.document] = {p.frequency, {p.positions.begin(), p.positions.end()}};
      });
    return postings;
  }
  double idf(const std::string& term) {
    const auto [at, fresh] = idfs.try_emplace(term);
    if (fresh) {
      const auto df = static_cast<double>(snapshot.document_frequency(term));
      at->second = std::log(1.0 + (documents - df + 0.5) / (df + 0.5));
    }
    return at->second;
  }
  bool in(const std::string& field, std::size_t f) const {
    return field.empty() || segment.schema().fields[f].name == field;
  }
  // Occurrences in the query's field.
  std::array<std::uint32_t, kFieldsMax> occurrences(const Document& d,
                                                    const std::string& field) const {
    std::array<std::uint32_t, kFieldsMax> tf{};
    for (std::size_t f = 0; f < segment.schema().fields.size(); ++f)
      if (in(field, f)) tf[f] = d.frequency[f];
    return tf;
  }
  static bool any(const std::array<std::uint32_t, kFieldsMax>& tf) {
    return std::any_of(tf.begin(), tf.end(), [](std::uint32_t n) { return n > 0; });
  }
  // Which documents have a term that begins so.
  const std::vector<bool>& with_prefix(const std::string& field, const std::string& prefix) {
    const auto [at, fresh] = prefixes.try_emplace({field, prefix});
    std::vector<bool>& found = at->second;
    if (!fresh) return found;
    found.resize(segment.documents());
    segment.for_each_term(prefix, [&](std::string_view t, std::uint64_t) {
      if (!t.starts_with(prefix)) return false;
      for (const auto& [d, document] : list(std::string(t)))
        if (any(occurrences(document, field))) found[d] = true;
      return true;
    });
    return found;
  }
  float saturation(std::uint32_t d, const std::array<std::uint32_t, kFieldsMax>& tf) const {
    const Schema& schema = segment.schema();
    float x = 0;
    for (std::size_t f = 0; f < schema.fields.size(); ++f) {
      const float b = schema.fields[f].b;
      const float norm = (1.0f - b) + b * (static_cast<float>(segment.field_length(d, f)) /
                                           segment.average_length(f));
      x += static_cast<float>(tf[f]) * (schema.fields[f].weight / (norm > 1e-6f ? norm : 1e-6f));
    }
    return x / (x + schema.k1);
  }
  bool match(const Query& q, std::uint32_t d, double& sum);
  bool match_phrase(const Query& q, std::uint32_t d, double& sum);
};

bool Twin::match_phrase(const Query& q, std::uint32_t d, double& sum) {
  std::array<std::uint32_t, kFieldsMax> tf{};
  double sum_of_idf = 0;
  for (const std::string& t : q.terms) {
    sum_of_idf += idf(t);
    if (!list(t).contains(d)) return false;
  }
  bool anywhere = false;
  for (const std::uint32_t start : list(q.terms[0]).at(d).positions) {
    bool all = true;
    for (std::uint32_t i = 1; i < q.terms.size() && all; ++i) {
      const auto& places = list(q.terms[i]).at(d).positions;
      all = std::find(places.begin(), places.end(), start + i) != places.end();
    }
    const std::uint32_t field = start / (kPositionMax + 1);
    if (!all || (start + q.terms.size() - 1) / (kPositionMax + 1) != field) continue;
    if (!in(q.field, field)) continue;
    tf[field] = std::min(tf[field] + 1, kOccurrencesMax);
    anywhere = true;
  }
  if (anywhere) sum += double{static_cast<float>(q.boost * sum_of_idf)} * double{saturation(d, tf)};
  return anywhere;
}

bool Twin::match(const Query& q, std::uint32_t d, double& sum) {
  double own = 0;
  std::uint32_t matched = 0;
  switch (q.kind) {
    case Query::Kind::kNothing: return false;
    case Query::Kind::kPhrase:
      if (q.terms.size() > 1) return match_phrase(q, d, sum);
      [[fallthrough]];
    case Query::Kind::kTerm: {
      const auto found = list(q.terms[0]).find(d);
      if (found == list(q.terms[0]).end()) return false;
      const auto tf = occurrences(found->second, q.field);
      if (!any(tf)) return false;
      sum += double{static_cast<float>(q.boost * idf(q.terms[0]))} * double{saturation(d, tf)};
      return true;
    }
    case Query::Kind::kPrefix:
      if (!with_prefix(q.field, q.terms[0])[d]) return false;
      sum += double{q.boost};
      return true;
    case Query::Kind::kNot: return !match(q.children[0], d, own);
    case Query::Kind::kFilter: return match(q.children[0], d, own);
    case Query::Kind::kAnd:
      for (const Query& child : q.children) matched += match(child, d, own) ? 1 : 0;
      if (q.children.empty() || matched < q.children.size()) return false;
      break;
    case Query::Kind::kOr:
      for (const Query& child : q.children) matched += match(child, d, own) ? 1 : 0;
      if (matched < q.min_match) return false;
      break;
  }
  sum += own;
  return true;
}

}  // namespace

std::vector<Hit> search_exhaustively(const Snapshot& snapshot, const Query& query,
                                     const IdSet* filter) {
  std::vector<std::pair<double, DocumentId>> hits;
  double documents = 0;
  for (const Snapshot::Part& part : snapshot.parts()) documents += part.segment->documents();
  for (const Snapshot::Part& part : snapshot.parts()) {
    Twin twin{snapshot, *part.segment, documents, {}, {}, {}};
    for (std::uint32_t d = 0; d < part.segment->documents(); ++d) {
      if (part.removed_count > 0 && ((*part.removed)[d / 64] >> (d % 64) & 1) != 0) continue;
      const DocumentId id = part.segment->id_of(d);
      if (filter != nullptr && !filter->contains(id)) continue;
      double sum = 0;
      if (twin.match(query, d, sum)) hits.emplace_back(-sum, id);
    }
  }
  std::sort(hits.begin(), hits.end());
  std::vector<Hit> out;
  for (const auto& [score, id] : hits) out.push_back({id, static_cast<float>(-score)});
  return out;
}

}  // namespace vitrine::text
