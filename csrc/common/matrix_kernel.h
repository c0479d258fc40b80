// Included once per instruction set, inside its namespace; see every_isa.h and matrix.h.

// c [kRows, kVectors vectors] (+)= a [kRows, depth] times b [depth, kVectors vectors], kept in registers throughout.
// a[r, k] lies at a[r * row + k * step].
template <class S, int kRows, int kVectors, bool kAdd>
static void tile(const S* a, int64_t row, int64_t step, const S* b, int64_t b_row, int64_t depth, S* c, int64_t c_row) {
  constexpr int W = Vec<S>::W;
  Vec<S> sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) sum[r][j] = kAdd ? Vec<S>::load(c + r * c_row + j * W) : Vec<S>::set(0);
  for (int64_t k = 0; k < depth; ++k, a += step, b += b_row) {
    Vec<S> right[kVectors];
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) right[j] = Vec<S>::loadu(b + j * W);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vec<S> left = Vec<S>::set(a[r * row]);
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) sum[r][j] = fma(left, right[j], sum[r][j]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) sum[r][j].store(c + r * c_row + j * W);
}

template <class S>
using Tile = void (*)(const S*, int64_t, int64_t, const S*, int64_t, int64_t, S*, int64_t);
template <class S, bool kAdd, int kRows>
static Tile<S> tile_of(int64_t vectors) {
  constexpr int k3 = std::min(3, kWide), k4 = std::min(4, kWide);
  return vectors == 1   ? tile<S, kRows, 1, kAdd>
         : vectors == 2 ? tile<S, kRows, 2, kAdd>
         : vectors == 3 ? tile<S, kRows, k3, kAdd>
                        : tile<S, kRows, k4, kAdd>;
}

// c [rows, columns] (+)= a [rows, depth] times b [depth, columns]; columns in whole vectors, c aligned. In parts of the
// depth, so that a panel of b stays in the nearest cache for all rows. kPacked: b lies in panels (pack_panels).
template <class S, bool kAdd, bool kPacked = false>
static void multiply(const S* a, int64_t row, int64_t step, int64_t rows, const S* b, int64_t b_row, int64_t columns,
                     int64_t depth, S* c, int64_t c_row) {
  constexpr int W = Vec<S>::W;
  const int64_t vectors = columns / W, panels = (vectors + kWide - 1) / kWide;
  const int64_t parts = std::max<int64_t>(1, (depth + matrix::kDepth - 1) / matrix::kDepth);
  int64_t j = 0;
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t wide = vectors / panels + (panel < vectors % panels), next = kPacked ? wide * W : b_row;
    const S* from = b + j * W * (kPacked ? depth : 1);
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t begin = part * depth / parts, deep = (part + 1) * depth / parts - begin;
      const bool add = kAdd || part > 0;
      for (int64_t r = 0; r < rows;) {
        const int64_t left = rows - r, take = left >= 6 ? 6 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        const Tile<S> run = take == 6   ? (add ? tile_of<S, true, 6>(wide) : tile_of<S, false, 6>(wide))
                            : take == 4 ? (add ? tile_of<S, true, 4>(wide) : tile_of<S, false, 4>(wide))
                            : take == 2 ? (add ? tile_of<S, true, 2>(wide) : tile_of<S, false, 2>(wide))
                                        : (add ? tile_of<S, true, 1>(wide) : tile_of<S, false, 1>(wide));
        run(a + r * row + begin * step, row, step, from + begin * next, next, deep, c + r * c_row + j * W, c_row);
        r += take;
      }
    }
    j += wide;
  }
}

// out[i, j] = x_i . y_j of rows of whole vectors.
template <class S>
static void dots(const S* x, int64_t x_row, int64_t m, const S* y, int64_t y_row, int64_t n, int64_t columns, S* out,
                 int64_t out_row) {
  constexpr int W = Vec<S>::W, kSide = kWide;
  for (int64_t i = 0; i < m; i += kSide)
    for (int64_t j = 0; j < n; j += kSide) {
      Vec<S> sum[kSide][kSide];
      const S *a[kSide], *b[kSide];
      for (int s = 0; s < kSide; ++s) {  // beyond the last row: the last row again
        a[s] = x + std::min(m - 1, i + s) * x_row;
        b[s] = y + std::min(n - 1, j + s) * y_row;
        for (int t = 0; t < kSide; ++t) sum[s][t] = Vec<S>::set(0);
      }
      for (int64_t c = 0; c < columns; c += W) {
        Vec<S> right[kSide];
#pragma GCC unroll 4
        for (int t = 0; t < kSide; ++t) right[t] = Vec<S>::loadu(b[t] + c);
#pragma GCC unroll 4
        for (int s = 0; s < kSide; ++s) {
          const Vec<S> left = Vec<S>::loadu(a[s] + c);
#pragma GCC unroll 4
          for (int t = 0; t < kSide; ++t) sum[s][t] = fma(left, right[t], sum[s][t]);
        }
      }
      for (int s = 0; s < kSide && i + s < m; ++s)
        for (int t = 0; t < kSide && j + t < n; ++t) out[(i + s) * out_row + j + t] = sum[s][t].sum();
    }
}

template <class S>
static int64_t whole(int64_t n) {
  return (n + Vec<S>::W - 1) / Vec<S>::W * Vec<S>::W;
}

// Rows [n, d] at distance `stride`, times `scale`, to [n, columns] with zeros right of them.
template <class S>
static void pack(const S* from, int64_t stride, int64_t n, int64_t d, S scale, int64_t columns, S* to) {
  for (int64_t r = 0; r < n; ++r, to += columns) {
    const S* source = from + r * stride;
    for (int64_t c = 0; c < d; ++c) to[c] = source[c] * scale;
    std::fill(to + d, to + columns, S(0));
  }
}

// The transpose: rows [n, d], times `scale`, to [d, columns] with zeros right of n.
template <class S>
static void pack_transposed(const S* from, int64_t stride, int64_t n, int64_t d, S scale, int64_t columns, S* to) {
  constexpr int64_t kSide = 16;
  for (int64_t p = 0; p < columns; p += kSide)
    for (int64_t c = 0; c < d; c += kSide)
      for (int64_t j = c; j < std::min(d, c + kSide); ++j)
        for (int64_t i = p; i < std::min(columns, p + kSide); ++i)
          to[j * columns + i] = i < n ? from[i * stride + j] * scale : S(0);
}

// A right matrix [depth, n], element (k, i) at from[k * row + i * step], times `scale`, in the panels that `multiply`
// walks, so that its rows do not fall onto the same lines of a cache; zeros right of n.
template <class S>
static void pack_panels(const S* from, int64_t row, int64_t step, int64_t depth, int64_t n, S scale, S* to) {
  constexpr int64_t kSide = 16;
  constexpr int W = Vec<S>::W;
  const int64_t vectors = whole<S>(n) / W, panels = (vectors + kWide - 1) / kWide;
  int64_t j = 0;
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t wide = (vectors / panels + (panel < vectors % panels)) * W, here = std::min(wide, n - j);
    for (int64_t k = 0; k < depth; k += kSide)
      for (int64_t i = 0; i < wide; i += kSide)
        for (int64_t x = k; x < std::min(depth, k + kSide); ++x)
          for (int64_t y = i; y < std::min(wide, i + kSide); ++y)
            to[x * wide + y] = y < here ? from[x * row + (j + y) * step] * scale : S(0);
    to += depth * wide;
    j += wide;
  }
}

template <class S>
static S dot(const S* x, const S* y, int64_t n) {
  constexpr int W = Vec<S>::W;
  Vec<S> sum = Vec<S>::set(0);
  int64_t i = 0;
  for (; i + W <= n; i += W) sum = fma(Vec<S>::loadu(x + i), Vec<S>::loadu(y + i), sum);
  S total = sum.sum();
  for (; i < n; ++i) total += x[i] * y[i];
  return total;
}

// Bring n values near, before they are needed.
template <class S>
static void fetch(const S* from, int64_t n) {
  for (int64_t i = 0; i < n; i += 64 / int64_t(sizeof(S))) __builtin_prefetch(from + i);
}

template <class S>
static S top_of(const S* row, int64_t columns) {
  constexpr int W = Vec<S>::W;
  Vec<S> most = Vec<S>::load(row), more = most;  // two chains, which do not wait for each other
  int64_t p = W;
  for (; p + W < columns; p += 2 * W) {
    most = greater(Vec<S>::load(row + p), most);
    more = greater(Vec<S>::load(row + p + W), more);
  }
  if (p < columns) most = greater(Vec<S>::load(row + p), most);
  return greatest(greater(most, more));
}

// row = 2^(row - top); the sum of it.
template <class S>
static S powers(S* row, int64_t columns, S top) {
  constexpr int W = Vec<S>::W;
  const Vec<S> shift = Vec<S>::set(top);
  Vec<S> total = Vec<S>::set(0), other = total;
  int64_t p = 0;
  for (; p + W < columns; p += 2 * W) {
    const Vec<S> e = power2(sub(Vec<S>::load(row + p), shift)), f = power2(sub(Vec<S>::load(row + p + W), shift));
    e.store(row + p);
    f.store(row + p + W);
    total = add(total, e);
    other = add(other, f);
  }
  if (p < columns) {
    const Vec<S> e = power2(sub(Vec<S>::load(row + p), shift));
    e.store(row + p);
    total = add(total, e);
  }
  return add(total, other).sum();
}
