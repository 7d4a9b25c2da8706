// Twenty sound trainings, in which nothing must be found.
#include "mistakes/training_cases.h"
#include "plexus/io/csv.h"

namespace plexus::test {
namespace {

Dataset iris() {
  return Dataset::from_table(load_csv(std::string(PLEXUS_SOURCE_DIR) + "/examples/data/iris.csv"));
}
/// 13 columns from 0.1 to 1000 wide, like the analysis of a wine.
Dataset wine() {
  return Rows::of(blobs(178, 13, 3))
      .each([](size_t, auto& x, float&) {
        for (size_t c = 0; c < 13; ++c) x[c] = (x[c] + 5) * float(std::pow(10, int(c) % 5 - 1));
      })
      .classes(3);
}
Dataset words() {
  Table table{.file = "t.csv", .columns = {}, .lines = {}};
  std::vector<std::string> colour, size, kind;
  std::vector<double> weight;
  for (int row = 0; row < 300; ++row) {
    table.lines.push_back(row + 2);
    colour.push_back(row % 3 == 0 ? "red" : row % 3 == 1 ? "green" : "blue");
    size.push_back(row / 3 % 2 ? "small" : "large");
    weight.push_back(normal(uint64_t(row)) + row % 3);
    kind.push_back((row % 3 == 0) != (weight.back() > 1) ? "yes" : "no");
  }
  table.columns = {{"colour", colour}, {"size", size}, {"weight", weight}, {"kind", kind}};
  return Dataset::from_table(table);
}
/// Few values in few columns, equal rows everywhere, and a class that is not certain.
Dataset passengers() {
  return Rows::of(blobs(600, 4, 2))
      .each([](size_t row, auto& x, float& y) {
        for (size_t c = 0; c < 4; ++c) x[c] = std::floor(std::abs(x[c]) * (c == 3 ? 8 : 1));
        y = normal(row, 21) + (x[0] > 0 ? 1 : -1) > 0;
      })
      .classes(2);
}
Dataset exclusive_or() { return Rows{{{0, 0}, {0, 1}, {1, 0}, {1, 1}}, {0, 1, 1, 0}}.classes(2); }

struct Sound {
  const char* what;
  std::function<Case()> setup;
};

const Sound sound[] = {
    {"iris",
     [] {
       return Case{usual(3), iris(), adam(), {.epochs = 60, .validation_fraction = 0.2}};
     }},
    {"iris, many epochs at a small learning rate",
     [] {
       return Case{usual(3), iris(), {.optimizer = Sgd{.learning_rate = 0.001f}}, {.epochs = 600}};
     }},
    {"iris, five layers of tanh",
     [] {
       return Case{Sequential(Standardize(), Dense(16), Tanh(), Dense(16), Tanh(), Dense(16), Tanh(),
                              Dense(16), Tanh(), Dense(16), Tanh(), Dense(3)),
                   iris(),
                   adam(),
                   {.epochs = 60}};
     }},
    {"wine",
     [] {
       return Case{usual(3), wine(), adam(), {.epochs = 40, .validation_fraction = 0.2}};
     }},
    {"a line by SGD",
     [] {
       return Case{Sequential(Dense(1)), line(200), {.loss = Mse{}}, {.epochs = 40}};
     }},
    {"a curve by Adam",
     [] {
       return Case{usual(1), curve(400), regress(), {.epochs = 60, .validation_fraction = 0.2}};
     }},
    {"a curve by momentum, huber",
     [] {
       return Case{usual(1),
                   curve(400),
                   {.loss = Huber{}, .optimizer = Sgd{.learning_rate = 0.02f, .momentum = 0.9}},
                   {.epochs = 60}};
     }},
    {"large targets, scaled",
     [] {
       const Dataset raw =
           Rows::of(curve(300)).each([](size_t, auto&, float& y) { y = 2e5f + 5e4f * y; }).real();
       return Case{usual(1), TargetScaling(raw).apply(raw), regress(), {.epochs = 60}};
     }},
    {"binary cross entropy on one logit",
     [] {
       return Case{usual(1),
                   Rows::of(blobs(300, 4, 2)).real(),
                   {.loss = BinaryCrossEntropy{}, .optimizer = Adam{}},
                   {.epochs = 40}};
     }},
    {"pictures",
     [] {
       return Case{Sequential(MinMax(), Flatten(), Dense(32), Relu(), Dense(4)),
                   bars(400),
                   adam(0.003f),
                   {.epochs = 20, .validation_fraction = 0.2}};
     }},
    {"nine of ten rows of one class",
     [] {
       return Case{usual(2), unbalanced(55), adam(), {.epochs = 30, .validation_fraction = 0.2}};
     }},
    {"a rare class, weighted",
     [] {
       return Case{usual(2),
                   unbalanced(12),
                   {.loss = SoftmaxCrossEntropy{.class_weights = {0.5f, 20}}, .optimizer = Adam{}},
                   {.epochs = 30}};
     }},
    {"one column",
     [] {
       return Case{usual(1),
                   Rows::of(curve(300))
                       .each([](size_t, auto& x, float& y) {
                         x.resize(1);
                         y = 2 * x[0] + 1;
                       })
                       .real(),
                   regress(),
                   {.epochs = 40}};
     }},
    {"exclusive or",
     [] {
       return Case{Sequential(Dense(16), Tanh(), Dense(2)), exclusive_or(), adam(0.05f), {.epochs = 300}};
     }},
    {"sigmoid",
     [] {
       return Case{deep_sigmoid(1, 3), blobs(300, 4, 3), adam(0.02f), {.epochs = 60}};
     }},
    {"dropout, decay and a cosine",
     [] {
       return Case{Sequential(Standardize(), Dense(64), Relu(), Dropout(0.5), Dense(3)),
                   blobs(400, 6, 3),
                   {.optimizer = AdamW{.learning_rate = 0.005f}, .schedule = CosineDecay{}},
                   {.epochs = 40}};
     }},
    {"the whole data as one batch",
     [] {
       return Case{usual(3), blobs(300, 6, 3), adam(0.02f), {.epochs = 150, .full_batch = true}};
     }},
    {"an autoencoder",
     [] {
       const Dataset data = blobs(300, 6, 3);
       return Case{Sequential(Dense(16), Tanh(), Dense(6)),
                   Dataset::regression(Rows::of(data).features(), Rows::of(data).features()),
                   regress(),
                   {.epochs = 60}};
     }},
    {"words",
     [] {
       return Case{
           Sequential(OneHot(), Standardize(), Dense(16), Relu(), Dense(2)), words(), adam(), {.epochs = 40}};
     }},
    {"few values, uncertain classes",
     [] {
       const Split parts = split(passengers(), {.test_fraction = 0.25});
       return Case{
           usual(2), parts.train, adam(0.003f), {.epochs = 20, .validation_fraction = 0.2}, parts.test};
     }},
    {"label smoothing, clipping, an average of the weights",
     [] {
       return Case{usual(3),
                   blobs(400, 6, 3),
                   {.loss = SoftmaxCrossEntropy{.label_smoothing = 0.1},
                    .optimizer = Adam{},
                    .ema_decay = 0.99,
                    .clip_norm = 1},
                   {.epochs = 40}};
     }},
};

TEST(Diagnosis, IsSilentOnSoundTrainings) {
  EXPECT_GE(std::size(sound), 20u);
  for (const Sound& training : sound) EXPECT_EQ(list(found(training.setup())), "nothing") << training.what;
}

TEST(Diagnosis, ChangesNoBit) {
  const auto weights = [](bool watched) {
    Case setup{usual(3), blobs(300, 4, 3), adam(0.02f), {.epochs = 200, .validation_fraction = 0.2}};
    setup.fit.diagnosis = watched;
    const Context context = make_context({.threads = 1, .sink = {}});
    Trainer trainer(setup.network, setup.options, context);
    TrainingDiagnosis diagnosis(setup.train, setup.options, context);
    if (watched) setup.fit.callbacks.push_back(&diagnosis);
    trainer.fit(setup.train, setup.fit);
    return std::pair(setup.network.store().get("0.weight"), setup.network.store().entries().size());
  };
  EXPECT_EQ(weights(true), weights(false));
}

}  // namespace
}  // namespace plexus::test
