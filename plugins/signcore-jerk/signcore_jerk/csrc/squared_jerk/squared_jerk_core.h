// Mean squared jerk of every keypoint's trajectory: plain C++, no torch.
#pragma once
#include <cstdint>
#include <limits>
#include <vector>

namespace signcore_jerk {

// points: [T, K, D], NaN where missing; out[k] for k = begin .. end - 1: the mean over frames of the squared third
// difference, of the runs of four frames in which the point is there; NaN where there is none.
template <class T>
void squared_jerk(const T* points, int64_t frames, int64_t keypoints, int64_t dims, int64_t begin, int64_t end,
                  double* out) {
  const int64_t stride = keypoints * dims;
  std::vector<int64_t> count(size_t(end - begin), 0);
  for (int64_t k = begin; k < end; ++k) out[k] = 0;
  for (int64_t t = 3; t < frames; ++t) {
    const T *d = points + t * stride, *c = d - stride, *b = c - stride, *a = b - stride;
    for (int64_t k = begin; k < end; ++k) {
      double squared = 0;
      for (int64_t i = k * dims; i < (k + 1) * dims; ++i) {
        const double third = double(d[i]) - double(a[i]) + 3.0 * (double(b[i]) - double(c[i]));
        squared += third * third;
      }
      const bool there = squared == squared;  // a missing point makes it NaN
      out[k] += there ? squared : 0.0;
      count[size_t(k - begin)] += there;
    }
  }
  for (int64_t k = begin; k < end; ++k) {
    const int64_t n = count[size_t(k - begin)];
    out[k] = n ? out[k] / double(n) : std::numeric_limits<double>::quiet_NaN();
  }
}

}  // namespace signcore_jerk
