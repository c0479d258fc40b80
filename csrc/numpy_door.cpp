// The torch-free door: the same cores on NumPy arrays, with the GIL released.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "common/parallel.h"
#include "dtw/dtw_core.h"
#include "fastdtw/fastdtw_core.h"
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

template <class T>
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
    signcore::tcd::count<T>(g, r, frames, pixels, channels, static_cast<signcore::tcd::Reduce>(reduce), limit, out,
                            on_threads(threads));
  }
  return counts;
}
template <class S>
using Array = py::array_t<S, py::array::c_style>;
using Offsets = Array<int64_t>;

template <class S>
py::array_t<S> pairs_result(const Array<S>& references, const Offsets& from, const Offsets& to, bool per_keypoint) {
  std::vector<py::ssize_t> shape{from.size() - 1, to.size() - 1};
  if (per_keypoint) shape.push_back(references.shape(1));
  return py::array_t<S>(shape);
}

// references [sum T, K, D], offsets [N + 1]; others alike. -> [N, M, K] with per_keypoint, else [N, M]
template <class S>
py::array_t<S> dtw_pairs(Array<S> references, Offsets from, Array<S> others, Offsets to, bool pose, int64_t band,
                         bool per_keypoint, int64_t threads) {
  auto out = pairs_result(references, from, to, per_keypoint && !pose);
  const signcore::dtw::Clips<S> a{references.data(), from.data(), from.size() - 1},
      b{others.data(), to.data(), to.size() - 1};
  const int64_t K = references.shape(1), D = references.shape(2);
  S* result = out.mutable_data();
  py::gil_scoped_release release;
  if (pose)
    signcore::dtw::pose_pairs<S>(a, b, K, D, band, result, on_threads(threads));
  else
    signcore::dtw::keypoint_pairs<S>(a, b, K, D, band, per_keypoint, result, on_threads(threads));
  return out;
}

template <class S>
py::array_t<S> fastdtw_pairs(Array<S> references, Offsets from, Array<S> others, Offsets to, int64_t radius,
                             int64_t variant, bool per_keypoint, int64_t threads) {
  auto out = pairs_result(references, from, to, per_keypoint);
  const int64_t N = from.size() - 1, M = to.size() - 1, K = references.shape(1), D = references.shape(2);
  const S *x = references.data(), *y = others.data();
  const int64_t *f = from.data(), *t = to.data();
  S* result = out.mutable_data();
  py::gil_scoped_release release;
  signcore::fastdtw::pairs<S>(x, f, N, y, t, M, K, D, radius, static_cast<signcore::fastdtw::Variant>(variant),
                              per_keypoint, result, on_threads(threads));
  return out;
}

// reference [T, D], other [S, D] -> distance, path [L, 2] of (reference, other)
std::pair<double, Offsets> fastdtw_path(Array<double> reference, Array<double> other, int64_t radius, int64_t variant) {
  std::vector<std::pair<int64_t, int64_t>> cells;
  double cost = 0;
  const int64_t D = reference.shape(1), T = reference.shape(0), U = other.shape(0);
  const double *a = reference.data(), *b = other.data();
  {
    py::gil_scoped_release release;
    signcore::fastdtw::Workspace w;
    signcore::fastdtw::read(b, U, 1, D, 0, false, w.levels[0].x);
    signcore::fastdtw::read(a, T, 1, D, 0, true, w.levels[0].y);
    cost = signcore::fastdtw::distance(w, D, radius, static_cast<signcore::fastdtw::Variant>(variant), &cells);
  }
  Offsets path({static_cast<py::ssize_t>(cells.size()), py::ssize_t(2)});
  int64_t* out = path.mutable_data();
  for (const auto& [i, j] : cells) *out++ = j, *out++ = i;
  return {cost, path};
}
}  // namespace

PYBIND11_MODULE(_door, m) {
  m.doc() = "signcore's C++ kernels on NumPy arrays; see signcore.kernels.numpy";
  m.def("tcd_counts", &tcd_counts<uint8_t>);
  m.def("tcd_counts", &tcd_counts<float>);
  m.def("tcd_counts", &tcd_counts<double>);
  m.def("dtw_pairs", &dtw_pairs<float>);
  m.def("dtw_pairs", &dtw_pairs<double>);
  m.def("fastdtw_pairs", &fastdtw_pairs<float>);
  m.def("fastdtw_pairs", &fastdtw_pairs<double>);
  m.def("fastdtw_path", &fastdtw_path);
  m.def("isa", &signcore::isa_name);
}
