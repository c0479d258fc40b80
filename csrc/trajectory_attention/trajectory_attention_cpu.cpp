#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <tuple>

#include "../common/huge_pages.h"
#include "trajectory_attention_core.h"

namespace {
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

const auto parallel = [](int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  torch::stable::parallel_for(begin, end, grain, body);
};

Tensor dense_rows(const Tensor& t) { return t.stride(3) == 1 || t.size(3) == 1 ? t : torch::stable::contiguous(t); }

void check(const Tensor& q, const Tensor& k, const Tensor& v, int64_t frames) {
  STD_TORCH_CHECK(q.dim() == 4 && k.dim() == 4 && v.dim() == 4, "q: expected [B, h, F * P, d]");
  for (int64_t axis = 0; axis < 4; ++axis)
    STD_TORCH_CHECK(k.size(axis) == q.size(axis) && v.size(axis) == q.size(axis), "k: q, k and v differ in shape");
  STD_TORCH_CHECK(k.scalar_type() == q.scalar_type() && v.scalar_type() == q.scalar_type(),
                  "k: q, k and v differ in dtype");
  STD_TORCH_CHECK(q.scalar_type() == ScalarType::Float || q.scalar_type() == ScalarType::Double,
                  "q: expected float32 or float64");
  STD_TORCH_CHECK(frames > 0 && q.size(2) % frames == 0, "frames: does not divide the number of points");
}

template <class S>
signcore::trajectory::Heads<S> heads(const Tensor& t) {
  return {static_cast<const S*>(t.data_ptr()), t.stride(0), t.stride(1), t.stride(2)};
}

template <class S>
signcore::trajectory::Call<S> call(const Tensor& q, const Tensor& k, const Tensor& v, int64_t frames) {
  return {heads<S>(q),        heads<S>(k), heads<S>(v),
          q.size(0),          q.size(1),   frames,
          q.size(2) / frames, q.size(3),   S(1) / std::sqrt(S(q.size(3)))};
}

template <class S>
void forward(const Tensor& q, const Tensor& k, const Tensor& v, int64_t frames, Tensor& out, Tensor& lse) {
  signcore::ask_for_huge_pages(out.data_ptr(), size_t(out.numel()) * sizeof(S));
  signcore::trajectory::forward(call<S>(q, k, v, frames), int64_t(torch::stable::get_num_threads()),
                                static_cast<S*>(out.data_ptr()), static_cast<S*>(lse.data_ptr()), parallel);
}

// q, k, v [B, h, F * P, d] -> trajectories [B, F * P, F, h, d], log-sum-exp of each frame's scores [B, h, F * P, F]
std::tuple<Tensor, Tensor> trajectory_attention(const Tensor q, const Tensor k, const Tensor v, int64_t frames) {
  check(q, k, v, frames);
  Tensor out = torch::stable::new_empty(q, {q.size(0), q.size(2), frames, q.size(1), q.size(3)});
  Tensor lse = torch::stable::new_empty(q, {q.size(0), q.size(1), q.size(2), frames});
  if (out.numel() == 0) return {out, torch::stable::zero_(lse)};
  const Tensor a = dense_rows(q), b = dense_rows(k), c = dense_rows(v);
  if (q.scalar_type() == ScalarType::Float)
    forward<float>(a, b, c, frames, out, lse);
  else
    forward<double>(a, b, c, frames, out, lse);
  return {out, lse};
}

template <class S>
void backward(const Tensor& grad, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& lse, int64_t frames,
              Tensor& to_q, Tensor& to_k, Tensor& to_v) {
  signcore::trajectory::backward(call<S>(q, k, v, frames), static_cast<const S*>(grad.data_ptr()),
                                 static_cast<const S*>(lse.data_ptr()), static_cast<S*>(to_q.data_ptr()),
                                 static_cast<S*>(to_k.data_ptr()), static_cast<S*>(to_v.data_ptr()), parallel);
}

// grad [B, F * P, F, h, d]; lse [B, h, F * P, F] -> gradients of q, k and v
std::tuple<Tensor, Tensor, Tensor> trajectory_attention_backward(const Tensor grad, const Tensor q, const Tensor k,
                                                                 const Tensor v, const Tensor lse, int64_t frames) {
  check(q, k, v, frames);
  STD_TORCH_CHECK(grad.dim() == 5 && grad.size(0) == q.size(0) && grad.size(1) == q.size(2) && grad.size(2) == frames &&
                      grad.size(3) == q.size(1) && grad.size(4) == q.size(3) && grad.scalar_type() == q.scalar_type(),
                  "grad: expected [B, F * P, F, h, d] of q's dtype");
  STD_TORCH_CHECK(lse.numel() == q.size(0) * q.size(1) * q.size(2) * frames && lse.scalar_type() == q.scalar_type(),
                  "lse: expected [B, h, F * P, F] of q's dtype");
  const auto like = [&] { return torch::stable::new_empty(q, {q.size(0), q.size(1), q.size(2), q.size(3)}); };
  Tensor to_q = like(), to_k = like(), to_v = like();
  if (grad.numel() == 0) return {to_q, to_k, to_v};
  const Tensor a = dense_rows(q), b = dense_rows(k), c = dense_rows(v);
  const Tensor from = torch::stable::contiguous(grad), l = torch::stable::contiguous(lse);
  if (q.scalar_type() == ScalarType::Float)
    backward<float>(from, a, b, c, l, frames, to_q, to_k, to_v);
  else
    backward<double>(from, a, b, c, l, frames, to_q, to_k, to_v);
  return {to_q, to_k, to_v};
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore, CPU, m) {
  m.impl("trajectory_attention", TORCH_BOX(&trajectory_attention));
  m.impl("trajectory_attention_backward", TORCH_BOX(&trajectory_attention_backward));
}
