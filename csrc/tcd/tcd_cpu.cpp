#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include "tcd_core.h"

namespace {
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

template <class T>
void run(const Tensor& generated, const Tensor& reference, int64_t reduce, double limit, Tensor& counts) {
  const int64_t frames = generated.size(0), channels = generated.size(3);
  signcore::tcd::count<T>(
      static_cast<const T*>(generated.data_ptr()), static_cast<const T*>(reference.data_ptr()), frames,
      generated.size(1) * generated.size(2), channels, static_cast<signcore::tcd::Reduce>(reduce), limit,
      static_cast<int64_t*>(counts.data_ptr()),
      [](int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
        torch::stable::parallel_for(begin, end, grain, body);
      });
}

// generated, reference: contiguous [T, H, W, C] of one dtype; limit in units of |2 g - before - after|. -> int64 [T]
Tensor tcd_counts(const Tensor generated, const Tensor reference, int64_t reduce, double limit) {
  Tensor counts = torch::stable::new_zeros(generated, {generated.size(0)}, ScalarType::Long);
  if (generated.numel() == 0) return counts;
  switch (generated.scalar_type()) {
    case ScalarType::Byte: run<uint8_t>(generated, reference, reduce, limit, counts); break;
    case ScalarType::Float: run<float>(generated, reference, reduce, limit, counts); break;
    case ScalarType::Double: run<double>(generated, reference, reduce, limit, counts); break;
    default: STD_TORCH_CHECK(false, "generated: expected uint8, float32 or float64");
  }
  return counts;
}
}  // namespace

STABLE_TORCH_LIBRARY_IMPL(signcore, CPU, m) { m.impl("tcd_counts", TORCH_BOX(&tcd_counts)); }
