// A Progress that also shows what else is worth knowing of the work: a loss, a hit ratio.
#pragma once

#include "base/progress.h"

namespace vitrine {

class NotedProgress : public Progress {
 public:
  // Shown behind rate and remaining time until the next note or phase.
  virtual void note(std::string_view text) = 0;
};

// Where the watcher shows notes.
inline void note(Progress& progress, std::string_view text) {
  if (auto* noted = dynamic_cast<NotedProgress*>(&progress)) noted->note(text);
}

}  // namespace vitrine
