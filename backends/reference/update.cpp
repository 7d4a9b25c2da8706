// Optimizer steps. Every element is worked out in double from what is stored, and each stored number rounded
// once.
#include <cmath>

#include "plexus/backends/reference/kernel.h"

namespace plexus::reference {
namespace {

constexpr double element_ns = 3;

template <class T>
double scalar_or(const void* address, double absent) {
  return address ? double(*static_cast<const T*>(address)) : absent;
}

template <class T>
void update(const UpdateSpec& spec, const UpdateSpec::Args& args, const Resources& resources) {
  auto* parameter = static_cast<T*>(args.parameter);
  const auto* gradient = static_cast<const T*>(args.gradient);
  auto* first = static_cast<T*>(args.first);
  auto* second = static_cast<T*>(args.second);
  const double rate = scalar_or<T>(args.learning_rate, 0);
  const double scale = scalar_or<T>(args.scale, 1);
  const double beta1 = spec.beta1, beta2 = spec.beta2;

  const int64_t count = flat_elements(spec.layout, Shape{spec.m, spec.n});

  // step(w, g, i) returns what is subtracted from w, and updates the states of element i.
  const auto sweep = [&](auto step) {
    resources.executor.parallel_for(count, grain(element_ns), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const double w = double(parameter[i]);
        double g = double(gradient[i]) * scale;
        if (spec.kind != UpdateKind::adamw) g += spec.weight_decay * w;
        parameter[i] = T(w - step(w, g, i));
      }
    });
  };

  // The average of what came so far, `decay` of it old. Stored rounded, returned as it is.
  const auto average = [](T& stored, double decay, double value) {
    const double updated = decay * double(stored) + (1 - decay) * value;
    stored = T(updated);
    return updated;
  };

  switch (spec.kind) {
    case UpdateKind::sgd:
      if (spec.momentum == 0) return sweep([&](double, double g, int64_t) { return rate * g; });
      return sweep([&](double, double g, int64_t i) {
        const double velocity = spec.momentum * double(first[i]) + g;
        first[i] = T(velocity);
        return rate * (spec.nesterov ? g + spec.momentum * velocity : velocity);
      });

    case UpdateKind::adam:
    case UpdateKind::adamw: {
      const auto t = double(*static_cast<const int64_t*>(args.step));
      const double correction1 = 1 - std::pow(beta1, t), correction2 = 1 - std::pow(beta2, t);
      const double shrink = spec.kind == UpdateKind::adamw ? rate * spec.weight_decay : 0;
      return sweep([&](double w, double g, int64_t i) {
        const double mean = average(first[i], beta1, g) / correction1;
        const double square = average(second[i], beta2, g * g) / correction2;
        return shrink * w + rate * mean / (std::sqrt(square) + spec.epsilon);
      });
    }

    case UpdateKind::rmsprop:
      return sweep([&](double, double g, int64_t i) {
        const double square = average(second[i], beta2, g * g);
        const double direction = g / (std::sqrt(square) + spec.epsilon);
        if (spec.momentum == 0) return rate * direction;
        const double velocity = spec.momentum * double(first[i]) + direction;
        first[i] = T(velocity);
        return rate * velocity;
      });

    case UpdateKind::adagrad:
      return sweep([&](double, double g, int64_t i) {
        const double sum = double(second[i]) + g * g;
        second[i] = T(sum);
        return rate * g / (std::sqrt(sum) + spec.epsilon);
      });
  }
}

}  // namespace

KernelPointer make_kernel(const UpdateSpec& spec, const Executor& executor) {
  return typed_kernel(spec, spec.dtype, executor, update<float>, update<double>);
}

}  // namespace plexus::reference
