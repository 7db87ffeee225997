// Lucene as a rival: its process, its indexes, its warm-up. LuceneRival.java is the other end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/support/line_process.h"

namespace vitrine::bench {

class LuceneRival {
 public:
  // Compiles the Java side into `folder` against LUCENE_CP, or Debian's Lucene 8, with the Java of
  // JAVA_HOME, or that of PATH. Gives up where there is neither.
  explicit LuceneRival(const std::filesystem::path& folder);

  struct Built {
    double cpu_s = 0;  // of the whole process, collector and compiler included
    double bytes = 0;
    bool kept = false;  // measured by an earlier run
  };
  // Indexes `corpus` in `folder`, merged to one segment, and opens it. An index of the same corpus
  // and Lucene is kept, with what building it took, unless `anew`.
  Built index(const std::filesystem::path& corpus, const std::filesystem::path& folder,
              bool positions, bool anew);
  void read_queries(const std::filesystem::path& file);

  using Hits = std::vector<std::vector<std::pair<std::uint32_t, float>>>;
  // One pass over the queries of the class: lowers `seconds` to what each took, gives its hits.
  void run(const std::string& cls, std::uint32_t k, bool count, std::vector<double>& seconds,
           Hits& hits);
  // Runs the classes until compiled: until three rounds in a row bring the sum of the best times
  // down by less than 2 %, but 6 rounds at least and 60 at most, or `seconds_max`. Gives rounds.
  int warm_up(const std::vector<std::string>& classes, const std::vector<std::uint32_t>& ks,
              double seconds_max);
  // Of Lucene and Java, as people read it.
  const std::string& version() const { return version_; }

 private:
  std::string jar_;  // a class path
  std::string version_;
  std::unique_ptr<LineProcess> process_;
};

}  // namespace vitrine::bench
