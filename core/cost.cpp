#include "plexus/core/cost.h"

#include <vector>

namespace plexus {
namespace {

double elements(int64_t m, int64_t n) { return double(m) * double(n); }

double flop(const MatmulSpec& s) { return 2 * elements(s.m, s.n) * double(s.k); }
double flop(const ActivationSpec& s) { return elements(s.m, s.n); }
double flop(const ActivationGradientSpec& s) { return elements(s.m, s.n); }
double flop(const LossSpec& s) { return elements(s.m, s.n); }
double flop(const DropoutSpec& s) { return elements(s.m, s.n); }
double flop(const ReduceSpec& s) { return elements(s.m, s.n); }
double flop(const ClipSpec&) { return 3; }
double flop(const ScaleSpec& s) { return (s.offset ? 2 : 1) * elements(s.m, s.n); }

double flop(const MaxNormSpec& s) { return 3 * elements(s.m, s.n); }

double flop(const UpdateSpec& s) {
  double operations =
      (s.weight_decay > 0 || s.l2 > 0 ? 2 : 0) + (s.l1 > 0 ? 2 : 0) + (s.clip_value > 0 ? 2 : 0);
  switch (s.kind) {
    case UpdateKind::sgd:
      operations += 2 + (s.momentum > 0 ? 2 : 0) + (s.nesterov ? 2 : 0);
      break;
    case UpdateKind::adam:
    case UpdateKind::adamw:
      operations += 13;  // 3 and 4 for the moments; root, correction, epsilon, quotient; 2 for the step
      break;
    case UpdateKind::rmsprop:
      operations += 9 + (s.momentum > 0 ? 2 : 0);
      break;
    case UpdateKind::nadam:
      operations += 15;  // 2 more for the gradient's own share
      break;
    case UpdateKind::radam:
      operations += 12;  // as adam, without the correction of the root
      break;
    case UpdateKind::adamax:
      operations += 10;  // 3 for the moment; product, magnitude, epsilon, larger; quotient; 2 for the step
      break;
    case UpdateKind::adadelta:
      operations += 16;  // 4 for each average; 2 sums, 2 roots, quotient, product; 2 for the step
      break;
    case UpdateKind::adagrad:
      operations += 7;
      break;
  }
  return operations * elements(s.m, s.n);
}

}  // namespace

double arithmetic(const Spec& spec) {
  return std::visit([](const auto& s) { return flop(s); }, spec);
}

Cost cost(const Run& run, int64_t rows) {
  const Program& program = run.program();
  const size_t count = program.buffers().size();
  const double batch = double(program.batch());
  const double share = rows < 0 || batch == 0 ? 1 : double(rows) / batch;
  std::vector<bool> read(count), written(count);
  Cost cost;
  for (size_t i = 0; i < run.size(); i++) {
    const Operation& operation = run[i];
    bool varies = false;
    for (size_t slot = 0; slot < operation.buffers.size(); slot++) {
      if (operation.buffers[slot] == no_buffer) continue;
      const auto id = size_t(operation.buffers[slot]);
      const Operand operand = plexus::operand(operation.spec, slot);
      varies |= operand.batch;
      if (operand.access != Access::out && !written[id]) read[id] = true;
      if (operand.access != Access::in) written[id] = true;
    }
    cost.flop += arithmetic(operation.spec) * (varies ? share : 1);
  }
  for (size_t id = 0; id < count; id++) {
    if (!(read[id] || written[id]) || (run.size() > 1 && run.internal(BufferId(id)))) continue;
    const Buffer& buffer = program.buffers()[id];
    const double bytes =
        double(buffer.shape.elements()) * double(size_of(buffer.dtype)) * (buffer.batch ? share : 1);
    cost.bytes += bytes * (read[id] + written[id]);
    cost.working_set += bytes;
  }
  return cost;
}

Cost cost(const Program& program) { return cost(Run(program, 0, program.operations().size())); }

Cost network_cost(const Program& program) {
  Cost result = cost(program);
  result.flop = 0;
  for (const Operation& operation : program.operations())
    if (const auto* product = std::get_if<MatmulSpec>(&operation.spec)) result.flop += flop(*product);
  return result;
}

}  // namespace plexus
