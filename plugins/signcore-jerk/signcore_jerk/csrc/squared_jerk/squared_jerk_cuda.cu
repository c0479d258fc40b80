// One block a keypoint; its threads share the frames, and their sums meet in a fixed order, so that runs are equal.
#include <cuda_runtime.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

namespace {
using torch::headeronly::ScalarType;
using torch::stable::Tensor;
constexpr int kThreads = 128;

template <class T>
__global__ void squared_jerk_kernel(const T* points, int64_t frames, int64_t keypoints, int64_t dims, double* out) {
  __shared__ double sums[kThreads];
  __shared__ int64_t counts[kThreads];
  const int64_t stride = keypoints * dims;
  for (int64_t k = blockIdx.x; k < keypoints; k += gridDim.x) {
    double sum = 0;
    int64_t count = 0;
    for (int64_t t = 3 + threadIdx.x; t < frames; t += kThreads) {
      const T* d = points + t * stride + k * dims;
      double squared = 0;
      for (int64_t i = 0; i < dims; ++i) {
        const double third =
            double(d[i]) - double(d[i - 3 * stride]) + 3.0 * (double(d[i - 2 * stride]) - double(d[i - stride]));
        squared += third * third;
      }
      if (squared == squared) sum += squared, ++count;
    }
    sums[threadIdx.x] = sum;
    counts[threadIdx.x] = count;
    __syncthreads();
    for (int half = kThreads / 2; half > 0; half /= 2) {
      if (threadIdx.x < half) {
        sums[threadIdx.x] += sums[threadIdx.x + half];
        counts[threadIdx.x] += counts[threadIdx.x + half];
      }
      __syncthreads();
    }
    if (threadIdx.x == 0) out[k] = counts[0] ? sums[0] / double(counts[0]) : nan("");
    __syncthreads();  // the next keypoint writes the same memory
  }
}

template <class T>
void launch(const Tensor& points, Tensor& out, cudaStream_t stream) {
  const int64_t keypoints = points.size(1);
  squared_jerk_kernel<T><<<unsigned(keypoints < 65535 ? keypoints : 65535), kThreads, 0, stream>>>(
      static_cast<const T*>(points.data_ptr()), points.size(0), keypoints, points.size(2),
      static_cast<double*>(out.data_ptr()));
  STD_CUDA_KERNEL_LAUNCH_CHECK();
}

Tensor squared_jerk(const Tensor points) {
  torch::stable::accelerator::DeviceGuard guard(points.get_device_index());
  void* stream = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(points.get_device_index(), &stream));
  Tensor out = torch::stable::new_empty(points, {points.size(1)}, ScalarType::Double);
  if (points.size(1) == 0) return out;
  const auto s = static_cast<cudaStream_t>(stream);
  switch (points.scalar_type()) {
    case ScalarType::Float: launch<float>(points, out, s); break;
    case ScalarType::Double: launch<double>(points, out, s); break;
    default: STD_TORCH_CHECK(false, "points: expected float32 or float64");
  }
  return out;
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore_jerk, CUDA, m) { m.impl("squared_jerk", TORCH_BOX(&squared_jerk)); }
