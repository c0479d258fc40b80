// The prototypes of Orthoformer: rows chosen greedily, each the most orthogonal to all before it. No torch.
#pragma once
#include <cmath>
#include <vector>

#include "../common/parallel.h"
#include "../common/simd.h"

#define SIGNCORE_KERNEL "../prototype_attention/prototype_attention_kernel.h"
#include "../common/every_isa.h"

namespace signcore {
namespace prototype {

#define SIGNCORE_COMPARE(ns) ns::compare<S>
template <class S>
auto comparison() -> void (*)(const S*, int64_t, int64_t, const S*, S*) {
  SIGNCORE_CHOOSE(SIGNCORE_COMPARE)
}
#undef SIGNCORE_COMPARE

// rows [N, d]; chosen [R], in the order of choice, beginning with `first`. A running maximum: O(N R d), N values of
// memory beside the unit vectors. A tie goes to the lower index.
template <class S>
void select(const S* rows, int64_t N, int64_t d, int64_t first, int64_t R, int64_t* chosen) {
  constexpr int64_t kStep = 64;
  const int64_t padded = (N + kStep - 1) / kStep * kStep;
  const Aligned<S> columns_memory(d * padded), worst_memory(padded);
  S *columns = columns_memory.get(), *worst = worst_memory.get();
  for (int64_t n = 0; n < padded; ++n) {
    S squares = 0;
    for (int64_t j = 0; n < N && j < d; ++j) squares += rows[n * d + j] * rows[n * d + j];
    const S inverse = S(1) / std::max(std::sqrt(squares), S(1e-12));
    for (int64_t j = 0; j < d; ++j) columns[j * padded + n] = n < N ? rows[n * d + j] * inverse : S(0);
    worst[n] = 0;
  }
  std::vector<char> taken(static_cast<size_t>(N), 0);
  std::vector<S> last(static_cast<size_t>(d));
  const auto compare = comparison<S>();
  for (int64_t r = 0; r < R; ++r) {
    int64_t next = first;
    if (r > 0) {
      next = -1;
      for (int64_t n = 0; n < N; ++n)
        if (!taken[n] && (next < 0 || worst[n] < worst[next])) next = n;
    }
    taken[next] = 1;
    chosen[r] = next;
    for (int64_t j = 0; j < d; ++j) last[j] = columns[j * padded + next];
    if (r + 1 < R) compare(columns, padded, d, last.data(), worst);
  }
}

// rows [M, N, d], first [M] -> chosen [M, R]
template <class S>
void select_all(const S* rows, const int64_t* first, int64_t M, int64_t N, int64_t d, int64_t R, int64_t* chosen,
                const Parallel& parallel) {
  parallel(0, M, 1, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) select(rows + m * N * d, N, d, first[m], R, chosen + m * R);
  });
}
}  // namespace prototype
}  // namespace signcore
