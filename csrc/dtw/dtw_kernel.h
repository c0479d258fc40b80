// Included once per instruction set, inside its namespace; see common/every_isa.h.
//
// Layout of a packed clip: [block][frame][coordinate 0 .. D-1, scale][lane], a lane a keypoint. The scale makes the
// rules for missing points branch-free: a pair costs ‖reference - other‖ * reference_scale * other_scale, with scale 1
// where present; a missing reference has scale 0; a missing other has scale 1/2 and coordinates 0, so that ‖reference‖
// / 2 is left.

// A frame [K, D] into one block of the packed layout: keypoints first .. first + W - 1 of it; see above.
template <class S, int kD>
static void pack_block(const S* frame, S absent, S* o) {
  constexpr int W = Vec<S>::W;
  for (int w = 0; w < W; ++w) {
    bool present = true;
    for (int d = 0; d < kD; ++d) present &= frame[w * kD + d] == frame[w * kD + d];
    for (int d = 0; d < kD; ++d) o[d * W + w] = present ? frame[w * kD + d] : S(0);
    o[kD * W + w] = present ? S(1) : absent;
  }
}

template <class S>
static inline Vec<S> pair_cost(const Vec<S>* x, Vec<S> x_scale, const S* y, int D) {
  constexpr int W = Vec<S>::W;
  const Vec<S> first = sub(x[0], Vec<S>::load(y));
  Vec<S> squares = mul(first, first);
  for (int d = 1; d < D; ++d) {
    const Vec<S> step = sub(x[d], Vec<S>::load(y + d * W));
    squares = fma(step, step, squares);
  }
  return mul(mul(sqrt(squares), x_scale), Vec<S>::load(y + D * W));
}

// One block of keypoints along its own paths, two rows of the table at a time. row: (frames of y + 1) vectors of
// scratch.
template <class S, int kD>
static void exact_block(const S* x, int64_t T, const S* y, int64_t U, int runtime_d, S* row, S* out) {
  constexpr int W = Vec<S>::W;
  const int D = kD > 0 ? kD : runtime_d;
  const int64_t stride = int64_t(D + 1) * W;
  const Vec<S> infinity = Vec<S>::set(std::numeric_limits<S>::infinity());
  for (int64_t j = 0; j <= U; ++j) infinity.store(row + j * W);
  Vec<S>::set(0).store(row);
  int64_t i = 0;
  if constexpr (kD > 0) {
    for (; i + 1 < T; i += 2) {
      const S *xa = x + i * stride, *xb = xa + stride;
      Vec<S> a[kD], b[kD];
      for (int d = 0; d < kD; ++d) a[d] = Vec<S>::load(xa + d * W), b[d] = Vec<S>::load(xb + d * W);
      const Vec<S> a_scale = Vec<S>::load(xa + kD * W), b_scale = Vec<S>::load(xb + kD * W);
      Vec<S> a_diagonal = Vec<S>::load(row), a_left = infinity, b_diagonal = infinity, b_left = infinity;
      infinity.store(row);
      const S* yj = y;
      for (int64_t j = 0; j < U; ++j, yj += stride) {
        const Vec<S> up = Vec<S>::load(row + (j + 1) * W);
        const Vec<S> at_a = add(min(a_left, min(up, a_diagonal)), pair_cost<S>(a, a_scale, yj, kD));
        a_diagonal = up;
        const Vec<S> at_b = add(min(min(at_a, b_diagonal), b_left), pair_cost<S>(b, b_scale, yj, kD));
        b_diagonal = at_a;
        a_left = at_a;
        b_left = at_b;
        at_b.store(row + (j + 1) * W);
      }
    }
  }
  for (; i < T; ++i) {
    const S* xi = x + i * stride;
    Vec<S> diagonal = Vec<S>::load(row), left = infinity;
    infinity.store(row);
    const S* yj = y;
    for (int64_t j = 0; j < U; ++j, yj += stride) {
      Vec<S> squares = Vec<S>::set(0);
      for (int d = 0; d < D; ++d) {
        const Vec<S> step = sub(Vec<S>::load(xi + d * W), Vec<S>::load(yj + d * W));
        squares = fma(step, step, squares);
      }
      const Vec<S> cost = mul(mul(sqrt(squares), Vec<S>::load(xi + D * W)), Vec<S>::load(yj + D * W));
      const Vec<S> up = Vec<S>::load(row + (j + 1) * W);
      left = add(min(left, min(up, diagonal)), cost);
      diagonal = up;
      left.store(row + (j + 1) * W);
    }
  }
  Vec<S>::load(row + U * W).store(out);
}

// The same inside a Sakoe-Chiba band: |i - j| <= band.
template <class S>
static void banded_block(const S* x, int64_t T, const S* y, int64_t U, int D, int64_t band, S* row, S* out) {
  constexpr int W = Vec<S>::W;
  const int64_t stride = int64_t(D + 1) * W;
  const Vec<S> infinity = Vec<S>::set(std::numeric_limits<S>::infinity());
  for (int64_t j = 0; j <= U; ++j) infinity.store(row + j * W);
  Vec<S>::set(0).store(row);
  for (int64_t i = 0; i < T; ++i) {
    const int64_t low = std::max<int64_t>(0, i - band), high = std::min(U - 1, i + band);
    const S* xi = x + i * stride;
    Vec<S> diagonal = Vec<S>::load(row + low * W), left = infinity;
    infinity.store(row + low * W);
    for (int64_t j = low; j <= high; ++j) {
      const S* yj = y + j * stride;
      Vec<S> squares = Vec<S>::set(0);
      for (int d = 0; d < D; ++d) {
        const Vec<S> step = sub(Vec<S>::load(xi + d * W), Vec<S>::load(yj + d * W));
        squares = fma(step, step, squares);
      }
      const Vec<S> cost = mul(mul(sqrt(squares), Vec<S>::load(xi + D * W)), Vec<S>::load(yj + D * W));
      const Vec<S> up = Vec<S>::load(row + (j + 1) * W);
      left = add(min(left, min(up, diagonal)), cost);
      diagonal = up;
      left.store(row + (j + 1) * W);
    }
  }
  Vec<S>::load(row + U * W).store(out);
}

// One keypoint along anti-diagonals, for few keypoints: lane l of a strip of rows works on column step - l. kVectors
// vectors of rows at once, so that the chain of minima of one does not wait for the other.
//
// x: [D + 1][T] of this keypoint. y: [D + 2][reach] reversed in time with `pad` columns before and behind; its last
// channel is 0 inside and infinite in the padding. row: U + 1 values.
template <class S, int kD>
static S diagonal_one(const S* x, int64_t T, const S* y, int64_t U, int64_t pad, int runtime_d, S* row) {
  constexpr int W = Vec<S>::W, kVectors = 2, kRows = W * kVectors;
  const int D = kD > 0 ? kD : runtime_d;
  const int64_t reach = U + 2 * pad, width = T + kRows;
  const S infinity = std::numeric_limits<S>::infinity();
  std::fill(row, row + U + 1, infinity);
  alignas(64) S lanes[W];
  S result = infinity, corner = 0;  // corner: the table's entry before the strip's first row and column
  for (int64_t i0 = 0; i0 < T; i0 += kRows) {
    Vec<S> before[kVectors], two_before[kVectors], scale[kVectors], at_row[kVectors][kD > 0 ? kD : 1];
    for (int v = 0; v < kVectors; ++v) {
      before[v] = two_before[v] = Vec<S>::set(infinity);
      scale[v] = Vec<S>::loadu(x + D * width + i0 + v * W);
      for (int d = 0; d < kD; ++d) at_row[v][d] = Vec<S>::loadu(x + d * width + i0 + v * W);
    }
    const int64_t rows = std::min<int64_t>(kRows, T - i0);
    S above_before = corner;
    const int64_t steps = U + rows - 1;
    for (int64_t step = 0; step < steps; ++step) {
      const S above = step < U ? row[step + 1] : infinity;
      S carry = above, diagonal_carry = above_before;
      above_before = above;
      for (int v = 0; v < kVectors; ++v) {
        const S* at = y + pad + (U - 1) - step + v * W;  // y reversed: lane l reads column step - v W - l
        Vec<S> squares = Vec<S>::set(0);
        for (int d = 0; d < D; ++d) {
          const Vec<S> mine = kD > 0 ? at_row[v][kD > 0 ? d : 0] : Vec<S>::loadu(x + d * width + i0 + v * W);
          const Vec<S> difference = sub(mine, Vec<S>::loadu(at + d * reach));
          squares = fma(difference, difference, squares);
        }
        const Vec<S> cost =
            fma(mul(sqrt(squares), scale[v]), Vec<S>::loadu(at + D * reach), Vec<S>::loadu(at + (D + 1) * reach));
        const Vec<S> up = before[v].shifted(carry), diagonal = two_before[v].shifted(diagonal_carry);
        carry = before[v].last();
        diagonal_carry = two_before[v].last();
        two_before[v] = before[v];
        before[v] = add(min(before[v], min(up, diagonal)), cost);
      }
      const int64_t finished = step - (kRows - 1);
      if (finished >= 0) row[finished + 1] = before[kVectors - 1].last();
    }
    corner = infinity;
    row[0] = infinity;
    if (i0 + kRows >= T) {
      const int lane = int(rows - 1);
      before[lane / W].store(lanes);
      result = lanes[lane % W];
    }
  }
  return result;
}

// One path for the whole pose: the cost of a frame pair is the mean over the keypoints whose reference (x) is present.
// weights: 1 / number of present keypoints of each frame of x, 0 where there are none.
template <class S, int kD>
static S pose_path(const S* x, int64_t T, const S* y, int64_t U, int64_t blocks, int runtime_d, const S* weights,
                   int64_t band, S* costs, S* row) {
  constexpr int W = Vec<S>::W;
  const int D = kD > 0 ? kD : runtime_d;
  const int64_t stride = int64_t(D + 1) * W;
  const S infinity = std::numeric_limits<S>::infinity();
  std::fill(row, row + U + 1, infinity);
  row[0] = 0;
  for (int64_t i = 0; i < T; ++i) {
    const int64_t low = band < 0 ? 0 : std::max<int64_t>(0, i - band);
    const int64_t high = band < 0 ? U - 1 : std::min(U - 1, i + band);
    for (int64_t j = low; j <= high; ++j) {
      Vec<S> total = Vec<S>::set(0);
      for (int64_t block = 0; block < blocks; ++block) {
        const S *a = x + (block * T + i) * stride, *b = y + (block * U + j) * stride;
        Vec<S> squares = Vec<S>::set(0);
        for (int d = 0; d < D; ++d) {
          const Vec<S> step = sub(Vec<S>::load(a + d * W), Vec<S>::load(b + d * W));
          squares = fma(step, step, squares);
        }
        total = fma(mul(sqrt(squares), Vec<S>::load(a + D * W)), Vec<S>::load(b + D * W), total);
      }
      costs[j] = total.sum() * weights[i];
    }
    S diagonal = row[low], left = infinity;
    row[low] = infinity;
    for (int64_t j = low; j <= high; ++j) {
      const S up = row[j + 1];
      const S best = std::min(left, std::min(up, diagonal));
      diagonal = up;
      row[j + 1] = left = best + costs[j];
    }
  }
  return row[U];
}
