// Temporal consistency difference (PGMM eq. 12, 13): counting pixels, no torch.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "../common/parallel.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SIGNCORE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SIGNCORE_CLONES
#endif

namespace signcore::tcd {

enum class Reduce : int64_t { kSum = 0, kMax = 1 };  // a mean is a sum with a scaled limit

// Twice the difference of a block of elements, |2 g - before - after|: exact in 16 bits for bytes.
SIGNCORE_CLONES inline void twice_difference(const uint8_t* g, const uint8_t* before, const uint8_t* after, int64_t n,
                                             int16_t* out) {
  for (int64_t i = 0; i < n; ++i) {
    const int16_t d = static_cast<int16_t>(2 * g[i] - before[i] - after[i]);
    out[i] = d < 0 ? static_cast<int16_t>(-d) : d;
  }
}

template <class T>
inline void twice_difference(const T* g, const T* before, const T* after, int64_t n, double* out) {
  for (int64_t i = 0; i < n; ++i)
    out[i] = std::abs(2.0 * static_cast<double>(g[i]) - static_cast<double>(before[i]) - static_cast<double>(after[i]));
}

// How many values lie above a limit.
SIGNCORE_CLONES inline int64_t count_above(const int16_t* values, int64_t n, int16_t limit) {
  int32_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += values[i] > limit;
  return count;
}

// Pixels of one frame whose reduced difference is above `limit` (in units of twice the difference).
template <class T, class D>
int64_t count_frame(const T* g, const T* before, const T* after, int64_t pixels, int64_t channels, Reduce reduce,
                    double limit) {
  constexpr int64_t kBlock = 4096;
  std::vector<D> difference(static_cast<size_t>(std::max<int64_t>(1, kBlock / channels) * channels));
  const int64_t step = static_cast<int64_t>(difference.size()) / channels;
  int64_t count = 0;
  for (int64_t p = 0; p < pixels; p += step) {
    const int64_t here = std::min(step, pixels - p), at = p * channels;
    twice_difference(g + at, before + at, after + at, here * channels, difference.data());
    if constexpr (std::is_same_v<D, int16_t>) {
      if (channels == 1 && limit < 32767.0) {
        count += limit < 0 ? here : count_above(difference.data(), here, static_cast<int16_t>(std::floor(limit)));
        continue;
      }
    }
    for (int64_t i = 0; i < here; ++i) {
      const D* pixel = difference.data() + i * channels;
      double reduced = 0;
      for (int64_t c = 0; c < channels; ++c)
        reduced = reduce == Reduce::kSum ? reduced + pixel[c] : std::max<double>(reduced, pixel[c]);
      count += reduced > limit;
    }
  }
  return count;
}

// counts[t] for t = 1 .. frames - 2; frames are [pixels, channels], one after another.
template <class T, class D>
void count(const T* generated, const T* reference, int64_t frames, int64_t pixels, int64_t channels, Reduce reduce,
           double limit, int64_t* counts, const Parallel& parallel) {
  const int64_t stride = pixels * channels;
  parallel(1, frames - 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      counts[t] = count_frame<T, D>(generated + t * stride, reference + (t - 1) * stride, reference + (t + 1) * stride,
                                    pixels, channels, reduce, limit);
  });
}

}  // namespace signcore::tcd
