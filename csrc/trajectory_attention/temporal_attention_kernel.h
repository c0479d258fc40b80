// Included once per instruction set, inside its namespace; see common/every_isa.h and temporal_attention_core.h.

// Distance of rows in memory of our own: odd in cache lines, so that a column of them does not fall onto one line.
template <class S>
static int64_t apart(int64_t columns) {
  constexpr int64_t kLine = 64 / int64_t(sizeof(S));
  const int64_t lines = (columns + kLine - 1) / kLine;
  return (lines | 1) * kLine;
}

// A query's tokens [F, D] in whole vectors: where they lie, or copied into `room`.
template <class S>
static const S* tokens_of(const temporal::Call<S>& call, int64_t n, int64_t columns, S* room) {
  if (call.D() == columns) return call.token(n, 0);
  pack(call.token(n, 0), call.D(), call.F, call.D(), S(1), columns, room);
  return room;
}

// scores [n, F] in rows of `wide` become weights: powers of two over their sum.
template <class S>
static void softmax(S* scores, int64_t n, int64_t F, int64_t wide) {
  constexpr int W = Vec<S>::W;
  for (int64_t r = 0; r < n; ++r, scores += wide) {
    std::fill(scores + F, scores + wide, -std::numeric_limits<S>::infinity());
    const Vec<S> inverse = Vec<S>::set(S(1) / powers(scores, wide, top_of(scores, wide)));
    for (int64_t f = 0; f < wide; f += W) mul(Vec<S>::load(scores + f), inverse).store(scores + f);
  }
}

// Queries begin .. end. `mixed` [heads][queries][row]: first the absorbed queries W_k^T q, then the weighted tokens.
template <class S>
static void temporal_forward(const temporal::Call<S>& call, const temporal::Weights<S>& q,
                             const temporal::Weights<S>& k, const temporal::Weights<S>& v, int64_t begin, int64_t end,
                             S* out, S* queries) {
  using temporal::kQueries;
  const int64_t D = call.D(), F = call.F, heads = call.heads, d = call.d;
  const int64_t columns = whole<S>(D), row = apart<S>(columns), frames = whole<S>(F), wide = whole<S>(d);
  const Aligned<S> own_memory(kQueries * row), query_memory(kQueries * row), mixed_memory(heads * kQueries * row),
      weight_memory(heads * frames), result_memory(kQueries * wide), room_memory(F * columns);
  S *own = own_memory.get(), *query = query_memory.get(), *mixed = mixed_memory.get(), *weights = weight_memory.get();
  S* result = result_memory.get();
  for (int64_t from = begin; from < end; from += kQueries) {
    const int64_t n = std::min(kQueries, end - from), head = n * row;
    for (int64_t r = 0; r < n; ++r)
      pack(call.token(from + r, call.own(from + r)), D, 1, D, S(1), columns, own + r * row);
    multiply<S, false, true>(own, row, 1, n, q.head(0), 0, columns, D, query, row);
    for (int64_t r = 0; r < n; ++r)
      for (int64_t c = 0; c < D; ++c) {
        if (call.q_bias) query[r * row + c] += call.q_bias[c] * call.scale();
        queries[(from + r) * D + c] = query[r * row + c];
      }
    for (int64_t h = 0; h < heads; ++h)
      multiply<S, false, true>(query + h * d, row, 1, n, k.head(h), 0, columns, d, mixed + h * head, row);
    for (int64_t r = 0; r < n; ++r) {
      const S* tokens = tokens_of(call, from + r, columns, room_memory.get());
      dots(mixed + r * row, head, heads, tokens, columns, F, columns, weights, frames);
      softmax(weights, heads, F, frames);
      multiply<S, false>(weights, frames, 1, heads, tokens, columns, columns, F, mixed + r * row, head);
    }
    for (int64_t h = 0; h < heads; ++h) {
      multiply<S, false, true>(mixed + h * head, row, 1, n, v.head(h), 0, wide, D, result, wide);
      for (int64_t r = 0; r < n; ++r)
        for (int64_t c = 0; c < d; ++c)
          out[(from + r) * D + h * d + c] =
              result[r * wide + c] + (call.value_bias ? call.value_bias[h * d + c] : S(0));
    }
  }
}

// Gradients of queries begin .. end. `right` [2 heads][queries][row]: the gradients of the weighted tokens, then the
// absorbed queries; `mixed` alike: the weighted tokens, then the gradients of the absorbed queries.
template <class S>
static void temporal_backward(const temporal::Call<S>& call, const S* grad, const S* queries,
                              const temporal::Weights<S>& q, const temporal::Weights<S>& k,
                              const temporal::Weights<S>& k_t, const temporal::Weights<S>& v, int64_t begin,
                              int64_t end, S* grad_tokens, const temporal::Sums<S>& sums) {
  using temporal::kQueries;
  const int64_t D = call.D(), F = call.F, heads = call.heads, d = call.d;
  const int64_t columns = whole<S>(D), row = apart<S>(columns), frames = whole<S>(F), wide = whole<S>(d);
  const Aligned<S> own_memory(kQueries * row), query_memory(kQueries * row), right_memory(2 * heads * kQueries * row),
      mixed_memory(2 * heads * kQueries * row), weight_memory(2 * heads * frames), result_memory(kQueries * wide),
      room_memory(F * columns), grad_memory(F * columns);
  S *own = own_memory.get(), *to_query = query_memory.get(), *right = right_memory.get(), *mixed = mixed_memory.get();
  S *weights = weight_memory.get(), *scores = weights + heads * frames, *result = result_memory.get();
  const S ln2 = S(0.693147180559945309417232121458);
  for (int64_t from = begin; from < end; from += kQueries) {
    const int64_t n = std::min(kQueries, end - from), head = n * row;
    const S *g = grad + from * D, *query = queries + from * D;
    for (int64_t h = 0; h < heads; ++h) {
      multiply<S, false, true>(g + h * d, D, 1, n, v.head(h), 0, columns, d, right + h * head, row);
      multiply<S, false, true>(query + h * d, D, 1, n, k.head(h), 0, columns, d, right + (heads + h) * head, row);
    }
    for (int64_t r = 0; r < n; ++r) {
      const S* tokens = tokens_of(call, from + r, columns, room_memory.get());
      dots(right + r * row, head, 2 * heads, tokens, columns, F, columns, weights, frames);
      softmax(scores, heads, F, frames);
      for (int64_t h = 0; h < heads; ++h) {  // weights and their gradients change places
        S *a = weights + h * frames, *b = scores + h * frames, mean = 0;
        for (int64_t f = 0; f < F; ++f) mean += a[f] * b[f];
        for (int64_t f = 0; f < F; ++f) {
          const S weight = b[f];
          b[f] = weight * (a[f] - mean) * ln2;
          a[f] = weight;
        }
      }
      multiply<S, false>(weights, frames, 1, 2 * heads, tokens, columns, columns, F, mixed + r * row, head);
      S* to = grad_tokens + (from + r) * F * D;
      S* sum = D == columns ? to : grad_memory.get();
      multiply<S, false>(weights, 1, frames, F, right + r * row, head, columns, 2 * heads, sum, columns);
      if (sum != to)
        for (int64_t f = 0; f < F; ++f) std::copy(sum + f * columns, sum + f * columns + D, to + f * D);
    }
    for (int64_t h = 0; h < heads; ++h) {
      const S *m = mixed + h * head, *to_absorbed = mixed + (heads + h) * head;
      multiply<S, true>(g + h * d, 1, D, d, m, row, columns, n, sums.v() + h * d * columns, columns);
      multiply<S, true>(query + h * d, 1, D, d, to_absorbed, row, columns, n, sums.k() + h * d * columns, columns);
      multiply<S, false, true>(to_absorbed, row, 1, n, k_t.head(h), 0, wide, D, result, wide);
      for (int64_t r = 0; r < n; ++r) std::copy(result + r * wide, result + r * wide + d, to_query + r * row + h * d);
    }
    for (int64_t r = 0; r < n; ++r) {
      pack(call.token(from + r, call.own(from + r)), D, 1, D, S(1), columns, own + r * row);
      for (int64_t c = 0; c < D; ++c) {
        sums.biases()[c] += to_query[r * row + c];
        sums.biases()[D + c] += g[r * D + c];
      }
    }
    multiply<S, true>(to_query, 1, row, D, own, row, columns, n, sums.q(), columns);
    multiply<S, false, true>(to_query, row, 1, n, q.head(0), 0, columns, D, own, row);
    for (int64_t r = 0; r < n; ++r) {
      S* to = grad_tokens + ((from + r) * F + call.own(from + r)) * D;
      for (int64_t c = 0; c < D; ++c) to[c] += own[r * row + c];
    }
  }
}
