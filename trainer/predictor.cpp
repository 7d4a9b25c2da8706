#include "plexus/trainer/predictor.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/core/plan.h"
#include "plexus/core/profile.h"
#include "plexus/trainer/batches.h"

namespace plexus {
namespace {

Plan forward_plan(Sequential& network, int64_t batch, const Context& context) {
  if (!network.built()) throw ArgumentError("predictor: the network is not built: fit or load it first");
  network.require_fitted();
  if (network.dtype() != DType::f32)
    throw ArgumentError("predictor: the network holds doubles: use Trainer::predict");
  if (batch < 1) throw ArgumentError("predictor: batch size " + std::to_string(batch) + ": choose 1 or more");
  LoweringOptions lowering;
  lowering.part = Part::forward;
  lowering.batch = batch;
  lowering.dtype = DType::f32;
  return Plan::build(context, network.store(), network.lower(lowering));
}

}  // namespace

struct Predictor::State {
  State(Sequential& network, int64_t batch_size, const Context& context)
      : plan(forward_plan(network, batch_size, context)), preparation(network), batch(batch_size) {
    input_columns = preparation.columns_in();
    output_columns = network.output_shape().elements();
    idle.push_back(plan.fork());
  }

  Plan plan;  // the original of those that run
  RowPreparation preparation;
  int64_t batch, input_columns, output_columns;
  std::mutex mutex;
  std::vector<Plan> idle;
};

namespace {

/// A plan that nobody else uses, for as long as this lives.
class Lease {
 public:
  Lease(std::mutex& mutex, std::vector<Plan>& idle, const Plan& original)
      : mutex_(mutex), idle_(idle), plan_(take(original)) {}
  ~Lease() {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(plan_));  // there is room: it has been here before, or take() made it
  }
  Plan& operator*() { return plan_; }

 private:
  Plan take(const Plan& original) {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) {
      idle_.reserve(idle_.capacity() + 1);
      return original.fork();
    }
    Plan plan = std::move(idle_.back());
    idle_.pop_back();
    return plan;
  }

  std::mutex& mutex_;
  std::vector<Plan>& idle_;
  Plan plan_;
};

}  // namespace

Predictor::Predictor(Sequential& network, PredictorOptions options)
    : Predictor(network, options, make_inference_context({.backend = options.backend, .threads = options.threads})) {}
Predictor::Predictor(Sequential& network, PredictorOptions options, Context context)
    : state_(std::make_unique<State>(network, options.batch_size, context)) {}
Predictor::~Predictor() = default;
Predictor::Predictor(Predictor&&) noexcept = default;
Predictor& Predictor::operator=(Predictor&&) noexcept = default;

void Predictor::predict(const float* rows, int64_t count, float* outputs) const {
  State& s = *state_;
  if (count < 0) throw ArgumentError("predict: " + std::to_string(count) + " rows");
  Lease lease(s.mutex, s.idle, s.plan);
  Plan& plan = *lease;
  const ProfileSpan prediction(plan.context().profile(), ProfileSpan::Kind::step, "prediction", "rows", count);
  for (int64_t first = 0; first < count; first += s.batch) {
    const int64_t here = std::min(s.batch, count - first);
    const float* from = rows + first * s.input_columns;
    if (s.preparation.needed()) {
      const int64_t width = s.preparation.columns_out();
      auto* x = plan.data<float>("x");
      for (int64_t row = 0; row < here; ++row, from += s.input_columns, x += width) {
        std::copy_n(from, s.input_columns, x);
        s.preparation.apply(std::span<float>(x, static_cast<size_t>(width)));
      }
    } else {
      plan.bind("x", const_cast<float*>(from));  // an input: nothing writes to it
    }
    plan.bind("y", outputs + first * s.output_columns);
    plan.run(here);
  }
}

int64_t Predictor::input_columns() const { return state_->input_columns; }
int64_t Predictor::output_columns() const { return state_->output_columns; }
std::string Predictor::plan() const { return state_->plan.table(); }

}  // namespace plexus
