// The C++ cores without torch or Python, each against its definition or a property of it, over seeded cases; built for
// every instruction set, by a cross compiler, and under the sanitizers (`make sanitize`, `make neon`).
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "../../csrc/dtw/dtw_core.h"
#include "../../csrc/fastdtw/fastdtw_core.h"
#include "../../csrc/prototype_attention/prototype_attention_core.h"
#include "../../csrc/tcd/tcd_core.h"
#include "../../csrc/trajectory_attention/temporal_attention_core.h"
#include "../../csrc/trajectory_attention/trajectory_attention_core.h"
#include "../../csrc/warp/warp_core.h"

namespace {
using namespace signcore;
using std::vector;

std::mt19937 generator;
int failures = 0;

int64_t any(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(generator); }
double normal() { return std::normal_distribution<double>()(generator); }
template <class S>
vector<S> randoms(int64_t n, double scale = 1) {
  vector<S> out(static_cast<size_t>(n));
  for (S& x : out) x = S(normal() * scale);
  return out;
}
// Results: memory as torch gives it.
template <class S>
struct Result {
  explicit Result(int64_t n) : memory(size_t(n) + 1), size(n) { std::fill(memory.get(), memory.get() + n, S(NAN)); }
  Aligned<S> memory;
  int64_t size;
  S* get() const { return memory.get(); }
  S operator[](int64_t i) const { return memory.get()[i]; }
};
template <class S>
Result<S> copied(const vector<S>& from) {
  Result<S> out(int64_t(from.size()));
  std::copy(from.begin(), from.end(), out.get());
  return out;
}
void expect(bool holds, const char* what, int seed) {
  if (holds) return;
  std::printf("case %d: %s\n", seed, what);
  ++failures;
}
template <class S>
bool near(double a, double b, double scale = 1) {
  return std::abs(a - b) <= (sizeof(S) == 4 ? 2e-5 : 1e-10) * (scale + std::abs(a) + std::abs(b));
}
const Parallel two_threads = [](int64_t begin, int64_t end, int64_t grain,
                                const std::function<void(int64_t, int64_t)>& body) {
  if (end - begin <= grain) return body(begin, end);
  const int64_t middle = begin + (end - begin) / 2;
  std::thread other(body, middle, end);
  body(begin, middle);
  other.join();
};

template <class S>
double pair_cost(const S* reference, const S* other, int64_t D) {
  double squares = 0, length = 0;
  bool absent = false;
  for (int64_t d = 0; d < D; ++d) {
    if (std::isnan(reference[d])) return 0;
    absent |= std::isnan(other[d]);
    squares += (double(reference[d]) - double(other[d])) * (double(reference[d]) - double(other[d]));
    length += double(reference[d]) * double(reference[d]);
  }
  return absent ? std::sqrt(length) / 2 : std::sqrt(squares);
}

double cheapest(int64_t T, int64_t U, int64_t band, const std::function<double(int64_t, int64_t)>& cost) {
  vector<double> table(size_t((T + 1) * (U + 1)), INFINITY);
  const auto at = [&](int64_t i, int64_t j) -> double& { return table[size_t(i * (U + 1) + j)]; };
  at(0, 0) = 0;
  for (int64_t i = 0; i < T; ++i)
    for (int64_t j = 0; j < U; ++j)
      if (band < 0 || std::abs(i - j) <= band)
        at(i + 1, j + 1) = cost(i, j) + std::min(at(i, j), std::min(at(i, j + 1), at(i + 1, j)));
  return at(T, U);
}

template <class S>
void test_dtw(int seed) {
  const int64_t T = any(1, 40), U = any(1, 40), K = any(0, 40), D = any(1, 4);
  vector<S> x = randoms<S>(T * K * D), y = randoms<S>(U * K * D);
  for (auto* clip : {&x, &y})
    for (S& value : *clip)
      if (any(0, 9) == 0) value = S(NAN);
  const int64_t from[] = {0, T}, to[] = {0, U}, band = any(0, 1) ? -1 : any(0, 20);
  const dtw::Clips<S> a{x.data(), from, 1}, b{y.data(), to, 1};
  const int64_t wide = band < 0 ? -1 : std::max(band, std::abs(T - U));
  Result<S> out(K), pose(1);
  dtw::keypoint_pairs<S>(a, b, K, D, band, true, out.get(), two_threads);
  dtw::pose_pairs<S>(a, b, K, D, band, pose.get(), two_threads);
  const auto cost = [&](int64_t i, int64_t j, int64_t k) {
    return pair_cost(&x[(i * K + k) * D], &y[(j * K + k) * D], D);
  };
  for (int64_t k = 0; k < K; ++k)
    expect(near<S>(out[k], cheapest(T, U, wide, [&](int64_t i, int64_t j) { return cost(i, j, k); })), "dtw", seed);
  const auto mean = [&](int64_t i, int64_t j) {
    double total = 0, present = 0;
    for (int64_t k = 0; k < K; ++k) {
      total += cost(i, j, k);
      present += !dtw::is_missing(&x[(i * K + k) * D], D);
    }
    return present > 0 ? total / present : 0;
  };
  expect(near<S>(pose[0], cheapest(T, U, wide, mean)), "dtw of a pose", seed);

  using fastdtw::Variant;
  const Variant variant = any(0, 1) ? Variant::kPython : Variant::kCompiled;
  for (int64_t k = 0; k < std::min<int64_t>(K, 3); ++k) {
    const double exact = cheapest(T, U, -1, [&](int64_t i, int64_t j) { return cost(i, j, k); });
    for (const int64_t radius : {int64_t(0), int64_t(1), T + U}) {
      fastdtw::Workspace w;
      fastdtw::read(y.data(), U, K, D, k, false, w.levels[0].x);
      fastdtw::read(x.data(), T, K, D, k, true, w.levels[0].y);
      vector<std::pair<int64_t, int64_t>> cells;
      const double fast = fastdtw::distance(w, D, radius, variant, &cells);
      double walked = 0;
      for (size_t c = 0; c < cells.size(); ++c) {
        walked += cost(cells[c].second, cells[c].first, k);
        const int64_t down = c ? cells[c].first - cells[c - 1].first : 1,
                      right = c ? cells[c].second - cells[c - 1].second : 1;
        expect(down >= 0 && right >= 0 && down <= 1 && right <= 1 && down + right > 0, "a step of a path", seed);
      }
      expect(cells.front() == std::pair<int64_t, int64_t>(0, 0) &&
                 cells.back() == std::pair<int64_t, int64_t>(U - 1, T - 1),
             "the ends of a path", seed);
      expect(near<double>(walked, fast), "a path costs its distance", seed);
      expect(fast >= exact - 1e-9, "no path is cheaper than the cheapest", seed);
      if (radius == T + U) expect(near<double>(fast, exact), "a great radius is exact", seed);
    }
  }
}

void test_tcd(int seed) {
  const int64_t frames = any(3, 6), pixels = any(0, 5000), C = any(1, 6);
  vector<uint8_t> g(size_t(frames * pixels * C)), r(g.size());
  for (auto* video : {&g, &r})
    for (uint8_t& value : *video) value = uint8_t(any(0, 255));
  const bool maximum = any(0, 1);
  const double limit = double(any(0, 900));
  vector<int64_t> counts(size_t(frames), 0);
  tcd::count<uint8_t>(g.data(), r.data(), frames, pixels, C, maximum ? tcd::Reduce::kMax : tcd::Reduce::kSum, limit,
                      counts.data(), two_threads);
  for (int64_t t = 1; t + 1 < frames; ++t) {
    int64_t expected = 0;
    for (int64_t p = 0; p < pixels; ++p) {
      int64_t reduced = 0;
      for (int64_t c = 0; c < C; ++c) {
        const int64_t at = p * C + c, frame = pixels * C;
        const int64_t d = std::abs(2 * g[t * frame + at] - r[(t - 1) * frame + at] - r[(t + 1) * frame + at]);
        reduced = maximum ? std::max(reduced, d) : reduced + d;
      }
      expected += double(reduced) > limit;
    }
    expect(counts[size_t(t)] == expected, "tcd", seed);
  }
}

double dot(const double* a, const double* b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// Bilinear samples are linear in picture and mask: the gradients are their adjoints. The flow's is held against a
// slope.
template <class S>
void test_warp(int seed) {
  const int64_t B = any(1, 2), C = any(1, 20), H = any(1, 12), W = any(1, 40), n = any(1, 1500);
  const warp::Size size{H, W, static_cast<warp::Padding>(any(0, 2)), any(0, 1) == 1};
  vector<S> picture = randoms<S>(B * C * H * W), flow = randoms<S>(B * n * 2, 0.7), mask = randoms<S>(B * n);
  const warp::Call<S> call{picture.data(), flow.data(), mask.data(), B, C, n, size, any(0, 1) == 1};
  vector<S> out(size_t(B * C * n)), grad = randoms<S>(B * C * n);
  warp::forward(call, out.data(), two_threads);
  vector<S> to_picture(picture.size(), 0), to_flow(flow.size(), 0), to_mask(mask.size(), 0);
  warp::backward(call, grad.data(), to_picture.data(), to_flow.data(), to_mask.data(), two_threads);
  const auto inner = [](const vector<S>& a, const vector<S>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
    return sum;
  };
  const double value = inner(out, grad), scale = std::sqrt(double(out.size())) * 10;
  expect(near<S>(value, inner(picture, to_picture), scale), "warp's gradient of the picture", seed);
  expect(near<S>(value, inner(mask, to_mask), scale), "warp's gradient of the mask", seed);
  for (int probe = 0; sizeof(S) == 8 && probe < 8; ++probe) {
    const size_t at = size_t(any(0, B * n * 2 - 1));
    const S kept = flow[at], step = S(1e-7);
    double sides[2];
    for (int side = 0; side < 2; ++side) {
      flow[at] = kept + (side ? step : -step);
      warp::forward(call, out.data(), two_threads);
      sides[side] = inner(out, grad);
    }
    flow[at] = kept;
    const double slope = (sides[1] - sides[0]) / (2 * step);
    expect(std::abs(slope - to_flow[at]) <= 1e-4 * (1 + std::abs(slope)), "warp's gradient of the flow", seed);
  }
  vector<S> ones(picture.size(), 1), all(size_t(B * C * n));
  const warp::Call<S> flat{ones.data(), flow.data(), nullptr, B, C, n, size, call.last};
  warp::forward(flat, all.data(), two_threads);
  for (const S x : all) expect(x >= -1e-6 && x <= 1 + 1e-5, "a white picture stays white", seed);
}

template <class S>
void test_trajectory(int seed) {
  const int64_t B = any(1, 2), h = any(1, 3), F = any(1, 4), P = any(1, 40), d = any(1, 20), N = F * P;
  const vector<S> q = randoms<S>(B * h * N * d), k = randoms<S>(B * h * N * d), v = randoms<S>(B * h * N * d);
  const auto heads = [&](const vector<S>& x) { return trajectory::Heads<S>{x.data(), h * N * d, N * d, d}; };
  const trajectory::Call<S> call{heads(q), heads(k), heads(v), B, h, F, P, d, S(1) / std::sqrt(S(d))};
  Result<S> out(B * N * F * h * d), lse(B * h * N * F);
  trajectory::forward(call, 2, out.get(), lse.get(), two_threads);
  const vector<S> grad = randoms<S>(out.size);
  Result<S> to_q(int64_t(q.size())), to_k(to_q.size), to_v(to_q.size);
  trajectory::backward(call, grad.data(), lse.get(), to_q.get(), to_k.get(), to_v.get(), two_threads);
  const vector<S> step[3] = {randoms<S>(to_q.size), randoms<S>(to_q.size), randoms<S>(to_q.size)};
  const double size = 1e-5;
  double sides[2] = {0, 0};
  for (int side = -1; side < 2; ++side)  // the definition in float64, beside and at the inputs
    for (int64_t bh = 0; bh < B * h; ++bh)
      for (int64_t n = 0; n < N; ++n)
        for (int64_t f = 0; f < F; ++f) {
          const auto moved = [&](const vector<S>& x, int which, int64_t point, int64_t c) {
            const size_t at = size_t((bh * N + point) * d + c);
            return double(x[at]) + side * size * double(step[which][at]);
          };
          vector<double> weights(static_cast<size_t>(P));
          double total = 0;
          for (int64_t p = 0; p < P; ++p) {
            double score = 0;
            for (int64_t c = 0; c < d; ++c) score += moved(q, 0, n, c) * moved(k, 1, f * P + p, c);
            total += weights[size_t(p)] = std::exp(score / std::sqrt(double(d)));
          }
          for (int64_t c = 0; c < d; ++c) {
            double expected = 0;
            for (int64_t p = 0; p < P; ++p) expected += weights[size_t(p)] / total * moved(v, 2, f * P + p, c);
            const int64_t at = call.row(bh / h, n, f, bh % h) + c;
            if (side == 0)
              expect(near<S>(out[at], expected), "trajectory attention", seed);
            else
              sides[side > 0] += expected * double(grad[size_t(at)]);
          }
        }
  double along = 0;
  for (int64_t i = 0; i < to_q.size; ++i)
    along += double(to_q[i]) * step[0][size_t(i)] + double(to_k[i]) * step[1][size_t(i)] +
             double(to_v[i]) * step[2][size_t(i)];
  const double slope = (sides[1] - sides[0]) / (2 * size);
  expect(std::abs(slope - along) <= (sizeof(S) == 4 ? 1e-3 : 1e-6) * (10 + std::abs(slope)),
         "trajectory attention's gradient", seed);
}

// The second attention, projected first as the paper has it.
double temporal_value(const vector<double>& tokens, const vector<double>& wq, const vector<double>& wkv,
                      const vector<double>& bq, const vector<double>& bkv, int64_t rows, int64_t N, int64_t F,
                      int64_t h, int64_t d, const vector<double>& grad, vector<double>* out) {
  const int64_t D = h * d;
  double value = 0;
  const auto project = [&](const vector<double>& w, const vector<double>& b, int64_t row, const double* y) {
    return b[size_t(row)] + dot(&w[size_t(row * D)], y, size_t(D));
  };
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t head = 0; head < h; ++head) {
      const double* own = &tokens[size_t((n * F + n % N / (N / F)) * D)];
      vector<double> weights(static_cast<size_t>(F));
      double total = 0;
      for (int64_t f = 0; f < F; ++f) {
        double score = 0;
        for (int64_t c = head * d; c < head * d + d; ++c)
          score += project(wq, bq, c, own) * project(wkv, bkv, c, &tokens[size_t((n * F + f) * D)]);
        total += weights[size_t(f)] = std::exp(score / std::sqrt(double(d)));
      }
      for (int64_t c = head * d; c < head * d + d; ++c) {
        double mixed = 0;
        for (int64_t f = 0; f < F; ++f)
          mixed += weights[size_t(f)] / total * project(wkv, bkv, D + c, &tokens[size_t((n * F + f) * D)]);
        if (out) (*out)[size_t(n * D + c)] = mixed;
        value += mixed * grad[size_t(n * D + c)];
      }
    }
  return value;
}

template <class S>
void test_temporal(int seed) {
  const int64_t B = any(1, 2), h = any(1, 3), F = any(1, 5), P = any(1, 12), d = any(1, 12), N = F * P, D = h * d;
  const int64_t rows = B * N;
  const auto wide = [](const vector<S>& x) { return vector<double>(x.begin(), x.end()); };
  const vector<S> tokens = randoms<S>(rows * F * D), wq = randoms<S>(D * D, 0.3), wkv = randoms<S>(2 * D * D, 0.3);
  const vector<S> bq = randoms<S>(D), bkv = randoms<S>(2 * D), grad = randoms<S>(rows * D);
  const Result<S> aligned = copied(tokens);
  const temporal::Call<S> call{aligned.get(), wq.data(), wkv.data(), bq.data(), bkv.data() + D, rows, N, F, h, d};
  Result<S> out(rows * D), queries(rows * D), to_tokens(rows * F * D), to_q(D * D), to_kv(2 * D * D), to_bq(D),
      to_bkv(2 * D);
  temporal::forward(call, 2, out.get(), queries.get(), two_threads);
  temporal::backward(call, grad.data(), queries.get(), 2,
                     {to_tokens.get(), to_q.get(), to_kv.get(), to_bq.get(), to_bkv.get()}, two_threads);
  vector<double> expected(size_t(rows * D));
  temporal_value(wide(tokens), wide(wq), wide(wkv), wide(bq), wide(bkv), rows, N, F, h, d, wide(grad), &expected);
  for (int64_t i = 0; i < rows * D; ++i) expect(near<S>(out[i], expected[size_t(i)], 5), "temporal attention", seed);
  const vector<S>* inputs[] = {&tokens, &wq, &wkv, &bq, &bkv};
  const Result<S>* grads[] = {&to_tokens, &to_q, &to_kv, &to_bq, &to_bkv};
  vector<double> moved[2][5];
  const double size = 1e-6;
  double along = 0;
  for (int i = 0; i < 5; ++i) {
    moved[0][i] = moved[1][i] = wide(*inputs[i]);
    for (size_t j = 0; j < inputs[i]->size(); ++j) {
      const double step = normal();
      along += step * double((*grads[i])[int64_t(j)]);
      moved[0][i][j] -= size * step;
      moved[1][i][j] += size * step;
    }
  }
  double sides[2];
  for (int s = 0; s < 2; ++s)
    sides[s] = temporal_value(moved[s][0], moved[s][1], moved[s][2], moved[s][3], moved[s][4], rows, N, F, h, d,
                              wide(grad), nullptr);
  const double slope = (sides[1] - sides[0]) / (2 * size);
  expect(std::abs(slope - along) <= (sizeof(S) == 4 ? 1e-3 : 1e-5) * (10 + std::abs(slope)),
         "temporal attention's gradient", seed);
}

// Each chosen row is the one whose greatest cosine to those before it is least.
void test_prototypes(int seed) {
  const int64_t N = any(1, 80), d = any(1, 12), R = any(1, N), first = any(0, N - 1);
  const vector<double> rows = randoms<double>(N * d);
  vector<int64_t> chosen(static_cast<size_t>(R));
  prototype::select_all(rows.data(), &first, 1, N, d, R, chosen.data(), two_threads);
  const auto cosine = [&](int64_t a, int64_t b) {
    const double *x = &rows[size_t(a * d)], *y = &rows[size_t(b * d)];
    const double c = dot(x, y, size_t(d)) / std::sqrt(dot(x, x, size_t(d)) * dot(y, y, size_t(d)));
    return c * c;
  };
  const auto worst = [&](int64_t n, size_t r) {
    double most = 0;
    for (size_t i = 0; i < r; ++i) most = std::max(most, cosine(n, chosen[i]));
    return most;
  };
  expect(chosen[0] == first, "the first prototype", seed);
  for (size_t r = 1; r < chosen.size(); ++r)
    for (int64_t n = 0; n < N; ++n) {
      const bool taken = std::find(chosen.begin(), chosen.begin() + int64_t(r), n) != chosen.begin() + int64_t(r);
      expect(taken || worst(chosen[r], r) <= worst(n, r) + 1e-9, "the most orthogonal is next", seed);
    }
}
}  // namespace

int main(int count, char** arguments) {
  const int cases = count > 1 ? std::atoi(arguments[1]) : 100;
  for (int seed = 0; seed < cases; ++seed) {
    generator.seed(static_cast<unsigned>(seed));
    test_dtw<float>(seed);
    test_dtw<double>(seed);
    test_tcd(seed);
    test_warp<float>(seed);
    test_warp<double>(seed);
    test_trajectory<float>(seed);
    test_trajectory<double>(seed);
    test_temporal<float>(seed);
    test_temporal<double>(seed);
    test_prototypes(seed);
  }
  std::printf("%d cases an op on %s, %d failures\n", cases, isa_name(), failures);
  return failures ? 1 : 0;
}
