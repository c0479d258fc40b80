// Vectors by instruction set, and the choice among them at run time.
//
// A kernel is a header without include guard, `X_kernel.h`, that every_isa.h includes once per instruction set: the
// compiler then makes one copy of it for each, in a namespace of its own.
// Every namespace has Vec<float> and Vec<double> with the same members.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <string_view>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define SIGNCORE_PRAGMA(x) _Pragma(#x)
#if defined(__clang__)
#define SIGNCORE_TARGET_BEGIN(t) SIGNCORE_PRAGMA(clang attribute push(__attribute__((target(t))), apply_to = function))
#define SIGNCORE_TARGET_END SIGNCORE_PRAGMA(clang attribute pop)
#else
#define SIGNCORE_TARGET_BEGIN(t) SIGNCORE_PRAGMA(GCC push_options) SIGNCORE_PRAGMA(GCC target(t))
#define SIGNCORE_TARGET_END SIGNCORE_PRAGMA(GCC pop_options)
#endif
#define SIGNCORE_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"
#define SIGNCORE_AVX2 "avx2,fma"

namespace signcore {

// Memory for vectors: 64-byte aligned, not initialised.
template <class S>
class Aligned {
 public:
  explicit Aligned(size_t n) : data_(static_cast<S*>(std::aligned_alloc(64, ((n * sizeof(S) + 63) / 64) * 64 + 64))) {
    if (!data_) throw std::bad_alloc();
  }
  S* get() const { return data_.get(); }

 private:
  struct Free {
    void operator()(S* p) const { std::free(p); }
  };
  std::unique_ptr<S, Free> data_;
};

enum class Isa { kPlain, kNeon, kAvx2, kAvx512 };

// The best instruction set of this machine, or a lesser one named by SIGNCORE_ISA (plain, avx2, avx512, neon).
inline Isa isa() {
  static const Isa chosen = [] {
    Isa best = Isa::kPlain;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = Isa::kAvx2;
    if (best == Isa::kAvx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      best = Isa::kAvx512;
#elif defined(__aarch64__)
    best = Isa::kNeon;
#endif
    const char* wish = std::getenv("SIGNCORE_ISA");
    const std::string_view asked = wish ? wish : "";
    if (asked == "plain") return Isa::kPlain;
    if (asked == "avx2" && best == Isa::kAvx512) return Isa::kAvx2;
    return best;
  }();
  return chosen;
}

inline const char* isa_name() {
  switch (isa()) {
    case Isa::kAvx512: return "avx512";
    case Isa::kAvx2: return "avx2";
    case Isa::kNeon: return "neon";
    default: return "plain";
  }
}

// Returns of(namespace), the namespace being that of the chosen instruction set.
#if defined(__x86_64__)
#define SIGNCORE_CHOOSE(of)                     \
  if (isa() == Isa::kAvx512) return of(avx512); \
  if (isa() == Isa::kAvx2) return of(avx2);     \
  return of(plain);
#elif defined(__aarch64__)
#define SIGNCORE_CHOOSE(of)                 \
  if (isa() == Isa::kNeon) return of(neon); \
  return of(plain);
#else
#define SIGNCORE_CHOOSE(of) return of(plain);
#endif

// ---------------------------------------------------------------------------------------------------- plain C++
namespace plain {
template <class S>
struct Vec {
  static constexpr int W = 4;
  S v[W];
  static Vec load(const S* p) {
    Vec r;
    for (int i = 0; i < W; ++i) r.v[i] = p[i];
    return r;
  }
  static Vec loadu(const S* p) { return load(p); }
  static Vec set(S x) {
    Vec r;
    for (int i = 0; i < W; ++i) r.v[i] = x;
    return r;
  }
  void store(S* p) const {
    for (int i = 0; i < W; ++i) p[i] = v[i];
  }
  // Lane i takes lane i - 1; lane 0 takes `first`.
  Vec shifted(S first) const {
    Vec r;
    r.v[0] = first;
    for (int i = 1; i < W; ++i) r.v[i] = v[i - 1];
    return r;
  }
  S last() const { return v[W - 1]; }
  S sum() const {
    S s = 0;
    for (int i = 0; i < W; ++i) s += v[i];
    return s;
  }
};
#define SIGNCORE_PLAIN(name, expression)   \
  template <class S>                       \
  inline Vec<S> name(Vec<S> a, Vec<S> b) { \
    Vec<S> r;                              \
    for (int i = 0; i < Vec<S>::W; ++i) {  \
      const S x = a.v[i], y = b.v[i];      \
      r.v[i] = expression;                 \
    }                                      \
    return r;                              \
  }
SIGNCORE_PLAIN(add, x + y)
SIGNCORE_PLAIN(sub, x - y)
SIGNCORE_PLAIN(mul, x* y)
SIGNCORE_PLAIN(min, y < x ? y : x)
#undef SIGNCORE_PLAIN
template <class S>
inline Vec<S> fma(Vec<S> a, Vec<S> b, Vec<S> c) {
  return add(mul(a, b), c);
}
template <class S>
inline Vec<S> sqrt(Vec<S> a) {
  for (int i = 0; i < Vec<S>::W; ++i) a.v[i] = std::sqrt(a.v[i]);
  return a;
}
}  // namespace plain

#if defined(__x86_64__)
// ---------------------------------------------------------------------------------------------------- AVX2
SIGNCORE_TARGET_BEGIN(SIGNCORE_AVX2)
namespace avx2 {
template <class S>
struct Vec;
template <>
struct Vec<float> {
  static constexpr int W = 8;
  __m256 v;
  static Vec load(const float* p) { return {_mm256_load_ps(p)}; }
  static Vec loadu(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vec set(float x) { return {_mm256_set1_ps(x)}; }
  void store(float* p) const { _mm256_store_ps(p, v); }
  Vec shifted(float first) const {
    const __m256 turned = _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(7, 0, 1, 2, 3, 4, 5, 6));
    return {_mm256_blend_ps(turned, _mm256_castps128_ps256(_mm_set_ss(first)), 1)};
  }
  float last() const {
    const __m128 high = _mm256_extractf128_ps(v, 1);
    return _mm_cvtss_f32(_mm_shuffle_ps(high, high, 3));
  }
  float sum() const {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
};
template <>
struct Vec<double> {
  static constexpr int W = 4;
  __m256d v;
  static Vec load(const double* p) { return {_mm256_load_pd(p)}; }
  static Vec loadu(const double* p) { return {_mm256_loadu_pd(p)}; }
  static Vec set(double x) { return {_mm256_set1_pd(x)}; }
  void store(double* p) const { _mm256_store_pd(p, v); }
  Vec shifted(double first) const {
    const __m256d turned = _mm256_permute4x64_pd(v, _MM_SHUFFLE(2, 1, 0, 3));
    return {_mm256_blend_pd(turned, _mm256_castpd128_pd256(_mm_set_sd(first)), 1)};
  }
  double last() const {
    const __m128d high = _mm256_extractf128_pd(v, 1);
    return _mm_cvtsd_f64(_mm_unpackhi_pd(high, high));
  }
  double sum() const {
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
  }
};
inline Vec<float> add(Vec<float> a, Vec<float> b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vec<float> sub(Vec<float> a, Vec<float> b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vec<float> mul(Vec<float> a, Vec<float> b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm256_min_ps(b.v, a.v)}; }
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec<float> sqrt(Vec<float> a) { return {_mm256_sqrt_ps(a.v)}; }
inline Vec<double> add(Vec<double> a, Vec<double> b) { return {_mm256_add_pd(a.v, b.v)}; }
inline Vec<double> sub(Vec<double> a, Vec<double> b) { return {_mm256_sub_pd(a.v, b.v)}; }
inline Vec<double> mul(Vec<double> a, Vec<double> b) { return {_mm256_mul_pd(a.v, b.v)}; }
inline Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm256_min_pd(b.v, a.v)}; }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
inline Vec<double> sqrt(Vec<double> a) { return {_mm256_sqrt_pd(a.v)}; }
}  // namespace avx2
SIGNCORE_TARGET_END

// ---------------------------------------------------------------------------------------------------- AVX-512
SIGNCORE_TARGET_BEGIN(SIGNCORE_AVX512)
namespace avx512 {
template <class S>
struct Vec;
template <>
struct Vec<float> {
  static constexpr int W = 16;
  __m512 v;
  static Vec load(const float* p) { return {_mm512_load_ps(p)}; }
  static Vec loadu(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Vec set(float x) { return {_mm512_set1_ps(x)}; }
  void store(float* p) const { _mm512_store_ps(p, v); }
  Vec shifted(float first) const {
    return {_mm512_castsi512_ps(
        _mm512_alignr_epi32(_mm512_castps_si512(v), _mm512_castps_si512(_mm512_set1_ps(first)), 15))};
  }
  float last() const {
    const __m128 high = _mm512_extractf32x4_ps(v, 3);
    return _mm_cvtss_f32(_mm_shuffle_ps(high, high, 3));
  }
  float sum() const { return _mm512_reduce_add_ps(v); }
};
template <>
struct Vec<double> {
  static constexpr int W = 8;
  __m512d v;
  static Vec load(const double* p) { return {_mm512_load_pd(p)}; }
  static Vec loadu(const double* p) { return {_mm512_loadu_pd(p)}; }
  static Vec set(double x) { return {_mm512_set1_pd(x)}; }
  void store(double* p) const { _mm512_store_pd(p, v); }
  Vec shifted(double first) const {
    return {_mm512_castsi512_pd(
        _mm512_alignr_epi64(_mm512_castpd_si512(v), _mm512_castpd_si512(_mm512_set1_pd(first)), 7))};
  }
  double last() const {
    const __m128d high = _mm512_extractf64x2_pd(v, 3);
    return _mm_cvtsd_f64(_mm_unpackhi_pd(high, high));
  }
  double sum() const { return _mm512_reduce_add_pd(v); }
};
inline Vec<float> add(Vec<float> a, Vec<float> b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec<float> sub(Vec<float> a, Vec<float> b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec<float> mul(Vec<float> a, Vec<float> b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm512_min_ps(b.v, a.v)}; }
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
// The 14-bit estimate and one Newton step: within 2 ulp, half the time of the exact instruction. What is below 1e-36 is
// zero; an infinity becomes NaN.
inline Vec<float> sqrt(Vec<float> a) {
  const __m512 estimate = _mm512_rsqrt14_ps(a.v);
  const __m512 root = _mm512_mul_ps(a.v, estimate);
  const __m512 error = _mm512_fnmadd_ps(root, estimate, _mm512_set1_ps(1.0f));
  const __m512 better = _mm512_fmadd_ps(_mm512_mul_ps(root, _mm512_set1_ps(0.5f)), error, root);
  return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a.v, _mm512_set1_ps(1e-36f), _CMP_NLT_UQ), better)};
}
inline Vec<double> add(Vec<double> a, Vec<double> b) { return {_mm512_add_pd(a.v, b.v)}; }
inline Vec<double> sub(Vec<double> a, Vec<double> b) { return {_mm512_sub_pd(a.v, b.v)}; }
inline Vec<double> mul(Vec<double> a, Vec<double> b) { return {_mm512_mul_pd(a.v, b.v)}; }
inline Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm512_min_pd(b.v, a.v)}; }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
inline Vec<double> sqrt(Vec<double> a) { return {_mm512_sqrt_pd(a.v)}; }
}  // namespace avx512
SIGNCORE_TARGET_END

#elif defined(__aarch64__)
// ---------------------------------------------------------------------------------------------------- NEON
namespace neon {
template <class S>
struct Vec;
template <>
struct Vec<float> {
  static constexpr int W = 4;
  float32x4_t v;
  static Vec load(const float* p) { return {vld1q_f32(p)}; }
  static Vec loadu(const float* p) { return {vld1q_f32(p)}; }
  static Vec set(float x) { return {vdupq_n_f32(x)}; }
  void store(float* p) const { vst1q_f32(p, v); }
  Vec shifted(float first) const { return {vextq_f32(vdupq_n_f32(first), v, 3)}; }
  float last() const { return vgetq_lane_f32(v, 3); }
  float sum() const { return vaddvq_f32(v); }
};
template <>
struct Vec<double> {
  static constexpr int W = 2;
  float64x2_t v;
  static Vec load(const double* p) { return {vld1q_f64(p)}; }
  static Vec loadu(const double* p) { return {vld1q_f64(p)}; }
  static Vec set(double x) { return {vdupq_n_f64(x)}; }
  void store(double* p) const { vst1q_f64(p, v); }
  Vec shifted(double first) const { return {vextq_f64(vdupq_n_f64(first), v, 1)}; }
  double last() const { return vgetq_lane_f64(v, 1); }
  double sum() const { return vaddvq_f64(v); }
};
inline Vec<float> add(Vec<float> a, Vec<float> b) { return {vaddq_f32(a.v, b.v)}; }
inline Vec<float> sub(Vec<float> a, Vec<float> b) { return {vsubq_f32(a.v, b.v)}; }
inline Vec<float> mul(Vec<float> a, Vec<float> b) { return {vmulq_f32(a.v, b.v)}; }
inline Vec<float> min(Vec<float> a, Vec<float> b) { return {vminq_f32(a.v, b.v)}; }
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
inline Vec<float> sqrt(Vec<float> a) { return {vsqrtq_f32(a.v)}; }
inline Vec<double> add(Vec<double> a, Vec<double> b) { return {vaddq_f64(a.v, b.v)}; }
inline Vec<double> sub(Vec<double> a, Vec<double> b) { return {vsubq_f64(a.v, b.v)}; }
inline Vec<double> mul(Vec<double> a, Vec<double> b) { return {vmulq_f64(a.v, b.v)}; }
inline Vec<double> min(Vec<double> a, Vec<double> b) { return {vminq_f64(a.v, b.v)}; }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
inline Vec<double> sqrt(Vec<double> a) { return {vsqrtq_f64(a.v)}; }
}  // namespace neon
#endif

}  // namespace signcore
