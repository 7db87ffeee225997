#include "engine/embed/internal/embed_kernel.h"

namespace vitrine::embed {

EmbedKernel embed_kernel_portable() { return EmbedLoops<4>::kernel(); }

}  // namespace vitrine::embed
