// Included once per instruction set, inside its namespace; see common/every_isa.h.

// One step of the greedy selection: worst[n] = max(worst[n], cos^2 of candidate n and the last chosen). Lanes are
// candidates. columns: [d, padded] unit vectors, one a column; chosen: [d].
template <class S>
static void compare(const S* columns, int64_t padded, int64_t d, const S* chosen, S* worst) {
  constexpr int W = Vec<S>::W;
  const Vec<S> zero = Vec<S>::set(0);
  for (int64_t n = 0; n < padded; n += 4 * W) {
    Vec<S> dots[4] = {zero, zero, zero, zero};
    for (int64_t j = 0; j < d; ++j) {
      const Vec<S> c = Vec<S>::set(chosen[j]);
      for (int i = 0; i < 4; ++i) dots[i] = fma(Vec<S>::load(columns + j * padded + n + i * W), c, dots[i]);
    }
    for (int i = 0; i < 4; ++i) {
      const Vec<S> before = Vec<S>::load(worst + n + i * W), now = mul(dots[i], dots[i]);
      sub(zero, min(sub(zero, before), sub(zero, now))).store(worst + n + i * W);
    }
  }
}
