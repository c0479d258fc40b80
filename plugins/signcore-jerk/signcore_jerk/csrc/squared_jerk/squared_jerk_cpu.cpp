#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <algorithm>

#include "squared_jerk_core.h"

namespace {
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

template <class T>
void run(const Tensor& points, Tensor& out) {
  const auto* from = static_cast<const T*>(points.data_ptr());
  auto* to = static_cast<double*>(out.data_ptr());
  const int64_t frames = points.size(0), keypoints = points.size(1), dims = points.size(2);
  const int64_t grain = std::max<int64_t>(1, 65536 / std::max<int64_t>(1, frames * dims));  // a thread's worth
  torch::stable::parallel_for(0, keypoints, grain, [&](int64_t begin, int64_t end) {
    signcore_jerk::squared_jerk<T>(from, frames, keypoints, dims, begin, end, to);
  });
}

// points: contiguous [T, K, D], float32 or float64. -> float64 [K]
Tensor squared_jerk(const Tensor points) {
  Tensor out = torch::stable::new_empty(points, {points.size(1)}, ScalarType::Double);
  switch (points.scalar_type()) {
    case ScalarType::Float: run<float>(points, out); break;
    case ScalarType::Double: run<double>(points, out); break;
    default: STD_TORCH_CHECK(false, "points: expected float32 or float64");
  }
  return out;
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore_jerk, CPU, m) { m.impl("squared_jerk", TORCH_BOX(&squared_jerk)); }
