#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

#include "plexus/backends/conformance/modes.h"

namespace plexus::conformance {
namespace {

/// Odd counts among them, and more than most machines that run tests have.
constexpr int most_threads = 8;
/// In one kernel at once, each so many times: that they meet.
constexpr size_t callers = 8;
constexpr int calls = 3;

/// Two sets of operands for one kernel: callers that share what they should not would otherwise write the
/// same things.
constexpr size_t operand_sets = 2;

/// What a set gives; the first answer is the one that all others must have the bits of.
class Answers {
 public:
  Answers(const Case& c, uint64_t seed) : exercise_(make_exercise(with_seed(c, seed))) {}

  const Values& inputs() const { return exercise_.inputs; }
  /// Right where it is the first or where bits may differ; else the same as the first. Keeps what is wrong in
  /// `worst`.
  bool accept(const Backend& backend, const Kernel& kernel, const Values& values, std::string problem,
              const std::string& who, Result& worst) {
    if (first_.empty()) {
      first_ = values;
    } else if (!backend.deviations().has(Semantics::thread_bits) && problem.empty()) {
      const std::string differs = difference(exercise_.spec, values, first_);
      if (differs.empty()) return true;
      problem = "not what one thread gives: " + differs;
    }
    const Result result = compare(backend, kernel, exercise_, values, problem);
    worst.error = std::max(worst.error, result.error);
    if (result.status != Status::fail) return true;
    worst.status = Status::fail;
    worst.message = who + ": " + result.message;
    return false;
  }

 private:
  static Case with_seed(Case c, uint64_t seed) {
    c.seed = seed;
    return c;
  }

  Exercise exercise_;
  Values first_;
};

struct Answer {
  Values values;
  std::string problem;
};

std::vector<Answer> at_once(const Kernel& kernel, const Case& c, const std::vector<Answers>& sets) {
  std::vector<Answer> answers(callers * calls);
  std::vector<std::exception_ptr> failures(callers);
  {
    std::vector<std::jthread> threads;
    for (size_t caller = 0; caller < callers; ++caller)
      threads.emplace_back([&, caller] {
        try {
          for (size_t i = caller; i < answers.size(); i += callers)
            answers[i].values = run(kernel, c.spec, c.rows, sets[i % operand_sets].inputs(), c.placement,
                                    c.seed + i, answers[i].problem);
        } catch (...) {
          failures[caller] = std::current_exception();
        }
      });
  }
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  return answers;
}

}  // namespace

Result check_threads(const MakeContext& make_context, const Case& c) {
  std::vector<Answers> sets;
  Result worst;
  for (int threads = 1; threads <= most_threads; ++threads) {
    // One at a time: oneTBB gives every context no more threads than the smallest that lives.
    const Context context = make_context(threads);
    const Backend& backend = context.chosen();
    const auto kernel = prepare_kernel(backend, c.spec);
    const std::string who = "with " + std::to_string(threads) + " threads";
    if (!kernel && threads == 1)
      return {Status::not_supported, to_string(c) + ": " + backend.name() + " does not have it", 0};
    if (!kernel)
      return {Status::fail, to_string(c) + ": " + backend.name() + " has it for one thread, not " + who, 0};
    // Seeds of random cases are small; those of their second operands lie behind them.
    for (size_t set = sets.size(); set < operand_sets; ++set) sets.emplace_back(c, c.seed + (set << 62));
    for (Answers& set : sets) {
      std::string problem;
      const Values values = run(*kernel, c.spec, c.rows, set.inputs(), c.placement, c.seed, problem);
      if (!set.accept(backend, *kernel, values, problem, who, worst)) return worst;
    }
    if (threads != 2) continue;
    const std::vector<Answer> answers = at_once(*kernel, c, sets);
    for (size_t i = 0; i < answers.size(); ++i)
      if (!sets[i % operand_sets].accept(backend, *kernel, answers[i].values, answers[i].problem,
                                         "many callers at once", worst))
        return worst;
  }
  return worst;
}

}  // namespace plexus::conformance
