// Includes SIGNCORE_KERNEL once per instruction set, inside its namespace; see simd.h. Without include guard: every
// core header defines SIGNCORE_KERNEL, as seen from here, and includes this.
namespace signcore {
namespace plain {
#include SIGNCORE_KERNEL
}  // namespace plain
#if defined(__x86_64__)
SIGNCORE_TARGET_BEGIN(SIGNCORE_AVX2)
namespace avx2 {
#include SIGNCORE_KERNEL
}  // namespace avx2
SIGNCORE_TARGET_END
SIGNCORE_TARGET_BEGIN(SIGNCORE_AVX512)
namespace avx512 {
#include SIGNCORE_KERNEL
}  // namespace avx512
SIGNCORE_TARGET_END
#elif defined(__aarch64__)
namespace neon {
#include SIGNCORE_KERNEL
}  // namespace neon
#endif
}  // namespace signcore
#undef SIGNCORE_KERNEL
