#include "plexus/trainer/training_step.h"

#include <algorithm>
#include <cmath>

#include "plexus/core/profile.h"

namespace plexus {
namespace {

// Slots of UpdateSpec that hold what the optimizer remembers.
constexpr size_t first_state = 2, second_state = 3;
static_assert(UpdateSpec::slots[first_state].name[0] == 'f' &&
              UpdateSpec::slots[second_state].name[0] == 's');

}  // namespace

LoweringOptions step_lowering(const Sequential& network, const TrainerOptions& options, int64_t batch,
                              int64_t tail, bool labels, bool weighted) {
  const auto* entropy = std::get_if<SoftmaxCrossEntropy>(&options.loss);
  LoweringOptions lowering;
  lowering.part = Part::step;
  lowering.batch = batch;
  if (tail > 0) lowering.row_counts.push_back(tail);
  lowering.row_counts.push_back(batch);
  lowering.dtype = network.dtype();
  lowering.scaled = true;  // while the rows are read: a pass over them less, and of two threads neither waits for the other's half
  lowering.loss = options.loss;
  lowering.labels = labels;
  lowering.update = make_spec(options.optimizer);
  lowering.update.l1 = options.l1;
  lowering.update.l2 = options.l2;
  lowering.update.clip_value = options.clip_value;
  lowering.clip_norm = options.clip_norm;
  lowering.max_norm = options.max_norm;
  lowering.sample_weights = weighted || (labels && entropy && weights_rows(*entropy));
  return lowering;
}

std::vector<Program> step_programs(const Sequential& network, LoweringOptions lowering, int64_t accumulate) {
  std::vector<Program> programs;
  if (accumulate == 1) {
    programs.push_back(network.lower(lowering));
  } else {
    lowering.loss_scale = true;
    lowering.part = Part::backward;
    programs.push_back(network.lower(lowering));
    lowering.accumulate = true;
    programs.push_back(network.lower(lowering));
    lowering.part = Part::apply;
    programs.push_back(network.lower(lowering));
  }
  return programs;
}

std::vector<std::string> operations_of(const std::vector<Program>& programs) {
  std::vector<std::string> operations;
  for (const Program& program : programs)
    for (const Operation& operation : program.operations()) operations.push_back(to_string(operation.spec));
  return operations;
}

TrainingStep::TrainingStep(const Context& context, Sequential& network, const TrainerOptions& options,
                           int64_t batch, int64_t tail, bool labels, bool weighted)
    : network_(&network),
      profile_(context.profile()),
      preparation_(network, true),
      batch_(batch),
      tail_(tail),
      accumulate_(options.accumulate),
      labels_(labels),
      weighted_(weighted),
      lowering_(step_lowering(network, options, batch, tail, labels, weighted)) {
  if (const auto* entropy = std::get_if<SoftmaxCrossEntropy>(&options.loss)) entropy_ = *entropy;
  std::vector<Program> programs = step_programs(network, lowering_, accumulate_);
  operations_ = operations_of(programs);
  for (Plan& plan : Plan::build(context, network.store(), std::move(programs)))
    plans_.push_back(bind(std::move(plan)));

  // A network without dropout has no use for these, but they are part of where its training stands.
  Store& store = network.store();
  const Shape scalar = store.entry("loss").shape;
  for (const char* name : {"step", "pass", "seed"})
    if (!store.contains(name))
      store.declare({.name = name, .role = Role::scalar, .shape = scalar, .dtype = DType::i64});
  find_scalars();
}

TrainingStep::Batch TrainingStep::bind(Plan plan) {
  const auto address = [&](const char* input) {
    return plan.program().find(input) != no_buffer ? plan.data(input) : nullptr;
  };
  void *const x = address("x"), *const target = address("target"), *const weights = address("sample_weights");
  return {std::move(plan), x, target, weights};
}

bool TrainingStep::made_for(int64_t batch, int64_t tail, bool labels, bool weighted) const {
  return batch == batch_ && tail == tail_ && labels == labels_ && weighted == weighted_;
}

void TrainingStep::reset() {
  Store& store = network_->store();
  for (const Batch& batch : plans_) {
    const Program& program = batch.plan.program();
    for (const Operation& operation : program.operations()) {
      if (!std::holds_alternative<UpdateSpec>(operation.spec)) continue;
      for (const size_t slot : {first_state, second_state}) {
        const BufferId id = operation.buffers[slot];
        if (id == no_buffer) continue;
        const std::string& name = program[id].name;
        store.set(name, Tensor(program[id].dtype, store.entry(name).shape));
      }
    }
  }
  *step_ = *pass_ = 0;
}

void TrainingStep::set_learning_rate(double rate) {
  if (network_->store().version() != version_) find_scalars();
  write(learning_rate_, rate);
}

void TrainingStep::set_seed(uint64_t seed) {
  network_->store().scalar<int64_t>("seed") = static_cast<int64_t>(seed);
}

void TrainingStep::set_augmentation(const Augmentation& augmentation, const Shape& image, uint64_t seed,
                                    int64_t epoch) {
  augmentation_.reset();
  if (!augmentation.any()) return;
  staging_.resize(static_cast<size_t>(batch_ * image.elements()));
  const RandomStream random(seed, Purpose::augment, 0, static_cast<uint32_t>(epoch));
  augmentation_ = EpochAugmentation{augmentation, image, random, staging_.data()};
}

double TrainingStep::run(const Dataset& data, std::span<const int64_t> rows) {
  if (network_->store().version() != version_) find_scalars();
  ++*step_;
  const ProfileSpan span(profile_, ProfileSpan::Kind::step, "step", "step", *step_);
  if (accumulate_ == 1) return run(plans_[0], data, rows);
  const double loss = accumulate(data, rows);
  plans_[2].plan.run(0);
  return loss;
}

double TrainingStep::accumulate(const Dataset& data, std::span<const int64_t> rows) {
  const auto count = static_cast<int64_t>(rows.size());
  // The mean over all rows of the step, not over one batch.
  write(loss_scale_, 1.0 / static_cast<double>(count));
  double sum = 0;
  for (int64_t first = 0; first < count; first += batch_) {
    const int64_t part = std::min(batch_, count - first);
    sum += run(plans_[first == 0 ? 0 : 1], data,
               rows.subspan(static_cast<size_t>(first), static_cast<size_t>(part)));
  }
  return sum;
}

double TrainingStep::run(Batch& batch, const Dataset& data, std::span<const int64_t> rows) {
  const Executor& executor = batch.plan.context().executor();
  const DType dtype = network_->dtype();
  const auto count = static_cast<int64_t>(rows.size());
  {
    const ProfileSpan span(profile_, ProfileSpan::Kind::step, "gather", "rows", count);
    gather_features(executor, data, rows, preparation_, dtype, batch.x,
                    augmentation_ ? &*augmentation_ : nullptr);
    const SoftmaxCrossEntropy* const entropy = entropy_ ? &*entropy_ : nullptr;
    gather_targets(executor, data, rows, dtype, batch.target, entropy);
    if (batch.weights) gather_weights(data, rows, dtype, batch.weights, entropy);
  }
  ++*pass_;
  batch.plan.run(count);
  return dtype == DType::f64 ? *static_cast<const double*>(loss_) : double{*static_cast<const float*>(loss_)};
}

std::map<std::string, double> TrainingStep::gradient_magnitudes(const Dataset& data,
                                                                std::span<const int64_t> rows) {
  Store& store = network_->store();
  std::vector<std::string> fresh;
  std::optional<Batch> backward;  // where gradients are accumulated, there are plans for them already
  if (accumulate_ == 1) {
    LoweringOptions lowering = lowering_;
    lowering.part = Part::backward;
    Program program = network_->lower(lowering);
    for (const Buffer& buffer : program.buffers())
      if (buffer.persistent() && !store.contains(buffer.name)) fresh.push_back(buffer.name);
    backward = bind(Plan::build(plans_.front().plan.context(), store, std::move(program)));
    find_scalars();
  }
  *pass_ -=
      (static_cast<int64_t>(rows.size()) + batch_ - 1) / batch_;  // the masks of the step that went before
  backward ? run(*backward, data, rows) : accumulate(data, rows);

  std::map<std::string, double> magnitudes;
  const Program& program = (backward ? *backward : plans_.front()).plan.program();
  for (const Buffer& buffer : program.buffers()) {
    if (buffer.role != Role::parameter || program.find(buffer.name + ".gradient") == no_buffer) continue;
    const Tensor gradient = store.get(buffer.name + ".gradient").converted(DType::f64);
    double& largest = magnitudes[buffer.name];
    for (const double value : gradient.values<double>())
      largest = std::isfinite(value) ? std::max(largest, std::abs(value)) : INFINITY;
  }
  for (const std::string& name : fresh) store.erase(name);
  return magnitudes;
}

std::set<std::string> TrainingStep::backends() const {
  std::set<std::string> names;
  for (const Batch& batch : plans_)
    for (const Plan::Row& row : batch.plan.rows()) names.insert(row.backend);
  return names;
}

std::vector<Plan*> TrainingStep::plans() {
  std::vector<Plan*> all;
  for (Batch& batch : plans_) all.push_back(&batch.plan);
  return all;
}

void TrainingStep::find_scalars() {
  Store& store = network_->store();
  version_ = store.version();
  preparation_.find_columns();
  step_ = &store.scalar<int64_t>("step");
  pass_ = &store.scalar<int64_t>("pass");
  loss_ = store.data("loss");
  learning_rate_ = store.data("learning_rate");
  loss_scale_ = accumulate_ > 1 ? store.data("loss_scale") : nullptr;
}

void TrainingStep::write(void* scalar, double value) const {
  if (network_->dtype() == DType::f64)
    *static_cast<double*>(scalar) = value;
  else
    *static_cast<float*>(scalar) = static_cast<float>(value);
}

}  // namespace plexus
