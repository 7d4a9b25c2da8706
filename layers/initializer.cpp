#include "plexus/layers/initializer.h"

#include <algorithm>
#include <cmath>

#include "plexus/core/error.h"
#include "plexus/core/random.h"

namespace plexus {
namespace {

/// How values are drawn: `spread` is the standard deviation, or half the width of the interval; 0: all are
/// `centre`.
struct Distribution {
  bool normal = false;
  double centre = 0, spread = 0;
};

struct Draw {
  double fan_in, fan_out;

  Distribution operator()(HeNormal) const { return {true, 0, std::sqrt(2 / fan_in)}; }
  Distribution operator()(HeUniform) const { return {false, 0, std::sqrt(6 / fan_in)}; }
  Distribution operator()(GlorotNormal) const { return {true, 0, std::sqrt(2 / (fan_in + fan_out))}; }
  Distribution operator()(GlorotUniform) const { return {false, 0, std::sqrt(6 / (fan_in + fan_out))}; }
  Distribution operator()(LecunNormal) const { return {true, 0, std::sqrt(1 / fan_in)}; }
  Distribution operator()(LecunUniform) const { return {false, 0, std::sqrt(3 / fan_in)}; }
  Distribution operator()(Uniform u) const { return {false, (u.low + u.high) / 2, (u.high - u.low) / 2}; }
  Distribution operator()(Normal n) const { return {true, n.mean, n.deviation}; }
  Distribution operator()(Zeros) const { return {}; }
  Distribution operator()(Constant c) const { return {false, c.value, 0}; }
};

template <class T>
void draw(std::span<T> values, const Distribution& d, const RandomStream& stream) {
  if (d.spread == 0) {
    std::fill(values.begin(), values.end(), T(d.centre));
    return;
  }
  for (size_t i = 0; i < values.size(); i++) {
    // The middles of 2^32 equal parts of (-1, 1): symmetric about 0, and never an end.
    const auto uniform = [&] { return (stream.bits(i) + 0.5) * 0x1p-31 - 1; };
    values[i] = T(d.centre + d.spread * (d.normal ? stream.normal(i) : uniform()));
  }
}

}  // namespace

void fill(Tensor& tensor, const Initializer& initializer, int64_t fan_in, int64_t fan_out, uint64_t seed,
          uint32_t layer, uint32_t which) {
  if (fan_in < 1 || fan_out < 1)
    throw ArgumentError("initializer: fans " + std::to_string(fan_in) + " and " + std::to_string(fan_out) +
                        ": both must be 1 or more");
  const Distribution distribution = std::visit(Draw{double(fan_in), double(fan_out)}, initializer);
  if (!std::isfinite(distribution.centre) || !std::isfinite(distribution.spread) || distribution.spread < 0)
    throw ArgumentError("initializer: bounds and deviations must be finite, and low not above high");
  const RandomStream stream(seed, Purpose::initialize, 2 * layer + which);
  if (tensor.dtype() == DType::f64)
    draw(tensor.values<double>(), distribution, stream);
  else
    draw(tensor.values<float>(), distribution, stream);
}

}  // namespace plexus
