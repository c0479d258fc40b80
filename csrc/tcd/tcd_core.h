// Temporal consistency difference (PGMM eq. 12, 13): counting pixels, no torch.
#pragma once
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "../common/parallel.h"
#include "../common/simd.h"

#define SIGNCORE_KERNEL "../tcd/tcd_kernel.h"
#include "../common/every_isa.h"

namespace signcore {
namespace tcd {

enum class Reduce : int64_t { kSum = 0, kMax = 1 };  // a mean is a sum with a scaled limit

using CountBytes = int64_t (*)(const uint8_t*, const uint8_t*, const uint8_t*, int64_t, int16_t, int16_t*,
                               const int16_t*);

// The kernel for a number of channels, or null beyond four.
inline CountBytes count_bytes(int64_t channels, bool maximum) {
#define SIGNCORE_TCD(ns)                                                              \
  (channels == 1   ? ns::count_bytes<1, false>                                        \
   : channels == 2 ? (maximum ? ns::count_bytes<2, true> : ns::count_bytes<2, false>) \
   : channels == 3 ? (maximum ? ns::count_bytes<3, true> : ns::count_bytes<3, false>) \
   : channels == 4 ? (maximum ? ns::count_bytes<4, true> : ns::count_bytes<4, false>) \
                   : nullptr)
  SIGNCORE_CHOOSE(SIGNCORE_TCD)
#undef SIGNCORE_TCD
}

// counts[t] for t = 1 .. frames - 2; frames are [pixels, channels], one after another.
template <class T>
void count(const T* generated, const T* reference, int64_t frames, int64_t pixels, int64_t channels, Reduce reduce,
           double limit, int64_t* counts, const Parallel& parallel) {
  const int64_t stride = pixels * channels;
  const bool maximum = reduce == Reduce::kMax;
  constexpr int64_t kBlock = 2048;  // pixels: the scratch stays in the first cache, a count in 16 bits
  CountBytes bytes = nullptr;
  if constexpr (std::is_same_v<T, uint8_t>) bytes = count_bytes(channels, maximum);
  std::vector<int16_t> starts(bytes ? size_t(kBlock * channels) : 0);
  for (size_t i = 0; i < starts.size(); i += size_t(channels)) starts[i] = 1;
  // No difference of four bytes reaches 32767, and none is below 0.
  const auto whole = static_cast<int16_t>(limit < 0 ? -1.0 : std::min(32766.0, std::floor(limit)));
  parallel(1, frames - 1, 1, [&](int64_t begin, int64_t end) {
    std::vector<int16_t> twice(bytes ? size_t((kBlock + 1) * channels) : 0);
    for (int64_t t = begin; t < end; ++t) {
      const T *g = generated + t * stride, *before = reference + (t - 1) * stride,
              *after = reference + (t + 1) * stride;
      int64_t total = 0;
      if constexpr (std::is_same_v<T, uint8_t>) {
        for (int64_t p = 0; bytes && p < pixels; p += kBlock) {
          const int64_t at = p * channels;
          total +=
              bytes(g + at, before + at, after + at, std::min(kBlock, pixels - p), whole, twice.data(), starts.data());
        }
      }
      if (!bytes) total = plain::count_values(g, before, after, pixels, channels, maximum, limit);
      counts[t] = total;
    }
  });
}

}  // namespace tcd
}  // namespace signcore
