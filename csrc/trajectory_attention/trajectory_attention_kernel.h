// Included once per instruction set, inside its namespace; see common/simd.h and trajectory_attention_core.h.

// c [kRows, kVectors vectors] (+)= a [kRows, depth] times b [depth, kVectors vectors], kept in registers throughout.
// a[r, k] lies at a[r * row + k * step].
template <class S, int kVectors, bool kAdd>
static void tile(const S* a, int64_t row, int64_t step, const S* b, int64_t b_row, int64_t depth, S* c, int64_t c_row) {
  constexpr int W = Vec<S>::W, kRows = trajectory::kRows;
  Vec<S> sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) sum[r][j] = kAdd ? Vec<S>::load(c + r * c_row + j * W) : Vec<S>::set(0);
  for (int64_t k = 0; k < depth; ++k, a += step, b += b_row) {
    Vec<S> right[kVectors];
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) right[j] = Vec<S>::load(b + j * W);
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

// c [rows, columns] (+)= a [rows, depth] times b [depth, columns]; rows in tiles of kRows, columns in whole vectors.
// Parts of the depth, so that a panel of b stays in the nearest cache for all rows.
template <class S, bool kAdd>
static void multiply(const S* a, int64_t row, int64_t step, int64_t rows, const S* b, int64_t columns, int64_t depth,
                     S* c) {
  constexpr int W = Vec<S>::W;
  const int64_t vectors = columns / W, panels = (vectors + kWide - 1) / kWide;
  const int64_t parts = std::max<int64_t>(1, (depth + trajectory::kDepth - 1) / trajectory::kDepth);
  int64_t j = 0;
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t wide = vectors / panels + (panel < vectors % panels);
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t begin = part * depth / parts, deep = (part + 1) * depth / parts - begin;
      const bool add = kAdd || part > 0;
      const auto run = wide == 1   ? (add ? tile<S, 1, true> : tile<S, 1, false>)
                       : wide == 2 ? (add ? tile<S, 2, true> : tile<S, 2, false>)
                       : wide == 3
                           ? (add ? tile < S, kWide >= 3 ? 3 : 1, true > : tile < S, kWide >= 3 ? 3 : 1, false >)
                           : (add ? tile < S, kWide >= 4 ? 4 : 1, true > : tile < S, kWide >= 4 ? 4 : 1, false >);
      for (int64_t r = 0; r < rows; r += trajectory::kRows)
        run(a + r * row + begin * step, row, step, b + begin * columns + j * W, columns, deep, c + r * columns + j * W,
            columns);
    }
    j += wide;
  }
}

template <class S>
static int64_t whole(int64_t n) {
  return (n + Vec<S>::W - 1) / Vec<S>::W * Vec<S>::W;
}

// Rows [n, d] at distance `stride`, times `scale`, to [rows, columns] with zeros around.
template <class S>
static void pack(const S* from, int64_t stride, int64_t n, int64_t d, S scale, int64_t rows, int64_t columns, S* to) {
  for (int64_t r = 0; r < rows; ++r, to += columns) {
    const int64_t here = r < n ? d : 0;
    const S* source = from + r * stride;
    for (int64_t c = 0; c < here; ++c) to[c] = source[c] * scale;
    std::fill(to + here, to + columns, S(0));
  }
}

// The transpose: rows [n, d] to [d, columns] with zeros right of n.
template <class S>
static void pack_transposed(const S* from, int64_t stride, int64_t n, int64_t d, int64_t columns, S* to) {
  constexpr int64_t kSide = 16;
  for (int64_t p = 0; p < columns; p += kSide)
    for (int64_t c = 0; c < d; c += kSide)
      for (int64_t j = c; j < std::min(d, c + kSide); ++j)
        for (int64_t i = p; i < std::min(columns, p + kSide); ++i)
          to[j * columns + i] = i < n ? from[i * stride + j] : S(0);
}

// Some queries against the points of one frame.
template <class S>
static void forward_frame(const trajectory::Call<S>& call, int64_t b, int64_t head, int64_t frame, int64_t begin,
                          int64_t end, S* out, S* lse) {
  using trajectory::kQueries;
  constexpr int W = Vec<S>::W;
  const int64_t P = call.P, d = call.d, F = call.F;
  const int64_t points = whole<S>(P), wide = whole<S>(d);
  const Aligned<S> keys_memory(d * points), values_memory(P * wide), query_memory(kQueries * wide),
      score_memory(kQueries * points), result_memory(kQueries * wide);
  S *keys = keys_memory.get(), *values = values_memory.get(), *query = query_memory.get();
  S *scores = score_memory.get(), *result = result_memory.get();
  pack_transposed(call.k.at(b, head, frame * P), call.k.point, P, d, points, keys);
  pack(call.v.at(b, head, frame * P), call.v.point, P, d, S(1), P, wide, values);
  const S scale = call.scale2();
  for (int64_t q = begin; q < end; q += kQueries) {
    const int64_t n = std::min(kQueries, end - q);
    const int64_t rows = (n + trajectory::kRows - 1) / trajectory::kRows * trajectory::kRows;
    pack(call.q.at(b, head, q), call.q.point, n, d, scale, rows, wide, query);
    multiply<S, false>(query, wide, 1, rows, keys, points, d, scores);
    S inverse[kQueries];
    for (int64_t r = 0; r < n; ++r) {
      S* row = scores + r * points;
      std::fill(row + P, row + points, -std::numeric_limits<S>::infinity());
      // Two chains each, which do not wait for each other.
      Vec<S> most = Vec<S>::load(row), more = most;
      int64_t p = W;
      for (; p + W < points; p += 2 * W) {
        most = greater(Vec<S>::load(row + p), most);
        more = greater(Vec<S>::load(row + p + W), more);
      }
      if (p < points) most = greater(Vec<S>::load(row + p), most);
      const S top = greatest(greater(most, more));
      const Vec<S> shift = Vec<S>::set(top);
      Vec<S> total = Vec<S>::set(0), other = total;
      for (p = 0; p + W < points; p += 2 * W) {
        const Vec<S> e = power2(sub(Vec<S>::load(row + p), shift)), f = power2(sub(Vec<S>::load(row + p + W), shift));
        e.store(row + p);
        f.store(row + p + W);
        total = add(total, e);
        other = add(other, f);
      }
      if (p < points) {
        const Vec<S> e = power2(sub(Vec<S>::load(row + p), shift));
        e.store(row + p);
        total = add(total, e);
      }
      const S sum = add(total, other).sum();
      inverse[r] = S(1) / sum;
      lse[((b * call.heads + head) * call.N() + q + r) * F + frame] = top + std::log2(sum);
    }
    multiply<S, false>(scores, points, 1, rows, values, wide, P, result);
    for (int64_t r = 0; r < n; ++r) {
      S* to = out + call.row(b, q + r, frame, head);
      for (int64_t c = 0; c < d; ++c) to[c] = result[r * wide + c] * inverse[r];
    }
  }
}

// The gradients of one head; the probabilities come anew from the scores and the saved log-sum-exp.
template <class S>
static void backward_head(const trajectory::Call<S>& call, int64_t b, int64_t head, const S* grad, const S* out,
                          const S* lse, S* grad_q, S* grad_k, S* grad_v) {
  using trajectory::kQueries;
  constexpr int W = Vec<S>::W;
  constexpr int64_t kRows = trajectory::kRows;
  const int64_t P = call.P, d = call.d, F = call.F, N = call.N();
  const int64_t points = whole<S>(P), wide = whole<S>(d), point_rows = (P + kRows - 1) / kRows * kRows;
  const int64_t all = (N + kQueries - 1) / kQueries * kQueries;
  const Aligned<S> kt_memory(d * points), vt_memory(d * points), k_memory(P * wide), query_memory(kQueries * wide),
      grad_memory(kQueries * wide), weight_memory(kQueries * points + kRows), score_memory(kQueries * points + kRows),
      to_q_memory(all * wide), to_k_memory(point_rows * wide), to_v_memory(point_rows * wide);
  S *keys_t = kt_memory.get(), *values_t = vt_memory.get(), *keys = k_memory.get(), *query = query_memory.get();
  S *from = grad_memory.get(), *weights = weight_memory.get(), *scores = score_memory.get();
  S *to_q = to_q_memory.get(), *to_k = to_k_memory.get(), *to_v = to_v_memory.get();
  const S scale = call.scale2();
  std::fill(to_q, to_q + all * wide, S(0));
  std::fill(weights, weights + kQueries * points + kRows, S(0));
  std::fill(scores, scores + kQueries * points + kRows, S(0));
  for (int64_t frame = 0; frame < F; ++frame) {
    pack_transposed(call.k.at(b, head, frame * P), call.k.point, P, d, points, keys_t);
    pack_transposed(call.v.at(b, head, frame * P), call.v.point, P, d, points, values_t);
    pack(call.k.at(b, head, frame * P), call.k.point, P, d, S(1), P, wide, keys);
    std::fill(to_k, to_k + point_rows * wide, S(0));
    std::fill(to_v, to_v + point_rows * wide, S(0));
    for (int64_t q = 0; q < N; q += kQueries) {
      const int64_t n = std::min(kQueries, N - q), rows = (n + kRows - 1) / kRows * kRows;
      pack(call.q.at(b, head, q), call.q.point, n, d, scale, rows, wide, query);
      pack(grad + call.row(b, q, frame, head), call.row(0, 1, 0, 0), n, d, S(1), rows, wide, from);
      multiply<S, false>(query, wide, 1, rows, keys_t, points, d, weights);
      multiply<S, false>(from, wide, 1, rows, values_t, points, d, scores);
      for (int64_t r = 0; r < rows; ++r) {
        S total = 0, shift = 0;
        if (r < n) {
          const S* o = out + call.row(b, q + r, frame, head);
          for (int64_t c = 0; c < d; ++c) total += o[c] * from[r * wide + c];
          shift = lse[((b * call.heads + head) * N + q + r) * F + frame];
        }
        const Vec<S> mean = Vec<S>::set(total), log = Vec<S>::set(shift);
        S *w = weights + r * points, *s = scores + r * points;
        for (int64_t p = 0; p < points; p += W) {
          const Vec<S> e = power2(sub(Vec<S>::load(w + p), log));
          e.store(w + p);
          mul(e, sub(Vec<S>::load(s + p), mean)).store(s + p);
        }
      }
      multiply<S, true>(scores, points, 1, rows, keys, wide, P, to_q + q * wide);
      multiply<S, true>(weights, 1, points, point_rows, from, wide, rows, to_v);
      multiply<S, true>(scores, 1, points, point_rows, query, wide, rows, to_k);
    }
    const S ln2 = S(0.693147180559945309417232121458);  // the packed queries hold scale / ln 2
    for (int64_t p = 0; p < P; ++p) {
      const int64_t at = ((b * call.heads + head) * N + frame * P + p) * d;
      for (int64_t c = 0; c < d; ++c) {
        grad_k[at + c] = to_k[p * wide + c] * ln2;
        grad_v[at + c] = to_v[p * wide + c];
      }
    }
  }
  for (int64_t q = 0; q < N; ++q)
    for (int64_t c = 0; c < d; ++c) grad_q[((b * call.heads + head) * N + q) * d + c] = to_q[q * wide + c] * call.scale;
}
