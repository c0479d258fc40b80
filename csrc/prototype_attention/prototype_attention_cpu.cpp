#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include "prototype_attention_core.h"

namespace {
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

template <class S>
void run(const Tensor& rows, const int64_t* first, int64_t count, int64_t* chosen) {
  signcore::prototype::select_all<S>(
      static_cast<const S*>(rows.data_ptr()), first, rows.size(0), rows.size(1), rows.size(2), count, chosen,
      [](int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
        torch::stable::parallel_for(begin, end, grain, body);
      });
}

// rows [M, N, d], first int64 [M] -> indices of the prototypes in the order of choice, int64 [M, count]
Tensor orthogonal_rows(const Tensor rows, const Tensor first, int64_t count) {
  STD_TORCH_CHECK(rows.dim() == 3, "rows: expected [M, N, d]");
  STD_TORCH_CHECK(first.dim() == 1 && first.size(0) == rows.size(0) && first.scalar_type() == ScalarType::Long,
                  "first: expected int64 [M]");
  STD_TORCH_CHECK(count >= 1 && count <= rows.size(1), "count: expected 1 .. N");
  Tensor chosen = torch::stable::new_empty(first, {rows.size(0), count});
  if (rows.size(0) == 0) return chosen;
  const Tensor dense = torch::stable::contiguous(rows), start = torch::stable::contiguous(first);
  const auto* from = static_cast<const int64_t*>(start.data_ptr());
  for (int64_t m = 0; m < rows.size(0); ++m)
    STD_TORCH_CHECK(from[m] >= 0 && from[m] < rows.size(1), "first: expected 0 .. N - 1");
  auto* to = static_cast<int64_t*>(chosen.data_ptr());
  if (rows.scalar_type() == ScalarType::Float)
    run<float>(dense, from, count, to);
  else if (rows.scalar_type() == ScalarType::Double)
    run<double>(dense, from, count, to);
  else
    STD_TORCH_CHECK(false, "rows: expected float32 or float64");
  return chosen;
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore, CPU, m) { m.impl("orthogonal_rows", TORCH_BOX(&orthogonal_rows)); }
