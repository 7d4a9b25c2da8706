// The kernel of matrix products, and of runs that begin with one.
#pragma once
#include "plexus/backends/simd/activation_loops.h"
#include "plexus/backends/simd/kernel.h"
#include "plexus/backends/simd/matmul_narrow.h"
#include "plexus/backends/simd/matmul_tile.h"
#include "plexus/backends/simd/panels.h"

namespace plexus::simd {

/// What happens to c as soon as a block of it is complete.
struct Epilogue {
  enum class Kind { none, activation, gradient } kind = Kind::none;
  Activation activation = Activation::relu;
  float alpha = 0;
};

/// c = a b, cut into parts for the threads.
class Matmul : public Kernel {
 public:
  static bool supports(const MatmulSpec& spec);
  /// `trained`: the program that this is part of writes to the weights.
  Matmul(const MatmulSpec& spec, const Epilogue& epilogue, bool trained, const Machine& machine);

  size_t workspace() const override { return size_t(scratch_ * executor_.threads()) * sizeof(float); }

  std::string describe() const override {
    return simd::describe(isa_, std::to_string(tiles_.most_rows) + "x" + std::to_string(2 * tiles_.lanes));
  }

  void run(void* const* buffers, const Call& call) const override;

 protected:
  /// One run: its true sizes and addresses.
  struct Operands {
    int64_t m, n, k;
    const float *a, *b, *bias;
    float* c;
    const float* saved = nullptr;  ///< gradient: what the activation left
    float* y = nullptr;            ///< where the epilogue writes; null without one
    int64_t y_stride = 0;
  };
  /// Rows [m0, m1) and panels [p0, p1) of c.
  struct Part {
    int64_t m0, m1, p0, p1;
  };
  /// How many parts there are along rows and along panels.
  struct Grid {
    int64_t rows, panels;
  };

  // Rows of a panel of b that are worked on at once: 1024 x 32 floats are 128 KB, which stay in the second-level cache while
  // the rows of a pass by. Between such pieces the chains rest in c.
  static constexpr int64_t most_depth = 1024;

  /// Elements of a that all panels at hand are multiplied with before the next ones come: half of a second-level cache. A large a
  /// would come from farther away for every panel.
  static int64_t a_elements();

  // Panels of b that are copied, and then multiplied with all of a: 1 MB where they are 1024 rows deep.
  static constexpr int64_t most_held = 8;

  // Rows of a that are worked on at once where a product is shallow and rows of c lie a multiple of 4 KB apart: 64 rows of a panel
  // fall on few lines of the caches, and have to be written before the next come there. 1024 x 1024, 1 to 8 deep: a quarter less
  // time, 32 to 128 deep: a tenth less.
  static constexpr int64_t shallow = 128, shallow_rows = 64;

  /// Rows of a that are worked on at once, where they are so deep.
  static int64_t rows_at_once(const MatmulSpec& spec, int64_t depth) {
    if (spec.form == Form::tn && spec.n == 1) return std::max(panel, spec.m);  // used only once
    const bool c_in_panels = spec.form == Form::tn && spec.layout;
    if (depth <= shallow && spec.ldc % 1024 == 0 && !c_in_panels) return shallow_rows;
    return std::max(panel, a_elements() / std::max<int64_t>(depth, 1) / panel * panel);
  }
  /// Rows of the last block: a few that would be left go with it, since a block of its own reads all panels of b once more. A quarter
  /// more of a then takes five eighths of a second-level cache.
  int64_t most_height() const { return height_ + height_ / 4; }
  /// The end of the block of a that begins with row m0, of rows that end with m1.
  int64_t block_end(int64_t m0, int64_t m1) const { return m1 - m0 <= most_height() ? m1 : m0 + height_; }
  /// Panels of b that are held: several only where what is worked on of a is fetched or copied for them.
  static int64_t held(const MatmulSpec& spec, int64_t height) {
    return spec.m > height || copies_a(spec) ? std::min(most_held, panel_count(spec.n)) : 1;
  }

  // Elements of b from which on a transposed a is copied, wherever its rows lie. An element costs the same for any b, the gain grows with
  // both its sizes. EPYC 7003, 784 x 128 to 512: with half as many 0 to 2 % more time, with as many 2 to 3 % less, with more up to 11 %.
  // Of fewer rows of c than copied_rows too few tiles are as tall as they can be: 13 x 128 and 20 x 256 took 3 to 5 % more time, 64 x 256 and
  // 100 x 128 the same time, 128 x 128, 512 deep, 4 % less.
  static constexpr int64_t copied_for = 32768, copied_rows = 96;

  /// Whether blocks of a are copied. The elements of a column of a lie where few lines of the caches can hold them if a row has 1 KB or a
  /// multiple; the copy pays from four panels on. Else they lie on more pages than a CPU has at hand if a is deep.
  static bool copies_a(const MatmulSpec& spec) {
    if (spec.form != Form::tn || spec.m < copied_rows || spec.n < 4 * panel) return false;
    return spec.lda % 256 == 0 || spec.n * spec.k >= copied_for;
  }
  /// Whether a block has to be copied for the panels of a part from p on: where there is but one, it is there since the first panels.
  bool copies_for(const Operands& o, const Part& part, int64_t p) const {
    return p == part.p0 || o.k > most_depth || part.m1 - part.m0 > most_height();
  }

  /// Whether some b must be copied: all but what lies in panels already.
  bool packs() const { return spec_.form != Form::nn || !spec_.layout; }
  Operands operands(void* const* buffers, const Call& call) const;
  double threads_worth(int64_t m, int64_t n, int64_t k) const;
  Grid grid(const Operands& o) const;
  /// Calls work(part, scratch) for the parts of c, on the threads where it is worth it.
  template <class Work>
  void for_parts(const Operands& o, const Grid& cuts, void* workspace, const Work& work) const;
  /// Points the block to the rows [k0, k0 + depth) of the p-th panel of b. What has to be copied is for the first rows of the
  /// part, and there for the others.
  void place_b(const Operands& o, const Part& part, int64_t m0, int64_t p, int64_t k0, MatmulBlock& block, float* copy) const;

  void copy_a(const Operands& o, int64_t m0, int64_t m1, int64_t k0, float* pieces) const;

  bool few_columns(const Operands& o, int64_t rows) const;
  void multiply_few_columns(const MatmulBlock& block) const;

  MatmulSpec spec_;
  Epilogue epilogue_;
  bool trained_;
  const Executor& executor_;
  Isa isa_;
  const MatmulTiles& tiles_;
  const MatmulNarrow& narrow_;
  const ActivationLoops& loops_;
  int64_t depth_, height_;      ///< rows of b and of a that are worked on at once
  int64_t held_;
  bool copies_a_;
  Then then_ = Then::nothing;   ///< the second operation, if tiles have it
  bool alone_;                  ///< whatever its true size: too small for a second thread
  int64_t scratch_;             ///< floats of workspace for a thread

 private:
  void multiply(const Operands& o, const Part& part, float* scratch) const;
  /// Where the second operation is done: on the sums in a tile, or on each block of c, or on the whole part.
  enum class Second { in_tiles, on_blocks, on_part };
  Second second(const Operands& o, const Part& part) const;
  void multiply_block(const Operands& o, const Part& part, const Part& at, int64_t k0, float* copy, const float* pieces, Second second) const;
  void multiply_row(const Operands& o, const Part& part) const;
  void multiply_few_rows(const Operands& o, const Part& part) const;
  bool transposes_a(const Operands& o, const Grid& cuts) const;
  void multiply_transposed(const Operands& o, const Part& part, float* scratch) const;
  void finish(const Operands& o, int64_t m0, int64_t rows, int64_t n0, int64_t columns) const;
};

template <class Work>
void Matmul::for_parts(const Operands& o, const Grid& cuts, void* workspace, const Work& work) const {
  const int64_t columns = panel_count(o.n);
  auto* const scratch = static_cast<float*>(workspace);
  if (cuts.rows * cuts.panels == 1) return work(Part{0, o.m, 0, columns}, scratch);
  executor_.parallel_for(cuts.rows * cuts.panels, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
      const int64_t r = i / cuts.panels, p = i % cuts.panels;
      work(Part{o.m * r / cuts.rows, o.m * (r + 1) / cuts.rows, columns * p / cuts.panels, columns * (p + 1) / cuts.panels},
           scratch + i * scratch_);
    }
  });
}

}  // namespace plexus::simd
