// Lanes are samples for pictures in planes, channels for pictures whose channels lie innermost. Taps are found once a
// sample.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <algorithm>
#include <optional>
#include <tuple>

namespace {
using torch::headeronly::MemoryFormat;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

template <class T>
struct Sum {
  using type = float;
};
template <>
struct Sum<double> {
  using type = double;
};

template <class A>
struct Axis {
  int start;  // this pixel and the next take part, with weights a and b, whose derivatives are da and db
  A a, b, da, db;
  bool inside;
};

// The same steps as on the CPU (warp_kernel.h).
template <class A>
__device__ Axis<A> locate(A g, int size, int padding, bool align) {
  A slope = A(align ? size - 1 : size) * A(0.5);
  A x = align ? (g + 1) * slope : (g + 1) * slope - A(0.5);
  const A limit = A(size - 1);
  Axis<A> axis{};
  if (padding == 0) {
    axis.inside = x > A(-1) && x < A(size);
  } else {
    if (padding == 2) {
      const A low = align ? A(0) : A(-0.5), span = align ? limit : A(size);
      const A shifted = x - low, distance = fabs(shifted), safe = span > 0 ? span : A(1);
      const A flips = floor(distance / safe), over = distance - flips * safe;
      const bool odd = flips - 2 * floor(flips * A(0.5)) > A(0.5);
      slope = (shifted < 0) != odd ? -slope : slope;
      x = (odd ? safe - over : over) + low;
    }
    slope = x > 0 && x < limit ? slope : A(0);
    x = x < 0 ? A(0) : x > limit ? limit : x;  // a NaN stays
    axis.inside = x >= 0 && x <= limit;
  }
  if (!axis.inside) return axis;
  const A floored = floor(x), f = x - floored;
  const int low = int(floored), last = size > 1 ? size - 2 : 0;
  axis.start = min(max(low, 0), last);
  if (low == axis.start) {
    axis.a = 1 - f, axis.b = size > 1 ? f : A(0);
    axis.da = -slope, axis.db = size > 1 ? slope : A(0);
  } else if (low < axis.start) {
    axis.a = f, axis.da = slope;
  } else {
    axis.b = 1 - f, axis.db = -slope;
  }
  return axis;
}

struct Shape {
  int64_t B, C, pixels;
  int H, W, padding;
  bool align, last;
};

// Steps between the four taps, between channels and between samples, in elements.
struct Steps {
  int64_t right, down, channel, sample;
  __device__ explicit Steps(const Shape& s)
      : right(s.W > 1 ? (s.last ? s.C : 1) : 0),
        down(s.H > 1 ? int64_t(s.W) * (s.last ? s.C : 1) : 0),
        channel(s.last ? 1 : int64_t(s.H) * s.W),
        sample(s.last ? 1 : s.pixels) {}
};

// A thread a sample (kLanes 1) or a warp a sample (kLanes 32), which then shares out the channels.
template <class T, int kLanes>
__global__ void forward_kernel(const T* features, const T* flow, const T* mask, Shape s, T* out) {
  using A = typename Sum<T>::type;
  const Steps step(s);
  const int64_t stride = int64_t(gridDim.x) * blockDim.x / kLanes;
  const int lane = threadIdx.x % kLanes;
  for (int64_t i = (blockIdx.x * int64_t(blockDim.x) + threadIdx.x) / kLanes; i < s.B * s.pixels; i += stride) {
    const int64_t b = i / s.pixels, n = i % s.pixels;
    const auto x = locate<A>(A(flow[2 * i]), s.W, s.padding, s.align);
    const auto y = locate<A>(A(flow[2 * i + 1]), s.H, s.padding, s.align);
    const bool inside = x.inside && y.inside;
    const A m = mask ? A(mask[i]) : A(1);
    const A w0 = y.a * x.a * m, w1 = y.a * x.b * m, w2 = y.b * x.a * m, w3 = y.b * x.b * m;
    const T* p = features + b * s.C * s.H * s.W + (int64_t(y.start) * s.W + x.start) * (s.last ? s.C : 1);
    T* o = out + b * s.C * s.pixels + n * (s.last ? s.C : 1);
    for (int64_t c = lane; c < s.C; c += kLanes) {
      A value = 0;
      if (inside) {
        const T* q = p + c * step.channel;
        value = A(q[0]) * w0 + A(q[step.right]) * w1 + A(q[step.down]) * w2 + A(q[step.down + step.right]) * w3;
      }
      o[c * step.sample] = T(value);
    }
  }
}

template <class T, int kLanes>
__global__ void backward_kernel(const T* grad, const T* features, const T* flow, const T* mask, Shape s,
                                typename Sum<T>::type* grad_features, T* grad_flow, T* grad_mask) {
  using A = typename Sum<T>::type;
  const Steps step(s);
  const int64_t taps[4] = {0, step.right, step.down, step.down + step.right};
  const int64_t stride = int64_t(gridDim.x) * blockDim.x / kLanes;
  const int lane = threadIdx.x % kLanes;
  for (int64_t i = (blockIdx.x * int64_t(blockDim.x) + threadIdx.x) / kLanes; i < s.B * s.pixels; i += stride) {
    const int64_t b = i / s.pixels, n = i % s.pixels;
    const auto x = locate<A>(A(flow[2 * i]), s.W, s.padding, s.align);
    const auto y = locate<A>(A(flow[2 * i + 1]), s.H, s.padding, s.align);
    const A m = mask ? A(mask[i]) : A(1);
    const A weight[4] = {y.a * x.a, y.a * x.b, y.b * x.a, y.b * x.b};
    A dots[4] = {0, 0, 0, 0};
    if (x.inside && y.inside) {
      const int64_t at = b * s.C * s.H * s.W + (int64_t(y.start) * s.W + x.start) * (s.last ? s.C : 1);
      const T* from = grad + b * s.C * s.pixels + n * (s.last ? s.C : 1);
      for (int64_t c = lane; c < s.C; c += kLanes) {
        const A g = A(from[c * step.sample]);
        for (int k = 0; k < 4; ++k) {
          const int64_t pixel = at + c * step.channel + taps[k];
          dots[k] += g * A(features[pixel]);
          if (grad_features && weight[k] != 0) atomicAdd(grad_features + pixel, g * weight[k] * m);
        }
      }
    }
    if (kLanes > 1)
      for (int k = 0; k < 4; ++k)
        for (int offset = 16; offset > 0; offset /= 2) dots[k] += __shfl_xor_sync(0xffffffffu, dots[k], offset);
    if (lane != 0) continue;
    if (grad_flow) {
      const bool in = x.inside && y.inside;
      const A gx = dots[0] * y.a * x.da + dots[1] * y.a * x.db + dots[2] * y.b * x.da + dots[3] * y.b * x.db;
      const A gy = dots[0] * y.da * x.a + dots[1] * y.da * x.b + dots[2] * y.db * x.a + dots[3] * y.db * x.b;
      grad_flow[2 * i] = T(in ? gx * m : A(0));
      grad_flow[2 * i + 1] = T(in ? gy * m : A(0));
    }
    if (grad_mask)
      grad_mask[i] = T(dots[0] * weight[0] + dots[1] * weight[1] + dots[2] * weight[2] + dots[3] * weight[3]);
  }
}

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

struct Inputs {
  Inputs(const Tensor& features, const Tensor& flow, const std::optional<Tensor>& mask, int64_t padding, bool align)
      : last(channels_last(features)),
        features(last ? features : torch::stable::contiguous(features)),
        flow(torch::stable::contiguous(flow)) {
    STD_TORCH_CHECK(features.dim() == 4 && flow.dim() == 4 && flow.size(3) == 2 && flow.size(0) == features.size(0),
                    "flow: expected [B, h, w, 2] for features [B, C, H, W]");
    STD_TORCH_CHECK(flow.scalar_type() == features.scalar_type(), "flow: its dtype differs from that of features");
    STD_TORCH_CHECK(flow.get_device_index() == features.get_device_index(), "flow: on another device than features");
    STD_TORCH_CHECK(features.size(2) > 0 && features.size(3) > 0, "features: a picture without pixels");
    if (mask) {
      STD_TORCH_CHECK(mask->dim() == 4 && mask->size(0) == flow.size(0) && mask->size(1) == 1 &&
                          mask->size(2) == flow.size(1) && mask->size(3) == flow.size(2) &&
                          mask->scalar_type() == features.scalar_type(),
                      "mask: expected [B, 1, h, w] of the features' dtype");
      this->mask = torch::stable::contiguous(*mask);
    }
    shape = {features.size(0),
             features.size(1),
             flow.size(1) * flow.size(2),
             int(features.size(2)),
             int(features.size(3)),
             int(padding),
             align,
             last};
    void* current = nullptr;
    TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(features.get_device_index(), &current));
    stream = static_cast<cudaStream_t>(current);
  }
  // A warp a sample where the channels are enough to keep it busy.
  bool wide() const { return last && shape.C >= 16; }
  unsigned blocks() const {
    const int64_t threads = shape.B * shape.pixels * (wide() ? 32 : 1);
    return unsigned(std::clamp<int64_t>((threads + 255) / 256, 1, 1 << 20));
  }
  Tensor empty(ScalarType type, int64_t height, int64_t width) const {
    return torch::stable::empty({shape.B, shape.C, height, width}, type, std::nullopt, features.device(), std::nullopt,
                                last ? MemoryFormat::ChannelsLast : MemoryFormat::Contiguous);
  }
  template <class T>
  const T* mask_pointer() const {
    return mask ? static_cast<const T*>(mask->data_ptr()) : nullptr;
  }

  bool last;
  Tensor features, flow;
  std::optional<Tensor> mask;
  Shape shape;
  cudaStream_t stream;
};

template <class F>
void by_type(const Tensor& t, F&& call) {
  switch (t.scalar_type()) {
    case ScalarType::Float: return call(float{});
    case ScalarType::Double: return call(double{});
    case ScalarType::Half: return call(__half{});
    case ScalarType::BFloat16: return call(__nv_bfloat16{});
    default: STD_TORCH_CHECK(false, "features: expected float32, float64, float16 or bfloat16");
  }
}

Tensor warp(const Tensor features, const Tensor flow, const std::optional<Tensor> mask, int64_t padding, bool align) {
  torch::stable::accelerator::DeviceGuard guard(features.get_device_index());
  const Inputs in(features, flow, mask, padding, align);
  Tensor out = in.empty(features.scalar_type(), flow.size(1), flow.size(2));
  if (out.numel() == 0) return out;
  by_type(features, [&](auto zero) {
    using T = decltype(zero);
    const auto kernel = in.wide() ? forward_kernel<T, 32> : forward_kernel<T, 1>;
    kernel<<<in.blocks(), 256, 0, in.stream>>>(static_cast<const T*>(in.features.data_ptr()),
                                               static_cast<const T*>(in.flow.data_ptr()), in.mask_pointer<T>(),
                                               in.shape, static_cast<T*>(out.data_ptr()));
    STD_CUDA_KERNEL_LAUNCH_CHECK();
  });
  return out;
}

std::tuple<Tensor, Tensor, Tensor> warp_backward(const Tensor grad, const Tensor features, const Tensor flow,
                                                 const std::optional<Tensor> mask, int64_t padding, bool align,
                                                 bool want_features, bool want_flow, bool want_mask) {
  torch::stable::accelerator::DeviceGuard guard(features.get_device_index());
  const Inputs in(features, flow, mask, padding, align);
  STD_TORCH_CHECK(grad.dim() == 4 && grad.size(0) == features.size(0) && grad.size(1) == features.size(1) &&
                      grad.size(2) == flow.size(1) && grad.size(3) == flow.size(2) &&
                      grad.scalar_type() == features.scalar_type(),
                  "grad: expected [B, C, h, w] of the features' dtype");
  const Tensor from = torch::stable::contiguous(grad, in.last ? MemoryFormat::ChannelsLast : MemoryFormat::Contiguous);
  // Sums are kept in float32 for the short types.
  const ScalarType sum = features.scalar_type() == ScalarType::Double ? ScalarType::Double : ScalarType::Float;
  Tensor to_features = want_features ? in.empty(sum, features.size(2), features.size(3))
                                     : torch::stable::new_empty(flow, {0}, features.scalar_type());
  if (want_features) torch::stable::zero_(to_features);
  Tensor to_flow = want_flow ? torch::stable::new_zeros(flow, {flow.size(0), flow.size(1), flow.size(2), 2})
                             : torch::stable::new_empty(flow, {0});
  Tensor to_mask = want_mask ? torch::stable::new_zeros(flow, {flow.size(0), 1, flow.size(1), flow.size(2)})
                             : torch::stable::new_empty(flow, {0});
  if (grad.numel() > 0 && (want_features || want_flow || want_mask))
    by_type(features, [&](auto zero) {
      using T = decltype(zero);
      using A = typename Sum<T>::type;
      const auto kernel = in.wide() ? backward_kernel<T, 32> : backward_kernel<T, 1>;
      kernel<<<in.blocks(), 256, 0, in.stream>>>(
          static_cast<const T*>(from.data_ptr()), static_cast<const T*>(in.features.data_ptr()),
          static_cast<const T*>(in.flow.data_ptr()), in.mask_pointer<T>(), in.shape,
          want_features ? static_cast<A*>(to_features.data_ptr()) : nullptr,
          want_flow ? static_cast<T*>(to_flow.data_ptr()) : nullptr,
          want_mask ? static_cast<T*>(to_mask.data_ptr()) : nullptr);
      STD_CUDA_KERNEL_LAUNCH_CHECK();
    });
  if (want_features && sum != features.scalar_type())
    to_features = torch::stable::to(to_features, features.scalar_type());
  return {to_features, to_flow, to_mask};
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore, CUDA, m) {
  m.impl("warp", TORCH_BOX(&warp));
  m.impl("warp_backward", TORCH_BOX(&warp_backward));
}
