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

template <class S>
Series series(const S* x, int64_t T, int64_t K, int64_t D, int64_t k, bool reference) {
  Series out{std::vector<double>(size_t(T * (D + 1))), T, reference ? 0.0 : 0.5};
  for (int64_t t = 0; t < T; ++t) {
    const S* point = x + (t * K + k) * D;
    bool missing = false;
    for (int64_t d = 0; d < D; ++d) missing |= std::isnan(point[d]);
    double* o = out.values.data() + t * (D + 1);
    for (int64_t d = 0; d < D; ++d) o[d] = missing ? 0.0 : double(point[d]);
    o[D] = missing ? out.absent : 1.0;
  }
  return out;
}

// Means of consecutive pairs, missing where either is; an odd last frame is dropped.
inline Series halved(const Series& a, int64_t D) {
  Series out{std::vector<double>(size_t(a.frames / 2 * (D + 1))), a.frames / 2, a.absent};
  for (int64_t t = 0; t < out.frames; ++t) {
    const double *p = a.values.data() + 2 * t * (D + 1), *q = p + D + 1;
    double* o = out.values.data() + t * (D + 1);
    const bool missing = p[D] != 1.0 || q[D] != 1.0;
    for (int64_t d = 0; d < D; ++d) o[d] = missing ? 0.0 : (p[d] + q[d]) / 2;
    o[D] = missing ? a.absent : 1.0;
  }
  return out;
}

// Row i of the table covers columns low[i] .. high[i].
struct Window {
  std::vector<int32_t> low, high;
};

struct Workspace {
  std::vector<double> before, current;
  std::vector<uint8_t> moves;
  std::vector<int64_t> starts;
};

enum Move : uint8_t { kUp = 0, kLeft = 1, kDiagonal = 2 };

// The cheapest path within a window. `path`, where asked for, becomes the window of the path's own cells, and `cells`
// its cells from the first to the last.
template <int kD>
double walk(const Series& x, const Series& y, int64_t runtime_d, const Window& window, Variant variant, bool edges,
            Workspace& w, Window* path, std::vector<std::pair<int64_t, int64_t>>* cells) {
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
      uint8_t chosen;
      if (variant == Variant::kPython) {  // the first minimum of the sums
        const double from_left = left + cost, from_diagonal = diagonal + cost;
        best = up + cost;
        chosen = kUp;
        if (from_left < best) best = from_left, chosen = kLeft;
        if (from_diagonal < best) best = from_diagonal, chosen = kDiagonal;
      } else {  // up or left only where strictly cheaper
        const bool take_up = up < left && up < diagonal, take_left = !take_up && left < diagonal;
        chosen = take_up ? kUp : take_left ? kLeft : kDiagonal;
        best = (take_up ? up : take_left ? left : diagonal) + cost;
      }
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
inline Window expanded(const Window& path, int64_t coarse_rows, int64_t T, int64_t U, int64_t radius, Variant variant) {
  Window out{std::vector<int32_t>(size_t(T)), std::vector<int32_t>(size_t(T))};
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
  return out;
}

template <int kD>
double level(const Series& x, const Series& y, int64_t D, int64_t radius, Variant variant, Workspace& w, Window* path,
             std::vector<std::pair<int64_t, int64_t>>* cells) {
  const int64_t T = x.frames, U = y.frames;
  // A rule of the compiled build; with radius 0 it would leave no path at all.
  const bool edges = variant == Variant::kCompiled && radius > 0;
  Window window;
  if (T < radius + 2 || U < radius + 2) {
    window.low.assign(size_t(T), 0);
    window.high.assign(size_t(T), int32_t(U - 1));
    // The full table of the compiled build has no forbidden diagonals: every column lies within every row's edge.
    return walk<kD>(x, y, D, window, variant, edges, w, path, cells);
  }
  Window coarse;
  level<kD>(halved(x, D), halved(y, D), D, radius, variant, w, &coarse, nullptr);
  window = expanded(coarse, T / 2, T, U, radius, variant);
  return walk<kD>(x, y, D, window, variant, edges, w, path, cells);
}

inline double distance(const Series& other, const Series& reference, int64_t D, int64_t radius, Variant variant,
                       Workspace& w, std::vector<std::pair<int64_t, int64_t>>* cells = nullptr) {
  Window path;
  Window* kept = cells ? &path : nullptr;
  if (D == 2) return level<2>(other, reference, D, radius, variant, w, kept, cells);
  if (D == 3) return level<3>(other, reference, D, radius, variant, w, kept, cells);
  return level<0>(other, reference, D, radius, variant, w, kept, cells);
}

// Clips one after another, as in dtw_core.h. out: [N, M, K], or [N, M], the mean over all K.
template <class S>
void pairs(const S* references, const int64_t* from, int64_t N, const S* others, const int64_t* to, int64_t M,
           int64_t K, int64_t D, int64_t radius, Variant variant, bool per_keypoint, S* out, const Parallel& parallel) {
  const auto clip = [&](const S* data, const int64_t* offsets, int64_t i, int64_t k, bool reference) {
    return series(data + offsets[i] * K * D, offsets[i + 1] - offsets[i], K, D, k, reference);
  };
  if (N * M == 1 && per_keypoint) {  // threads over keypoints; else over pairs
    parallel(0, K, 8, [&](int64_t begin, int64_t end) {
      Workspace w;
      for (int64_t k = begin; k < end; ++k)
        out[k] = S(distance(clip(others, to, 0, k, false), clip(references, from, 0, k, true), D, radius, variant, w));
    });
    return;
  }
  parallel(0, N * M, 1, [&](int64_t begin, int64_t end) {
    Workspace w;
    for (int64_t pair = begin; pair < end; ++pair) {
      double total = 0;
      for (int64_t k = 0; k < K; ++k) {
        const double cost = distance(clip(others, to, pair % M, k, false), clip(references, from, pair / M, k, true), D,
                                     radius, variant, w);
        if (per_keypoint) out[pair * K + k] = S(cost);
        total += cost;
      }
      if (!per_keypoint) out[pair] = K ? S(total / double(K)) : S(0);
    }
  });
}

}  // namespace signcore::fastdtw
