// How much faster than Lucene are exact ranked queries on one thread?
//
// Two corpora cut from Debian packages (bench/corpus/make_text_corpus.py), or CORPUS=file, cut by
// the same rules: NDJSON, TSV or plain lines, also .gz. Queries are drawn from documents held out:
// classes of one term, OR and AND of two and four, A AND (B OR C), phrases of two. Both engines get
// term strings, identical tokens and k; Lucene is warmed up, merged to one segment, without query
// cache. Passes alternate; a query's time is the least over the passes, on both sides. The last
// line is JSON. docs/text.md has the results.
//
// Corpora and the rivals' indexes stay in BENCH_DATA and are used again: the first run takes some
// minutes to fetch and cut packages, later ones only measure. BENCH_ANEW=1 builds the rivals' anew.
//
// Environment: CORPUS (a file instead of both corpora), CORPUS_FIELDS (its members or columns, such
// as title,body or 2; the script says what it takes without), BENCH_CORPUS (short or long only),
// BENCH_DOCUMENTS (use only so many), BENCH_QUERIES (per class, 200), BENCH_PASSES (5), BENCH_SEED
// (of the queries, 42: tune on others), LUCENE_CP (class path of another Lucene, 8 to 10),
// JAVA_HOME (Lucene 10 needs Java 21), XAPIAN=0, BENCH_REORDER=1 (graph bisection), BENCH_DATA
// (default build/bench-data/text), BENCH_ANEW.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <unordered_map>

#include "bench/rivals/lucene_rival.h"
#include "bench/rivals/xapian_rival.h"
#include "bench/support/report.h"
#include "bench/support/subprocess.h"
#include "engine/text/index.h"
#include "engine/text/search.h"
#include "tool/text/dictionary_timing.h"

using namespace vitrine;
using namespace vitrine::bench;
namespace fs = std::filesystem;

namespace {

const std::array<const char*, 6> kClasses{"t1", "or2", "or4", "and2", "and4", "mix"};

// Not the thread's CPU time: asking for that is a system call, on some machines longer than a
// query. The least over the passes leaves interruptions out.
double seconds() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::string text_from_environment(const char* name, std::string otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string w; in >> w;) words.push_back(w);
  return words;
}

using Queries = std::map<std::string, std::vector<std::vector<std::string>>>;

text::Query to_query(const std::string& cls, const std::vector<std::string>& terms) {
  std::vector<text::Query> leaves;
  for (const std::string& t : terms) leaves.push_back(text::term(t));
  if (terms.size() == 1) return leaves[0];
  if (cls.starts_with("phrase")) return text::phrase(terms);
  if (cls.starts_with("and")) return text::all_of(std::move(leaves));
  if (cls.starts_with("mix")) {
    text::Query first = leaves[0];
    leaves.erase(leaves.begin());
    return text::all_of({first, text::any_of(std::move(leaves))});
  }
  return text::any_of(std::move(leaves));
}

// Distinct words of a random stretch of ten of a held-out document; frequent short words rarely. A
// class that can't be drawn from the corpus is said on stdout and left out.
Queries draw_queries(const std::string& held_out, const text::Snapshot& snapshot, std::size_t each,
                     std::uint64_t seed) {
  static const std::vector<std::string> kStop{"the", "of",  "and", "to",   "a",    "in",   "is",
                                              "for", "or",  "be",  "that", "this", "it",   "with",
                                              "as",  "are", "by",  "on",   "not",  "from", "an"};
  constexpr int kTries = 20'000;  // for one query
  std::vector<std::vector<std::string>> documents;
  std::ifstream in(held_out);
  for (std::string line; std::getline(in, line);) documents.push_back(words_of(line));
  if (documents.empty()) give_up("no held-out documents in " + held_out);
  std::mt19937_64 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  // Empty where there seem to be no such terms.
  const auto draw = [&](std::size_t wanted, bool adjacent) {
    std::vector<std::string> terms;
    for (int tried = 0; tried < kTries; ++tried) {
      const auto& words = documents[below(documents.size())];
      if (words.empty()) continue;
      const std::size_t begin = words.size() > 10 ? below(words.size() - 9) : 0;
      const std::size_t end = std::min(words.size(), begin + 10);
      terms.clear();
      for (std::size_t i = begin; i < end && terms.size() < wanted; ++i) {
        const std::string& w = words[i];
        const bool stop = w.size() < 2 || std::find(kStop.begin(), kStop.end(), w) != kStop.end();
        const bool take = snapshot.document_frequency(w) >= 2 && !(stop && below(10) < 8) &&
                          std::find(terms.begin(), terms.end(), w) == terms.end();
        if (take)
          terms.push_back(w);
        else if (adjacent)
          terms.clear();
      }
      if (terms.size() == wanted) return terms;
    }
    return std::vector<std::string>();
  };
  struct Class {
    const char* name;
    std::size_t terms;
    bool adjacent;
    bool ended = false;
  };
  std::array<Class, 5> classes{{{"t1", 1, false},
                                {"or2", 2, false},
                                {"or4", 4, false},
                                {"mix", 3, false},
                                {"phrase", 2, true}}};
  Queries queries;
  for (std::size_t q = 0; q < each; ++q) {
    for (Class& cls : classes) {
      if (cls.ended) continue;
      auto terms = draw(cls.terms, cls.adjacent);
      if (!terms.empty()) {
        queries[cls.name].push_back(std::move(terms));
        continue;
      }
      cls.ended = true;
      std::printf(
          "  %s: %zu queries instead of %zu: the held-out documents hardly have %zu different "
          "terms %s that are in 2 indexed documents\n",
          cls.name, q, each, cls.terms, cls.adjacent ? "side by side" : "within 10 words");
    }
  }
  for (const auto& [from, to] : {std::pair("or2", "and2"), std::pair("or4", "and4")})
    if (const auto drawn = queries.find(from); drawn != queries.end()) queries[to] = drawn->second;
  if (!queries.contains("t1")) give_up("no query can be drawn from " + held_out);
  return queries;
}

// Share of our documents above the k-th score that the rival answered too.
class Agreement {
 public:
  explicit Agreement(std::size_t k) : k_(k) {}
  void add(const std::vector<text::Hit>& ours,
           const std::vector<std::pair<std::uint32_t, float>>& theirs) {
    const auto some = theirs.begin() + static_cast<std::ptrdiff_t>(std::min(k_, theirs.size()));
    for (std::size_t i = 0; i < std::min(k_, ours.size()); ++i) {
      if (ours.size() >= k_ && ours[i].score <= ours[k_ - 1].score * (1 + 1e-6f)) break;
      ++above_;
      shared_ +=
          std::any_of(theirs.begin(), some, [&](const auto& h) { return h.first == ours[i].id; });
    }
  }
  double share() const { return above_ > 0 ? shared_ / above_ : 1.0; }

 private:
  std::size_t k_;
  double shared_ = 0, above_ = 0;
};

struct Measured {
  std::vector<double> ours, theirs;  // seconds per query, best of the passes
  double agreement = 1;              // of documents above the k-th score
  double agreement_at_10 = 1;        // the same of the first ten, where k is more
  double touched_share = 0;
  double per_query(const std::vector<double>& v) const {
    double sum = 0;
    for (const double s : v) sum += s;
    return sum / static_cast<double>(v.size());
  }
  double ratio() const { return per_query(theirs) / per_query(ours); }
};

struct Contest {
  const text::Snapshot& snapshot;
  LuceneRival* lucene;  // null: only ours is timed
  const Queries& queries;
  int passes;

  Measured run(const std::string& cls, std::uint32_t k, bool count = false,
               const text::IdSet* filter = nullptr) const;
};

Measured Contest::run(const std::string& cls, std::uint32_t k, bool count,
                      const text::IdSet* filter) const {
  const auto& all = queries.at(cls);
  Measured m;
  m.ours.assign(all.size(), 1e9);
  text::Searcher searcher;
  text::SearchOptions options;
  options.k = k;
  options.exact_count = count;
  options.filter = filter;
  std::vector<text::SearchResult> results(all.size());
  LuceneRival::Hits hits;
  for (int pass = 0; pass < passes; ++pass) {
    for (std::size_t q = 0; q < all.size(); ++q) {
      const double begin = seconds();
      const text::Query query = to_query(cls, all[q]);
      const Status searched = searcher.search(snapshot, query, options, results[q]);
      m.ours[q] = std::min(m.ours[q], seconds() - begin);
      if (!searched.ok()) give_up(searched.error().to_string());
    }
    if (lucene != nullptr) lucene->run(cls, k, count, m.theirs, hits);
  }
  double touched = 0, total = 0;
  Agreement all_of_k(k), first_ten(std::min(k, 10u));
  for (std::size_t q = 0; q < all.size(); ++q) {
    touched += static_cast<double>(results[q].stats.postings_touched);
    total += static_cast<double>(results[q].stats.postings_total);
    if (lucene == nullptr) continue;
    all_of_k.add(results[q].hits, hits[q]);
    first_ten.add(results[q].hits, hits[q]);
  }
  m.agreement = all_of_k.share();
  m.agreement_at_10 = first_ten.share();
  m.touched_share = total > 0 ? touched / total : 0;
  return m;
}

struct Built {
  std::unique_ptr<text::Index> index;
  double cpu_s = 0;
  std::uint64_t bytes = 0;
};

Built build(const fs::path& corpus, bool positions, std::uint64_t most, bool reorder) {
  text::Schema schema;
  schema.positions = positions;
  schema.analyser = "spaces";
  text::IndexOptions options;
  options.buffer_tokens_max = 1ull << 40;
  options.reorder = reorder;
  Built built;
  const double begin = cpu_seconds();
  auto index = text::Index::create(schema, options);
  if (!index.ok()) give_up(index.error().to_string());
  built.index = std::move(index).value();
  std::ifstream in(corpus);
  std::vector<text::Token> tokens;
  std::uint32_t id = 0;
  for (std::string line; id < most && std::getline(in, line); ++id) {
    tokens.clear();
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      if (end > at)
        tokens.push_back({std::string_view(line).substr(at, end - at),
                          static_cast<std::uint32_t>(tokens.size())});
      at = end + 1;
    }
    const text::FieldTokens field{0, tokens};
    const Status added = built.index->add(id, std::span(&field, 1));
    if (!added.ok()) give_up(added.error().to_string());
  }
  const Status compacted = built.index->compact();
  if (!compacted.ok()) give_up(compacted.error().to_string());
  built.cpu_s = cpu_seconds() - begin;
  built.bytes = built.index->info().bytes;
  return built;
}

// The first `most` lines, so that the rival reads the same documents.
fs::path limited(const fs::path& corpus, std::uint64_t most, const fs::path& folder) {
  if (most == ~0ull) return corpus;
  const fs::path cut = folder / (corpus.stem().string() + "." + std::to_string(most) + ".txt");
  if (fs::exists(cut) && fs::last_write_time(cut) >= fs::last_write_time(corpus)) return cut;
  std::ifstream in(corpus);
  std::ofstream out(cut);
  std::uint64_t n = 0;
  for (std::string line; n < most && std::getline(in, line); ++n) out << line << '\n';
  return cut;
}

double percentile(std::vector<double> v, double share) {
  std::sort(v.begin(), v.end());
  return v[std::min(v.size() - 1, static_cast<std::size_t>(share * static_cast<double>(v.size())))];
}

// How far the run is, on standard error.
void say(const std::string& what) {
  static const std::time_t begin = std::time(nullptr);
  std::fprintf(stderr, "[%4lld s] %s\n", static_cast<long long>(std::time(nullptr) - begin),
               what.c_str());
}

std::string number(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", v);
  return text;
}

// All classes at one k: prints a table, gives the JSON keys.
std::string contest_keys(const Contest& contest, std::uint32_t k) {
  std::string json;
  double logs = 0, agreement = 0, agreement_at_10 = 0, drawn = 0;
  std::printf("  k=%u      ours us   lucene us    ratio   ours/s   touched  agree\n", k);
  for (const char* cls : kClasses) {
    if (!contest.queries.contains(cls)) continue;
    const Measured m = contest.run(cls, k);
    ++drawn;
    const double ratio = m.ratio();
    logs += std::log(std::string(cls) == "t1" ? std::min(ratio, 10.0) : ratio);
    agreement += m.agreement;
    agreement_at_10 += m.agreement_at_10;
    std::printf("  %-7s %10.1f %11.1f %8.2f %8.0f %8.1f%%  %.4f\n", cls, m.per_query(m.ours) * 1e6,
                m.per_query(m.theirs) * 1e6, ratio, 1 / m.per_query(m.ours), m.touched_share * 100,
                m.agreement);
    json += "\"" + std::string(cls) + "_over_lucene\":" + number(ratio) + ",";
    if (std::string(cls) == "or4") {
      json += "\"or4_p99_ms\":" + number(percentile(m.ours, 0.99) * 1e3) + ",";
      json += "\"postings_touched_share_or4\":" + number(m.touched_share) + ",";
    }
  }
  json += "\"geomean_over_lucene\":" + number(std::exp(logs / drawn)) + ",";
  json += "\"agreement_at_" + std::to_string(k) + "\":" + number(agreement / drawn);
  if (k > 10) json += ",\"agreement_at_10\":" + number(agreement_at_10 / drawn);
  std::printf("  geomean (one term counted at most 10x) %.2f\n", std::exp(logs / drawn));
  return json;
}

struct Settings {
  fs::path data;
  std::uint64_t most = ~0ull;
  std::size_t queries = 200;
  int passes = 5;
  std::uint64_t seed = 42;
  bool reorder = false;
  bool anew = false;
};

void write_queries(const Queries& queries, const fs::path& path) {
  std::ofstream out(path);
  for (const auto& [cls, all] : queries)
    for (const auto& terms : all) {
      out << cls << '\t';
      for (std::size_t i = 0; i < terms.size(); ++i) out << (i > 0 ? " " : "") << terms[i];
      out << '\n';
    }
}

// Phrases need positions, which make both indexes larger: they have their own, over fewer
// documents.
std::string phrase_keys(const Settings& s, const fs::path& corpus, const Queries& queries) {
  if (!queries.contains("phrase")) return "";
  const std::uint64_t most = std::min<std::uint64_t>(s.most, 200'000);
  const fs::path cut = limited(corpus, most, s.data);
  say("building with positions");
  const Built built = build(cut, true, most, false);
  LuceneRival lucene(s.data / "lucene");
  lucene.index(cut, s.data / (cut.stem().string() + ".lucene-positions"), true, s.anew);
  lucene.read_queries(s.data / (corpus.stem().string() + ".queries.tsv"));
  const auto snapshot = built.index->snapshot();
  const int rounds = lucene.warm_up({"phrase"}, {10}, 30);
  say("warmed up by " + std::to_string(rounds) + " rounds");
  const Measured m = Contest{*snapshot, &lucene, queries, s.passes}.run("phrase", 10);
  std::printf("  phrase  %10.1f %11.1f %8.2f   %6.1f%%  %.4f   (%llu documents, with positions)\n",
              m.per_query(m.ours) * 1e6, m.per_query(m.theirs) * 1e6, m.ratio(),
              m.touched_share * 100, m.agreement,
              static_cast<unsigned long long>(snapshot->documents()));
  return ",\"phrase_over_lucene\":" + number(m.ratio());
}

// Xapian takes long to build: both engines index the same first documents.
std::string xapian_keys(const Settings& s, const fs::path& corpus, const Queries& queries) {
  if (text_from_environment("XAPIAN", "1") == "0" || !xapian_present()) return "";
  if (!queries.contains("or2")) return "";
  const std::uint64_t most = std::min<std::uint64_t>(s.most, 50'000);
  const fs::path cut = limited(corpus, most, s.data);
  say("Xapian");
  const Built built = build(cut, false, most, false);
  const auto snapshot = built.index->snapshot();
  const Measured m = Contest{*snapshot, nullptr, queries, s.passes}.run("or2", 10);
  const fs::path folder = s.data / (corpus.stem().string() + ".xapian");
  const bool old = fs::exists(folder) && fs::last_write_time(folder) < fs::last_write_time(corpus);
  const double theirs = xapian_seconds(cut.string(), folder.string(), queries.at("or2"),
                                       snapshot->documents(), s.anew || old);
  std::printf("  or2 over Xapian's: %.1f us, %.1f us, ratio %.2f   (%llu documents)\n",
              m.per_query(m.ours) * 1e6, theirs * 1e6, theirs / m.per_query(m.ours),
              static_cast<unsigned long long>(snapshot->documents()));
  return ",\"or2_over_xapian\":" + number(theirs / m.per_query(m.ours));
}

// Of or4 with a filter that a tenth of the documents pass, over the same without.
double filtered_speed(const Contest& alone) {
  text::IdSet filter;
  for (std::uint32_t d = 0; d < alone.snapshot.documents(); ++d)
    if (((d * 2654435761u) >> 8) % 10 == 0) filter.add(d);
  const Measured plain = alone.run("or4", 10);
  const Measured filtered = alone.run("or4", 10, false, &filter);
  return plain.per_query(plain.ours) / filtered.per_query(filtered.ours);
}

std::string bench_corpus(const Settings& s, const fs::path& corpus, const fs::path& held_out) {
  const std::string name = corpus.stem().string();
  const fs::path cut = limited(corpus, s.most, s.data);
  say(name + ": building");
  const Built built = build(cut, false, s.most, s.reorder);
  const auto snapshot = built.index->snapshot();
  const Queries queries = draw_queries(held_out, *snapshot, s.queries, s.seed);
  write_queries(queries, s.data / (name + ".queries.tsv"));
  say(name + ": building with Lucene");
  LuceneRival lucene(s.data / "lucene");
  const auto theirs = lucene.index(cut, s.data / (cut.stem().string() + ".lucene"), false, s.anew);
  lucene.read_queries(s.data / (name + ".queries.tsv"));
  std::printf("  %llu documents; build %.1f s, %.1f MB; Lucene %.1f s%s, %.1f MB; one thread\n",
              static_cast<unsigned long long>(snapshot->documents()), built.cpu_s,
              static_cast<double>(built.bytes) / 1e6, theirs.cpu_s,
              theirs.kept ? " (by an earlier run)" : "", theirs.bytes / 1e6);
  std::printf("  %s\n", lucene.version().c_str());
  std::vector<std::string> classes;
  for (const char* cls : kClasses)
    if (queries.contains(cls)) classes.push_back(cls);
  const int rounds = lucene.warm_up(classes, {10, 100}, 90);
  say(name + ": warmed up by " + std::to_string(rounds) + " rounds of all classes");
  const Contest contest{*snapshot, &lucene, queries, s.passes};
  std::string json =
      "{\"documents\":" + std::to_string(snapshot->documents()) + "," + contest_keys(contest, 10);
  json += ",\"k100\":{" + contest_keys(contest, 100) + "}";
  if (queries.contains("or2")) {
    const Measured count = contest.run("or2", 10, true);
    std::printf("  or2 with count %.1f us, Lucene %.1f us, ratio %.2f\n",
                count.per_query(count.ours) * 1e6, count.per_query(count.theirs) * 1e6,
                count.ratio());
    json += ",\"count_over_lucene\":" + number(count.ratio());
  }
  if (queries.contains("or4")) {
    const double speed = filtered_speed({*snapshot, nullptr, queries, s.passes});
    std::printf("  or4 with a filter of 10 %%: %.2f times the speed of the unfiltered one\n",
                speed);
    json += ",\"filtered10_over_unfiltered\":" + number(speed);
  }
  const auto dictionary = text_tool::time_dictionary(*snapshot, system_clock());
  std::printf("  %llu terms; one is found in %.0f ns (%llu of them in random order)\n",
              static_cast<unsigned long long>(snapshot->parts()[0].segment->terms()),
              dictionary.lookup_ns, static_cast<unsigned long long>(dictionary.terms));
  json += ",\"dictionary_lookup_ns\":" + number(dictionary.lookup_ns);
  json += ",\"index_bytes_over_lucene\":" + number(static_cast<double>(built.bytes) / theirs.bytes);
  json += ",\"build_s_over_lucene\":" + number(built.cpu_s / theirs.cpu_s);
  json += phrase_keys(s, corpus, queries);
  json += xapian_keys(s, corpus, queries);
  return json + "}";
}

// CORPUS cut into documents and held-out ones; kept until the file or CORPUS_FIELDS changes.
std::pair<fs::path, fs::path> own_corpus(const fs::path& file, const fs::path& data) {
  std::string name = file.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  name = fs::path(name).stem().string();
  // It becomes a part of paths and of the JSON line.
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_') c = '-';
  std::error_code missing;
  const auto size = fs::file_size(file, missing);
  if (missing) give_up("CORPUS " + file.string() + " can't be read: " + missing.message());
  const std::string fields = text_from_environment("CORPUS_FIELDS", "");
  const std::string key = fs::absolute(file).string() + " " + std::to_string(size) + " " +
                          std::to_string(fs::last_write_time(file).time_since_epoch().count()) +
                          " " + fields;
  const fs::path stamp = data / (name + ".stamp");
  std::ifstream in(stamp);
  std::string known, taken;
  if (!std::getline(in, known) || known != key || !std::getline(in, taken)) {
    fs::remove(stamp);
    say("cutting " + file.string());
    auto said = run_and_read({"python3", "bench/corpus/make_text_corpus.py", "--out", data.string(),
                              "--own", file.string(), "--name", name, "--fields", fields});
    if (!said.ok()) give_up(said.error().message());
    taken = said->substr(0, said->find('\n'));
    std::ofstream(stamp) << key << '\n' << taken << '\n';
  }
  std::printf("%s\n", taken.c_str());
  return {data / (name + ".txt"), data / (name + ".held-out.txt")};
}

}  // namespace

int main() {
  Settings s;
  s.data = text_from_environment("BENCH_DATA", "build/bench-data/text");
  s.most = static_cast<std::uint64_t>(number_from_environment("BENCH_DOCUMENTS", 4e9));
  if (s.most >= 4'000'000'000ull) s.most = ~0ull;
  s.queries = static_cast<std::size_t>(number_from_environment("BENCH_QUERIES", 200));
  s.passes = static_cast<int>(number_from_environment("BENCH_PASSES", 5));
  s.seed = static_cast<std::uint64_t>(number_from_environment("BENCH_SEED", 42));
  s.reorder = number_from_environment("BENCH_REORDER", 0) != 0;
  s.anew = number_from_environment("BENCH_ANEW", 0) != 0;
  const std::string own = text_from_environment("CORPUS", "");
  if (!own.empty()) s.data /= "own";  // whatever its name, it is none of ours
  fs::create_directories(s.data);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::vector<std::pair<fs::path, fs::path>> corpora;
  if (!own.empty()) {
    corpora.push_back(own_corpus(own, s.data));
  } else {
    const std::string cut = "python3 bench/corpus/make_text_corpus.py --out " + s.data.string();
    if (std::system(cut.c_str()) != 0) give_up("the corpora can't be made: " + cut);
    const std::string only = text_from_environment("BENCH_CORPUS", "");
    for (const char* name : {"short", "long"})
      if (only.empty() || only == name)
        corpora.emplace_back(s.data / (std::string(name) + ".txt"),
                             s.data / (std::string(name) + ".held-out.txt"));
  }
  std::string json;
  for (const auto& [corpus, held_out] : corpora)
    json += (json.empty() ? "" : ",") + ("\"" + corpus.stem().string() + "\":") +
            bench_corpus(s, corpus, held_out);
  std::printf("{%s}\n", json.c_str());
  return 0;
}
