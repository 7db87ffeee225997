// Any text as a query: refused with a column, or one that a small index answers as an exhaustive
// scorer does.
#include "engine/text/exhaustive.h"
#include "engine/text/index.h"
#include "engine/text/query_parser.h"
#include "engine/text/search.h"

using namespace vitrine;
using namespace vitrine::text;

namespace {

struct Shop {
  std::shared_ptr<const Analyser> analyser;
  std::unique_ptr<Index> index;
};

const Shop& shop() {
  static const Shop made = [] {
    Shop s;
    AnalyserOptions options;
    options.language = "english";
    options.stop_words = true;
    options.synonyms = {{{"shoe", "running boot"}}};
    s.analyser = Analyser::make(options).value();
    Schema schema;
    schema.fields = {{"title", 2.0f, 0.75f}, {"text", 1.0f, 0.5f}};
    schema.positions = true;
    s.index = Index::create(schema).value();
    const std::string_view words[] = {"red", "shoe", "boot", "blue", "new york", "running", "the",
                                      "a",   "b",    "c",    "日本", "usb-c",    "1.5 l",   "x"};
    for (DocumentId id = 0; id < 60; ++id) {
      std::vector<Token> tokens[2];
      std::vector<AnalysedTerm> terms[2];
      for (std::uint32_t f = 0; f < 2; ++f) {
        std::string text;
        for (std::uint32_t i = 0; i < 4; ++i)
          text += std::string(words[(id * (2 * i + 3) + 5 * f + i) % std::size(words)]) + " ";
        s.analyser->analyse(text, terms[f]);
        for (const AnalysedTerm& t : terms[f]) tokens[f].push_back({t.text, t.position});
      }
      const FieldTokens fields[] = {{0, tokens[0]}, {1, tokens[1]}};
      if (!s.index->add(id, fields).ok()) __builtin_trap();
    }
    return s;
  }();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Shop& s = shop();
  const auto snapshot = s.index->snapshot();
  for (const bool all_words : {true, false}) {
    const auto query = parse_query({reinterpret_cast<const char*>(data), size}, *s.analyser,
                                   snapshot->schema(), {.all_words = all_words});
    if (!query.ok()) {
      if (!query.error().message().starts_with("column ")) __builtin_trap();
      continue;
    }
    Searcher searcher;
    SearchResult result;
    if (!searcher.search(*snapshot, *query, {.k = 100}, result).ok()) __builtin_trap();
    if (result.hits != search_exhaustively(*snapshot, *query, nullptr)) __builtin_trap();
  }
  return 0;
}
