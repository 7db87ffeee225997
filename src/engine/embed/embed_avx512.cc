#include "engine/embed/internal/embed_kernel.h"

namespace vitrine::embed {

EmbedKernel embed_kernel_avx512() { return EmbedLoops<16>::kernel(); }

}  // namespace vitrine::embed
