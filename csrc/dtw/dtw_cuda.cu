// Exact dynamic time warping of a whole ragged matrix of clips in one launch: a warp a pair (or a pair's keypoint), its
// lanes the rows of a strip of 32, walking anti-diagonals and handing columns and costs to each other by shuffles.
#include <cuda_runtime.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <algorithm>
#include <limits>

namespace {
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

constexpr unsigned kAll = 0xffffffffu;
constexpr int kWarps = 4;  // a block

template <class S>
struct Clips {
  const S* data;
  const int64_t* offsets;
};

// The cost of one frame pair of one keypoint (Ham2Pose eq. 6).
template <class S>
__device__ S pair_cost(const S* reference, const S* other, int D) {
  S squares = 0, norm = 0;
  bool missing = false, other_missing = false;
  for (int d = 0; d < D; ++d) {
    const S a = reference[d], b = other[d], step = a - b;
    missing |= isnan(a);
    other_missing |= isnan(b);
    squares += step * step;
    norm += a * a;
  }
  if (missing) return 0;
  return other_missing ? sqrt(norm) / 2 : sqrt(squares);
}

template <class S>
struct KeypointCost {
  const S *x, *y;
  int64_t stride;
  int D;
  __device__ void row(int64_t, bool) {}
  __device__ S operator()(int64_t i, int64_t j) const { return pair_cost(x + i * stride, y + j * stride, D); }
};

template <class S>
struct PoseCost {
  const S *x, *y;
  int64_t K;
  int D;
  S weight;
  __device__ void row(int64_t i, bool inside) {
    int64_t present = 0;
    for (int64_t k = 0; inside && k < K; ++k) {
      bool missing = false;
      for (int d = 0; d < D; ++d) missing |= isnan(x[(i * K + k) * D + d]);
      present += !missing;
    }
    weight = present ? S(1) / S(present) : S(0);
  }
  __device__ S operator()(int64_t i, int64_t j) const {
    S total = 0;
    for (int64_t k = 0; k < K; ++k) total += pair_cost(x + (i * K + k) * D, y + (j * K + k) * D, D);
    return total * weight;
  }
};

// row: U values of scratch of this warp, in global memory. band < 0: the whole table. Every lane returns the result.
template <class S, class Cost>
__device__ S warp_path(Cost cost, int64_t T, int64_t U, int64_t band, S* row) {
  const S infinity = std::numeric_limits<S>::infinity();
  const int lane = threadIdx.x & 31;
  S result = infinity;
  for (int64_t i0 = 0; i0 < T; i0 += 32) {
    const int64_t i = i0 + lane;
    cost.row(i, i < T);
    S before = infinity, two_before = infinity, above_before = i0 == 0 ? S(0) : infinity;
    const int64_t rows = T - i0 < 32 ? T - i0 : 32;
    for (int64_t step = 0; step < U + rows - 1; ++step) {
      const int64_t j = step - lane;
      S up = __shfl_up_sync(kAll, before, 1), diagonal = __shfl_up_sync(kAll, two_before, 1);
      if (lane == 0) {
        up = i0 > 0 && step < U ? row[step] : infinity;
        diagonal = above_before;
        above_before = up;
      }
      const bool inside = i < T && j >= 0 && j < U && (band < 0 || (i > j ? i - j : j - i) <= band);
      S value = infinity;
      if (inside) value = min(before, min(up, diagonal)) + cost(i, j);
      two_before = before;
      before = value;
      if (lane == 31 && j >= 0 && j < U) row[j] = value;
      if (i == T - 1 && j == U - 1) result = value;
    }
    __syncwarp();
  }
  return __shfl_sync(kAll, result, int((T - 1) & 31));
}

template <class S>
__global__ void keypoint_kernel(Clips<S> references, Clips<S> others, int64_t N, int64_t M, int64_t K, int D,
                                int64_t band, bool per_keypoint, S* scratch, int64_t longest, S* out) {
  const int64_t warp = blockIdx.x * int64_t(kWarps) + threadIdx.x / 32, warps = int64_t(gridDim.x) * kWarps;
  S* row = scratch + warp * longest;
  const int64_t tasks = per_keypoint ? N * M * K : N * M;
  for (int64_t task = warp; task < tasks; task += warps) {
    const int64_t pair = per_keypoint ? task / K : task, i = pair / M, j = pair % M;
    const int64_t T = references.offsets[i + 1] - references.offsets[i], U = others.offsets[j + 1] - others.offsets[j];
    const int64_t gap = T > U ? T - U : U - T, width = band < 0 ? -1 : (band > gap ? band : gap);
    const S *x = references.data + references.offsets[i] * K * D, *y = others.data + others.offsets[j] * K * D;
    double total = 0;
    for (int64_t k = per_keypoint ? task % K : 0; k < (per_keypoint ? task % K + 1 : K); ++k)
      total += warp_path<S>(KeypointCost<S>{x + k * D, y + k * D, K * D, D}, T, U, width, row);
    if ((threadIdx.x & 31) == 0) out[task] = per_keypoint ? S(total) : K ? S(total / double(K)) : S(0);
  }
}

template <class S>
__global__ void pose_kernel(Clips<S> references, Clips<S> others, int64_t N, int64_t M, int64_t K, int D, int64_t band,
                            S* scratch, int64_t longest, S* out) {
  const int64_t warp = blockIdx.x * int64_t(kWarps) + threadIdx.x / 32, warps = int64_t(gridDim.x) * kWarps;
  S* row = scratch + warp * longest;
  for (int64_t pair = warp; pair < N * M; pair += warps) {
    const int64_t i = pair / M, j = pair % M;
    const int64_t T = references.offsets[i + 1] - references.offsets[i], U = others.offsets[j + 1] - others.offsets[j];
    const int64_t gap = T > U ? T - U : U - T, width = band < 0 ? -1 : (band > gap ? band : gap);
    const PoseCost<S> cost{references.data + references.offsets[i] * K * D, others.data + others.offsets[j] * K * D, K,
                           D, S(0)};
    const S total = warp_path<S>(cost, T, U, width, row);
    if ((threadIdx.x & 31) == 0) out[pair] = total;
  }
}

template <class S>
void launch(const Tensor& references, const Tensor& from, const Tensor& others, const Tensor& to, bool pose,
            int64_t band, bool per_keypoint, int64_t longest, Tensor& out, cudaStream_t stream) {
  const int64_t N = from.numel() - 1, M = to.numel() - 1, K = references.size(1);
  const int64_t tasks = per_keypoint && !pose ? N * M * K : N * M;
  if (tasks == 0) return;
  int processors = 0, device = 0;
  STD_CUDA_CHECK(cudaGetDevice(&device));
  STD_CUDA_CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
  const int64_t blocks = std::min<int64_t>((tasks + kWarps - 1) / kWarps, int64_t(processors) * 16);
  Tensor scratch = torch::stable::new_empty(references, {blocks * kWarps, longest});
  const Clips<S> x{static_cast<const S*>(references.data_ptr()), static_cast<const int64_t*>(from.data_ptr())};
  const Clips<S> y{static_cast<const S*>(others.data_ptr()), static_cast<const int64_t*>(to.data_ptr())};
  S *rows = static_cast<S*>(scratch.data_ptr()), *result = static_cast<S*>(out.data_ptr());
  if (pose)
    pose_kernel<S><<<unsigned(blocks), kWarps * 32, 0, stream>>>(x, y, N, M, K, int(references.size(2)), band, rows,
                                                                 longest, result);
  else
    keypoint_kernel<S><<<unsigned(blocks), kWarps * 32, 0, stream>>>(x, y, N, M, K, int(references.size(2)), band,
                                                                     per_keypoint, rows, longest, result);
  STD_CUDA_KERNEL_LAUNCH_CHECK();
}

Tensor dtw_pairs(const Tensor references, const Tensor from, const Tensor others, const Tensor to, bool pose,
                 int64_t band, bool per_keypoint, int64_t longest) {
  torch::stable::accelerator::DeviceGuard guard(references.get_device_index());
  void* stream = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(references.get_device_index(), &stream));
  const int64_t N = from.numel() - 1, M = to.numel() - 1;
  Tensor out = per_keypoint && !pose ? torch::stable::new_empty(references, {N, M, references.size(1)})
                                     : torch::stable::new_empty(references, {N, M});
  if (references.scalar_type() == ScalarType::Float)
    launch<float>(references, from, others, to, pose, band, per_keypoint, longest, out,
                  static_cast<cudaStream_t>(stream));
  else
    launch<double>(references, from, others, to, pose, band, per_keypoint, longest, out,
                   static_cast<cudaStream_t>(stream));
  return out;
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore, CUDA, m) { m.impl("dtw_pairs", TORCH_BOX(&dtw_pairs)); }
