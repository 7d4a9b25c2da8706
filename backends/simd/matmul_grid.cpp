// How a product is cut into parts for the threads.
#include <algorithm>

#include "plexus/backends/simd/matmul.h"

namespace plexus::simd {
namespace {

// Products that are worth a thread of their own, a lane: 5 us. A second thread that looks out for work is there after half a microsecond,
// but operands have to move to its cache. On an EPYC 7001 with AVX2 (100 thousand products), steps of 32 rows of 64-128-64-10 to
// 191-52-124-3 took 0.68 to 0.88 of the time on two threads while its cores were near, 30 to 60 ns for a cache line, and 0.87 to 1.12 while
// they were far, 240 ns (those of a virtual machine move). A quarter of this limit gave 0.64 to 0.85 near, steps of 30 us among them, but up
// to 1.34 far.
constexpr double products_a_lane = 200e3 / 16;

// A product takes as long as one with so many rows, columns and depth at least: the time of one row is that of reading b.
constexpr int64_t least_size = 4;

// Rows of a batch from which on a step cuts weights that it trains: each thread writes a part and reads, for the gradient that
// goes back, the parts of the others, 20 ns a cache line where cores share no cache. With fewer rows a step of 784-512-512-10
// took up to three times as long on two threads as on one; with 8 rows up to an eighth longer, with 32 three quarters as long.
constexpr int64_t trained_rows = 16;

// What it costs to bring an element of a or b to a part that reads it, in multiply-adds. Not where weights are trained: they stay
// with the thread that writes them, which is the one of their panel.
constexpr int64_t reading = 8;

// What it costs that two threads write to the same cache line, in multiply-adds: some 100 ns until it has gone from one core to the
// other.
constexpr int64_t sharing = 2000;

// What it costs to pack a column of b, in rows of a that are multiplied with it: packing moves 12 bytes an element, a
// multiply-add takes a sixteenth of a cycle.
constexpr int64_t packing_rows = 12;

}  // namespace

double Matmul::threads_worth(int64_t m, int64_t n, int64_t k) const {
  const auto size = [](int64_t of) { return double(std::max(of, least_size)); };
  return size(m) * size(n) * size(k) / (products_a_lane * double(tiles_.lanes));
}

Matmul::Grid Matmul::grid(const Operands& o) const {
  Grid best{1, 1};
  if (alone_) return best;
  const double worth = threads_worth(o.m, o.n, o.k);
  if (worth < 2 || (trained_ && (spec_.batch == Batch::k ? o.k : o.m) < trained_rows)) return best;
  const int64_t threads = std::min<int64_t>(executor_.threads(), int64_t(worth)), columns = panel_count(o.n);
  const int64_t vectors = (o.n + tiles_.lanes - 1) / tiles_.lanes;  // the last panel may be narrow
  const int64_t a_cost = trained_ ? 0 : reading, b_cost = a_cost + (packs() ? packing_rows : 0);
  // Where rows of c are not whole cache lines, each has one that belongs to two panels.
  const bool shares = !trained_ && !(spec_.form == Form::tn && spec_.layout) && spec_.ldc % 16 != 0;
  const int64_t shared_cost = shares ? sharing / std::max<int64_t>(o.k, 1) : 0;
  int64_t least = INT64_MAX;
  for (int64_t rows = 1; rows <= std::min(threads, o.m); rows++) {
    const int64_t parts = std::min(threads / rows, columns);
    const int64_t height = (o.m + rows - 1) / rows, width = std::min((columns + parts - 1) / parts * panel, vectors * tiles_.lanes);
    const int64_t cost = width * (height + b_cost) + height * (a_cost + (parts > 1 ? shared_cost : 0));
    if (cost < least) least = cost, best = {rows, parts};
  }
  return best;
}

}  // namespace plexus::simd
