// Included once per instruction set, inside its namespace; see common/every_isa.h and warp_core.h, which has the lane
// operations.

// One axis of a sample: the pixel `start` and the next one take part with weights `a` and `b`; `da` and `db` are their
// derivatives by the coordinate. `start` stays within the picture so that both can be read; what lies outside has
// weight 0.
template <class S, warp::Padding kPadding, bool kAlign>
static inline bool locate_axis(S g, S size, S& start, S& a, S& b, S& da, S& db) {
  S slope = (kAlign ? size - 1 : size) * S(0.5);
  S x = kAlign ? (g + 1) * slope : (g + 1) * slope - S(0.5);
  const S limit = size - 1;
  bool inside;
  if constexpr (kPadding == warp::Padding::kZeros) {
    inside = (x > S(-1)) & (x < size);
  } else {
    if constexpr (kPadding == warp::Padding::kReflection) {
      const S low = kAlign ? S(0) : S(-0.5), span = kAlign ? limit : size;
      const S shifted = x - low, distance = std::abs(shifted), safe = span > 0 ? span : S(1);
      const S flips = std::floor(distance / safe), over = distance - flips * safe;
      const bool odd = flips - 2 * std::floor(flips * S(0.5)) > S(0.5);
      slope = (shifted < 0) != odd ? -slope : slope;
      x = (odd ? safe - over : over) + low;
    }
    slope = (x > 0) & (x < limit) ? slope : S(0);
    x = x < 0 ? S(0) : x;
    x = x > limit ? limit : x;
    inside = (x >= 0) & (x <= limit);
  }
  x = inside ? x : S(0);
  const S last = size > 1 ? size - 2 : S(0), more = size > 1 ? S(1) : S(0);
  start = std::floor(x);
  start = start < 0 ? S(0) : start;
  start = start > last ? last : start;
  // Both weights are a hat over their pixel, also where the next pixel or the one before lies outside.
  const S u = x - start, left = 1 - std::abs(u), right = 1 - std::abs(u - 1);
  a = left > 0 ? left : S(0);
  b = right > 0 ? right * more : S(0);
  da = u < 0 ? slope : u < 1 ? -slope : S(0);
  db = u < 0 ? S(0) : (u < 1 ? slope : -slope) * more;
  return inside;
}

// The taps of n samples. flow: n pairs; mask: n values that the weights take in, or null.
template <class S, warp::Padding kPadding, bool kAlign, bool kGradient, bool kMask>
static void locate(const S* flow, const S* mask, int64_t n, const warp::Size& size, warp::Taps<S>& taps) {
  const S height = S(size.H), width = S(size.W);
  const int32_t W = int32_t(size.W);
  for (int64_t i = 0; i < n; ++i) {
    S x, y, xa, xb, ya, yb, xda, xdb, yda, ydb;
    const bool in_x = locate_axis<S, kPadding, kAlign>(flow[2 * i], width, x, xa, xb, xda, xdb);
    const bool in_y = locate_axis<S, kPadding, kAlign>(flow[2 * i + 1], height, y, ya, yb, yda, ydb);
    const bool inside = in_x & in_y;
    const S on = inside ? (kMask ? mask[i] : S(1)) : S(0);
    taps.offset[i] = inside ? int32_t(y) * W + int32_t(x) : -1;
    const S top = ya * on, bottom = yb * on;
    taps.weight[0][i] = top * xa, taps.weight[1][i] = top * xb;
    taps.weight[2][i] = bottom * xa, taps.weight[3][i] = bottom * xb;
    if constexpr (kGradient) {
      taps.dx[0][i] = top * xda, taps.dx[1][i] = top * xdb;
      taps.dx[2][i] = bottom * xda, taps.dx[3][i] = bottom * xdb;
      const S above = yda * on, below = ydb * on;
      taps.dy[0][i] = above * xa, taps.dy[1][i] = above * xb;
      taps.dy[2][i] = below * xa, taps.dy[3][i] = below * xb;
    }
  }
  for (int64_t i = n; i % warp::kGroup; ++i) {
    taps.offset[i] = -1;
    for (int k = 0; k < 4; ++k) taps.weight[k][i] = 0;
  }
}

template <class S, bool kGradient>
static void locate_any(const S* flow, const S* mask, int64_t n, const warp::Size& size, warp::Taps<S>& taps) {
  using warp::Padding;
#define SIGNCORE_LOCATE(padding)                                                                       \
  if (mask)                                                                                            \
    return size.align_corners ? locate<S, padding, true, kGradient, true>(flow, mask, n, size, taps)   \
                              : locate<S, padding, false, kGradient, true>(flow, mask, n, size, taps); \
  return size.align_corners ? locate<S, padding, true, kGradient, false>(flow, mask, n, size, taps)    \
                            : locate<S, padding, false, kGradient, false>(flow, mask, n, size, taps)
  switch (size.padding) {
    case Padding::kZeros: SIGNCORE_LOCATE(Padding::kZeros);
    case Padding::kBorder: SIGNCORE_LOCATE(Padding::kBorder);
    case Padding::kReflection: SIGNCORE_LOCATE(Padding::kReflection);
  }
#undef SIGNCORE_LOCATE
}

// [C, H, W] -> [C, n of `pixels`]: lanes are samples.
template <class S>
static void forward_planes(const S* picture, const S* flow, const S* mask, int64_t n, int64_t C, int64_t pixels,
                           const warp::Size& size, warp::Taps<S>& taps, S* out) {
  locate_any<S, false>(flow, mask, n, size, taps);
  find_groups(taps, n, C, size);
  for (int64_t c = 0; c < C; ++c) sample_plane(picture + c * size.H * size.W, taps, n, size, out + c * pixels);
}

// [H, W, C] -> [n, C]: lanes are channels.
template <class S>
static void forward_pixels(const S* picture, const S* flow, const S* mask, int64_t n, int64_t C, const warp::Size& size,
                           warp::Taps<S>& taps, S* out) {
  constexpr int W = Vec<S>::W;
  locate_any<S, false>(flow, mask, n, size, taps);
  if (sample_few(picture, taps, n, C, size, out)) return;
  const int64_t right = size.W > 1 ? C : 0, down = size.H > 1 ? size.W * C : 0, full = C / W * W;
  for (int64_t i = 0; i < n; ++i, out += C) {
    const int64_t offset = taps.offset[i];
    if (offset < 0) {
      std::fill(out, out + C, S(0));
      continue;
    }
    const S *p0 = picture + offset * C, *p1 = p0 + right, *p2 = p0 + down, *p3 = p2 + right;
    const Vec<S> w0 = Vec<S>::set(taps.weight[0][i]), w1 = Vec<S>::set(taps.weight[1][i]);
    const Vec<S> w2 = Vec<S>::set(taps.weight[2][i]), w3 = Vec<S>::set(taps.weight[3][i]);
    int64_t c = 0;
    for (; c < full; c += W) {
      const Vec<S> top = fma(Vec<S>::loadu(p1 + c), w1, mul(Vec<S>::loadu(p0 + c), w0));
      const Vec<S> bottom = fma(Vec<S>::loadu(p3 + c), w3, mul(Vec<S>::loadu(p2 + c), w2));
      storeu(add(top, bottom), out + c);
    }
    if (c < C) {
      const int rest = int(C - c);
      const Vec<S> top = fma(load_first(p1 + c, rest), w1, mul(load_first(p0 + c, rest), w0));
      const Vec<S> bottom = fma(load_first(p3 + c, rest), w3, mul(load_first(p2 + c, rest), w2));
      store_first(add(top, bottom), out + c, rest);
    }
  }
}

// What the sums over channels, dots[k] = sum of grad * tap k, mean for flow and mask.
template <class S, bool kMask>
static void finish_flow(const warp::Taps<S>& taps, const S* __restrict mask, int64_t n, S* __restrict grad_flow) {
  for (int64_t i = 0; i < n; ++i) {
    S gx = 0, gy = 0;
    for (int k = 0; k < 4; ++k) {
      gx += taps.dots[k][i] * taps.dx[k][i];
      gy += taps.dots[k][i] * taps.dy[k][i];
    }
    grad_flow[2 * i] = kMask ? gx * mask[i] : gx;
    grad_flow[2 * i + 1] = kMask ? gy * mask[i] : gy;
  }
}

template <class S>
static void finish_mask(const warp::Taps<S>& taps, int64_t n, S* __restrict grad_mask) {
  for (int64_t i = 0; i < n; ++i) {
    S sum = 0;
    for (int k = 0; k < 4; ++k) sum += taps.dots[k][i] * taps.weight[k][i];
    grad_mask[i] = sum;
  }
}

// Either gradient may be null.
template <class S>
static void finish(const warp::Taps<S>& taps, const S* mask, int64_t n, S* grad_flow, S* grad_mask) {
  if (grad_flow && mask) finish_flow<S, true>(taps, mask, n, grad_flow);
  if (grad_flow && !mask) finish_flow<S, false>(taps, mask, n, grad_flow);
  if (grad_mask) finish_mask(taps, n, grad_mask);
}

template <class S>
static void backward_planes(const S* grad, const S* picture, const S* flow, const S* mask, int64_t n, int64_t C,
                            int64_t pixels, const warp::Size& size, warp::Taps<S>& taps, S* grad_picture, S* grad_flow,
                            S* grad_mask) {
  locate_any<S, true>(flow, nullptr, n, size, taps);
  find_groups(taps, n, C, size);
  const bool sums = grad_flow || grad_mask;
  const int64_t padded = (n + warp::kGroup - 1) / warp::kGroup * warp::kGroup;
  const int64_t right = size.W > 1 ? 1 : 0, down = size.H > 1 ? size.W : 0;
  const int64_t step[4] = {0, right, down, down + right};
  for (int k = 0; k < 4; ++k) std::fill(taps.dots[k], taps.dots[k] + padded, S(0));
  for (int64_t c = 0; c < C; ++c) {
    const S* g = grad + c * pixels;
    if (sums) sum_plane(picture + c * size.H * size.W, g, taps, n, size);
    if (!grad_picture) continue;
    S* into = grad_picture + c * size.H * size.W;
    S share[4][warp::kGroup];
    // A tap of all samples of a group before the next tap: neighbours share pixels, and an addition should not wait for
    // the one before it.
    for (int64_t i = 0; i < n; i += warp::kGroup) {
      const int here = int(std::min<int64_t>(warp::kGroup, n - i));
      for (int j = 0; j < here; ++j) {
        const S gm = mask ? g[i + j] * mask[i + j] : g[i + j];
        for (int k = 0; k < 4; ++k) share[k][j] = gm * taps.weight[k][i + j];
      }
      if (taps.outside[i / warp::kGroup] || here < warp::kGroup) {
        for (int k = 0; k < 4; ++k)
          for (int j = 0; j < here; ++j)
            if (taps.offset[i + j] >= 0) into[taps.offset[i + j] + step[k]] += share[k][j];
      } else {
        for (int k = 0; k < 4; ++k)
          for (int j = 0; j < warp::kGroup; ++j) into[taps.offset[i + j] + step[k]] += share[k][j];
      }
    }
  }
  if (sums) finish(taps, mask, n, grad_flow, grad_mask);
}

template <class S, bool kPicture, bool kSums>
static void backward_pixels_of(const S* grad, const S* picture, const S* mask, int64_t n, int64_t C,
                               const warp::Size& size, warp::Taps<S>& taps, S* grad_picture) {
  constexpr int W = Vec<S>::W;
  const int64_t right = size.W > 1 ? C : 0, down = size.H > 1 ? size.W * C : 0, full = C / W * W;
  for (int64_t i = 0; i < n; ++i, grad += C) {
    const int64_t offset = taps.offset[i];
    if (offset < 0) {
      if constexpr (kSums)
        for (int k = 0; k < 4; ++k) taps.dots[k][i] = 0;
      continue;
    }
    const S m = mask ? mask[i] : S(1);
    const int64_t at[4] = {offset * C, offset * C + right, offset * C + down, offset * C + down + right};
    Vec<S> weight[4], dots[4];
    for (int k = 0; k < 4; ++k) {
      weight[k] = Vec<S>::set(taps.weight[k][i] * m);
      dots[k] = Vec<S>::set(0);
    }
    int64_t c = 0;
    for (; c < full; c += W) {
      const Vec<S> g = Vec<S>::loadu(grad + c);
      for (int k = 0; k < 4; ++k) {
        if constexpr (kSums) dots[k] = fma(g, Vec<S>::loadu(picture + at[k] + c), dots[k]);
        if constexpr (kPicture)
          storeu(fma(g, weight[k], Vec<S>::loadu(grad_picture + at[k] + c)), grad_picture + at[k] + c);
      }
    }
    if (c < C) {
      const int rest = int(C - c);
      const Vec<S> g = load_first(grad + c, rest);
      for (int k = 0; k < 4; ++k) {
        if constexpr (kSums) dots[k] = fma(g, load_first(picture + at[k] + c, rest), dots[k]);
        if constexpr (kPicture)
          store_first(fma(g, weight[k], load_first(grad_picture + at[k] + c, rest)), grad_picture + at[k] + c, rest);
      }
    }
    if constexpr (kSums)
      for (int k = 0; k < 4; ++k) taps.dots[k][i] = dots[k].sum();
  }
}

// The same for so few channels that they fill no vector: one by one, so that a sum can be read back soon after it was
// written.
template <class S, int kC, bool kPicture, bool kSums>
static void backward_few(const S* grad, const S* picture, const S* mask, int64_t n, const warp::Size& size,
                         warp::Taps<S>& taps, S* grad_picture) {
  const int64_t right = size.W > 1 ? kC : 0, down = size.H > 1 ? size.W * kC : 0;
  const int64_t step[4] = {0, right, down, down + right};
  for (int64_t i = 0; i < n; ++i, grad += kC) {
    const int64_t offset = taps.offset[i];
    const S m = mask ? mask[i] : S(1);
    S g[kC];
    for (int c = 0; c < kC; ++c) g[c] = grad[c];
    for (int k = 0; k < 4; ++k) {
      S dot = 0;
      if (offset >= 0) {
        const int64_t at = offset * kC + step[k];
        const S weight = taps.weight[k][i] * m;
        for (int c = 0; c < kC; ++c) {
          if constexpr (kSums) dot += g[c] * picture[at + c];
          if constexpr (kPicture) grad_picture[at + c] += g[c] * weight;
        }
      }
      if constexpr (kSums) taps.dots[k][i] = dot;
    }
  }
}

template <class S, bool kPicture, bool kSums>
static void backward_pixels_any(const S* grad, const S* picture, const S* mask, int64_t n, int64_t C,
                                const warp::Size& size, warp::Taps<S>& taps, S* grad_picture) {
  switch (C) {
    case 1: return backward_few<S, 1, kPicture, kSums>(grad, picture, mask, n, size, taps, grad_picture);
    case 2: return backward_few<S, 2, kPicture, kSums>(grad, picture, mask, n, size, taps, grad_picture);
    case 3: return backward_few<S, 3, kPicture, kSums>(grad, picture, mask, n, size, taps, grad_picture);
    case 4: return backward_few<S, 4, kPicture, kSums>(grad, picture, mask, n, size, taps, grad_picture);
    default: return backward_pixels_of<S, kPicture, kSums>(grad, picture, mask, n, C, size, taps, grad_picture);
  }
}

template <class S>
static void backward_pixels(const S* grad, const S* picture, const S* flow, const S* mask, int64_t n, int64_t C,
                            const warp::Size& size, warp::Taps<S>& taps, S* grad_picture, S* grad_flow, S* grad_mask) {
  locate_any<S, true>(flow, nullptr, n, size, taps);
  const bool sums = grad_flow || grad_mask;
  if (grad_picture && sums)
    backward_pixels_any<S, true, true>(grad, picture, mask, n, C, size, taps, grad_picture);
  else if (grad_picture)
    backward_pixels_any<S, true, false>(grad, picture, mask, n, C, size, taps, grad_picture);
  else
    backward_pixels_any<S, false, true>(grad, picture, mask, n, C, size, taps, grad_picture);
  if (sums) finish(taps, mask, n, grad_flow, grad_mask);
}
