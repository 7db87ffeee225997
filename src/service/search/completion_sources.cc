#include "service/search/completion_sources.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "service/recommend/scorer.h"

namespace vitrine::search {
namespace {

constexpr std::size_t kEntriesPerLock = 1'000;
constexpr std::size_t kPopularTitles = 2'000;
constexpr std::size_t kTitleBytesMax = 120;

float weight_of(double factor, double count) {
  return static_cast<float>(factor * std::log2(1 + count));
}

// A query that finds nothing is not worth completing to.
bool words_are_known(const IndexView& view, std::string_view text) {
  std::vector<text::AnalysedTerm> terms;
  view.analyser->analyse(text, terms);
  return !terms.empty() && std::all_of(terms.begin(), terms.end(), [&](const auto& term) {
    return term.alternative || view.snapshot->document_frequency(term.text) > 0;
  });
}

void add_queries(const StateSource& source, const IndexView& view, std::vector<Completion>& out) {
  std::vector<Completion> found;
  for (std::size_t next = 0, end = 1; next < end;) {
    source.read([&](const SearchState& state) {
      const auto queries = state.queries.queries();
      end = queries.size();
      const std::size_t to = std::min(end, next + kEntriesPerLock);
      for (; next < to; ++next) {
        const auto& query = queries[next];
        if (query.searches < state.settings.suggest_min) continue;
        const double weight = state.queries.weight(query, state.last_append_time);
        found.push_back({query.text, CompletionKind::kQuery, weight_of(4, weight)});
      }
    });
  }
  for (Completion& completion : found) {
    if (words_are_known(view, completion.text)) out.push_back(std::move(completion));
  }
}

// `dictionary_of`: of the catalog, null where it has none.
template <class DictionaryOf>
void add_values(const StateSource& source, CompletionKind kind, double factor,
                DictionaryOf&& dictionary_of, std::vector<Completion>& out) {
  for (catalog::Code next = 0, end = 1; next < end;) {
    end = 0;
    source.read([&](const SearchState& state) {
      const catalog::Dictionary* dictionary = dictionary_of(state.catalog());
      if (dictionary == nullptr) return;
      end = static_cast<catalog::Code>(dictionary->code_end());
      const catalog::Code to =
          std::min<catalog::Code>(end, next + static_cast<catalog::Code>(kEntriesPerLock));
      for (; next < to; ++next) {
        if (!dictionary->in_use(next)) continue;
        const auto items = static_cast<double>(dictionary->posting(next).size());
        out.push_back({std::string(dictionary->value(next)), kind, weight_of(factor, items)});
      }
    });
  }
}

void add_title(const catalog::Catalog& catalog, ItemIndex item, double wanted,
               std::vector<Completion>& out) {
  const std::string_view title = catalog.title(item);
  if (title.empty() || title.size() > kTitleBytesMax) return;
  out.push_back(
      {std::string(title), CompletionKind::kProduct, static_cast<float>(0.05 + 0.45 * wanted)});
}

void add_titles(const StateSource& source, std::size_t most, std::vector<Completion>& out) {
  std::unordered_set<std::uint32_t> known;
  std::size_t next = 0;  // of the listing order, from its end
  source.read([&](const SearchState& state) {
    const catalog::Catalog& catalog = state.catalog();
    const recommend::Ranking popular(state.shop.popular, state.last_append_time, 1);
    std::size_t steps = 0;
    state.shop.popular.for_each_from_top([&](ItemIndex item) {
      if (++steps > kPopularTitles || popular.value(item) <= 0 || known.size() >= most) {
        return false;
      }
      if (!catalog.in_stock(item)) return true;
      add_title(catalog, item, popular.value(item), out);
      known.insert(item.value);
      return true;
    });
    next = catalog.listing_order().size();
  });
  while (next > 0 && known.size() < most) {
    source.read([&](const SearchState& state) {
      const auto order = state.catalog().listing_order();
      next = std::min(next, order.size());
      for (std::size_t i = 0; i < kEntriesPerLock && next > 0 && known.size() < most; ++i) {
        const ItemIndex item{order[--next]};
        if (!state.catalog().in_stock(item) || !known.insert(item.value).second) continue;
        add_title(state.catalog(), item, 0, out);
      }
    });
  }
}

}  // namespace

std::vector<Completion> gather_completions(const StateSource& source, const IndexView& view,
                                           std::size_t titles_max) {
  std::vector<Completion> out;
  add_queries(source, view, out);
  add_values(
      source, CompletionKind::kCategory, 1,
      [](const catalog::Catalog& catalog) -> const catalog::Dictionary* {
        const auto field = catalog.find_field("categories");
        const auto* column = std::get_if<catalog::ListColumn>(field->column);
        return column == nullptr ? nullptr : &column->dictionary();
      },
      out);
  add_values(
      source, CompletionKind::kBrand, 0.8,
      [](const catalog::Catalog& catalog) -> const catalog::Dictionary* {
        const auto field = catalog.find_field("brand");
        const auto* column = std::get_if<catalog::StringColumn>(field->column);
        return column == nullptr ? nullptr : &column->dictionary();
      },
      out);
  add_titles(source, titles_max, out);
  return out;
}

}  // namespace vitrine::search
