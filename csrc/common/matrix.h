// Products of small matrices and the softmax between them, for the attentions; no torch.
#pragma once
#include <algorithm>
#include <cmath>

#include "simd.h"

namespace signcore {
namespace matrix {
constexpr int64_t kDepth = 104;  // of a panel of the right matrix: 104 x 4 vectors are 26 KB
}  // namespace matrix

// Lane operations for any instruction set.
#define SIGNCORE_MATRIX_ANY                                            \
  template <class S>                                                   \
  static inline Vec<S> greater(Vec<S> a, Vec<S> b) {                   \
    const Vec<S> zero = Vec<S>::set(0);                                \
    return sub(zero, min(sub(zero, a), sub(zero, b)));                 \
  }                                                                    \
  template <class S>                                                   \
  static inline S greatest(Vec<S> a) {                                 \
    alignas(64) S lanes[Vec<S>::W];                                    \
    a.store(lanes);                                                    \
    S top = lanes[0];                                                  \
    for (int i = 1; i < Vec<S>::W; ++i) top = std::max(top, lanes[i]); \
    return top;                                                        \
  }                                                                    \
  template <class S>                                                   \
  static inline Vec<S> power2(Vec<S> a) {                              \
    alignas(64) S lanes[Vec<S>::W];                                    \
    a.store(lanes);                                                    \
    for (S& lane : lanes) lane = std::exp2(lane);                      \
    return Vec<S>::load(lanes);                                        \
  }                                                                    \
  /* 2^f for f in -1/2 .. 1/2, within 2e-7 (Cephes exp2f) */           \
  static inline Vec<float> power2_fraction(Vec<float> f) {             \
    using V = Vec<float>;                                              \
    V y = V::set(1.535336188319500e-4f);                               \
    y = fma(y, f, V::set(1.339887440266574e-3f));                      \
    y = fma(y, f, V::set(9.618437357674640e-3f));                      \
    y = fma(y, f, V::set(5.550332471162809e-2f));                      \
    y = fma(y, f, V::set(2.402264791363012e-1f));                      \
    y = fma(y, f, V::set(6.931472028550421e-1f));                      \
    return fma(y, f, V::set(1.0f));                                    \
  }

namespace plain {
static constexpr int kWide = 2;
SIGNCORE_MATRIX_ANY
}  // namespace plain

#if defined(__x86_64__)
SIGNCORE_TARGET_BEGIN(SIGNCORE_AVX2)
namespace avx2 {
static constexpr int kWide = 2;
SIGNCORE_MATRIX_ANY
static inline Vec<float> greater(Vec<float> a, Vec<float> b) { return {_mm256_max_ps(a.v, b.v)}; }
static inline Vec<float> power2(Vec<float> a) {
  const __m256 x = _mm256_max_ps(_mm256_set1_ps(-126.0f), _mm256_min_ps(_mm256_set1_ps(127.0f), a.v));  // keeps a NaN
  const __m256 whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256 y = power2_fraction({_mm256_sub_ps(x, whole)}).v;
  const __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23);
  const __m256 result = _mm256_mul_ps(y, _mm256_castsi256_ps(exponent));
  return {_mm256_andnot_ps(_mm256_cmp_ps(a.v, _mm256_set1_ps(-126.0f), _CMP_LT_OQ), result)};
}
}  // namespace avx2
SIGNCORE_TARGET_END

SIGNCORE_TARGET_BEGIN(SIGNCORE_AVX512)
namespace avx512 {
static constexpr int kWide = 4;
SIGNCORE_MATRIX_ANY
static inline Vec<float> greater(Vec<float> a, Vec<float> b) { return {_mm512_max_ps(a.v, b.v)}; }
static inline Vec<double> greater(Vec<double> a, Vec<double> b) { return {_mm512_max_pd(a.v, b.v)}; }
static inline float greatest(Vec<float> a) { return _mm512_reduce_max_ps(a.v); }
static inline Vec<float> power2(Vec<float> a) {
  // 1.5 * 2^23 leaves the nearest whole number in the low bits, which become the exponent. A NaN stays, by the order of
  // max.
  const __m512 x = _mm512_max_ps(_mm512_set1_ps(-126.0f), a.v), magic = _mm512_set1_ps(12582912.0f);
  const __m512 shifted = _mm512_add_ps(x, magic);
  const __m512 y = power2_fraction({_mm512_sub_ps(x, _mm512_sub_ps(shifted, magic))}).v;
  const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
  return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(y), exponent))};
}
}  // namespace avx512
SIGNCORE_TARGET_END
#elif defined(__aarch64__)
namespace neon {
static constexpr int kWide = 4;
SIGNCORE_MATRIX_ANY
static inline Vec<float> greater(Vec<float> a, Vec<float> b) { return {vmaxq_f32(a.v, b.v)}; }
static inline Vec<float> power2(Vec<float> a) {
  const float32x4_t x = vmaxq_f32(vdupq_n_f32(-126.0f), vminq_f32(vdupq_n_f32(127.0f), a.v));
  const float32x4_t whole = vrndnq_f32(x);
  const float32x4_t y = power2_fraction({vsubq_f32(x, whole)}).v;
  const int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(whole), vdupq_n_s32(127)), 23);
  const float32x4_t result = vmulq_f32(y, vreinterpretq_f32_s32(exponent));
  return {vbslq_f32(vcltq_f32(a.v, vdupq_n_f32(-126.0f)), vdupq_n_f32(0.0f), result)};
}
}  // namespace neon
#endif
#undef SIGNCORE_MATRIX_ANY
}  // namespace signcore

#define SIGNCORE_KERNEL "matrix_kernel.h"
#include "every_isa.h"
