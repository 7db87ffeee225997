#include "bench/rivals/xapian_rival.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <xapian.h>

namespace vitrine::bench {

namespace {
double seconds() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

bool holds(const std::string& folder, std::size_t documents) {
  try {
    return Xapian::Database(folder).get_doccount() == documents;
  } catch (const Xapian::Error&) {
    return false;
  }
}
}  // namespace

bool xapian_present() { return true; }

double xapian_seconds(const std::string& corpus, const std::string& folder,
                      const std::vector<std::vector<std::string>>& queries, std::size_t most,
                      bool anew) {
  if (anew || !holds(folder, most)) {
    std::filesystem::remove_all(folder);
    Xapian::WritableDatabase writer(folder, Xapian::DB_CREATE_OR_OVERWRITE | Xapian::DB_NO_SYNC);
    std::ifstream in(corpus);
    std::size_t n = 0;
    for (std::string line; n < most && std::getline(in, line); ++n) {
      Xapian::Document document;
      std::istringstream words(line);
      for (std::string w; words >> w;) document.add_term(w);
      writer.add_document(document);
    }
    writer.commit();
  }
  Xapian::Database database(folder);
  double sum = 0;
  for (const auto& terms : queries) {
    double best = 1e9;
    for (int pass = 0; pass < 3; ++pass) {
      const double begin = seconds();
      Xapian::Enquire enquire(database);
      enquire.set_weighting_scheme(Xapian::BM25Weight(1.2, 0, 1.2, 0.75, 0));
      enquire.set_query(Xapian::Query(Xapian::Query::OP_OR, terms.begin(), terms.end()));
      enquire.get_mset(0, 10);
      best = std::min(best, seconds() - begin);
    }
    sum += best;
  }
  return sum / static_cast<double>(queries.size());
}

}  // namespace vitrine::bench
