// Exact dynamic time warping of poses with missing points (Ham2Pose eq. 6), no torch.
#pragma once
#include <vector>

#include "../common/parallel.h"
#include "../common/simd.h"

#define SIGNCORE_KERNEL "../dtw/dtw_kernel.h"
#include "../common/every_isa.h"

namespace signcore {
namespace dtw {

// The kernels of one instruction set as plain functions.
template <class S>
struct Kernels {
  int lanes;
  void (*pack)(const S*, S, S*);  // a whole block of one frame; null where D has no kernel of its own
  void (*exact)(const S*, int64_t, const S*, int64_t, int, S*, S*);
  void (*banded)(const S*, int64_t, const S*, int64_t, int, int64_t, S*, S*);
  S (*diagonal)(const S*, int64_t, const S*, int64_t, int64_t, int, S*);
  S (*pose)(const S*, int64_t, const S*, int64_t, int64_t, int, const S*, int64_t, S*, S*);
};

#define SIGNCORE_DTW_KERNELS(ns)           \
  Kernels<S> {                             \
    ns::Vec<S>::W,                         \
        D == 2   ? ns::pack_block<S, 2>    \
        : D == 3 ? ns::pack_block<S, 3>    \
                 : nullptr,                \
        D == 2   ? ns::exact_block<S, 2>   \
        : D == 3 ? ns::exact_block<S, 3>   \
                 : ns::exact_block<S, 0>,  \
        ns::banded_block<S>,               \
        D == 2   ? ns::diagonal_one<S, 2>  \
        : D == 3 ? ns::diagonal_one<S, 3>  \
                 : ns::diagonal_one<S, 0>, \
        D == 2   ? ns::pose_path<S, 2>     \
        : D == 3 ? ns::pose_path<S, 3>     \
                 : ns::pose_path<S, 0>     \
  }
template <class S>
Kernels<S> kernels(int D) {
  SIGNCORE_CHOOSE(SIGNCORE_DTW_KERNELS)
}
#undef SIGNCORE_DTW_KERNELS

// Clips of different lengths one after another: frames [offsets[i], offsets[i + 1]) of data [frames, K, D]; NaN where
// missing.
template <class S>
struct Clips {
  const S* data;
  const int64_t* offsets;
  int64_t count;
  int64_t frames(int64_t i) const { return offsets[i + 1] - offsets[i]; }
};

template <class S>
bool is_missing(const S* point, int64_t D) {
  for (int64_t d = 0; d < D; ++d)
    if (std::isnan(point[d])) return true;
  return false;
}

// Frames [T, all, D], of which the first K keypoints, to [block][T][D + 1][lanes]; see dtw_kernel.h. Lanes beyond K
// have scale 0.
template <class S>
void pack(const Kernels<S>& kernel, const S* x, int64_t T, int64_t all, int64_t K, int64_t D, bool reference, S* out) {
  const int lanes = kernel.lanes;
  const int64_t blocks = (K + lanes - 1) / lanes;
  const S absent = reference ? S(0) : S(0.5);
  for (int64_t block = 0; block < blocks; ++block)
    for (int64_t t = 0; t < T; ++t) {
      S* o = out + (block * T + t) * (D + 1) * lanes;
      const S* frame = x + (t * all + block * lanes) * D;
      if (kernel.pack && (block + 1) * lanes <= K) {
        kernel.pack(frame, absent, o);
        continue;
      }
      for (int w = 0; w < lanes; ++w) {
        const bool beyond = block * lanes + w >= K, missing = beyond || is_missing(frame + w * D, D);
        for (int64_t d = 0; d < D; ++d) o[d * lanes + w] = missing ? S(0) : frame[w * D + d];
        o[D * lanes + w] = beyond ? S(0) : missing ? absent : S(1);
      }
    }
}

// One keypoint for the anti-diagonals: see diagonal_one.
template <class S>
struct Diagonal {
  static constexpr int64_t kPad = 64;
  static void rows(const S* x, int64_t T, int64_t K, int64_t D, int64_t k, int64_t spare, S* out) {
    std::fill(out, out + (D + 1) * (T + spare), S(0));
    for (int64_t t = 0; t < T; ++t) {
      const S* point = x + (t * K + k) * D;
      const bool missing = is_missing(point, D);
      for (int64_t d = 0; d < D; ++d) out[d * (T + spare) + t] = missing ? S(0) : point[d];
      out[D * (T + spare) + t] = missing ? S(0) : S(1);
    }
  }
  static void columns(const S* y, int64_t U, int64_t K, int64_t D, int64_t k, S* out) {
    const int64_t reach = U + 2 * kPad;
    std::fill(out, out + (D + 1) * reach, S(0));
    std::fill(out + (D + 1) * reach, out + (D + 2) * reach, std::numeric_limits<S>::infinity());
    for (int64_t u = 0; u < U; ++u) {
      const S* point = y + (u * K + k) * D;
      const bool missing = is_missing(point, D);
      const int64_t at = kPad + (U - 1 - u);
      for (int64_t d = 0; d < D; ++d) out[d * reach + at] = missing ? S(0) : point[d];
      out[D * reach + at] = missing ? S(0.5) : S(1);
      out[(D + 1) * reach + at] = 0;
    }
  }
};

// Costs of all pairs: [N, M, K] with per_keypoint, else [N, M], the mean over all K (0 where K is 0).
// band < 0: the whole table; else a Sakoe-Chiba band of max(band, |T - U|).
template <class S>
void keypoint_pairs(Clips<S> references, Clips<S> others, int64_t K, int64_t D, int64_t band, bool per_keypoint, S* out,
                    const Parallel& parallel) {
  const Kernels<S> kernel = kernels<S>(int(D));
  const int W = kernel.lanes;
  const int64_t N = references.count, M = others.count;
  // The last keypoints go along anti-diagonals where they would leave most lanes of a block empty.
  const int64_t rest = K % W, single = band < 0 && rest * 2 <= W ? rest : 0;
  const int64_t packed_k = K - single, blocks = (packed_k + W - 1) / W;
  const size_t frame = size_t(blocks * (D + 1) * W);
  Aligned<S> x(frame * references.offsets[N] + 1), y(frame * others.offsets[M] + 1);
  parallel(0, N + M, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const Clips<S>& clips = c < N ? references : others;
      const int64_t i = c < N ? c : c - N, at = clips.offsets[i];
      pack(kernel, clips.data + at * K * D, clips.frames(i), K, packed_k, D, c < N, (c < N ? x : y).get() + frame * at);
    }
  });
  int64_t longest = 1;
  for (int64_t j = 0; j < M; ++j) longest = std::max(longest, others.frames(j));
  const int64_t tasks = blocks + single;
  // One pair: threads over its blocks. Many: threads over pairs.
  const bool by_task = N * M == 1;
  const int64_t spare = 2 * W;
  const auto work = [&](int64_t pair, int64_t from, int64_t to, S* row, S* lane, double* total) {
    const int64_t i = pair / M, j = pair % M, T = references.frames(i), U = others.frames(j);
    const S *xi = x.get() + frame * references.offsets[i], *yj = y.get() + frame * others.offsets[j];
    const int64_t width = band < 0 ? -1 : std::max(band, T > U ? T - U : U - T);
    for (int64_t task = from; task < to; ++task) {
      if (task < blocks) {
        const S *a = xi + task * T * (D + 1) * W, *b = yj + task * U * (D + 1) * W;
        if (width < 0)
          kernel.exact(a, T, b, U, int(D), row, lane);
        else
          kernel.banded(a, T, b, U, int(D), width, row, lane);
        for (int w = 0; w < W && task * W + w < packed_k; ++w) {
          if (per_keypoint) out[pair * K + task * W + w] = lane[w];
          if (total) *total += lane[w];
        }
      } else {
        const int64_t k = packed_k + task - blocks;
        Aligned<S> rows(size_t((D + 1) * (T + spare))), columns(size_t((D + 2) * (U + 2 * Diagonal<S>::kPad)));
        Diagonal<S>::rows(references.data + references.offsets[i] * K * D, T, K, D, k, spare, rows.get());
        Diagonal<S>::columns(others.data + others.offsets[j] * K * D, U, K, D, k, columns.get());
        const S cost = kernel.diagonal(rows.get(), T, columns.get(), U, Diagonal<S>::kPad, int(D), row);
        if (per_keypoint) out[pair * K + k] = cost;
        if (total) *total += cost;
      }
    }
  };
  if (by_task && per_keypoint) {
    parallel(0, tasks, 2, [&](int64_t begin, int64_t end) {
      Aligned<S> row(size_t((longest + 1) * W)), lane(W);
      work(0, begin, end, row.get(), lane.get(), nullptr);
    });
    return;
  }
  parallel(0, N * M, 1, [&](int64_t begin, int64_t end) {
    Aligned<S> row(size_t((longest + 1) * W)), lane(W);
    for (int64_t pair = begin; pair < end; ++pair) {
      double total = 0;
      work(pair, 0, tasks, row.get(), lane.get(), &total);
      if (!per_keypoint) out[pair] = K ? S(total / double(K)) : S(0);
    }
  });
}

// One path a pair for the whole pose (DTW-MJE): [N, M].
template <class S>
void pose_pairs(Clips<S> references, Clips<S> others, int64_t K, int64_t D, int64_t band, S* out,
                const Parallel& parallel) {
  const Kernels<S> kernel = kernels<S>(int(D));
  const int W = kernel.lanes;
  const int64_t N = references.count, M = others.count, blocks = (K + W - 1) / W;
  const size_t frame = size_t(blocks * (D + 1) * W);
  Aligned<S> x(frame * references.offsets[N] + 1), y(frame * others.offsets[M] + 1);
  std::vector<S> weights(size_t(references.offsets[N]));
  parallel(0, N + M, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const Clips<S>& clips = c < N ? references : others;
      const int64_t i = c < N ? c : c - N, at = clips.offsets[i];
      pack(kernel, clips.data + at * K * D, clips.frames(i), K, K, D, c < N, (c < N ? x : y).get() + frame * at);
      for (int64_t t = at; c < N && t < clips.offsets[i + 1]; ++t) {
        int64_t present = 0;
        for (int64_t k = 0; k < K; ++k) present += !is_missing(clips.data + (t * K + k) * D, D);
        weights[size_t(t)] = present ? S(1) / S(present) : S(0);
      }
    }
  });
  int64_t longest = 1;
  for (int64_t j = 0; j < M; ++j) longest = std::max(longest, others.frames(j));
  parallel(0, N * M, 1, [&](int64_t begin, int64_t end) {
    Aligned<S> costs{size_t(longest)}, row{size_t(longest + 1)};
    for (int64_t pair = begin; pair < end; ++pair) {
      const int64_t i = pair / M, j = pair % M, T = references.frames(i), U = others.frames(j);
      const int64_t width = band < 0 ? -1 : std::max(band, T > U ? T - U : U - T);
      out[pair] = kernel.pose(x.get() + frame * references.offsets[i], T, y.get() + frame * others.offsets[j], U,
                              blocks, int(D), weights.data() + references.offsets[i], width, costs.get(), row.get());
    }
  });
}

}  // namespace dtw
}  // namespace signcore
