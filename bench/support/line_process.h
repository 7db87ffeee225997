// A child that answers each line with a line: rivals in other languages.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <sys/types.h>

namespace vitrine::bench {

// Gives up (report.h) where the child can't be started or ends early. Not thread-safe.
class LineProcess {
 public:
  explicit LineProcess(const std::vector<std::string>& command);
  ~LineProcess();
  LineProcess(const LineProcess&) = delete;
  LineProcess& operator=(const LineProcess&) = delete;
  std::string ask(const std::string& line);

 private:
  pid_t pid_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

}  // namespace vitrine::bench
