#include "engine/embed/internal/embed_kernel.h"

namespace vitrine::embed {

EmbedKernel embed_kernel_avx2() { return EmbedLoops<8>::kernel(); }

}  // namespace vitrine::embed
