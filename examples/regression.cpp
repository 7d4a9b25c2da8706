// Learns a function of two variables from 2000 noisy values, and says how well it does on others.
#include <plexus/plexus.h>

#include <cmath>
#include <cstdio>
#include <iostream>

namespace px = plexus;

int main() try {
  // z = sin(2 x) y + noise; random numbers are functions of seed and position.
  const px::RandomStream random(1, px::Purpose::user);
  px::Tensor features(px::DType::f32, {2000, 2}), targets(px::DType::f32, {2000, 1});
  for (size_t i = 0; i < 2000; ++i) {
    const float x = 4 * random.uniform(3 * i) - 2, y = 4 * random.uniform(3 * i + 1) - 2;
    features.values<float>()[2 * i] = x;
    features.values<float>()[2 * i + 1] = y;
    targets.values<float>()[i] = std::sin(2 * x) * y + 0.05f * static_cast<float>(random.normal(3 * i + 2));
  }
  const auto [train, test] =
      px::split(px::Dataset::regression(features, targets), {.test_fraction = 0.2, .seed = 1});

  px::Sequential net{px::Standardize(), px::Dense(32), px::Tanh(), px::Dense(32), px::Tanh(), px::Dense(1)};
  px::Trainer trainer{net, {.loss = px::Mse{}, .optimizer = px::Adam{.learning_rate = 0.003f}}};
  const px::TargetScaling scaling(train);  // targets of any size are learnt alike
  trainer.fit(scaling.apply(train), {.epochs = 200});
  scaling.fold_into(net);  // from here on the network answers in their units
  std::cout << trainer.evaluate(test);  // loss, mean absolute error, R2

  const px::Tensor point = px::Tensor::from({0.5f, 1.5f}, {1, 2});
  std::printf("at (0.5, 1.5): %.3f, the function %.3f\n", double{trainer.predict(point).values<float>()[0]},
              std::sin(1.0) * 1.5);
} catch (const px::Error& error) {
  std::fprintf(stderr, "regression: %s\n", error.what());
  return 1;
}
