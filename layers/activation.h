// Activations as layers.
#pragma once
#include "plexus/core/spec/activation.h"
#include "plexus/layers/layer.h"

namespace plexus {

/// An activation, element by element or over rows; formulas in core/spec/activation.h. The classes below name its kinds
/// and hold nothing of their own: `clone` gives an ActivationLayer, which `kind` tells apart.
class PLEXUS_EXPORT ActivationLayer : public Layer {
 public:
  Activation kind() const { return kind_; }
  double alpha() const { return alpha_; }

  std::string name() const override;
  std::unique_ptr<Layer> clone() const override;
  Shape output_shape(const Shape& input) const override;
  BufferId forward(Lowering& lowering, BufferId x) const override;
  BufferId backward(Lowering& lowering, BufferId dy, bool need_dx) const override;

 protected:
  /// Throws ArgumentError where alpha is out of the kind's range.
  explicit ActivationLayer(Activation kind, double alpha = 0);

 private:
  Activation kind_;
  double alpha_;
};

/// max(x, 0)
class Relu final : public ActivationLayer {
 public:
  Relu() : ActivationLayer(Activation::relu) {}
};
/// Below 0: alpha x. Default as PyTorch; Keras 0.3. alpha in [0, 1].
class LeakyRelu final : public ActivationLayer {
 public:
  explicit LeakyRelu(double alpha = 0.01) : ActivationLayer(Activation::leaky_relu, alpha) {}
};
/// Below 0: alpha (e^x - 1). alpha > 0.
class Elu final : public ActivationLayer {
 public:
  explicit Elu(double alpha = 1) : ActivationLayer(Activation::elu, alpha) {}
};
/// Self-normalising with LecunNormal weights.
class Selu final : public ActivationLayer {
 public:
  Selu() : ActivationLayer(Activation::selu) {}
};
struct GeluOptions {
  bool tanh = false;  ///< the approximation by tanh: PyTorch's approximate="tanh"
};
/// x Phi(x), exact by erf, as PyTorch and Keras by default.
class Gelu final : public ActivationLayer {
 public:
  explicit Gelu(GeluOptions options = {})
      : ActivationLayer(options.tanh ? Activation::gelu_tanh : Activation::gelu) {}
};
/// x sigmoid(x), also called swish.
class Silu final : public ActivationLayer {
 public:
  Silu() : ActivationLayer(Activation::silu) {}
};
class Sigmoid final : public ActivationLayer {
 public:
  Sigmoid() : ActivationLayer(Activation::sigmoid) {}
};
class Tanh final : public ActivationLayer {
 public:
  Tanh() : ActivationLayer(Activation::tanh) {}
};
/// ln(1 + e^x)
class Softplus final : public ActivationLayer {
 public:
  Softplus() : ActivationLayer(Activation::softplus) {}
};
/// Over rows of rank 1. Not before SoftmaxCrossEntropy, which takes logits.
class Softmax final : public ActivationLayer {
 public:
  Softmax() : ActivationLayer(Activation::softmax) {}
};
/// Over rows of rank 1. Not before SoftmaxCrossEntropy, which takes logits.
class LogSoftmax final : public ActivationLayer {
 public:
  LogSoftmax() : ActivationLayer(Activation::log_softmax) {}
};

}  // namespace plexus
