#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include "dtw_core.h"

namespace {
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

template <class S>
void run(const Tensor& references, const int64_t* from, int64_t N, const Tensor& others, const int64_t* to, int64_t M,
         bool pose, int64_t band, bool per_keypoint, Tensor& out) {
  const auto parallel = [](int64_t begin, int64_t end, int64_t grain,
                           const std::function<void(int64_t, int64_t)>& body) {
    torch::stable::parallel_for(begin, end, grain, body);
  };
  const signcore::dtw::Clips<S> a{static_cast<const S*>(references.data_ptr()), from, N};
  const signcore::dtw::Clips<S> b{static_cast<const S*>(others.data_ptr()), to, M};
  S* result = static_cast<S*>(out.data_ptr());
  if (pose)
    signcore::dtw::pose_pairs<S>(a, b, references.size(1), references.size(2), band, result, parallel);
  else
    signcore::dtw::keypoint_pairs<S>(a, b, references.size(1), references.size(2), band, per_keypoint, result,
                                     parallel);
}

// references [sum T, K, D], offsets int64 [N + 1]; others alike, none longer than `longest` (for the CUDA twin's
// scratch). -> [N, M, K] with per_keypoint, else [N, M]
Tensor dtw_pairs(const Tensor references, const Tensor from, const Tensor others, const Tensor to, bool pose,
                 int64_t band, bool per_keypoint, int64_t /*longest*/) {
  const int64_t N = from.numel() - 1, M = to.numel() - 1;
  Tensor out = per_keypoint && !pose ? torch::stable::new_empty(references, {N, M, references.size(1)})
                                     : torch::stable::new_empty(references, {N, M});
  const auto *f = static_cast<const int64_t*>(from.data_ptr()), *t = static_cast<const int64_t*>(to.data_ptr());
  if (references.scalar_type() == ScalarType::Float)
    run<float>(references, f, N, others, t, M, pose, band, per_keypoint, out);
  else
    run<double>(references, f, N, others, t, M, pose, band, per_keypoint, out);
  return out;
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore, CPU, m) { m.impl("dtw_pairs", TORCH_BOX(&dtw_pairs)); }
