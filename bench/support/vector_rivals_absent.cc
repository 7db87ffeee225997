// Stands in for the rivals whose libraries are not installed.
#include <cstdio>

#include "vector_rivals.h"

namespace vitrine::bench {

#ifdef VITRINE_NO_HNSWLIB
std::unique_ptr<VectorRival> hnswlib_rival(const VectorSet&, const std::string&) {
  std::puts("hnswlib is not installed (libhnswlib-dev): not among the rivals");
  return nullptr;
}
#endif
#ifdef VITRINE_NO_FAISS
std::unique_ptr<VectorRival> faiss_flat_lists_rival(const VectorSet&, const std::string&) {
  std::puts("Faiss is not installed (libfaiss-dev): not among the rivals");
  return nullptr;
}
std::unique_ptr<VectorRival> faiss_fast_scan_rival(const VectorSet&, const std::string&) {
  return nullptr;
}
#endif

}  // namespace vitrine::bench
