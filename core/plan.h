// Plan: a program prepared in a context over a store.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "plexus/core/context.h"
#include "plexus/core/cost.h"
#include "plexus/core/store.h"
#include "plexus/export.h"

namespace plexus {

/// Prepared programs. Built once; a run then allocates nothing and looks nothing up.
/// One thread runs a plan at a time; `fork` makes others. The store must outlive its plans and not move. Where a plan that
/// is built later changes the layout of a parameter, this one notices and prepares itself again at its next run; so no
/// plan may run while another is being built over the same store.
class PLEXUS_EXPORT Plan {
 public:
  /// One row of the plan: a kernel and the operations that it runs.
  struct Row {
    size_t first = 0, last = 0;        ///< operations [first, last); equal: a refresh of `refreshed`
    std::string backend;
    std::string spec;                  ///< the line of the run
    std::string label;
    std::string description;           ///< the kernel's own words
    std::string why;                   ///< "chosen", "fused 2", "fallback: simd has none", ...
    std::string deviations;            ///< what its backend declares not to keep for these operations; "" for nothing
    BufferId refreshed = no_buffer;    ///< the parameter whose derived copies are remade
    Cost cost;                         ///< of the whole row, at the maximum of rows; of one operation in it: cost(Run)
    double nanoseconds = 0;            ///< of the last run_timed()
  };
  /// How long a run takes, in nanoseconds: means over the middle half of many runs, so that what interrupts them does not count.
  struct Timing {
    std::vector<double> rows;          ///< of each row; they add up to `stamped`
    double stamped = 0;                ///< of a run that looks at the clock after every row, without the time for looking
    double run = 0;                    ///< of a run that does not
    int64_t runs = 0;                  ///< so many of each kind
  };
  /// How far results are from the reference's, each row on the same inputs.
  struct Difference {
    double relative = 0;               ///< the largest, relative to the largest value of its buffer
    bool wrong = false;                ///< above 1e-4, and more than inputs in which the last bits of f32 differ would explain:
                                       ///< gradients may cancel to next to nothing, and Adam makes a full step of those, too
    std::string where;                 ///< "row 3 (matmul/nn/...), buffer 0.z, element 17: 1.5, reference 1.25"
  };

  /// Programs that share parameters agree on their layouts. Parameters, state and scalars that are not in the store yet
  /// are added as zeros. Throws BackendError where nobody has an operation, or where only the reference has it and the
  /// context's fallback policy is an error.
  static std::vector<Plan> build(const Context& context, Store& store, std::vector<Program> programs);
  static Plan build(const Context& context, Store& store, Program program);

  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;
  ~Plan();

  /// Runs all operations on the first `rows` rows of the batch (at most the maximum: else ShapeError).
  /// Throws Error where the context's check policy finds something.
  void run(int64_t rows);
  /// The same, and measures every row (`rows()[i].nanoseconds`).
  void run_timed(int64_t rows);
  /// Runs it over and over for about `seconds`, at least 20 times, on what lies in its inputs, by turns with and without looking at
  /// the clock after every row. A step of training trains: store and scalars are the caller's.
  Timing measure(int64_t rows, double seconds = 0.2);
  /// A run that also runs every row on the reference beside it.
  Difference check(int64_t rows);

  /// Address of an input or output, row-major, maximum rows; stays while the plan lives. Throws ArgumentError.
  void* data(const std::string& name);
  template <class T>
  T* data(const std::string& name) {
    return static_cast<T*>(data(name));
  }
  /// Makes an input or output live at `address` from now on (zero-copy).
  void bind(const std::string& name, void* address);

  /// Another plan over the same store and kernels, with its own inputs, outputs and temporaries: for another thread.
  Plan fork() const;

  const Program& program() const;
  const Context& context() const;
  const std::vector<Row>& rows() const;
  /// Bytes of inputs, outputs, temporaries and workspace.
  size_t arena_bytes() const;
  /// A line a row: label, spec, backend, kernel, why; a line each for what runs inside its kernel, with its own spec; then what
  /// deviates.
  std::string table() const;

 private:
  struct State;
  explicit Plan(std::unique_ptr<State> state);
  void run_watched(int64_t rows);
  void run_checked(int64_t rows);
  void run_sampled(int64_t rows);
  std::unique_ptr<State> state_;
};

}  // namespace plexus
