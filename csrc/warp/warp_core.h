// Sampling a picture along a flow, times a mask (PGMM's feature warping): forward and gradients, no torch.
#pragma once
#include <cstring>

#include "../common/parallel.h"
#include "../common/simd.h"

namespace signcore {
namespace warp {

enum class Padding : int64_t { kZeros = 0, kBorder = 1, kReflection = 2 };

struct Size {
  int64_t H, W;
  Padding padding;
  bool align_corners;
};

constexpr int64_t kBlock = 1024;    // samples whose taps are found at once; they stay in the nearest cache
constexpr int64_t kBackward = 512;  // the same for the gradients, which need more of a sample
constexpr int64_t kGroup = 16;

// Where the samples of a block lie: the upper left pixel (-1: wholly outside) and the weights of it, its right, its
// lower and its lower right neighbour.
template <class S>
struct alignas(64) Taps {
  int32_t offset[kBlock];
  S weight[4][kBlock];
  int32_t near[kBlock / kGroup];  // the least offset of a group whose pixels lie within 32 of each other, else -1
  bool outside[kBlock / kGroup];  // whether a sample of the group lies outside
  S dx[4][kBlock], dy[4][kBlock], dots[4][kBlock];
};

template <class S>
void find_outside(Taps<S>& taps, int64_t n) {
  for (int64_t group = 0; group * kGroup < n; ++group) {
    bool outside = false;
    for (int64_t i = group * kGroup; i < (group + 1) * kGroup; ++i) outside |= taps.offset[i] < 0;
    taps.outside[group] = outside;
    taps.near[group] = -1;
  }
}

// One sample of a plane, for the instruction sets that have nothing better.
template <class S>
inline S sample_one(const S* plane, const Taps<S>& taps, int64_t i, int64_t right, int64_t down) {
  if (taps.offset[i] < 0) return 0;
  const S *p = plane + taps.offset[i], *q = p + down;
  return (p[0] * taps.weight[0][i] + p[right] * taps.weight[1][i]) +
         (q[0] * taps.weight[2][i] + q[right] * taps.weight[3][i]);
}

template <class S>
inline void sum_one(const S* plane, S g, Taps<S>& taps, int64_t i, int64_t right, int64_t down) {
  if (taps.offset[i] < 0) return;
  const S *p = plane + taps.offset[i], *q = p + down;
  taps.dots[0][i] += g * p[0];
  taps.dots[1][i] += g * p[right];
  taps.dots[2][i] += g * q[0];
  taps.dots[3][i] += g * q[right];
}
}  // namespace warp

// Lane operations that the kernel asks of an instruction set; these are for any.
#define SIGNCORE_WARP_ANY                                                                                            \
  template <class S>                                                                                                 \
  static inline void storeu(Vec<S> v, S* p) {                                                                        \
    std::memcpy(p, &v, sizeof(v));                                                                                   \
  }                                                                                                                  \
  template <class S>                                                                                                 \
  static inline Vec<S> load_first(const S* p, int n) {                                                               \
    S lanes[Vec<S>::W] = {};                                                                                         \
    for (int i = 0; i < n; ++i) lanes[i] = p[i];                                                                     \
    return Vec<S>::loadu(lanes);                                                                                     \
  }                                                                                                                  \
  template <class S>                                                                                                 \
  static inline void store_first(Vec<S> v, S* p, int n) {                                                            \
    S lanes[Vec<S>::W];                                                                                              \
    storeu(v, lanes);                                                                                                \
    for (int i = 0; i < n; ++i) p[i] = lanes[i];                                                                     \
  }                                                                                                                  \
  template <class S>                                                                                                 \
  static inline void find_groups(warp::Taps<S>& taps, int64_t n, int64_t, const warp::Size&) {                       \
    warp::find_outside(taps, n);                                                                                     \
  }                                                                                                                  \
  template <class S>                                                                                                 \
  static inline void sample_plane(const S* plane, const warp::Taps<S>& taps, int64_t n, const warp::Size& size,      \
                                  S* out) {                                                                          \
    const int64_t right = size.W > 1 ? 1 : 0, down = size.H > 1 ? size.W : 0;                                        \
    for (int64_t i = 0; i < n; ++i) out[i] = warp::sample_one(plane, taps, i, right, down);                          \
  }                                                                                                                  \
  template <class S>                                                                                                 \
  static inline bool sample_few(const S*, const warp::Taps<S>&, int64_t, int64_t, const warp::Size&, S*) {           \
    return false;                                                                                                    \
  }                                                                                                                  \
  template <class S>                                                                                                 \
  static inline void sum_plane(const S* plane, const S* g, warp::Taps<S>& taps, int64_t n, const warp::Size& size) { \
    const int64_t right = size.W > 1 ? 1 : 0, down = size.H > 1 ? size.W : 0;                                        \
    for (int64_t i = 0; i < n; ++i) warp::sum_one(plane, g[i], taps, i, right, down);                                \
  }

namespace plain {
SIGNCORE_WARP_ANY
}  // namespace plain

#if defined(__x86_64__)
SIGNCORE_TARGET_BEGIN(SIGNCORE_AVX2)
namespace avx2 {
SIGNCORE_WARP_ANY
static inline __m256i first_lanes(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline Vec<float> load_first(const float* p, int n) { return {_mm256_maskload_ps(p, first_lanes(n))}; }
static inline void store_first(Vec<float> v, float* p, int n) { _mm256_maskstore_ps(p, first_lanes(n), v.v); }

static inline __m256 gather(const float* p, __m256i at, __m256 inside) {
  return _mm256_mask_i32gather_ps(_mm256_setzero_ps(), p, at, inside, 4);
}
static inline void sample_plane(const float* plane, const warp::Taps<float>& taps, int64_t n, const warp::Size& size,
                                float* out) {
  const int64_t right = size.W > 1 ? 1 : 0, down = size.H > 1 ? size.W : 0;
  for (int64_t i = 0; i < n; i += 8) {
    const __m256i at = _mm256_load_si256(reinterpret_cast<const __m256i*>(taps.offset + i));
    const __m256 inside = _mm256_castsi256_ps(_mm256_cmpgt_epi32(at, _mm256_set1_epi32(-1)));
    __m256 top = _mm256_mul_ps(gather(plane, at, inside), _mm256_load_ps(taps.weight[0] + i));
    top = _mm256_fmadd_ps(gather(plane + right, at, inside), _mm256_load_ps(taps.weight[1] + i), top);
    top = _mm256_fmadd_ps(gather(plane + down, at, inside), _mm256_load_ps(taps.weight[2] + i), top);
    top = _mm256_fmadd_ps(gather(plane + down + right, at, inside), _mm256_load_ps(taps.weight[3] + i), top);
    if (i + 8 <= n)
      _mm256_storeu_ps(out + i, top);
    else
      store_first(Vec<float>{top}, out + i, int(n - i));
  }
}
// Two to four channels, the innermost axis: the left and right pixel of a row are one vector, and share its arithmetic.
static inline bool sample_few(const float* picture, const warp::Taps<float>& taps, int64_t n, int64_t C,
                              const warp::Size& size, float* out) {
  if (C < 2 || C > 4 || size.W == 1) return false;
  const int64_t down = size.H > 1 ? size.W * C : 0;
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), left = first_lanes(int(C)),
                both = first_lanes(int(2 * C));
  const __m256i upper =
      _mm256_andnot_si256(left, _mm256_set1_epi32(1));  // weight 0 for the left pixel, 1 for the right
  const __m256i lower = _mm256_add_epi32(upper, _mm256_set1_epi32(2));
  const __m256i across = _mm256_and_si256(_mm256_add_epi32(lane, _mm256_set1_epi32(int(C))), _mm256_set1_epi32(7));
  for (int64_t i = 0; i < n; i += 4) {
    __m128 weights[4];
    for (int k = 0; k < 4; ++k) weights[k] = _mm_load_ps(taps.weight[k] + i);
    _MM_TRANSPOSE4_PS(weights[0], weights[1], weights[2], weights[3]);
    const int here = int(std::min<int64_t>(4, n - i));
    for (int j = 0; j < here; ++j, out += C) {
      const int64_t offset = taps.offset[i + j];
      __m256 v = _mm256_setzero_ps();
      if (offset >= 0) {
        const float* p = picture + offset * C;
        const __m256 weight = _mm256_castps128_ps256(weights[j]);
        v = _mm256_mul_ps(_mm256_maskload_ps(p, both), _mm256_permutevar8x32_ps(weight, upper));
        v = _mm256_fmadd_ps(_mm256_maskload_ps(p + down, both), _mm256_permutevar8x32_ps(weight, lower), v);
        v = _mm256_add_ps(v, _mm256_permutevar8x32_ps(v, across));
      }
      _mm256_maskstore_ps(out, left, v);
    }
  }
  return true;
}
static inline void sum_plane(const float* plane, const float* g, warp::Taps<float>& taps, int64_t n,
                             const warp::Size& size) {
  const int64_t right = size.W > 1 ? 1 : 0, down = size.H > 1 ? size.W : 0;
  const int64_t step[4] = {0, right, down, down + right};
  for (int64_t i = 0; i < n; i += 8) {
    const __m256i at = _mm256_load_si256(reinterpret_cast<const __m256i*>(taps.offset + i));
    const __m256 inside = _mm256_castsi256_ps(_mm256_cmpgt_epi32(at, _mm256_set1_epi32(-1)));
    const __m256 weight = i + 8 <= n ? _mm256_loadu_ps(g + i) : load_first(g + i, int(n - i)).v;
    for (int k = 0; k < 4; ++k)
      _mm256_store_ps(taps.dots[k] + i,
                      _mm256_fmadd_ps(gather(plane + step[k], at, inside), weight, _mm256_load_ps(taps.dots[k] + i)));
  }
}
}  // namespace avx2
SIGNCORE_TARGET_END

SIGNCORE_TARGET_BEGIN(SIGNCORE_AVX512)
namespace avx512 {
SIGNCORE_WARP_ANY
static inline __mmask16 first_lanes(int n) { return __mmask16((1u << n) - 1); }
static inline Vec<float> load_first(const float* p, int n) { return {_mm512_maskz_loadu_ps(first_lanes(n), p)}; }
static inline void store_first(Vec<float> v, float* p, int n) { _mm512_mask_storeu_ps(p, first_lanes(n), v.v); }
static inline Vec<double> load_first(const double* p, int n) {
  return {_mm512_maskz_loadu_pd(__mmask8(first_lanes(n)), p)};
}
static inline void store_first(Vec<double> v, double* p, int n) {
  _mm512_mask_storeu_pd(p, __mmask8(first_lanes(n)), v.v);
}

static inline bool sample_few(const float* picture, const warp::Taps<float>& taps, int64_t n, int64_t C,
                              const warp::Size& size, float* out) {
  return avx2::sample_few(picture, taps, n, C, size, out);
}

// A group lies near if two vectors a row hold all its pixels and can be read without leaving the plane. Finding out
// pays from three channels on.
static inline void find_groups(warp::Taps<float>& taps, int64_t n, int64_t C, const warp::Size& size) {
  const int64_t down = size.H > 1 ? size.W : 0;
  for (int64_t group = 0; group * warp::kGroup < n; ++group) {
    const __m512i at = _mm512_load_si512(taps.offset + group * warp::kGroup);
    const __mmask16 inside = _mm512_cmpge_epi32_mask(at, _mm512_setzero_si512());
    taps.outside[group] = inside != 0xffff;
    taps.near[group] = -1;
    if (inside == 0xffff) {  // mostly the first sample is among the least
      const int32_t low = std::max(0, taps.offset[group * warp::kGroup] - 2);
      const __m512i within = _mm512_sub_epi32(at, _mm512_set1_epi32(low));
      if (_mm512_cmple_epu32_mask(within, _mm512_set1_epi32(30)) == 0xffff) {
        if (low + down + 32 <= size.H * size.W) taps.near[group] = low;
        continue;
      }
    }
    if (!inside || C < 3) continue;
    const int32_t low = _mm512_mask_reduce_min_epi32(inside, at), high = _mm512_mask_reduce_max_epi32(inside, at);
    if (high - low <= 30 && low + down + 32 <= size.H * size.W) taps.near[group] = low;
  }
}

// The left and right pixels of sixteen samples in one row of a plane.
struct Pair {
  __m512 left, right;
};
static inline Pair pixels_near(const float* p, __m512i at) {
  const __m512 a = _mm512_loadu_ps(p), b = _mm512_loadu_ps(p + 16);
  return {_mm512_permutex2var_ps(a, at, b), _mm512_permutex2var_ps(a, _mm512_add_epi32(at, _mm512_set1_epi32(1)), b)};
}
static inline Pair pixels_anywhere(const float* p, __m512i at, __mmask16 inside) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512 low = _mm512_castpd_ps(
      _mm512_mask_i32gather_pd(_mm512_setzero_pd(), __mmask8(inside & 0xff), _mm512_castsi512_si256(at), p, 4));
  const __m512 high = _mm512_castpd_ps(
      _mm512_mask_i32gather_pd(_mm512_setzero_pd(), __mmask8(inside >> 8), _mm512_extracti64x4_epi64(at, 1), p, 4));
  return {_mm512_permutex2var_ps(low, even, high),
          _mm512_permutex2var_ps(low, _mm512_add_epi32(even, _mm512_set1_epi32(1)), high)};
}
static inline void pixels_of_group(const float* plane, const warp::Taps<float>& taps, int64_t i, int64_t down,
                                   Pair& top, Pair& bottom) {
  const __m512i at = _mm512_load_si512(taps.offset + i);
  const int32_t near = taps.near[i / warp::kGroup];
  if (near >= 0) {
    const __m512i within = _mm512_sub_epi32(at, _mm512_set1_epi32(near));
    top = pixels_near(plane + near, within);
    bottom = pixels_near(plane + near + down, within);
  } else {
    const __mmask16 inside = _mm512_cmpge_epi32_mask(at, _mm512_setzero_si512());
    top = pixels_anywhere(plane, at, inside);
    bottom = pixels_anywhere(plane + down, at, inside);
  }
}
static inline void sample_plane(const float* plane, const warp::Taps<float>& taps, int64_t n, const warp::Size& size,
                                float* out) {
  if (size.W == 1) {
    for (int64_t i = 0; i < n; ++i) out[i] = warp::sample_one(plane, taps, i, 0, size.H > 1 ? 1 : 0);
    return;
  }
  const int64_t down = size.H > 1 ? size.W : 0;
  for (int64_t i = 0; i < n; i += 16) {
    Pair top, bottom;
    pixels_of_group(plane, taps, i, down, top, bottom);
    __m512 v = _mm512_mul_ps(top.left, _mm512_load_ps(taps.weight[0] + i));
    __m512 u = _mm512_mul_ps(bottom.left, _mm512_load_ps(taps.weight[2] + i));
    v = _mm512_fmadd_ps(top.right, _mm512_load_ps(taps.weight[1] + i), v);
    u = _mm512_fmadd_ps(bottom.right, _mm512_load_ps(taps.weight[3] + i), u);
    v = _mm512_add_ps(v, u);
    if (taps.outside[i / warp::kGroup])
      v = _mm512_maskz_mov_ps(_mm512_cmpge_epi32_mask(_mm512_load_si512(taps.offset + i), _mm512_setzero_si512()), v);
    if (i + 16 <= n)
      _mm512_storeu_ps(out + i, v);
    else
      store_first(Vec<float>{v}, out + i, int(n - i));
  }
}
static inline void sum_plane(const float* plane, const float* g, warp::Taps<float>& taps, int64_t n,
                             const warp::Size& size) {
  if (size.W == 1) {
    for (int64_t i = 0; i < n; ++i) warp::sum_one(plane, g[i], taps, i, 0, size.H > 1 ? 1 : 0);
    return;
  }
  const int64_t down = size.H > 1 ? size.W : 0;
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 inside = _mm512_cmpge_epi32_mask(_mm512_load_si512(taps.offset + i), _mm512_setzero_si512());
    const __m512 weight = _mm512_maskz_loadu_ps(inside, g + i);
    Pair top, bottom;
    pixels_of_group(plane, taps, i, down, top, bottom);
    const __m512 of[4] = {top.left, top.right, bottom.left, bottom.right};
    for (int k = 0; k < 4; ++k) {
      const __m512 dots = _mm512_load_ps(taps.dots[k] + i);
      _mm512_store_ps(taps.dots[k] + i, _mm512_mask3_fmadd_ps(of[k], weight, dots, inside));
    }
  }
}
}  // namespace avx512
SIGNCORE_TARGET_END
#elif defined(__aarch64__)
namespace neon {
SIGNCORE_WARP_ANY
}  // namespace neon
#endif
#undef SIGNCORE_WARP_ANY
}  // namespace signcore

#define SIGNCORE_KERNEL "../warp/warp_kernel.h"
#include "../common/every_isa.h"

namespace signcore {
namespace warp {

template <class S>
struct Kernels {
  void (*forward_planes)(const S*, const S*, const S*, int64_t, int64_t, int64_t, const Size&, Taps<S>&, S*);
  void (*forward_pixels)(const S*, const S*, const S*, int64_t, int64_t, const Size&, Taps<S>&, S*);
  void (*backward_planes)(const S*, const S*, const S*, const S*, int64_t, int64_t, int64_t, const Size&, Taps<S>&, S*,
                          S*, S*);
  void (*backward_pixels)(const S*, const S*, const S*, const S*, int64_t, int64_t, const Size&, Taps<S>&, S*, S*, S*);
};

#define SIGNCORE_WARP_KERNELS(ns) \
  Kernels<S> { ns::forward_planes<S>, ns::forward_pixels<S>, ns::backward_planes<S>, ns::backward_pixels<S> }
template <class S>
Kernels<S> kernels() {
  SIGNCORE_CHOOSE(SIGNCORE_WARP_KERNELS)
}
#undef SIGNCORE_WARP_KERNELS

// Contiguous pictures of one layout: [B, C, H, W], or with `last` [B, H, W, C]; flow [B, h * w, 2]; mask [B, h * w] or
// null.
template <class S>
struct Call {
  const S *features, *flow, *mask;
  int64_t B, C, pixels;
  Size size;
  bool last;
};

template <class S>
void forward(const Call<S>& call, S* out, const Parallel& parallel) {
  const Kernels<S> run = kernels<S>();
  const int64_t blocks = (call.pixels + kBlock - 1) / kBlock, plane = call.size.H * call.size.W;
  parallel(0, call.B * blocks, 1, [&](int64_t begin, int64_t end) {
    const Aligned<Taps<S>> taps(1);
    for (int64_t job = begin; job < end; ++job) {
      const int64_t b = job / blocks, from = job % blocks * kBlock, n = std::min(kBlock, call.pixels - from);
      const S* picture = call.features + b * call.C * plane;
      const S* flow = call.flow + (b * call.pixels + from) * 2;
      const S* mask = call.mask ? call.mask + b * call.pixels + from : nullptr;
      S* to = out + b * call.C * call.pixels;
      if (call.last)
        run.forward_pixels(picture, flow, mask, n, call.C, call.size, *taps.get(), to + from * call.C);
      else
        run.forward_planes(picture, flow, mask, n, call.C, call.pixels, call.size, *taps.get(), to + from);
    }
  });
}

// Any of the gradients may be null; grad_features must be zero. A thread has a whole picture, since its samples
// overlap.
template <class S>
void backward(const Call<S>& call, const S* grad, S* grad_features, S* grad_flow, S* grad_mask,
              const Parallel& parallel) {
  const Kernels<S> run = kernels<S>();
  const int64_t plane = call.size.H * call.size.W;
  parallel(0, call.B, 1, [&](int64_t begin, int64_t end) {
    const Aligned<Taps<S>> taps(1);
    for (int64_t b = begin; b < end; ++b)
      for (int64_t from = 0; from < call.pixels; from += kBackward) {
        const int64_t n = std::min(kBackward, call.pixels - from), at = b * call.pixels + from;
        const S* picture = call.features + b * call.C * plane;
        const S* mask = call.mask ? call.mask + at : nullptr;
        S* into = grad_features ? grad_features + b * call.C * plane : nullptr;
        S* into_flow = grad_flow ? grad_flow + at * 2 : nullptr;
        S* into_mask = grad_mask ? grad_mask + at : nullptr;
        const S* g = grad + b * call.C * call.pixels;
        if (call.last)
          run.backward_pixels(g + from * call.C, picture, call.flow + at * 2, mask, n, call.C, call.size, *taps.get(),
                              into, into_flow, into_mask);
        else
          run.backward_planes(g + from, picture, call.flow + at * 2, mask, n, call.C, call.pixels, call.size,
                              *taps.get(), into, into_flow, into_mask);
      }
  });
}
}  // namespace warp
}  // namespace signcore
