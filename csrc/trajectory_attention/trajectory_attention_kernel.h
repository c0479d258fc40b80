// Included once per instruction set, inside its namespace; see common/every_isa.h and trajectory_attention_core.h.

// n queries against the points of one frame.
template <class S>
static void forward_block(const trajectory::Call<S>& call, int64_t b, int64_t head, int64_t frame, int64_t q, int64_t n,
                          const S* keys, const S* values, S* scores, S* result, S* out, S* lse) {
  using trajectory::kQueries;
  const int64_t P = call.P, d = call.d, F = call.F, points = whole<S>(P), wide = whole<S>(d);
  multiply<S, false>(call.q.at(b, head, q), call.q.point, 1, n, keys, points, points, d, scores, points);
  S top[kQueries], inverse[kQueries];
  // In a loop of its own: a vector that is read too soon after its parts were written waits for them.
  for (int64_t r = 0; r < n; ++r)
    std::fill(scores + r * points + P, scores + (r + 1) * points, -std::numeric_limits<S>::infinity());
  for (int64_t r = 0; r < n; ++r) {
    top[r] = top_of(scores + r * points, points);
    fetch(out + call.row(b, q + r, frame, head), d);  // it is written when the products below are done
  }
  for (int64_t r = 0; r < n; ++r) {
    const S sum = powers(scores + r * points, points, top[r]);
    inverse[r] = S(1) / sum;
    lse[((b * call.heads + head) * call.N() + q + r) * F + frame] = top[r] + std::log2(sum);
  }
  multiply<S, false>(scores, points, 1, n, values, wide, wide, P, result, wide);
  for (int64_t r = 0; r < n; ++r) {
    S* to = out + call.row(b, q + r, frame, head);
    for (int64_t c = 0; c < d; ++c) to[c] = result[r * wide + c] * inverse[r];
  }
}

// Jobs begin .. end: a frame of a head each, against a part of the queries.
template <class S>
static void forward_jobs(const trajectory::Call<S>& call, int64_t parts, int64_t begin, int64_t end, S* out, S* lse) {
  using trajectory::kQueries;
  const int64_t P = call.P, d = call.d, points = whole<S>(P), wide = whole<S>(d);
  const Aligned<S> memory(d * points + P * wide + kQueries * (points + wide));
  S *keys = memory.get(), *values = keys + d * points, *scores = values + P * wide,
    *result = scores + kQueries * points;
  const int64_t blocks = (call.N() + kQueries - 1) / kQueries;
  for (int64_t job = begin; job < end; ++job) {
    const int64_t part = job % parts, frame = job / parts % call.F, head = job / parts / call.F;
    const int64_t b = head / call.heads, h = head % call.heads;
    pack_transposed(call.k.at(b, h, frame * P), call.k.point, P, d, call.scale2(), points, keys);
    pack(call.v.at(b, h, frame * P), call.v.point, P, d, S(1), wide, values);
    const int64_t last = std::min(call.N(), (part + 1) * blocks / parts * kQueries);
    for (int64_t q = part * blocks / parts * kQueries; q < last; q += kQueries)
      forward_block(call, b, h, frame, q, std::min(kQueries, last - q), keys, values, scores, result, out, lse);
  }
}

// The gradients of one head; the probabilities come anew from the scores and the saved log-sum-exp.
template <class S>
static void backward_head(const trajectory::Call<S>& call, int64_t b, int64_t head, const S* grad, const S* lse,
                          S* grad_q, S* grad_k, S* grad_v) {
  using trajectory::kQueries;
  constexpr int W = Vec<S>::W;
  const int64_t P = call.P, d = call.d, F = call.F, N = call.N();
  const int64_t points = whole<S>(P), wide = whole<S>(d);
  const Aligned<S> kt_memory(d * points), vt_memory(d * points), k_memory(P * wide), query_memory(kQueries * wide),
      grad_memory(kQueries * wide), weight_memory(kQueries * points), score_memory(kQueries * points),
      to_q_memory(N * wide), to_k_memory(P * wide), to_v_memory(P * wide);
  S *keys_t = kt_memory.get(), *values_t = vt_memory.get(), *keys = k_memory.get(), *query = query_memory.get();
  S *from = grad_memory.get(), *weights = weight_memory.get(), *scores = score_memory.get();
  S *to_q = to_q_memory.get(), *to_k = to_k_memory.get(), *to_v = to_v_memory.get();
  std::fill(to_q, to_q + N * wide, S(0));
  for (int64_t frame = 0; frame < F; ++frame) {
    // Scaled as in the forward pass: the scores must be the same to the bit, or the weights would not sum to 1.
    pack_transposed(call.k.at(b, head, frame * P), call.k.point, P, d, call.scale2(), points, keys_t);
    pack_transposed(call.v.at(b, head, frame * P), call.v.point, P, d, S(1), points, values_t);
    pack(call.k.at(b, head, frame * P), call.k.point, P, d, S(1), wide, keys);
    std::fill(to_k, to_k + P * wide, S(0));
    std::fill(to_v, to_v + P * wide, S(0));
    for (int64_t q = 0; q < N; q += kQueries) {
      const int64_t n = std::min(kQueries, N - q);
      pack(call.q.at(b, head, q), call.q.point, n, d, S(1), wide, query);
      pack(grad + call.row(b, q, frame, head), call.row(0, 1, 0, 0), n, d, S(1), wide, from);
      for (int64_t next = q + n; next < std::min(N, q + n + kQueries); ++next)
        fetch(grad + call.row(b, next, frame, head), d);
      multiply<S, false>(query, wide, 1, n, keys_t, points, points, d, weights, points);
      multiply<S, false>(from, wide, 1, n, values_t, points, points, d, scores, points);
      for (int64_t r = 0; r < n; ++r)
        std::fill(weights + r * points + P, weights + (r + 1) * points, -std::numeric_limits<S>::infinity());
      S mean[kQueries];  // of the weights' gradients; it equals grad . out, which lies far off
      for (int64_t r = 0; r < n; ++r) {
        const Vec<S> shift = Vec<S>::set(lse[((b * call.heads + head) * N + q + r) * F + frame]);
        S *w = weights + r * points, *s = scores + r * points;
        Vec<S> sum = Vec<S>::set(0);
        for (int64_t p = 0; p < points; p += W) {
          const Vec<S> e = power2(sub(Vec<S>::load(w + p), shift));
          e.store(w + p);
          sum = fma(e, Vec<S>::load(s + p), sum);
        }
        mean[r] = sum.sum();
      }
      for (int64_t r = 0; r < n; ++r) {
        const Vec<S> middle = Vec<S>::set(mean[r]);
        S *w = weights + r * points, *s = scores + r * points;
        for (int64_t p = 0; p < points; p += W) mul(Vec<S>::load(w + p), sub(Vec<S>::load(s + p), middle)).store(s + p);
      }
      multiply<S, true>(scores, points, 1, n, keys, wide, wide, P, to_q + q * wide, wide);
      multiply<S, true>(weights, 1, points, P, from, wide, wide, n, to_v, wide);
      multiply<S, true>(scores, 1, points, P, query, wide, wide, n, to_k, wide);
    }
    for (int64_t p = 0; p < P; ++p) {
      const int64_t at = ((b * call.heads + head) * N + frame * P + p) * d;
      for (int64_t c = 0; c < d; ++c) {
        grad_k[at + c] = to_k[p * wide + c] * call.scale;
        grad_v[at + c] = to_v[p * wide + c];
      }
    }
  }
  for (int64_t q = 0; q < N; ++q)
    for (int64_t c = 0; c < d; ++c) grad_q[((b * call.heads + head) * N + q) * d + c] = to_q[q * wide + c] * call.scale;
}
