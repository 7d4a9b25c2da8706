// Trains a classifier on a table whose last column is the label, and saves it: train [FILE.npy [MODEL.safetensors]]
#include <plexus/plexus.h>

#include <cstdio>
#include <iostream>

namespace px = plexus;

int main(int argc, char** argv) try {
  auto data = px::load_npy(argc > 1 ? argv[1] : "data.npy");
  auto [train, test] = px::split(px::Dataset::from_table(data), {.test_fraction = 0.2, .seed = 1});
  px::Sequential net{px::Standardize(), px::Dense(10), px::Relu(), px::Dense(train.classes())};
  px::Trainer trainer{net, {.loss = px::SoftmaxCrossEntropy{}, .optimizer = px::Sgd{.learning_rate = 0.01f}}};
  trainer.fit(train, {.epochs = 1000, .batch_size = 32});
  std::cout << trainer.evaluate(test);  // loss, accuracy with its interval, confusion matrix
  px::save(net, argc > 2 ? argv[2] : "model.safetensors");
} catch (const px::Error& error) {
  std::fprintf(stderr, "train: %s\n", error.what());
  return 1;
}
