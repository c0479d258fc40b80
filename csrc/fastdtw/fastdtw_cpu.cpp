#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <tuple>

#include "fastdtw_core.h"

namespace {
using signcore::fastdtw::Variant;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

template <class S>
void run(const Tensor& references, const Tensor& from, const Tensor& others, const Tensor& to, int64_t radius,
         int64_t variant, bool per_keypoint, Tensor& out) {
  signcore::fastdtw::pairs<S>(
      static_cast<const S*>(references.data_ptr()), static_cast<const int64_t*>(from.data_ptr()), from.numel() - 1,
      static_cast<const S*>(others.data_ptr()), static_cast<const int64_t*>(to.data_ptr()), to.numel() - 1,
      references.size(1), references.size(2), radius, static_cast<Variant>(variant), per_keypoint,
      static_cast<S*>(out.data_ptr()),
      [](int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
        torch::stable::parallel_for(begin, end, grain, body);
      });
}

// references [sum T, K, D], offsets int64 [N + 1]; others alike. -> [N, M, K] with per_keypoint, else [N, M]
Tensor fastdtw_pairs(const Tensor references, const Tensor from, const Tensor others, const Tensor to, int64_t radius,
                     int64_t variant, bool per_keypoint) {
  const int64_t N = from.numel() - 1, M = to.numel() - 1;
  Tensor out = per_keypoint ? torch::stable::new_empty(references, {N, M, references.size(1)})
                            : torch::stable::new_empty(references, {N, M});
  if (references.scalar_type() == ScalarType::Float)
    run<float>(references, from, others, to, radius, variant, per_keypoint, out);
  else
    run<double>(references, from, others, to, radius, variant, per_keypoint, out);
  return out;
}

// reference [T, D], other [S, D] float64 -> distance [], path int64 [L, 2] of (reference, other) frames
std::tuple<Tensor, Tensor> fastdtw_path(const Tensor reference, const Tensor other, int64_t radius, int64_t variant) {
  const int64_t D = reference.size(1);
  signcore::fastdtw::Workspace w;
  signcore::fastdtw::read(static_cast<const double*>(other.data_ptr()), other.size(0), 1, D, 0, false, w.levels[0].x);
  signcore::fastdtw::read(static_cast<const double*>(reference.data_ptr()), reference.size(0), 1, D, 0, true,
                          w.levels[0].y);
  std::vector<std::pair<int64_t, int64_t>> cells;
  const double cost = signcore::fastdtw::distance(w, D, radius, static_cast<Variant>(variant), &cells);
  Tensor distance = torch::stable::new_empty(reference, {});
  *static_cast<double*>(distance.data_ptr()) = cost;
  Tensor path = torch::stable::new_empty(reference, {int64_t(cells.size()), 2}, ScalarType::Long);
  int64_t* out = static_cast<int64_t*>(path.data_ptr());
  for (const auto& [i, j] : cells) *out++ = j, *out++ = i;
  return {distance, path};
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore, CPU, m) {
  m.impl("fastdtw_pairs", TORCH_BOX(&fastdtw_pairs));
  m.impl("fastdtw_path", TORCH_BOX(&fastdtw_path));
}
