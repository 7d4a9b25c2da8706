// Dropout: forward and backward are the same selection.
#include <algorithm>

#include "plexus/backends/reference/kernel.h"
#include "plexus/core/random.h"

namespace plexus::reference {
namespace {

constexpr double block_ns = 15;  // ten rounds of Philox for four elements

template <class T>
void dropout(const DropoutSpec& spec, const DropoutSpec::Args& args, const Resources& resources) {
  const auto* x = static_cast<const T*>(args.x);
  auto* y = static_cast<T*>(args.y);
  const auto seed = uint64_t(*static_cast<const int64_t*>(args.seed));
  const auto step = uint32_t(*static_cast<const int64_t*>(args.step));
  const RandomStream random(seed, Purpose::dropout, spec.stream, step);
  const double kept = 1 / (1 - double(spec.rate));
  const int64_t count = spec.m * spec.n;

  // RandomStream::uniform() makes a block of four words for every position; here each block is made once.
  const int64_t blocks = (count + 3) / 4;
  resources.executor.parallel_for(blocks, grain(block_ns), [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; block++) {
      const auto words = random.block(uint64_t(block));
      const int64_t begin = 4 * block, end = std::min(begin + 4, count);
      for (int64_t i = begin; i < end; i++) {
        const float uniform = float(words[size_t(i - begin)] >> 8) * 0x1p-24f;
        y[i] = uniform >= spec.rate ? T(double(x[i]) * kept) : T(0);
      }
    }
  });
}

}  // namespace

KernelPointer make_kernel(const DropoutSpec& spec, const Executor& executor) {
  return typed_kernel(spec, spec.dtype, executor, dropout<float>, dropout<double>);
}

}  // namespace plexus::reference
