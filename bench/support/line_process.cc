#include "bench/support/line_process.h"

#include <csignal>
#include <cstdlib>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/support/report.h"

namespace vitrine::bench {

LineProcess::LineProcess(const std::vector<std::string>& command) {
  int in[2], out[2];
  if (pipe(in) != 0 || pipe(out) != 0) give_up("no pipe");
  pid_ = fork();
  if (pid_ < 0) give_up("no process for " + command[0]);
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in[0], 0);
    dup2(out[1], 1);
    for (const int fd : {in[0], in[1], out[0], out[1]}) close(fd);
    std::vector<char*> args;
    for (const std::string& a : command) args.push_back(const_cast<char*>(a.c_str()));
    args.push_back(nullptr);
    execvp(args[0], args.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_ = fdopen(in[1], "w");
  from_ = fdopen(out[0], "r");
}

LineProcess::~LineProcess() {
  std::fclose(to_);
  std::fclose(from_);
  waitpid(pid_, nullptr, 0);
}

std::string LineProcess::ask(const std::string& line) {
  std::fprintf(to_, "%s\n", line.c_str());
  std::fflush(to_);
  char* text = nullptr;
  std::size_t room = 0;
  const ssize_t size = getline(&text, &room, from_);
  if (size <= 0) give_up("the rival ended at: " + line);
  std::string answer(text, static_cast<std::size_t>(size - 1));
  std::free(text);
  return answer;
}

}  // namespace vitrine::bench
