// One block a piece of a frame; counts are whole numbers, so atomics do not make the result depend on the order.
#include <cuda_runtime.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <algorithm>

namespace {
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

template <class T>
__global__ void count_kernel(const T* generated, const T* reference, int64_t frames, int64_t pixels, int channels,
                             bool maximum, double limit, unsigned long long* counts) {
  const int64_t stride = pixels * channels;
  for (int64_t t = 1 + blockIdx.y; t < frames - 1; t += gridDim.y) {
    unsigned int mine = 0;
    for (int64_t p = blockIdx.x * int64_t(blockDim.x) + threadIdx.x; p < pixels; p += int64_t(gridDim.x) * blockDim.x) {
      const T* g = generated + t * stride + p * channels;
      const T* before = reference + (t - 1) * stride + p * channels;
      const T* after = reference + (t + 1) * stride + p * channels;
      double reduced = 0;
      for (int c = 0; c < channels; ++c) {
        const double d = fabs(2.0 * double(g[c]) - double(before[c]) - double(after[c]));
        reduced = maximum ? fmax(reduced, d) : reduced + d;
      }
      mine += reduced > limit;
    }
    for (int offset = 16; offset > 0; offset /= 2) mine += __shfl_down_sync(0xffffffffu, mine, offset);
    if ((threadIdx.x & 31) == 0 && mine) atomicAdd(counts + t, (unsigned long long)mine);
  }
}

template <class T>
void launch(const Tensor& generated, const Tensor& reference, int64_t reduce, double limit, Tensor& counts,
            cudaStream_t stream) {
  const int64_t frames = generated.size(0), pixels = generated.size(1) * generated.size(2);
  const dim3 grid(unsigned(std::clamp<int64_t>((pixels + 1023) / 1024, 1, 256)),
                  unsigned(std::clamp<int64_t>(frames - 2, 1, 65535)));
  count_kernel<T><<<grid, 256, 0, stream>>>(
      static_cast<const T*>(generated.data_ptr()), static_cast<const T*>(reference.data_ptr()), frames, pixels,
      int(generated.size(3)), reduce == 1, limit, static_cast<unsigned long long*>(counts.data_ptr()));
  STD_CUDA_KERNEL_LAUNCH_CHECK();
}

Tensor tcd_counts(const Tensor generated, const Tensor reference, int64_t reduce, double limit) {
  torch::stable::accelerator::DeviceGuard guard(generated.get_device_index());
  void* stream = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(generated.get_device_index(), &stream));
  Tensor counts = torch::stable::new_zeros(generated, {generated.size(0)}, ScalarType::Long);
  if (generated.numel() == 0 || generated.size(0) < 3) return counts;
  const auto s = static_cast<cudaStream_t>(stream);
  switch (generated.scalar_type()) {
    case ScalarType::Byte: launch<uint8_t>(generated, reference, reduce, limit, counts, s); break;
    case ScalarType::Float: launch<float>(generated, reference, reduce, limit, counts, s); break;
    case ScalarType::Double: launch<double>(generated, reference, reduce, limit, counts, s); break;
    default: STD_TORCH_CHECK(false, "generated: expected uint8, float32 or float64");
  }
  return counts;
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore, CUDA, m) { m.impl("tcd_counts", TORCH_BOX(&tcd_counts)); }
