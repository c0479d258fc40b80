#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <optional>
#include <tuple>

#include "warp_core.h"

namespace {
using torch::headeronly::MemoryFormat;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

const auto parallel = [](int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  torch::stable::parallel_for(begin, end, grain, body);
};

// Dense with the channels innermost; axes of length 1 may have any stride.
bool channels_last(const Tensor& t) {
  if (t.dim() != 4 || t.is_contiguous()) return false;
  int64_t expected = 1;
  for (const int64_t axis : {1, 3, 2, 0}) {
    if (t.size(axis) != 1 && t.stride(axis) != expected) return false;
    expected *= t.size(axis);
  }
  return true;
}

// torch's own asks the dispatcher, which costs as much as a small picture.
Tensor dense(const Tensor& t) { return t.is_contiguous() ? t : torch::stable::contiguous(t); }

// The tensors of a call, laid out as the kernels want them; they must outlive the call.
struct Inputs {
  Inputs(const Tensor& features, const Tensor& flow, const std::optional<Tensor>& mask)
      : last(channels_last(features)), features(last ? features : dense(features)), flow(dense(flow)) {
    STD_TORCH_CHECK(features.dim() == 4 && flow.dim() == 4 && flow.size(3) == 2 && flow.size(0) == features.size(0),
                    "flow: expected [B, h, w, 2] for features [B, C, H, W]");
    STD_TORCH_CHECK(flow.scalar_type() == features.scalar_type(), "flow: its dtype differs from that of features");
    STD_TORCH_CHECK(features.size(2) > 0 && features.size(3) > 0,
                    "features: a picture without pixels cannot be sampled");
    if (!mask) return;
    STD_TORCH_CHECK(mask->dim() == 4 && mask->size(0) == flow.size(0) && mask->size(1) == 1 &&
                        mask->size(2) == flow.size(1) && mask->size(3) == flow.size(2) &&
                        mask->scalar_type() == features.scalar_type(),
                    "mask: expected [B, 1, h, w] of the features' dtype");
    this->mask = dense(*mask);
  }
  MemoryFormat format() const { return last ? MemoryFormat::ChannelsLast : MemoryFormat::Contiguous; }
  template <class S>
  signcore::warp::Call<S> call(int64_t padding, bool align_corners) const {
    return {static_cast<const S*>(features.data_ptr()),
            static_cast<const S*>(flow.data_ptr()),
            mask ? static_cast<const S*>(mask->data_ptr()) : nullptr,
            features.size(0),
            features.size(1),
            flow.size(1) * flow.size(2),
            {features.size(2), features.size(3), static_cast<signcore::warp::Padding>(padding), align_corners},
            last};
  }

  bool last;
  Tensor features, flow;
  std::optional<Tensor> mask;
};

Tensor empty(const Inputs& in, int64_t height, int64_t width) {
  return torch::stable::empty({in.features.size(0), in.features.size(1), height, width}, in.features.scalar_type(),
                              std::nullopt, in.features.device(), std::nullopt, in.format());
}

// features [B, C, H, W], flow [B, h, w, 2], mask [B, 1, h, w] -> [B, C, h, w] in the memory format of features
Tensor warp(const Tensor features, const Tensor flow, const std::optional<Tensor> mask, int64_t padding,
            bool align_corners) {
  const Inputs in(features, flow, mask);
  Tensor out = empty(in, flow.size(1), flow.size(2));
  if (out.numel() == 0) return out;
  if (features.scalar_type() == ScalarType::Float)
    signcore::warp::forward(in.call<float>(padding, align_corners), static_cast<float*>(out.data_ptr()), parallel);
  else if (features.scalar_type() == ScalarType::Double)
    signcore::warp::forward(in.call<double>(padding, align_corners), static_cast<double*>(out.data_ptr()), parallel);
  else
    STD_TORCH_CHECK(false, "features: expected float32 or float64");
  return out;
}

template <class S>
void backward(const Inputs& in, const Tensor& grad, int64_t padding, bool align_corners, Tensor& features, Tensor& flow,
              Tensor& mask) {
  const auto pointer = [](Tensor& t) { return t.numel() ? static_cast<S*>(t.data_ptr()) : nullptr; };
  signcore::warp::backward(in.call<S>(padding, align_corners), static_cast<const S*>(grad.data_ptr()),
                           pointer(features), pointer(flow), pointer(mask), parallel);
}

// grad [B, C, h, w] -> gradients of features, flow and mask; those not wanted are empty
std::tuple<Tensor, Tensor, Tensor> warp_backward(const Tensor grad, const Tensor features, const Tensor flow,
                                                 const std::optional<Tensor> mask, int64_t padding, bool align_corners,
                                                 bool want_features, bool want_flow, bool want_mask) {
  const Inputs in(features, flow, mask);
  STD_TORCH_CHECK(grad.dim() == 4 && grad.size(0) == features.size(0) && grad.size(1) == features.size(1) &&
                      grad.size(2) == flow.size(1) && grad.size(3) == flow.size(2) &&
                      grad.scalar_type() == features.scalar_type(),
                  "grad: expected [B, C, h, w] of the features' dtype");
  const Tensor from = torch::stable::contiguous(grad, in.format());
  Tensor to_features =
      want_features ? empty(in, features.size(2), features.size(3)) : torch::stable::new_empty(flow, {0});
  if (want_features) torch::stable::zero_(to_features);
  Tensor to_flow = want_flow ? torch::stable::new_zeros(flow, {flow.size(0), flow.size(1), flow.size(2), 2})
                             : torch::stable::new_empty(flow, {0});
  Tensor to_mask = want_mask ? torch::stable::new_zeros(flow, {flow.size(0), 1, flow.size(1), flow.size(2)})
                             : torch::stable::new_empty(flow, {0});
  if (grad.numel() > 0 && (want_features || want_flow || want_mask)) {
    if (features.scalar_type() == ScalarType::Float)
      backward<float>(in, from, padding, align_corners, to_features, to_flow, to_mask);
    else if (features.scalar_type() == ScalarType::Double)
      backward<double>(in, from, padding, align_corners, to_features, to_flow, to_mask);
    else
      STD_TORCH_CHECK(false, "features: expected float32 or float64");
  }
  return {to_features, to_flow, to_mask};
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore, CPU, m) {
  m.impl("warp", TORCH_BOX(&warp));
  m.impl("warp_backward", TORCH_BOX(&warp_backward));
}
