// Kernels by hand, without network or plan: a spec says what, a backend makes the kernel, the kernel runs on
// plain memory.
#include <plexus/plexus.h>

#include <cstdio>
#include <memory>
#include <vector>

namespace px = plexus;

int main() try {
  const px::Context context = px::make_context();

  // c = a b + bias for up to 4 rows; 3 inputs, 2 outputs.
  const auto product = px::prepare(context.chosen(), px::MatmulSpec{.m = 4, .n = 2, .k = 3, .bias = true});
  const auto relu =
      px::prepare(context.chosen(), px::ActivationSpec{.kind = px::Activation::relu, .m = 4, .n = 2});
  if (!product || !relu) {  // a backend need not have every operation
    std::fprintf(stderr, "kernels: %s has no such kernel\n", context.chosen().name().c_str());
    return 1;
  }
  std::printf("%s: %s, %s\n", context.chosen().name().c_str(), product.describe().c_str(),
              relu.describe().c_str());

  const std::vector<float> a{1, 2, 3, -1, -2, -3}, b{1, 0, 0, 1, 1, 1}, bias{0.5f, -0.5f};
  std::vector<float> c(4), y(4);
  std::vector<std::byte> workspace(product.workspace() + px::alignment);
  void* aligned = workspace.data();
  size_t room = workspace.size();
  std::align(px::alignment, product.workspace(), aligned, room);

  const px::Call two_rows{.rows = 2, .workspace = aligned};  // of the four that it could
  product.run({.a = a.data(), .b = b.data(), .bias = bias.data(), .c = c.data()}, two_rows);
  relu.run({.x = c.data(), .y = y.data()}, {.rows = 2});
  for (int row = 0; row < 2; ++row)
    std::printf("row %d: product %g %g, relu %g %g\n", row, double{c[2 * row]}, double{c[2 * row + 1]},
                double{y[2 * row]}, double{y[2 * row + 1]});
} catch (const px::Error& error) {
  std::fprintf(stderr, "kernels: %s\n", error.what());
  return 1;
}
