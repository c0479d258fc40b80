// Included once per instruction set, inside its namespace; see common/every_isa.h. Plain loops that the compiler
// vectorises.

// Pixels of a block whose reduced difference is above a limit, in units of twice the difference. Bytes: exact in 16
// bits. twice, reduced: scratch of pixels * C + C values. Every element's window of C is reduced, and only pixel starts
// count.
template <int C, bool kMax>
static int64_t count_bytes(const uint8_t* g, const uint8_t* before, const uint8_t* after, int64_t pixels, int16_t limit,
                           int16_t* twice, const int16_t* starts) {
  const int64_t n = pixels * C;
  for (int64_t i = 0; i < n; ++i) {
    const int16_t d = static_cast<int16_t>(2 * g[i] - before[i] - after[i]);
    twice[i] = d < 0 ? static_cast<int16_t>(-d) : d;
  }
  for (int c = 0; c < C; ++c) twice[n + c] = 0;
  int16_t count = 0;  // at most `pixels`, which fits
  for (int64_t i = 0; i < n; ++i) {
    int16_t reduced = twice[i];
    for (int c = 1; c < C; ++c)
      reduced = kMax ? (reduced < twice[i + c] ? twice[i + c] : reduced) : static_cast<int16_t>(reduced + twice[i + c]);
    count = static_cast<int16_t>(count + (static_cast<int16_t>(reduced > limit) & starts[i]));
  }
  return count;
}

template <class S>
static int64_t count_values(const S* g, const S* before, const S* after, int64_t pixels, int64_t C, bool maximum,
                            double limit) {
  int64_t count = 0;
  for (int64_t p = 0; p < pixels; ++p) {
    double reduced = 0;
    for (int64_t i = p * C; i < p * C + C; ++i) {
      const double d = std::abs(2.0 * double(g[i]) - double(before[i]) - double(after[i]));
      reduced = maximum ? std::max(reduced, d) : reduced + d;
    }
    count += reduced > limit;
  }
  return count;
}
