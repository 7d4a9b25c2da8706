#include "plexus/layers/activation.h"

#include <limits>

#include "plexus/core/error.h"
#include "plexus/core/spec/line.h"

namespace plexus {
namespace {

bool over_rows(Activation kind) { return kind == Activation::softmax || kind == Activation::log_softmax; }

}  // namespace

ActivationLayer::ActivationLayer(Activation kind, double alpha) : kind_(kind), alpha_(alpha) {
  if (kind == Activation::leaky_relu && !(alpha >= 0 && alpha <= 1))
    throw ArgumentError(name() + ": alpha must lie in [0, 1]");
  if (kind == Activation::elu && !(alpha > 0 && alpha < std::numeric_limits<double>::infinity()))
    throw ArgumentError(name() + ": alpha must be above 0");
}

std::string ActivationLayer::name() const {
  switch (kind_) {
    case Activation::relu:
      return "Relu()";
    case Activation::leaky_relu:
      return "LeakyRelu(" + spec::number(alpha_) + ")";
    case Activation::elu:
      return "Elu(" + spec::number(alpha_) + ")";
    case Activation::selu:
      return "Selu()";
    case Activation::gelu:
      return "Gelu()";
    case Activation::gelu_tanh:
      return "Gelu(tanh)";
    case Activation::silu:
      return "Silu()";
    case Activation::sigmoid:
      return "Sigmoid()";
    case Activation::tanh:
      return "Tanh()";
    case Activation::softplus:
      return "Softplus()";
    case Activation::softmax:
      return "Softmax()";
    case Activation::log_softmax:
      return "LogSoftmax()";
  }
  return "Activation()";
}

std::unique_ptr<Layer> ActivationLayer::clone() const {
  return std::unique_ptr<Layer>(new ActivationLayer(*this));
}

Shape ActivationLayer::output_shape(const Shape& input) const {
  if (over_rows(kind_) && input.rank() != 1)
    throw ShapeError(name() + ": expects rows of rank 1, got " + to_string(input) +
                     ": put Flatten() before it");
  return input;
}

BufferId ActivationLayer::forward(Lowering& lowering, BufferId x) const {
  const Shape row = lowering.row(x);
  const BufferId y = lowering.result(row);
  lowering.add(
      "",
      ActivationSpec{
          .kind = kind_, .m = lowering.batch, .n = row.elements(), .alpha = alpha_, .dtype = lowering.dtype},
      {x, y});
  lowering.saved("argument or result") = gradient_from_result(kind_) ? y : x;
  return y;
}

BufferId ActivationLayer::backward(Lowering& lowering, BufferId dy, bool need_dx) const {
  if (!need_dx) return no_buffer;
  const Shape row = lowering.row(dy);
  const BufferId dx = lowering.input_gradient(row);
  lowering.add(
      "backward",
      ActivationGradientSpec{
          .kind = kind_, .m = lowering.batch, .n = row.elements(), .alpha = alpha_, .dtype = lowering.dtype},
      {dy, lowering.saved("argument or result"), dx});
  return dx;
}

}  // namespace plexus
