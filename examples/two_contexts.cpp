// Two contexts in one process: the same network trained at the same time on the default backend and on the
// reference, each with its own threads. They agree to rounding.
#include <plexus/plexus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <thread>

namespace px = plexus;

int main(int argc, char** argv) try {
  const auto data = px::Dataset::from_table(px::load_npy(argc > 1 ? argv[1] : "data/iris.npy"));
  px::Sequential nets[2];
  for (px::Sequential& net : nets)
    net = px::Sequential{px::Standardize(), px::Dense(16), px::Tanh(), px::Dense(data.classes())};
  px::Trainer trainers[] = {
      px::Trainer(nets[0], {.seed = 1}),
      px::Trainer(nets[1], {.seed = 1}, px::make_context({.backend = "reference", .threads = 1}))};

  std::thread other([&] { trainers[1].fit(data, {.epochs = 50}); });
  trainers[0].fit(data, {.epochs = 50});
  other.join();

  const px::Tensor outputs[] = {trainers[0].predict(data), trainers[1].predict(data)};
  float difference = 0;
  for (size_t i = 0; i < size_t(outputs[0].elements()); ++i)
    difference =
        std::max(difference, std::abs(outputs[0].values<float>()[i] - outputs[1].values<float>()[i]));
  for (const px::Trainer& trainer : trainers)
    std::printf("%s on %d threads\n", trainer.context().chosen().name().c_str(),
                trainer.context().executor().threads());
  std::printf("largest difference of an output: %.2g\n", double{difference});
  return difference < 1e-3f ? 0 : 1;
} catch (const px::Error& error) {
  std::fprintf(stderr, "two_contexts: %s\n", error.what());
  return 1;
}
