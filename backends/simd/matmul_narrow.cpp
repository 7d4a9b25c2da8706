#include "plexus/backends/simd/targets.h"
// Before Highway, whose targets it names.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plexus/backends/simd/matmul_narrow.cpp"
#include <hwy/foreach_target.h>

#include "plexus/backends/simd/matmul_narrow.h"
#include "plexus/backends/simd/transpose-inl.h"

// Squares of lanes x lanes elements are transposed in registers: a line of memory is read once, however far its rows lie apart.
HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {
namespace {

// Rows whose sums fit into registers beside a square. Transposing takes as long as the multiply-adds of about so many rows;
// for more it is done once for all of them.
constexpr int most_rows = lanes == 16 ? 8 : 4;

/// `rows` rows times `squares` vectors of columns at once. Of one row two squares: their chains hide each other's latency.
template <int rows, int squares>
void rows_of_transposed(const MatmulBlock& block, int64_t row) {
  for (int64_t column = 0; column < block.columns; column += squares * lanes) {
    const auto left = [&](int s) { return block.columns - column - s * lanes; };
    V sum[squares][rows];
    PLEXUS_UNROLL for (int s = 0; s < squares; s++) PLEXUS_UNROLL for (int r = 0; r < rows; r++) {
      const int64_t at = column + s * lanes;
      sum[s][r] = block.start == Start::c      ? load_up_to(block.c + (row + r) * block.c_stride + at, left(s))
                  : block.start == Start::bias ? load_up_to(block.bias + at, left(s))
                                               : zero();
    }
    const float *a = block.a + row * block.a_stride, *b = block.b + column * block.b_stride;
    for (int64_t k = 0; k < block.depth; k += lanes) {
      const int64_t depth = block.depth - k;
      PLEXUS_UNROLL for (int s = 0; s < squares; s++) {
        if (left(s) <= 0) break;
        V x[lanes];
        load_square(b + s * lanes * block.b_stride, block.b_stride, left(s), depth, x);
        PLEXUS_UNROLL for (int i = 0; i < lanes; i++) PLEXUS_UNROLL for (int r = 0; r < rows; r++)
          if (i < depth) sum[s][r] = hn::MulAdd(set(a[r * block.a_stride + i]), x[i], sum[s][r]);
      }
      a += lanes;
      b += lanes + (k % panel == panel - lanes ? block.b_jump : 0);
    }
    PLEXUS_UNROLL for (int s = 0; s < squares; s++) PLEXUS_UNROLL for (int r = 0; r < rows; r++)
      store_up_to(sum[s][r], block.c + (row + r) * block.c_stride + column + s * lanes, left(s));
  }
}

void few_rows(const MatmulBlock& block) {
  for (int64_t row = 0; row < block.rows;) {
    const int64_t left = block.rows - row;
    if (left >= most_rows)
      rows_of_transposed<most_rows, 1>(block, row), row += most_rows;
    else if (left >= 4)
      rows_of_transposed<4, 1>(block, row), row += 4;
    else if (left >= 2)
      rows_of_transposed<2, 2>(block, row), row += 2;
    else
      rows_of_transposed<1, 2>(block, row), row++;
  }
}

// Up to so many columns of c a tile wastes more lanes than few_columns takes time, measured with 10 and 3. Where a must be
// transposed, a square takes registers too: AVX2 has none left beside ten sums.
constexpr int most_columns = lanes >= 8 ? 12 : lanes == 4 ? 2 : 0;
constexpr int most_columns_of_squares = lanes == 8 ? 6 : most_columns;

/// Chains of `groups` vectors of rows, every column.
template <int columns, int groups>
struct Columns {
  V sum[groups][columns];

  HWY_INLINE Columns(const MatmulBlock& block, int64_t row) {
    PLEXUS_UNROLL for (int g = 0; g < groups; g++) {
      const int64_t rows = block.rows - row - g * lanes;
      if (block.start == Start::c && rows > 0) {
        const float* c = block.c + (row + g * lanes) * block.c_stride;
        PLEXUS_UNROLL for (int first = 0; first < columns; first += lanes) {
          V x[lanes];
          load_square(c + first, block.c_stride, rows, columns - first, x);
          PLEXUS_UNROLL for (int j = 0; j < lanes; j++)
            if (first + j < columns) sum[g][first + j] = x[j];
        }
      } else {
        PLEXUS_UNROLL for (int j = 0; j < columns; j++)
          sum[g][j] = block.start == Start::bias ? set(block.bias[j]) : zero();
      }
    }
  }
  /// Of the g-th group: its rows of a column of a times a row of b.
  HWY_INLINE void add(int g, V x, const float* b) {
    PLEXUS_UNROLL for (int j = 0; j < columns; j++) sum[g][j] = hn::MulAdd(x, set(b[j]), sum[g][j]);
  }
  HWY_INLINE void finish(const MatmulBlock& block, int64_t row) const {
    PLEXUS_UNROLL for (int g = 0; g < groups; g++) {
      const int64_t rows = block.rows - row - g * lanes;
      if (rows <= 0) return;
      float* const c = block.c + (row + g * lanes) * block.c_stride;
      PLEXUS_UNROLL for (int first = 0; first < columns; first += lanes) {
        V x[lanes];
        PLEXUS_UNROLL for (int j = 0; j < lanes; j++) x[j] = first + j < columns ? sum[g][(first + j) % columns] : zero();
        store_square(x, c + first, block.c_stride, rows, columns - first);
      }
    }
  }
};

template <int columns>
void rows_by_columns(const MatmulBlock& block) {
  if constexpr (columns <= most_columns) {
    // So many that at least four chains hide the latency of a multiply-add.
    constexpr int groups = columns >= 4 ? 1 : columns >= 2 ? 2 : 4;
    for (int64_t row = 0; row < block.rows; row += groups * lanes) {
      Columns<columns, groups> chains(block, row);
      const float* b = block.b;
      if (block.a_transposed) {
        const auto add = [&](const float* a, int64_t stride, int64_t depth) HWY_ATTR {
          for (int64_t k = 0; k < depth; k++, a += stride, b += block.b_stride)
            PLEXUS_UNROLL for (int g = 0; g < groups; g++) chains.add(g, load(a + g * lanes), b);
        };
        constexpr int64_t width = groups * lanes, at_once = 16;
        const float* const a = block.a + row;
        if (block.rows - row >= width) {
          add(a, block.a_stride, block.depth);
        } else {
          for (int64_t k = 0; k < block.depth; k += at_once) {
            const int64_t depth = std::min(at_once, block.depth - k);
            HWY_ALIGN float copy[at_once * width];
            copy_padded<width>(a + k * block.a_stride, block.a_stride, depth, block.rows - row, copy);
            add(copy, width, depth);
          }
        }
      } else {
        const float* a = block.a + row * block.a_stride;
        for (int64_t k = 0; k < block.depth; k += lanes, a += lanes, b += lanes * block.b_stride) {
          const int64_t depth = block.depth - k;
          PLEXUS_UNROLL for (int g = 0; g < groups; g++) {
            const int64_t rows = block.rows - row - g * lanes;
            if (rows <= 0) break;
            V x[lanes];
            load_square(a + g * lanes * block.a_stride, block.a_stride, rows, depth, x);
            PLEXUS_UNROLL for (int i = 0; i < lanes; i++)
              if (i < depth) chains.add(g, x[i], b + i * block.b_stride);
          }
        }
      }
      chains.finish(block, row);
    }
  }
}

void few_columns(const MatmulBlock& block) {
  static constexpr void (*by_columns[])(const MatmulBlock&) = {
      rows_by_columns<1>, rows_by_columns<2>, rows_by_columns<3>, rows_by_columns<4>,  rows_by_columns<5>,  rows_by_columns<6>,
      rows_by_columns<7>, rows_by_columns<8>, rows_by_columns<9>, rows_by_columns<10>, rows_by_columns<11>, rows_by_columns<12>};
  by_columns[block.columns - 1](block);
}

const MatmulNarrow narrow = {most_rows, most_columns, most_columns_of_squares, few_rows, few_columns};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plexus::simd {
const MatmulNarrow& matmul_narrow(Isa isa) { return *PLEXUS_SIMD_TABLE(isa, narrow); }
}  // namespace plexus::simd
#endif
