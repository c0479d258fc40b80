// Attention of each query's token in its own frame to its tokens in all frames (trajectory attention, LMT section 3),
// with absorbed projections: forward and gradients, a block of queries at a time. No torch.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "../common/matrix.h"
#include "../common/parallel.h"

namespace signcore {
namespace temporal {
constexpr int64_t kQueries = 96;  // of a block

// tokens [B * N, F, D], q_weight [D, D], kv_weight [2 D, D], biases [D] or null; all dense. D = heads * d.
template <class S>
struct Call {
  const S *tokens, *q_weight, *kv_weight, *q_bias, *value_bias;
  int64_t rows, N, F, heads, d;
  int64_t D() const { return heads * d; }
  int64_t own(int64_t n) const { return n % N / (N / F); }  // the query's own frame
  const S* token(int64_t n, int64_t f) const { return tokens + (n * F + f) * D(); }
  // Scores in powers of two; the queries carry the scale.
  S scale() const { return S(1.44269504088896340735992468100) / std::sqrt(S(d)); }
};

// Projections in the panels of `multiply`; a head's lie one after another.
template <class S>
struct Weights {
  explicit Weights(int64_t n) : memory(size_t(n)) {}
  Aligned<S> memory;
  int64_t of_head = 0;
  const S* head(int64_t h) const { return memory.get() + h * of_head; }
};

// Gradients of the projections, summed over a part of the queries: [D, columns] each, then the biases' [D].
template <class S>
struct Sums {
  Sums(int64_t D, int64_t columns) : size(size_t(D * columns)), memory(3 * size + 2 * size_t(D)) {
    std::fill(memory.get(), memory.get() + 3 * size + 2 * size_t(D), S(0));
  }
  size_t size;
  Aligned<S> memory;
  S* q() const { return memory.get(); }
  S* k() const { return memory.get() + size; }
  S* v() const { return memory.get() + 2 * size; }
  S* biases() const { return memory.get() + 3 * size; }
};

template <class S>
struct Gradients {
  S *tokens, *q_weight, *kv_weight, *q_bias, *kv_bias;
};
}  // namespace temporal
}  // namespace signcore

#define SIGNCORE_KERNEL "../trajectory_attention/temporal_attention_kernel.h"
#include "../common/every_isa.h"

namespace signcore::temporal {

template <class S>
struct Kernels {
  void (*pack)(const S*, int64_t, int64_t, int64_t, int64_t, S, S*);
  int64_t (*whole)(int64_t);
  void (*forward)(const Call<S>&, const Weights<S>&, const Weights<S>&, const Weights<S>&, int64_t, int64_t, S*, S*);
  void (*backward)(const Call<S>&, const S*, const S*, const Weights<S>&, const Weights<S>&, const Weights<S>&,
                   const Weights<S>&, int64_t, int64_t, S*, const Sums<S>&);
};
#define SIGNCORE_TEMPORAL_KERNELS(ns) \
  Kernels<S> { ns::pack_panels<S>, ns::whole<S>, ns::temporal_forward<S>, ns::temporal_backward<S> }
template <class S>
Kernels<S> kernels() {
  SIGNCORE_CHOOSE(SIGNCORE_TEMPORAL_KERNELS)
}
#undef SIGNCORE_TEMPORAL_KERNELS

// Each head's right matrix [depth, n] of a weight [D, D], transposed or not.
template <class S>
Weights<S> by_head(const Kernels<S>& run, const Call<S>& call, const S* weight, bool transposed,
                   const Parallel& parallel) {
  const int64_t D = call.D(), depth = transposed ? D : call.d, n = transposed ? call.d : D;
  Weights<S> out(call.heads * depth * run.whole(n));
  out.of_head = depth * run.whole(n);
  parallel(0, call.heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t h = begin; h < end; ++h)
      run.pack(weight + h * call.d * D, transposed ? 1 : D, transposed ? D : 1, depth, n, S(1),
               out.memory.get() + h * out.of_head);
  });
  return out;
}

// A part of the rows for each thread.
inline int64_t parts_of(int64_t rows, int64_t threads) { return std::clamp<int64_t>(threads, 1, (rows + 15) / 16); }

// out, queries [B * N, D]: the result, and the scaled queries that the backward pass reads.
template <class S>
void forward(const Call<S>& call, int64_t threads, S* out, S* queries, const Parallel& parallel) {
  const Kernels<S> run = kernels<S>();
  const int64_t D = call.D(), parts = parts_of(call.rows, threads);
  Weights<S> q(D * run.whole(D));
  run.pack(call.q_weight, 1, D, D, D, call.scale(), q.memory.get());
  const Weights<S> k = by_head(run, call, call.kv_weight, false, parallel),
                   v = by_head(run, call, call.kv_weight + D * D, true, parallel);
  parallel(0, parts, 1, [&](int64_t begin, int64_t end) {
    run.forward(call, q, k, v, begin * call.rows / parts, end * call.rows / parts, out, queries);
  });
}

// grad, queries [B * N, D]. A part of the queries has its own sums of the weights' gradients.
template <class S>
void backward(const Call<S>& call, const S* grad, const S* queries, int64_t threads, const Gradients<S>& to,
              const Parallel& parallel) {
  const Kernels<S> run = kernels<S>();
  const int64_t D = call.D(), columns = run.whole(D), parts = parts_of(call.rows, threads);
  Weights<S> q(D * columns);
  run.pack(call.q_weight, D, 1, D, D, call.scale(), q.memory.get());
  const S* values = call.kv_weight + D * D;
  const Weights<S> k = by_head(run, call, call.kv_weight, false, parallel),
                   k_t = by_head(run, call, call.kv_weight, true, parallel),
                   v = by_head(run, call, values, false, parallel);
  std::vector<std::unique_ptr<Sums<S>>> sums(static_cast<size_t>(parts));
  parallel(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      sums[size_t(part)] = std::make_unique<Sums<S>>(D, columns);
      run.backward(call, grad, queries, q, k, k_t, v, part * call.rows / parts, (part + 1) * call.rows / parts,
                   to.tokens, *sums[size_t(part)]);
    }
  });
  const S scale = call.scale();
  const auto total = [&](size_t at) {  // an element of Sums' memory over all parts
    S sum = 0;
    for (const auto& part : sums) sum += part->memory.get()[at];
    return sum;
  };
  const size_t size = sums[0]->size;
  parallel(0, D, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t j = 0; j < D; ++j) {
        const size_t at = size_t(i * columns + j);
        to.q_weight[i * D + j] = total(at) * scale;
        to.kv_weight[i * D + j] = total(size + at);
        to.kv_weight[(D + i) * D + j] = total(2 * size + at);
      }
  });
  for (int64_t i = 0; i < D; ++i) {
    to.q_bias[i] = total(3 * size + size_t(i)) * scale;
    to.kv_bias[i] = 0;  // a bias of the keys adds the same to all frames
    to.kv_bias[D + i] = total(3 * size + size_t(D + i));
  }
}
}  // namespace signcore::temporal
