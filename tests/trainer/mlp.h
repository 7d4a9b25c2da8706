// Dense layers with ReLU between them, in plain double loops: what a network must agree with.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

struct Mlp {
  struct Layer {
    int64_t in, out;
    std::vector<double> weight, bias;                    // weight [in][out]
    std::vector<double> weight_gradient, bias_gradient;  // summed over a batch
  };
  std::vector<Layer> layers;

  /// The values of "<name>.weight" and "<name>.bias" in the store.
  void add(const Store& store, const std::string& name) {
    const Tensor weight = store.get(name + ".weight").converted(DType::f64);
    const Tensor bias = store.get(name + ".bias").converted(DType::f64);
    const auto w = weight.values<double>(), b = bias.values<double>();
    layers.push_back({weight.shape()[0], weight.shape()[1], {w.begin(), w.end()}, {b.begin(), b.end()}, {}, {}});
    layers.back().weight_gradient.assign(w.size(), 0);
    layers.back().bias_gradient.assign(b.size(), 0);
  }

  /// Inputs of every layer, and the output at the end.
  std::vector<std::vector<double>> forward(std::vector<double> x) const {
    std::vector<std::vector<double>> values = {x};
    for (size_t l = 0; l < layers.size(); ++l) {
      const Layer& layer = layers[l];
      std::vector<double> y = layer.bias;
      for (int64_t i = 0; i < layer.in; ++i)
        for (int64_t j = 0; j < layer.out; ++j) y[size_t(j)] += x[size_t(i)] * layer.weight[size_t(i * layer.out + j)];
      if (l + 1 < layers.size())
        for (double& value : y) value = value > 0 ? value : 0;
      values.push_back(y);
      x = y;
    }
    return values;
  }

  static std::vector<double> softmax(std::vector<double> z) {
    double largest = z[0], sum = 0;
    for (double value : z) largest = std::max(largest, value);
    for (double& value : z) sum += value = std::exp(value - largest);
    for (double& value : z) value /= sum;
    return z;
  }

  /// One step of gradient descent on the mean cross entropy of these rows; returns it, before the step.
  double train(const Dataset& data, const std::vector<int64_t>& rows, double rate) {
    double loss = 0;
    for (Layer& layer : layers) {
      std::fill(layer.weight_gradient.begin(), layer.weight_gradient.end(), 0);
      std::fill(layer.bias_gradient.begin(), layer.bias_gradient.end(), 0);
    }
    for (int64_t row : rows) {
      std::vector<double> x(size_t(data.feature_shape().elements()));
      data.read_features(row, x.data());
      const auto values = forward(x);
      std::vector<double> gradient = softmax(values.back());
      loss -= std::log(gradient[size_t(data.label(row))]);
      gradient[size_t(data.label(row))] -= 1;
      backward(values, gradient);
    }
    const double scale = rate / double(rows.size());
    for (Layer& layer : layers) {
      for (size_t i = 0; i < layer.weight.size(); ++i) layer.weight[i] -= scale * layer.weight_gradient[i];
      for (size_t i = 0; i < layer.bias.size(); ++i) layer.bias[i] -= scale * layer.bias_gradient[i];
    }
    return loss / double(rows.size());
  }

 private:
  void backward(const std::vector<std::vector<double>>& values, std::vector<double> gradient) {
    for (size_t l = layers.size(); l-- > 0;) {
      Layer& layer = layers[l];
      std::vector<double> below(size_t(layer.in), 0.0);
      for (int64_t i = 0; i < layer.in; ++i)
        for (int64_t j = 0; j < layer.out; ++j) {
          const size_t w = size_t(i * layer.out + j);
          layer.weight_gradient[w] += values[l][size_t(i)] * gradient[size_t(j)];
          below[size_t(i)] += layer.weight[w] * gradient[size_t(j)];
        }
      for (size_t j = 0; j < gradient.size(); ++j) layer.bias_gradient[j] += gradient[j];
      for (size_t i = 0; i < below.size(); ++i)
        if (values[l][i] <= 0) below[i] = 0;  // ReLU below; the input's gradient is not used
      gradient = below;
    }
  }
};

}  // namespace plexus
