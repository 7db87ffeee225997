// VITRINE_CHECK: for invariants only. A failed check means the program is wrong, so it
// says what broke, with the values, and stops. Bad input and failing disks are not
// checks: they are Results (base/result.h).
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace vitrine {

[[noreturn]] inline void check_failed(const char* file, int line, const char* condition,
                                      const std::string& detail) {
  std::fprintf(stderr, "%s:%d: check failed: %s %s\n", file, line, condition, detail.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace vitrine

// Split conditions: two checks, not one with &&, so that the message says which broke.
#define VITRINE_CHECK(condition)                                                   \
  do {                                                                             \
    if (!(condition)) ::vitrine::check_failed(__FILE__, __LINE__, #condition, ""); \
  } while (false)

#define VITRINE_CHECK_MSG(condition, detail)                                             \
  do {                                                                                   \
    if (!(condition)) ::vitrine::check_failed(__FILE__, __LINE__, #condition, (detail)); \
  } while (false)
