#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <optional>
#include <tuple>

#include "../common/huge_pages.h"
#include "temporal_attention_core.h"

namespace {
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

const auto parallel = [](int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  torch::stable::parallel_for(begin, end, grain, body);
};

// The tensors of a call, dense; they must outlive it.
struct Inputs {
  Inputs(const Tensor& tokens, const Tensor& q_weight, const Tensor& kv_weight, const std::optional<Tensor>& q_bias,
         const std::optional<Tensor>& kv_bias, int64_t heads)
      : tokens(torch::stable::contiguous(tokens)),
        q_weight(torch::stable::contiguous(q_weight)),
        kv_weight(torch::stable::contiguous(kv_weight)),
        heads(heads) {
    STD_TORCH_CHECK(tokens.dim() == 4 && tokens.size(2) > 0 && tokens.size(1) % tokens.size(2) == 0,
                    "tokens: expected [B, F * P, F, D]");
    STD_TORCH_CHECK(tokens.scalar_type() == ScalarType::Float || tokens.scalar_type() == ScalarType::Double,
                    "tokens: expected float32 or float64");
    const int64_t D = tokens.size(3);
    STD_TORCH_CHECK(heads > 0 && D % heads == 0, "heads: does not divide D");
    check(q_weight, "q_weight: expected [D, D] of the tokens' dtype", D * D);
    check(kv_weight, "kv_weight: expected [2 D, D] of the tokens' dtype", 2 * D * D);
    if (q_bias) this->q_bias = bias(*q_bias, "q_bias: expected [D] of the tokens' dtype", D);
    if (kv_bias) this->kv_bias = bias(*kv_bias, "kv_bias: expected [2 D] of the tokens' dtype", 2 * D);
  }
  void check(const Tensor& t, const char* message, int64_t size) const {
    STD_TORCH_CHECK(t.numel() == size && t.scalar_type() == tokens.scalar_type(), message);
  }
  Tensor bias(const Tensor& t, const char* message, int64_t size) const {
    check(t, message, size);
    return torch::stable::contiguous(t);
  }
  template <class S>
  signcore::temporal::Call<S> call() const {
    const int64_t D = tokens.size(3);
    const auto of = [](const Tensor& t) { return static_cast<const S*>(t.data_ptr()); };
    return {of(tokens),
            of(q_weight),
            of(kv_weight),
            q_bias ? of(*q_bias) : nullptr,
            kv_bias ? of(*kv_bias) + D : nullptr,
            tokens.size(0) * tokens.size(1),
            tokens.size(1),
            tokens.size(2),
            heads,
            D / heads};
  }
  Tensor tokens, q_weight, kv_weight;
  std::optional<Tensor> q_bias, kv_bias;
  int64_t heads;
};

template <class S>
S* data(Tensor& t) {
  return static_cast<S*>(t.data_ptr());
}

// tokens [B, F * P, F, D], weights [D, D] and [2 D, D], biases [D] and [2 D] -> the result and the scaled queries,
// [B, F * P, D] each
std::tuple<Tensor, Tensor> temporal_attention(const Tensor tokens, const Tensor q_weight, const Tensor kv_weight,
                                              const std::optional<Tensor> q_bias, const std::optional<Tensor> kv_bias,
                                              int64_t heads) {
  const Inputs in(tokens, q_weight, kv_weight, q_bias, kv_bias, heads);
  Tensor out = torch::stable::new_empty(tokens, {tokens.size(0), tokens.size(1), tokens.size(3)});
  Tensor queries = torch::stable::new_empty(tokens, {tokens.size(0), tokens.size(1), tokens.size(3)});
  if (out.numel() == 0) return {out, queries};
  const auto run = [&]<class S>(S) {
    signcore::temporal::forward<S>(in.call<S>(), int64_t(torch::stable::get_num_threads()), data<S>(out),
                                   data<S>(queries), parallel);
  };
  if (tokens.scalar_type() == ScalarType::Float)
    run(float());
  else
    run(double());
  return {out, queries};
}

// grad, queries [B, F * P, D] -> gradients of tokens, weights and biases
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> temporal_attention_backward(const Tensor grad, const Tensor tokens,
                                                                               const Tensor queries,
                                                                               const Tensor q_weight,
                                                                               const Tensor kv_weight, int64_t heads) {
  const Inputs in(tokens, q_weight, kv_weight, std::nullopt, std::nullopt, heads);
  const int64_t D = tokens.size(3);
  in.check(grad, "grad: expected [B, F * P, D] of the tokens' dtype", tokens.size(0) * tokens.size(1) * D);
  in.check(queries, "queries: expected [B, F * P, D] of the tokens' dtype", grad.numel());
  Tensor to_tokens = torch::stable::new_empty(tokens, {tokens.size(0), tokens.size(1), tokens.size(2), D});
  const auto empty = [&](std::initializer_list<int64_t> shape) { return torch::stable::new_empty(tokens, shape); };
  Tensor to_q = empty({D, D}), to_kv = empty({2 * D, D}), to_q_bias = empty({D}), to_kv_bias = empty({2 * D});
  if (to_tokens.numel() == 0) {
    for (Tensor* t : {&to_q, &to_kv, &to_q_bias, &to_kv_bias}) torch::stable::zero_(*t);
  } else {
    const Tensor from = torch::stable::contiguous(grad), q = torch::stable::contiguous(queries);
    const auto run = [&]<class S>(S) {
      signcore::ask_for_huge_pages(to_tokens.data_ptr(), size_t(to_tokens.numel()) * sizeof(S));
      signcore::temporal::backward<S>(
          in.call<S>(), static_cast<const S*>(from.data_ptr()), static_cast<const S*>(q.data_ptr()),
          int64_t(torch::stable::get_num_threads()),
          {data<S>(to_tokens), data<S>(to_q), data<S>(to_kv), data<S>(to_q_bias), data<S>(to_kv_bias)}, parallel);
    };
    if (tokens.scalar_type() == ScalarType::Float)
      run(float());
    else
      run(double());
  }
  return {to_tokens, to_q, to_kv, to_q_bias, to_kv_bias};
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore, CPU, m) {
  m.impl("temporal_attention", TORCH_BOX(&temporal_attention));
  m.impl("temporal_attention_backward", TORCH_BOX(&temporal_attention_backward));
}
