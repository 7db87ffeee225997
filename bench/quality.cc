// How good are the answers of the live item-item state, the same code that serves?
//
// Amazon Beauty, leave one out: counters hold all but each visitor's last two items (settings were
// chosen on the second last; docs/decisions/item-item-scoring.md), the history asked with is all
// but the last, the answer is ranked over all items without those of the history.
// Online Retail: learned from before 2011-11-09, asked for the new items of each customer's first
// later invoice; the figure is HR@10 over that of popularity, over the same customers.
// Then the trained models (quality_models.h), each with its CPU seconds.
//
//   bench_quality [folder of the data sets]     also from DATA_DIR; default ../shared/data
//   bench_quality --search [folder]             how settings were chosen; nothing of a test part
//   bench_quality --try "ials ridge=0.02" [folder]   other settings of Gowalla's models, likewise
//   bench_quality --only beauty [folder]             trained models of one part:
//                                                    retail, gowalla, beauty, cold
// EPOCHS: bound of the session model's training, which validation may end earlier; default 16.
// Ends with one line of JSON.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "bench/quality_models.h"
#include "service/evaluate/baselines.h"
#include "service/evaluate/covisit_scorer.h"
#include "tool/evaluate/readers.h"
#include "tool/evaluate/report.h"

namespace {

using namespace vitrine;
using namespace vitrine::evaluate;

constexpr TimeUs kRetailCut = 1'320'796'800 * kSecondUs;  // 2011-11-09T00:00:00Z
constexpr TimeUs kMonth = 30 * kDayUs;

struct Results {
  Report ours;
  Report popularity;
};

Results compare(const std::string& title, const Dataset& data, Split split, TimeUs recent) {
  std::cout << title << ": " << split.cases.size() << " cases, " << data.items.size() << " items, "
            << split.train.size() << " interactions learned from\n\n";
  const Evaluator evaluator(std::move(split), static_cast<std::uint32_t>(data.items.size()), {});
  CovisitScorer item_item;
  Popularity popularity;
  Random random;
  std::vector<Report> reports{evaluator.run(item_item), evaluator.run(popularity),
                              evaluator.run(random)};
  if (recent > 0) {
    Popularity decayed(recent);
    reports.push_back(evaluator.run(decayed));
  }
  print_table(std::cout, reports);
  std::cout << "\n";
  return {std::move(reports[0]), std::move(reports[1])};
}

Status run(const std::filesystem::path& folder, std::string_view only) {
  const auto progress = terminal_progress();
  VITRINE_TRY(const Dataset beauty,
              read_sequences(folder / "amazon-beauty/Beauty.txt.gz", *progress));
  VITRINE_TRY(const Dataset retail,
              read_online_retail(folder / "online-retail/online_retail.csv.gz", *progress));
  const Results b = compare("Amazon Beauty", beauty, leave_one_out(beauty, Stage::kTest), 0);
  const Split retail_split = temporal(retail, {kRetailCut, true});
  const Results r = compare("Online Retail", retail, retail_split, kMonth);
  const Interval over =
      bootstrap_ratio(r.ours.column(&CaseScore::hr), r.popularity.column(&CaseScore::hr), {});
  std::cout << "Online Retail, HR@10 over popularity: " << over.value << " [" << over.low << ", "
            << over.high << "]\n";
  bench::Keys keys;
  const auto add = [&keys](Result<bench::Keys> more) -> Status {
    VITRINE_TRY(const bench::Keys found, std::move(more));
    keys.insert(keys.end(), found.begin(), found.end());
    return ok_status();
  };
  const auto wanted = [only](std::string_view name) { return only.empty() || only == name; };
  if (wanted("retail"))
    VITRINE_TRY(add(bench::retail_models(retail, retail_split, kRetailCut, *progress)));
  if (wanted("gowalla")) VITRINE_TRY(add(bench::gowalla_models(folder, *progress)));
  if (wanted("beauty")) VITRINE_TRY(add(bench::beauty_models(beauty, *progress)));
  if (wanted("cold")) VITRINE_TRY(add(bench::cold_models(folder, beauty, *progress)));
  const auto field = [](const char* name, double value) {
    return std::string("\"") + name + "\":" + json_number(value);
  };
  std::cout << "{" << field("beauty_hr10", b.ours.hr.value) << ","
            << field("beauty_hr10_low", b.ours.hr.low) << ","
            << field("beauty_hr10_high", b.ours.hr.high) << ","
            << field("beauty_ndcg10", b.ours.ndcg.value) << ","
            << field("beauty_ndcg10_low", b.ours.ndcg.low) << ","
            << field("beauty_ndcg10_high", b.ours.ndcg.high) << ","
            << field("beauty_cpu_s", b.ours.fit_cpu_s + b.ours.rank_cpu_s) << ","
            << field("beauty_popularity_hr10", b.popularity.hr.value) << ","
            << field("beauty_coverage", b.ours.coverage) << ","
            << field("retail_hr10", r.ours.hr.value) << ","
            << field("retail_popularity_hr10", r.popularity.hr.value) << ","
            << field("retail_hr10_over_popularity", over.value) << ","
            << field("retail_hr10_over_popularity_low", over.low) << ","
            << field("retail_hr10_over_popularity_high", over.high) << ","
            << field("retail_cpu_s", r.ours.fit_cpu_s + r.ours.rank_cpu_s);
  for (const auto& [key, value] : keys) std::cout << ",\"" << key << "\":" << value;
  std::cout << "}\n";
  return ok_status();
}

Status search(const std::filesystem::path& folder) {
  const auto progress = terminal_progress();
  VITRINE_TRY(const Dataset beauty,
              read_sequences(folder / "amazon-beauty/Beauty.txt.gz", *progress));
  VITRINE_TRY(bench::cold_search(folder, beauty, *progress));
  return bench::gowalla_search(folder, {}, *progress);
}

// Separated by semicolons.
std::vector<std::string> attempts_of(std::string_view text) {
  std::vector<std::string> made;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    made.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  const bool search_wanted = argc > 1 && std::string_view(argv[1]) == "--search";
  const bool some = argc > 2 && std::string_view(argv[1]) == "--only";
  const bool try_wanted = argc > 2 && std::string_view(argv[1]) == "--try";
  const int given = search_wanted ? 2 : some || try_wanted ? 3 : 1;
  const char* from_environment = std::getenv("DATA_DIR");
  const std::filesystem::path folder = argc > given                  ? argv[given]
                                       : from_environment != nullptr ? from_environment
                                                                     : "../shared/data";
  for (const char* needed : {"amazon-beauty/Beauty.txt.gz", "online-retail/online_retail.csv.gz"}) {
    if (std::filesystem::exists(folder / needed)) continue;
    std::cerr
        << "bench_quality: " << (folder / needed).string() << " is missing.\n"
        << "Give the folder of the data sets as the argument or in DATA_DIR. It holds\n"
        << "  online-retail/online_retail.csv.gz  UCI Machine Learning Repository, \"Online "
           "Retail\" (CC BY 4.0)\n"
        << "  amazon-beauty/Beauty.txt.gz         Amazon reviews, Beauty 5-core, one user a line\n";
    return 2;
  }
  const Status status =
      search_wanted ? search(folder)
      : try_wanted  ? bench::gowalla_search(folder, attempts_of(argv[2]), *terminal_progress())
                    : run(folder, some ? argv[2] : "");
  if (status.ok()) return 0;
  std::cerr << "bench_quality: " << status.error().to_string() << "\n";
  return 1;
}
