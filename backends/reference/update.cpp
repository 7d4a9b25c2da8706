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
        if (spec.clip_value > 0 && std::abs(g) > spec.clip_value) g = std::copysign(spec.clip_value, g);
        if (spec.l1 > 0) g += w == 0 ? 0 : std::copysign(spec.l1, w);
        if (spec.l2 > 0) g += 2 * spec.l2 * w;
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
      const StepFactors factors = step_factors(spec, *static_cast<const int64_t*>(args.step));
      const double shrink = spec.kind == UpdateKind::adamw ? rate * spec.weight_decay : 0;
      return sweep([&](double w, double g, int64_t i) {
        const double mean = average(first[i], beta1, g) * factors.moment;
        const double square = average(second[i], beta2, g * g);
        return shrink * w + rate * mean / (std::sqrt(square) * factors.root + spec.epsilon);
      });
    }

    case UpdateKind::adamax: {
      const StepFactors factors = step_factors(spec, *static_cast<const int64_t*>(args.step));
      return sweep([&](double, double g, int64_t i) {
        const double mean = average(first[i], beta1, g) * factors.moment;
        const double decayed = beta2 * double(second[i]), fresh = std::abs(g) + spec.epsilon;
        const double largest = decayed > fresh || std::isnan(decayed) ? decayed : fresh;
        second[i] = T(largest);
        return rate * mean / largest;
      });
    }

    case UpdateKind::nadam: {
      const StepFactors factors = step_factors(spec, *static_cast<const int64_t*>(args.step));
      return sweep([&](double, double g, int64_t i) {
        const double mean = average(first[i], beta1, g) * factors.moment;
        const double square = average(second[i], beta2, g * g);
        return rate * (mean + g * factors.gradient) / (std::sqrt(square) * factors.root + spec.epsilon);
      });
    }

    case UpdateKind::radam: {
      const StepFactors factors = step_factors(spec, *static_cast<const int64_t*>(args.step));
      return sweep([&](double, double g, int64_t i) {
        const double mean = average(first[i], beta1, g) * factors.moment;
        const double square = average(second[i], beta2, g * g);
        return rate * (factors.adaptive ? mean / (std::sqrt(square) + spec.epsilon) : mean);
      });
    }

    case UpdateKind::adadelta:
      return sweep([&](double, double g, int64_t i) {
        const double square = average(second[i], beta2, g * g);
        const double step = g * std::sqrt(double(first[i]) + spec.epsilon) / std::sqrt(square + spec.epsilon);
        average(first[i], beta2, step * step);
        return rate * step;
      });

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
