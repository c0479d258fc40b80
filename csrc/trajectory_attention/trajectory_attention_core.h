// Attention of every query to the points of each frame on its own (trajectory attention, LMT section 3): forward and
// gradients without the scores of all queries to all points. No torch.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "../common/parallel.h"
#include "../common/simd.h"

namespace signcore {
namespace trajectory {
constexpr int kRows = 6;          // rows of a register tile: 6 x 4 vectors of sums fill the registers
constexpr int64_t kDepth = 80;    // of a panel of the right matrix: 80 x 4 vectors are 20 KB
constexpr int64_t kQueries = 48;  // queries at once: their scores against a frame stay in a near cache

// [B, heads, N, d] with the last axis dense.
template <class S>
struct Heads {
  const S* data;
  int64_t batch, head, point;  // strides
  const S* at(int64_t b, int64_t h, int64_t n) const { return data + b * batch + h * head + n * point; }
};

template <class S>
struct Call {
  Heads<S> q, k, v;
  int64_t B, heads, F, P, d;
  S scale;  // d^-1/2
  int64_t N() const { return F * P; }
  S scale2() const { return scale * S(1.44269504088896340735992468100); }  // scores in powers of two
  // Trajectories lie as [B, N, F, heads, d], as the temporal attention reads them.
  int64_t row(int64_t b, int64_t n, int64_t f, int64_t h) const { return (((b * N() + n) * F + f) * heads + h) * d; }
};
}  // namespace trajectory

// Lane operations for any instruction set.
#define SIGNCORE_TRAJECTORY_ANY                                        \
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
SIGNCORE_TRAJECTORY_ANY
#include "trajectory_attention_kernel.h"
}  // namespace plain

#if defined(__x86_64__)
SIGNCORE_TARGET_BEGIN(SIGNCORE_AVX2)
namespace avx2 {
static constexpr int kWide = 2;
SIGNCORE_TRAJECTORY_ANY
static inline Vec<float> greater(Vec<float> a, Vec<float> b) { return {_mm256_max_ps(a.v, b.v)}; }
static inline Vec<float> power2(Vec<float> a) {
  const __m256 x = _mm256_max_ps(_mm256_set1_ps(-126.0f), _mm256_min_ps(_mm256_set1_ps(127.0f), a.v));  // keeps a NaN
  const __m256 whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256 y = power2_fraction({_mm256_sub_ps(x, whole)}).v;
  const __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23);
  const __m256 result = _mm256_mul_ps(y, _mm256_castsi256_ps(exponent));
  return {_mm256_andnot_ps(_mm256_cmp_ps(a.v, _mm256_set1_ps(-126.0f), _CMP_LT_OQ), result)};
}
#include "trajectory_attention_kernel.h"
}  // namespace avx2
SIGNCORE_TARGET_END

SIGNCORE_TARGET_BEGIN(SIGNCORE_AVX512)
namespace avx512 {
static constexpr int kWide = 4;
SIGNCORE_TRAJECTORY_ANY
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
#include "trajectory_attention_kernel.h"
}  // namespace avx512
SIGNCORE_TARGET_END
#elif defined(__aarch64__)
namespace neon {
static constexpr int kWide = 4;
SIGNCORE_TRAJECTORY_ANY
static inline Vec<float> greater(Vec<float> a, Vec<float> b) { return {vmaxq_f32(a.v, b.v)}; }
static inline Vec<float> power2(Vec<float> a) {
  const float32x4_t x = vmaxq_f32(vdupq_n_f32(-126.0f), vminq_f32(vdupq_n_f32(127.0f), a.v));
  const float32x4_t whole = vrndnq_f32(x);
  const float32x4_t y = power2_fraction({vsubq_f32(x, whole)}).v;
  const int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(whole), vdupq_n_s32(127)), 23);
  const float32x4_t result = vmulq_f32(y, vreinterpretq_f32_s32(exponent));
  return {vbslq_f32(vcltq_f32(a.v, vdupq_n_f32(-126.0f)), vdupq_n_f32(0.0f), result)};
}
#include "trajectory_attention_kernel.h"
}  // namespace neon
#endif
#undef SIGNCORE_TRAJECTORY_ANY

namespace trajectory {

template <class S>
struct Kernels {
  void (*forward)(const Call<S>&, int64_t, int64_t, int64_t, int64_t, int64_t, S*, S*);
  void (*backward)(const Call<S>&, int64_t, int64_t, const S*, const S*, const S*, S*, S*, S*);
};
#define SIGNCORE_TRAJECTORY_KERNELS(ns) \
  Kernels<S> { ns::forward_frame<S>, ns::backward_head<S> }
template <class S>
Kernels<S> kernels() {
#if defined(__x86_64__)
  if (isa() == Isa::kAvx512) return SIGNCORE_TRAJECTORY_KERNELS(avx512);
  if (isa() == Isa::kAvx2) return SIGNCORE_TRAJECTORY_KERNELS(avx2);
#elif defined(__aarch64__)
  if (isa() == Isa::kNeon) return SIGNCORE_TRAJECTORY_KERNELS(neon);
#endif
  return SIGNCORE_TRAJECTORY_KERNELS(plain);
}
#undef SIGNCORE_TRAJECTORY_KERNELS

// out [B, N, F, heads, d]; lse [B, heads, N, F] in powers of two. A job is a frame of a head, and a part of the queries
// where there are few of those.
template <class S>
void forward(const Call<S>& call, int64_t threads, S* out, S* lse, const Parallel& parallel) {
  const Kernels<S> run = kernels<S>();
  const int64_t blocks = (call.N() + kQueries - 1) / kQueries, frames = call.B * call.heads * call.F;
  const int64_t parts = std::clamp<int64_t>(4 * threads / frames, 1, blocks);
  parallel(0, frames * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t job = begin; job < end; ++job) {
      const int64_t part = job % parts, frame = job / parts % call.F, head = job / parts / call.F;
      const int64_t from = part * blocks / parts * kQueries,
                    to = std::min(call.N(), (part + 1) * blocks / parts * kQueries);
      run.forward(call, head / call.heads, head % call.heads, frame, from, to, out, lse);
    }
  });
}

// grad, out [B, N, F, heads, d]; the results [B, heads, N, d]. A job is a head.
template <class S>
void backward(const Call<S>& call, const S* grad, const S* out, const S* lse, S* grad_q, S* grad_k, S* grad_v,
              const Parallel& parallel) {
  const Kernels<S> run = kernels<S>();
  parallel(0, call.B * call.heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head)
      run.backward(call, head / call.heads, head % call.heads, grad, out, lse, grad_q, grad_k, grad_v);
  });
}
}  // namespace trajectory
}  // namespace signcore
