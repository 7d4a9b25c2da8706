#include "plexus/backends/conformance/edges/literals.h"
#include "plexus/core/random.h"

namespace plexus::conformance {

void dropout_edges(DType type, List& list) {
  const uint64_t seed = 7;
  const uint32_t stream = 3, step = 5;
  auto spec = [&](int64_t m, int64_t n, float rate) {
    return DropoutSpec{m, n, rate, stream, Batch::m, type};
  };
  const Matrix seeds = one(double(seed)), steps = one(double(step));
  auto add = [&](const std::string& name, const DropoutSpec& s, Matrix x, Matrix y) {
    list.push_back({"dropout: " + name, s, -1, {x, seeds, steps, {}}, {{}, {}, {}, y}});
  };
  const Matrix x = row({1, nan, -inf, denormal(type), -0.0});
  add("rate 0 copies", spec(1, 5, 0), x, x);
  add("no rows", spec(0, 5, 0.5f), Matrix(0, 5), Matrix(0, 5));
  add("no columns", spec(5, 0, 0.5f), Matrix(5, 0), Matrix(5, 0));
  Matrix ones(9, 7, 1), nans(9, 7, nan), kept(9, 7), kept_nans(9, 7);
  const RandomStream random(seed, Purpose::dropout, stream, step);
  for (uint64_t i = 0; i < 63; ++i) {
    const bool keep = random.uniform(i) >= 0.5f;
    kept.values[i] = keep ? 2 : 0;
    kept_nans.values[i] = keep ? nan : 0;
  }
  add("the mask of the stream", spec(9, 7, 0.5f), ones, kept);
  // A rate that one of the random numbers is equal to.
  const float equal = random.uniform(4);
  Matrix just_kept(1, 5);
  for (uint64_t i = 0; i < 5; ++i) just_kept.values[i] = random.uniform(i) >= equal ? 1 / (1 - double(equal)) : 0;
  list.push_back({"dropout: a number equal to the rate is kept", spec(1, 5, equal), -1,
                  {Matrix(1, 5, 1), seeds, steps, {}}, {{}, {}, {}, just_kept}, false});
  add("what is dropped is 0, NaN as well", spec(9, 7, 0.5f), nans, kept_nans);
}

}  // namespace plexus::conformance
