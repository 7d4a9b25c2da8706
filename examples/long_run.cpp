// A training that may be killed at any time: started again, it goes on, and ends with the same bits. long_run FILE.npy DIRECTORY
#include <plexus/plexus.h>

#include <cstdio>
#include <iostream>

namespace px = plexus;

/// Stands for whoever kills the process.
struct Interruption : px::Callback {
  bool on_step(const px::Progress& progress) override { return progress.epoch == 120 && progress.step == 2; }
};

int main(int argc, char** argv) try {
  const px::Dataset data = px::Dataset::from_table(px::load_npy(argc > 1 ? argv[1] : "data.npy"));
  const std::string directory = argc > 2 ? argv[2] : "long_run.checkpoints";
  const auto train = [&](const std::string& checkpoints, px::Callback* callback) {
    px::Sequential net{px::Standardize(), px::Dense(10), px::Relu(), px::Dropout(0.1), px::Dense(data.classes())};
    px::Trainer trainer{net, {.optimizer = px::Adam{.learning_rate = 0.01f}}};
    px::FitOptions options{.epochs = 200, .checkpoints = {.directory = checkpoints, .resume = true}};
    if (callback) options.callbacks = {callback};
    const px::History history = trainer.fit(data, options);
    std::cout << history.epochs.size() << " epochs, loss " << history.epochs.back().train_loss << '\n';
    return px::fingerprint(net.store().get("3.weight"));
  };
  Interruption interruption;
  train(directory, &interruption);
  const bool same = train(directory, nullptr) == train("", nullptr);
  std::cout << (same ? "the same bits\n" : "other bits\n");
  return same ? 0 : 1;
} catch (const px::Error& error) {
  std::fprintf(stderr, "long_run: %s\n", error.what());
  return 1;
}
