// Learns to tell ten kinds of clothes from 60 000 small pictures: fashion_mnist [DIRECTORY [EPOCHS]]
// DIRECTORY holds the four IDX files, as Debian's package dataset-fashion-mnist installs them.
#include <plexus/plexus.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

namespace px = plexus;

namespace {

px::Dataset load(const std::string& directory, const std::string& part) {
  return px::Dataset::classification(
      px::load_idx(directory + "/" + part + "-images-idx3-ubyte.gz"),
      px::load_idx(directory + "/" + part + "-labels-idx1-ubyte.gz"),
      {"T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"});
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string directory = argc > 1 ? argv[1] : "/usr/share/datasets/fashion-mnist";
  const px::Dataset train = load(directory, "train"), test = load(directory, "t10k");
  px::Sequential net{px::Standardize(), px::Flatten(), px::Dense(128), px::Relu(),
                     px::Dense(train.classes())};
  px::Trainer trainer{net, {.optimizer = px::Adam{}, .schedule = px::CosineDecay{}, .seed = 1}};
  px::LambdaCallback print({.on_epoch = [](const px::Epoch& epoch) {
    std::cout << epoch << std::endl;
    return false;
  }});
  trainer.fit(train, {.epochs = argc > 2 ? std::atoi(argv[2]) : 5,
                      .batch_size = 64,
                      .validation_fraction = 0.1,
                      .callbacks = {&print}});
  std::cout << net.summary() << trainer.evaluate(test);
} catch (const px::Error& error) {
  std::fprintf(stderr, "fashion_mnist: %s\n", error.what());
  return 1;
}
