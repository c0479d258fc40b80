// FastDTW (Salvador and Chan 2007) of one trajectory with missing points, as both builds of the PyPI package `fastdtw`
// do it; no torch. Rows are frames of `other`, columns frames of `reference`, as Ham2Pose calls it. Costs in float64,
// never contracted to fused multiply-adds: ties must fall alike on every machine.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "../common/parallel.h"

namespace signcore::fastdtw {

enum class Variant : int64_t { kPython = 0, kCompiled = 1 };

// One keypoint's trajectory: [frames][D + 1], coordinates (0 where missing) and the scale of common costs
// (dtw_kernel.h).
struct Series {
  std::vector<double> values;
  int64_t frames = 0;
  double absent = 0;  // scale of a missing point: 0 for the reference, 1/2 for the other
};

// Keypoint k of a clip [T, K, D].
template <class S>
void read(const S* x, int64_t T, int64_t K, int64_t D, int64_t k, bool reference, Series& out) {
  out.frames = T;
  out.absent = reference ? 0.0 : 0.5;
  out.values.resize(size_t(T * (D + 1)));
  for (int64_t t = 0; t < T; ++t) {
    const S* point = x + (t * K + k) * D;
    bool missing = false;
    for (int64_t d = 0; d < D; ++d) missing |= std::isnan(point[d]);
    double* o = out.values.data() + t * (D + 1);
    for (int64_t d = 0; d < D; ++d) o[d] = missing ? 0.0 : double(point[d]);
    o[D] = missing ? out.absent : 1.0;
  }
}

// Means of consecutive pairs, missing where either is; an odd last frame is dropped.
inline void halve(const Series& a, int64_t D, Series& out) {
  out.frames = a.frames / 2;
  out.absent = a.absent;
  out.values.resize(size_t(out.frames * (D + 1)));
  for (int64_t t = 0; t < out.frames; ++t) {
    const double *p = a.values.data() + 2 * t * (D + 1), *q = p + D + 1;
    double* o = out.values.data() + t * (D + 1);
    const bool missing = p[D] != 1.0 || q[D] != 1.0;
    for (int64_t d = 0; d < D; ++d) o[d] = missing ? 0.0 : (p[d] + q[d]) / 2;
    o[D] = missing ? a.absent : 1.0;
  }
}

// Row i of the table covers columns low[i] .. high[i].
struct Window {
  std::vector<int32_t> low, high;
};

// One resolution: the trajectories, the cells that may be walked, and the path through them.
struct Level {
  Series x, y;
  Window window, path;
};

// Memory that is kept from one keypoint to the next. levels[0] holds the trajectories as they are given.
struct Workspace {
  std::vector<Level> levels = std::vector<Level>(64);  // more than the bits of a number of frames
  std::vector<double> before, current;
  std::vector<uint8_t> moves;
  std::vector<int64_t> starts;
};

enum Move : uint8_t { kUp = 0, kLeft = 1, kDiagonal = 2 };

// The cheapest path within the level's window. With `keep` the level's path becomes that path's own cells, and `cells`,
// where asked for, its cells from the first to the last.
template <int kD, Variant variant>
double walk(Level& at, int64_t runtime_d, bool edges, bool keep, Workspace& w,
            std::vector<std::pair<int64_t, int64_t>>* cells) {
  const Series &x = at.x, &y = at.y;
  const Window& window = at.window;
  Window* path = keep ? &at.path : nullptr;
  const int64_t D = kD > 0 ? kD : runtime_d, T = x.frames, U = y.frames;
  const double infinity = std::numeric_limits<double>::infinity();
  w.before.assign(size_t(U + 1), infinity);
  w.current.assign(size_t(U + 1), infinity);
  w.starts.resize(size_t(T));
  int64_t total = 0;
  for (int64_t i = 0; i < T; ++i) {
    w.starts[i] = total - window.low[i];
    total += window.high[i] - window.low[i] + 1;
  }
  if (path) w.moves.resize(size_t(total));
  w.before[0] = 0;
  for (int64_t i = 0; i < T; ++i) {
    const int64_t low = window.low[i], high = window.high[i];
    const double* xi = x.values.data() + i * (D + 1);
    const double* yj = y.values.data() + low * (D + 1);
    const double *before = w.before.data(), x_scale = xi[D];
    double *current = w.current.data(), left = infinity, diagonal = before[low];
    // Where `edges` hold, no diagonal step leads into a column beyond the previous row's right edge.
    const int64_t edge = edges && i > 0 ? window.high[i - 1] : U;
    uint8_t* move = path ? w.moves.data() + w.starts[i] : nullptr;
    current[low] = infinity;
    for (int64_t j = low; j <= high; ++j, yj += D + 1) {
      double squares = 0;
      for (int64_t d = 0; d < D; ++d) {
        const double step = xi[d] - yj[d];
        squares += step * step;
      }
      const double cost = std::sqrt(squares) * x_scale * yj[D], up = before[j + 1];
      if (j > edge) diagonal = infinity;
      double best;
      bool by_left, by_diagonal;
      // Comparisons without branches, which would be guessed wrong every other time.
      if constexpr (variant == Variant::kPython) {  // the first minimum of the sums
        const double from_up = up + cost, from_diagonal = diagonal + cost, from_left = left + cost;
        const double other = std::min(from_up, from_diagonal);
        best = std::min(other, from_left);
        by_diagonal = (from_diagonal < from_up) & (from_diagonal < from_left);
        by_left = (from_left < from_up) & !by_diagonal;
      } else {  // up or left only where strictly cheaper
        const bool by_up = (up < left) & (up < diagonal);
        best = std::min(std::min(up, diagonal), left) + cost;
        by_left = (left < diagonal) & !by_up;
        by_diagonal = !(by_left | by_up);
      }
      const auto chosen = static_cast<uint8_t>(int(by_left) * kLeft + int(by_diagonal) * kDiagonal);
      if (move) move[j] = chosen;
      diagonal = up;
      left = best;
      current[j + 1] = best;
    }
    if (i + 1 < T)
      for (int64_t j = high + 1; j <= window.high[i + 1]; ++j) current[j + 1] = infinity;
    std::swap(w.before, w.current);
  }
  const double distance = w.before[size_t(U)];
  if (path) {
    path->low.assign(size_t(T), std::numeric_limits<int32_t>::max());
    path->high.assign(size_t(T), -1);
    for (int64_t i = T - 1, j = U - 1; i >= 0 && j >= 0;) {
      path->low[i] = std::min<int32_t>(path->low[i], int32_t(j));
      path->high[i] = std::max<int32_t>(path->high[i], int32_t(j));
      if (cells) cells->emplace_back(i, j);
      const uint8_t move = w.moves[size_t(w.starts[i] + j)];
      i -= move != kLeft;
      j -= move != kUp;
    }
    if (cells) std::reverse(cells->begin(), cells->end());
  }
  return distance;
}

// The coarse path's cells with `radius` cells around each, at twice the resolution.
inline void expand(const Window& path, int64_t coarse_rows, int64_t T, int64_t U, int64_t radius, Variant variant,
                   Window& out) {
  out.low.resize(size_t(T));
  out.high.resize(size_t(T));
  for (int64_t i = 0; i < T; ++i) {
    const int64_t row = i / 2;  // beyond the last coarse row where T is odd
    int64_t first = std::max<int64_t>(0, row - radius);
    if (row >= coarse_rows && (variant == Variant::kCompiled || radius == 0))
      first = std::max<int64_t>(0, coarse_rows - 1 - radius);
    const int64_t last = std::min(coarse_rows - 1, row + radius);
    out.low[i] = int32_t(std::max<int64_t>(0, 2 * (path.low[first] - radius)));
    out.high[i] = int32_t(std::min(U - 1, 2 * (path.high[last] + radius) + 1));
  }
  out.high[T - 1] = int32_t(U - 1);  // with radius 0 an odd last column would be out of reach
}

// The distance between levels[0].y, the reference, and levels[0].x.
template <int kD, Variant variant>
double descend(Workspace& w, int64_t D, int64_t radius, std::vector<std::pair<int64_t, int64_t>>* cells) {
  size_t last = 0;
  for (; w.levels[last].x.frames >= radius + 2 && w.levels[last].y.frames >= radius + 2; ++last) {
    halve(w.levels[last].x, D, w.levels[last + 1].x);
    halve(w.levels[last].y, D, w.levels[last + 1].y);
  }
  // A rule of the compiled build; with radius 0 it would leave no path at all.
  const bool edges = variant == Variant::kCompiled && radius > 0;
  for (size_t l = last;; --l) {
    Level& at = w.levels[l];
    const int64_t T = at.x.frames, U = at.y.frames;
    if (l == last) {  // the full table: every column lies within every row's edge
      at.window.low.assign(size_t(T), 0);
      at.window.high.assign(size_t(T), int32_t(U - 1));
    } else {
      expand(w.levels[l + 1].path, T / 2, T, U, radius, variant, at.window);
    }
    const double cost = walk<kD, variant>(at, D, edges, l > 0 || cells, w, l == 0 ? cells : nullptr);
    if (l == 0) return cost;
  }
}

inline double distance(Workspace& w, int64_t D, int64_t radius, Variant variant,
                       std::vector<std::pair<int64_t, int64_t>>* cells = nullptr) {
  const auto run = [&]<Variant kVariant>() {
    return D == 2   ? descend<2, kVariant>(w, D, radius, cells)
           : D == 3 ? descend<3, kVariant>(w, D, radius, cells)
                    : descend<0, kVariant>(w, D, radius, cells);
  };
  return variant == Variant::kPython ? run.template operator()<Variant::kPython>()
                                     : run.template operator()<Variant::kCompiled>();
}

// Clips one after another, as in dtw_core.h. out: [N, M, K], or [N, M], the mean over all K.
template <class S>
void pairs(const S* references, const int64_t* from, int64_t N, const S* others, const int64_t* to, int64_t M,
           int64_t K, int64_t D, int64_t radius, Variant variant, bool per_keypoint, S* out, const Parallel& parallel) {
  const auto cost = [&](int64_t i, int64_t j, int64_t k, Workspace& w) {
    read(others + to[j] * K * D, to[j + 1] - to[j], K, D, k, false, w.levels[0].x);
    read(references + from[i] * K * D, from[i + 1] - from[i], K, D, k, true, w.levels[0].y);
    return distance(w, D, radius, variant);
  };
  if (N * M == 1 && per_keypoint) {  // threads over keypoints; else over pairs
    parallel(0, K, 8, [&](int64_t begin, int64_t end) {
      Workspace w;
      for (int64_t k = begin; k < end; ++k) out[k] = S(cost(0, 0, k, w));
    });
    return;
  }
  parallel(0, N * M, 1, [&](int64_t begin, int64_t end) {
    Workspace w;
    for (int64_t pair = begin; pair < end; ++pair) {
      double total = 0;
      for (int64_t k = 0; k < K; ++k) {
        const double here = cost(pair / M, pair % M, k, w);
        if (per_keypoint) out[pair * K + k] = S(here);
        total += here;
      }
      if (!per_keypoint) out[pair] = K ? S(total / double(K)) : S(0);
    }
  });
}

}  // namespace signcore::fastdtw
