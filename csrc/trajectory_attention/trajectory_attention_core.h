// Attention of every query to the points of each frame on its own (trajectory attention, LMT section 3): forward and
// gradients without the scores of all queries to all points. No torch.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "../common/matrix.h"
#include "../common/parallel.h"

namespace signcore {
namespace trajectory {
constexpr int64_t kQueries = 48;  // queries at once: their scores against a frame stay in a near cache

// [B, heads, N, d] with the last axis dense.
template <class S>
struct Heads {
  const S* data;
  int64_t batch, head, point;  // strides
  const S* at(int64_t b, int64_t h, int64_t n) const { return data + b * batch + h * head + n * point; }
};

template <class S>
struct Call {
  Heads<S> q, k, v;
  int64_t B, heads, F, P, d;
  S scale;  // d^-1/2
  int64_t N() const { return F * P; }
  S scale2() const { return scale * S(1.44269504088896340735992468100); }  // scores in powers of two
  // Trajectories lie as [B, N, F, heads, d], as the temporal attention reads them.
  int64_t row(int64_t b, int64_t n, int64_t f, int64_t h) const { return (((b * N() + n) * F + f) * heads + h) * d; }
};
}  // namespace trajectory

}  // namespace signcore

#define SIGNCORE_KERNEL "../trajectory_attention/trajectory_attention_kernel.h"
#include "../common/every_isa.h"

namespace signcore {
namespace trajectory {

template <class S>
struct Kernels {
  void (*forward)(const Call<S>&, int64_t, int64_t, int64_t, S*, S*);
  void (*backward)(const Call<S>&, int64_t, int64_t, const S*, const S*, S*, S*, S*);
};
#define SIGNCORE_TRAJECTORY_KERNELS(ns) \
  Kernels<S> { ns::forward_jobs<S>, ns::backward_head<S> }
template <class S>
Kernels<S> kernels() {
  SIGNCORE_CHOOSE(SIGNCORE_TRAJECTORY_KERNELS)
}
#undef SIGNCORE_TRAJECTORY_KERNELS

// out [B, N, F, heads, d]; lse [B, heads, N, F] in powers of two. A job is a frame of a head, and a part of the queries
// where there are few of those.
template <class S>
void forward(const Call<S>& call, int64_t threads, S* out, S* lse, const Parallel& parallel) {
  const Kernels<S> run = kernels<S>();
  const int64_t blocks = (call.N() + kQueries - 1) / kQueries, frames = call.B * call.heads * call.F;
  const int64_t parts = std::clamp<int64_t>(4 * threads / frames, 1, blocks);
  parallel(0, frames * parts, 1, [&](int64_t begin, int64_t end) { run.forward(call, parts, begin, end, out, lse); });
}

// grad [B, N, F, heads, d]; the results [B, heads, N, d]. A job is a head.
template <class S>
void backward(const Call<S>& call, const S* grad, const S* lse, S* grad_q, S* grad_k, S* grad_v,
              const Parallel& parallel) {
  const Kernels<S> run = kernels<S>();
  parallel(0, call.B * call.heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head)
      run.backward(call, head / call.heads, head % call.heads, grad, lse, grad_q, grad_k, grad_v);
  });
}
}  // namespace trajectory
}  // namespace signcore
