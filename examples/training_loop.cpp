// A training loop of one's own over the plan of a step: a learning rate that falls, and a stop by the loss.
#include <plexus/plexus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

namespace px = plexus;

int main(int argc, char** argv) try {
  const auto data = px::Dataset::from_table(px::load_npy(argc > 1 ? argv[1] : "data/iris.npy"));
  const int64_t rows = data.size(), columns = data.feature_shape().elements(), batch = 30;
  px::Sequential net{px::Dense(16), px::Tanh(), px::Dense(data.classes())};
  net.build(data.feature_shape(), 1);

  // One plan, over the parameters of the network: forward, loss, backward and update of a batch. It allocates
  // nothing any more.
  const px::Context context = px::make_context();
  px::Plan step = px::Plan::build(
      context, net.store(),
      net.lower({.part = px::Part::step, .batch = batch, .update = px::make_spec(px::Sgd{.momentum = 0.9})}));
  std::printf("%s", step.table().c_str());
  auto* x = step.data<float>("x");
  auto* target = step.data<int32_t>("target");

  int64_t epoch = 0;
  double mean = 1;
  for (; epoch < 200 && mean > 0.06; ++epoch) {
    net.store().scalar<float>("learning_rate") = 0.05f * (1 + std::cos(3.14159f * float(epoch) / 200)) / 2;
    const std::vector<int64_t> order = px::shuffled(rows, 1, epoch);
    mean = 0;
    for (int64_t first = 0; first < rows; first += batch) {
      const int64_t count = std::min(batch, rows - first);
      for (int64_t i = 0; i < count; ++i) {
        data.read_features(order[size_t(first + i)], x + i * columns);
        target[i] = data.label(order[size_t(first + i)]);
      }
      step.run(count);
      mean += double{net.store().scalar<float>("loss")} * double(count) / double(rows);
    }
  }
  std::printf("epoch %d: loss %.4f\n", int(epoch), mean);

  // The same parameters in another plan, which only predicts.
  px::Plan forward =
      px::Plan::build(context, net.store(), net.lower({.part = px::Part::forward, .batch = rows}));
  for (int64_t row = 0; row < rows; ++row) data.read_features(row, forward.data<float>("x") + row * columns);
  forward.run(rows);
  int64_t right = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const float* y = forward.data<float>("y") + row * data.classes();
    right += std::max_element(y, y + data.classes()) - y == data.label(row);
  }
  std::printf("accuracy on the training data: %.3f\n", double(right) / double(rows));
} catch (const px::Error& error) {
  std::fprintf(stderr, "training_loop: %s\n", error.what());
  return 1;
}
