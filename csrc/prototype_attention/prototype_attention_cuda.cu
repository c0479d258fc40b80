// One block a head and one launch for the whole selection; plain torch takes several launches for each prototype.
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

constexpr int kThreads = 512, kWarps = kThreads / 32;

template <class S>
__device__ S warp_sum(S x) {
  for (int offset = 16; offset > 0; offset /= 2) x += __shfl_xor_sync(0xffffffffu, x, offset);
  return x;
}

// A warp takes a candidate: worst[n] = max(worst[n], cos^2 of n and the last chosen); then the block finds the least,
// a tie going to the lower index. Chosen rows have worst 2, above every cos^2. inverse, worst: scratch [M, N].
template <class S>
__global__ void select_kernel(const S* rows, const int64_t* first, int64_t N, int64_t d, int64_t count, S* inverse,
                              S* worst, int64_t* chosen) {
  extern __shared__ char shared[];
  S* last = reinterpret_cast<S*>(shared);  // [d]
  __shared__ S least[kWarps];
  __shared__ int64_t where[kWarps];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  rows += blockIdx.x * N * d;
  inverse += blockIdx.x * N;
  worst += blockIdx.x * N;
  chosen += blockIdx.x * count;
  for (int64_t n = warp; n < N; n += kWarps) {
    S squares = 0;
    for (int64_t j = lane; j < d; j += 32) squares += rows[n * d + j] * rows[n * d + j];
    squares = warp_sum(squares);
    if (lane == 0) {
      inverse[n] = S(1) / max(sqrt(squares), S(1e-12));
      worst[n] = 0;
    }
  }
  __syncthreads();
  int64_t next = first[blockIdx.x];
  for (int64_t r = 0;; ++r) {
    if (threadIdx.x == 0) {
      chosen[r] = next;
      worst[next] = 2;
    }
    if (r + 1 == count) return;
    for (int64_t j = threadIdx.x; j < d; j += kThreads) last[j] = rows[next * d + j] * inverse[next];
    __syncthreads();
    S best = 3;
    int64_t at = N;
    for (int64_t n = warp; n < N; n += kWarps) {
      S dot = 0;
      for (int64_t j = lane; j < d; j += 32) dot += rows[n * d + j] * last[j];
      dot = warp_sum(dot) * inverse[n];
      const S now = max(worst[n], dot * dot);  // all lanes alike
      __syncwarp();
      if (lane == 0) worst[n] = now;
      if (now < best) best = now, at = n;
    }
    if (lane == 0) least[warp] = best, where[warp] = at;
    __syncthreads();
    next = where[0];
    best = least[0];
    for (int w = 1; w < kWarps; ++w)
      if (least[w] < best || (least[w] == best && where[w] < next)) best = least[w], next = where[w];
    __syncthreads();  // `least` and `last` are written again
  }
}

template <class S>
void launch(const Tensor& rows, const Tensor& first, int64_t count, Tensor& chosen, cudaStream_t stream) {
  const int64_t M = rows.size(0), N = rows.size(1), d = rows.size(2);
  Tensor inverse = torch::stable::new_empty(rows, {M, N}), worst = torch::stable::new_empty(rows, {M, N});
  select_kernel<S><<<unsigned(M), kThreads, size_t(d) * sizeof(S), stream>>>(
      static_cast<const S*>(rows.data_ptr()), static_cast<const int64_t*>(first.data_ptr()), N, d, count,
      static_cast<S*>(inverse.data_ptr()), static_cast<S*>(worst.data_ptr()), static_cast<int64_t*>(chosen.data_ptr()));
  STD_CUDA_KERNEL_LAUNCH_CHECK();
}

// rows [M, N, d], first int64 [M] within 0 .. N - 1 -> int64 [M, count]
Tensor orthogonal_rows(const Tensor rows, const Tensor first, int64_t count) {
  STD_TORCH_CHECK(rows.dim() == 3 && rows.size(2) <= 4096, "rows: expected [M, N, d] with d up to 4,096");
  STD_TORCH_CHECK(first.dim() == 1 && first.size(0) == rows.size(0) && first.scalar_type() == ScalarType::Long,
                  "first: expected int64 [M]");
  STD_TORCH_CHECK(count >= 1 && count <= rows.size(1), "count: expected 1 .. N");
  torch::stable::accelerator::DeviceGuard guard(rows.get_device_index());
  void* stream = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(rows.get_device_index(), &stream));
  Tensor chosen = torch::stable::new_empty(first, {rows.size(0), count});
  if (rows.size(0) == 0) return chosen;
  const Tensor dense = torch::stable::contiguous(rows), start = torch::stable::contiguous(first);
  const auto s = static_cast<cudaStream_t>(stream);
  if (rows.scalar_type() == ScalarType::Float)
    launch<float>(dense, start, count, chosen, s);
  else if (rows.scalar_type() == ScalarType::Double)
    launch<double>(dense, start, count, chosen, s);
  else
    STD_TORCH_CHECK(false, "rows: expected float32 or float64");
  return chosen;
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore, CUDA, m) { m.impl("orthogonal_rows", TORCH_BOX(&orthogonal_rows)); }
