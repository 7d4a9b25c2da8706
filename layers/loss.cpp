#include "plexus/layers/loss.h"

#include "plexus/core/error.h"

namespace plexus {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang before 17 does not deduce it

}  // namespace

std::string to_string(const Loss& loss) {
  return std::visit(Overloaded{
                        [](SoftmaxCrossEntropy) { return "softmax cross entropy"; },
                        [](BinaryCrossEntropy) { return "binary cross entropy"; },
                        [](Mse) { return "mse"; },
                        [](Mae) { return "mae"; },
                        [](Huber) { return "huber"; },
                    },
                    loss);
}

LossSpec make_spec(const Loss& loss, int64_t batch, int64_t columns, bool labels, DType dtype) {
  if (labels && !std::holds_alternative<SoftmaxCrossEntropy>(loss))
    throw ShapeError("loss " + to_string(loss) + ": class numbers as targets need softmax cross entropy");
  LossSpec spec{.m = batch, .n = columns, .dtype = dtype};
  std::visit(Overloaded{
                 [&](SoftmaxCrossEntropy) {
                   spec.kind =
                       labels ? LossKind::softmax_cross_entropy : LossKind::softmax_cross_entropy_one_hot;
                 },
                 [&](BinaryCrossEntropy) { spec.kind = LossKind::binary_cross_entropy; },
                 [&](Mse) { spec.kind = LossKind::mse; },
                 [&](Mae) { spec.kind = LossKind::mae; },
                 [&](Huber huber) {
                   spec.kind = LossKind::huber;
                   spec.delta = huber.delta;
                 },
             },
             loss);
  spec.validate();
  return spec;
}

}  // namespace plexus
