#include "bench/rivals/lucene_rival.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "bench/support/report.h"
#include "bench/support/subprocess.h"

namespace vitrine::bench {

namespace fs = std::filesystem;

namespace {

// Of JAVA_HOME where it is set, else of PATH: Lucene 10 needs a newer Java than Debian 12's.
std::string java_program(const std::string& name) {
  const char* home = std::getenv("JAVA_HOME");
  return home != nullptr && *home != 0 ? std::string(home) + "/bin/" + name : name;
}

std::string read_or_give_up(const std::vector<std::string>& command, const std::string& why) {
  auto output = run_and_read(command);
  if (!output.ok()) give_up(why + ": " + output.error().to_string());
  return std::move(output).value();
}

}  // namespace

LuceneRival::LuceneRival(const fs::path& folder) {
  if (const char* own = std::getenv("LUCENE_CP"); own != nullptr) jar_ = own;
  if (jar_.empty() && fs::exists("/usr/share/java"))
    for (const auto& file : fs::directory_iterator("/usr/share/java"))
      if (file.path().filename().string().starts_with("lucene-core-8")) jar_ = file.path().string();
  if (jar_.empty()) give_up("no Lucene: tools/setup --bench installs liblucene8-java");
  fs::create_directories(folder);
  read_or_give_up({java_program("javac"), "-nowarn", "-cp", jar_, "-d", folder.string(),
                   "bench/rivals/LuceneRival.java"},
                  "the rival can't be compiled against " + jar_);
  const std::string java = java_program("java"), path = jar_ + ":" + folder.string();
  std::istringstream versions(read_or_give_up({java, "-cp", path, "LuceneRival", "version"},
                                              "the rival doesn't start with " + jar_));
  std::string lucene;
  int java_version = 0;
  versions >> lucene >> java_version;
  version_ = "Lucene " + lucene + " on Java " + std::to_string(java_version);
  std::vector<std::string> command{java, "-Xmx3g", "-XX:+UseSerialGC"};
  // From 9 on Lucene has code for wide registers, which it takes only where it finds this module.
  if (std::atoi(lucene.c_str()) >= 9 && java_version >= 20) {
    command.insert(command.end(), {"--add-modules", "jdk.incubator.vector"});
    version_ += " with jdk.incubator.vector";
  }
  command.insert(command.end(), {"-cp", path, "LuceneRival"});
  process_ = std::make_unique<LineProcess>(command);
}

LuceneRival::Built LuceneRival::index(const fs::path& corpus, const fs::path& folder,
                                      bool positions, bool anew) {
  Built built;
  const fs::path stamp = folder.string() + ".stamp";
  const std::string key = jar_ + " " + version_ + " " + std::to_string(fs::file_size(corpus)) +
                          " " +
                          std::to_string(fs::last_write_time(corpus).time_since_epoch().count());
  std::ifstream in(stamp);
  std::string known;
  if (!anew && fs::exists(folder) && std::getline(in, known) && known == key &&
      in >> built.cpu_s >> built.bytes) {
    built.kept = true;
  } else {
    fs::remove(stamp);
    fs::remove_all(folder);
    std::istringstream answer(process_->ask("index " + corpus.string() + " " + folder.string() +
                                            (positions ? " 1" : " 0")));
    answer >> built.cpu_s >> built.bytes;
    std::ofstream(stamp) << key << '\n' << built.cpu_s << ' ' << built.bytes << '\n';
  }
  process_->ask("open " + folder.string());
  return built;
}

void LuceneRival::read_queries(const fs::path& file) { process_->ask("queries " + file.string()); }

// The answer is "ns ns ns |id score id score ;...".
void LuceneRival::run(const std::string& cls, std::uint32_t k, bool count,
                      std::vector<double>& seconds, Hits& hits) {
  const std::string line =
      process_->ask("run " + cls + " " + std::to_string(k) + (count ? " 1 1" : " 0 1"));
  std::istringstream in(line.substr(0, line.find('|')));
  std::size_t q = 0;
  for (double ns; in >> ns; ++q) {
    if (seconds.size() <= q) seconds.push_back(1e9);
    seconds[q] = std::min(seconds[q], ns * 1e-9);
  }
  hits.assign(seconds.size(), {});
  std::istringstream rest(line.substr(line.find('|') + 1));
  q = 0;
  for (std::string part; std::getline(rest, part, ';') && q < hits.size(); ++q) {
    std::istringstream pairs(part);
    std::uint32_t id;
    float score;
    while (pairs >> id >> score) hits[q].emplace_back(id, score);
  }
}

int LuceneRival::warm_up(const std::vector<std::string>& classes,
                         const std::vector<std::uint32_t>& ks, double seconds_max) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::vector<double>> best(classes.size() * ks.size());
  Hits unused;
  double before = 1e18;
  for (int round = 1, still = 0;; ++round) {
    double sum = 0;
    for (std::size_t c = 0; c < best.size(); ++c) {
      run(classes[c / ks.size()], ks[c % ks.size()], false, best[c], unused);
      for (const double s : best[c]) sum += s;
    }
    still = sum > before * 0.98 ? still + 1 : 0;
    before = sum;
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    if (round >= 6 && (still >= 3 || round >= 60 || taken.count() > seconds_max)) return round;
  }
}

}  // namespace vitrine::bench
