// Operations: one or two operations with random operands, as the chosen backend runs them.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plexus/core/context.h"
#include "plexus/core/tensor.h"

namespace plexus::bench {

/// Changes what a buffer holds at first, by its name; its elements are uniform in [-1, 1), whole numbers 0.
using Fill = std::function<void(const std::string& name, Tensor& values)>;

/// A program on the chosen backend alone: nobody else steps in, whatever it lacks. Fused where it fuses, else kernel by kernel.
class Operations {
 public:
  /// Whether the chosen backend claims all of it.
  static bool supported(const Backend& backend, const Program& program);

  /// Prepares the kernels, and all buffers: aligned as those of a Store are. Throws BackendError where the backend refuses what
  /// it has claimed.
  Operations(const Context& context, Program program, const Fill& fill = {});

  /// On all rows. Allocates nothing.
  void run() const {
    for (const Step& step : steps_) step.kernel->run(step.addresses.data(), {program_.batch(), workspace_});
  }
  /// Runs once on these very buffers, between the two halves of a Verification. "" or what is wrong.
  std::string verify();

  const Program& program() const { return program_; }
  /// "avx512 8x32"; kernel after kernel.
  std::string description() const;

 private:
  struct Step {
    std::unique_ptr<const Kernel> kernel;
    std::vector<void*> addresses;
  };
  /// The address of every buffer, its contents plain; `unpacked` owns those that lie otherwise.
  std::vector<const void*> plain(std::vector<Tensor>& unpacked) const;

  Program program_;
  Deviations declared_;
  std::vector<Tensor> buffers_;
  std::vector<Step> steps_;
  Tensor workspace_buffer_;
  void* workspace_ = nullptr;
};

/// Uniform in [-1, 1), another sequence for each `stream`.
void fill_uniform(Tensor& values, uint32_t stream);

}  // namespace plexus::bench
