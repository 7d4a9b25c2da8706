#include "plexus/layers/loss.h"

#include <cmath>
#include <string>

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
                        [](const SoftmaxCrossEntropy&) { return "softmax cross entropy"; },
                        [](BinaryCrossEntropy) { return "binary cross entropy"; },
                        [](Mse) { return "mse"; },
                        [](Mae) { return "mae"; },
                        [](Huber) { return "huber"; },
                    },
                    loss);
}

void check_settings(const Loss& loss) {
  const auto* entropy = std::get_if<SoftmaxCrossEntropy>(&loss);
  if (!entropy) return;
  if (!(entropy->label_smoothing >= 0 && entropy->label_smoothing < 1))
    throw ArgumentError("loss " + to_string(loss) + ": label smoothing " +
                        std::to_string(entropy->label_smoothing) + ": choose one in [0, 1)");
  for (size_t i = 0; i < entropy->class_weights.size(); i++)
    if (const float weight = entropy->class_weights[i]; !(weight >= 0 && std::isfinite(weight)))
      throw ArgumentError("loss " + to_string(loss) + ": weight " + std::to_string(weight) + " of class " +
                          std::to_string(i) + ": choose 0 or more");
}

LossSpec make_spec(const Loss& loss, int64_t batch, int64_t columns, bool labels, DType dtype) {
  if (labels && !std::holds_alternative<SoftmaxCrossEntropy>(loss))
    throw ShapeError("loss " + to_string(loss) + ": class numbers as targets need softmax cross entropy");
  check_settings(loss);
  LossSpec spec{.m = batch, .n = columns, .dtype = dtype};
  std::visit(Overloaded{
                 [&](const SoftmaxCrossEntropy& entropy) {
                   const auto weights = static_cast<int64_t>(entropy.class_weights.size());
                   if (weights != 0 && weights != columns)
                     throw ShapeError("loss " + to_string(loss) + ": " + std::to_string(weights) +
                                      " class weights for " + std::to_string(columns) +
                                      " classes: give one for every class");
                   spec.kind = labels && entropy.label_smoothing == 0
                                   ? LossKind::softmax_cross_entropy
                                   : LossKind::softmax_cross_entropy_one_hot;
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
