// Checkpoints of fits as files of a folder.
#pragma once

#include <memory>
#include <string>

#include "service/learn/fit.h"

namespace vitrine::learn {

// The folder is made when something is saved, and goes with clear().
std::unique_ptr<Checkpoint> directory_checkpoint(io::FileSystem& files, std::string directory);

}  // namespace vitrine::learn
