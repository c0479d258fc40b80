// The torch-free door: the same cores on NumPy arrays, with the GIL released.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "common/parallel.h"
#include "tcd/tcd_core.h"

namespace py = pybind11;

namespace {
signcore::Parallel on_threads(int64_t threads) {
  return [threads](int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
    const int64_t parts = std::min(threads, (end - begin + grain - 1) / std::max<int64_t>(grain, 1));
    if (parts <= 1) {
      if (begin < end) body(begin, end);
      return;
    }
    std::vector<std::thread> pool;
    for (int64_t i = 0; i < parts; ++i)
      pool.emplace_back(body, begin + (end - begin) * i / parts, begin + (end - begin) * (i + 1) / parts);
    for (auto& t : pool) t.join();
  };
}

template <class T, class D>
py::array_t<int64_t> tcd_counts(py::array_t<T, py::array::c_style> generated,
                                py::array_t<T, py::array::c_style> reference, int64_t reduce, double limit,
                                int64_t threads) {
  const int64_t frames = generated.shape(0), pixels = generated.shape(1) * generated.shape(2),
                channels = generated.shape(3);
  py::array_t<int64_t> counts(frames);
  int64_t* out = counts.mutable_data();
  std::fill(out, out + frames, 0);
  const T *g = generated.data(), *r = reference.data();
  if (generated.size() > 0) {
    py::gil_scoped_release release;
    signcore::tcd::count<T, D>(g, r, frames, pixels, channels, static_cast<signcore::tcd::Reduce>(reduce), limit, out,
                               on_threads(threads));
  }
  return counts;
}
}  // namespace

PYBIND11_MODULE(_door, m) {
  m.doc() = "signcore's C++ kernels on NumPy arrays; see signcore.kernels.numpy";
  m.def("tcd_counts", &tcd_counts<uint8_t, int16_t>);
  m.def("tcd_counts", &tcd_counts<float, double>);
  m.def("tcd_counts", &tcd_counts<double, double>);
}
