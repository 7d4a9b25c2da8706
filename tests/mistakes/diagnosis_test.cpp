// Forty mistakes, each with the finding that has to name it, and twenty sound trainings without any. Where a
// mistake is taken from somebody's thread, the table says which.
#include "plexus/trainer/diagnosis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/core/random.h"
#include "plexus/io/csv.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/minmax.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/split.h"
#include "plexus/trainer/target_scaling.h"
#include "plexus/trainer/training_diagnosis.h"
#include "trainer/example_data.h"

namespace plexus {
namespace {

/// A training as somebody would set it up.
struct Case {
  Sequential network;
  Dataset train;
  TrainerOptions options = {};
  FitOptions fit = {.epochs = 20};
  std::optional<Dataset> test = {};
};

/// The ids of all that is found before the training and in it.
std::vector<std::string> found(Case setup) {
  std::vector<std::string> ids;
  for (const Finding& finding :
       diagnose(setup.network, setup.options, setup.train, setup.fit, setup.test ? &*setup.test : nullptr)) {
    ids.push_back(finding.id);
    EXPECT_FALSE(finding.message.empty() || finding.remedy.empty());
    EXPECT_EQ(to_string(finding).find('\n'), std::string::npos);
    if (finding.refused) return ids;
  }
  const Context context = make_context({.threads = 1, .sink = {}});
  Trainer trainer(setup.network, setup.options, context);
  TrainingDiagnosis diagnosis(setup.train, setup.options, context);
  setup.fit.callbacks.push_back(&diagnosis);
  try {
    trainer.fit(setup.train, setup.fit);
  } catch (const DataError&) {  // the loss is not finite any more
  }
  for (const Finding& finding : diagnosis.findings()) ids.push_back(finding.id);
  return ids;
}

/// Rows that are easily changed.
struct Rows {
  std::vector<std::vector<float>> x;
  std::vector<float> y;

  static Rows of(const Dataset& data) {
    Rows rows;
    for (int64_t row = 0; row < data.size(); ++row) {
      rows.x.emplace_back(size_t(data.feature_shape().elements()));
      data.read_features(row, rows.x.back().data());
      float target = 0;
      if (data.labels())
        target = float(data.label(row));
      else
        data.read_target(row, &target);
      rows.y.push_back(target);
    }
    return rows;
  }
  Rows& each(const std::function<void(size_t row, std::vector<float>& x, float& y)>& change) {
    for (size_t row = 0; row < x.size(); ++row) change(row, x[row], y[row]);
    return *this;
  }
  Tensor features() const {
    Tensor tensor(DType::f32, {int64_t(x.size()), int64_t(x[0].size())});
    for (size_t row = 0; row < x.size(); ++row)
      std::copy(x[row].begin(), x[row].end(), tensor.values<float>().data() + row * x[0].size());
    return tensor;
  }
  Dataset classes(int count) const {
    Tensor labels(DType::i32, {int64_t(y.size())});
    for (size_t row = 0; row < y.size(); ++row) labels.values<int32_t>()[row] = int32_t(y[row]);
    std::vector<std::string> names;
    for (int c = 0; c < count; ++c) names.push_back(std::to_string(c));
    return Dataset::classification(features(), labels, names);
  }
  Dataset real() const {
    return Dataset::regression(features(), Tensor::from<float>(y, {int64_t(y.size())}));
  }
};

double normal(uint64_t position, uint32_t stream = 9) {
  return RandomStream(3, Purpose::user, stream).normal(position);
}

Sequential usual(int64_t outputs) { return Sequential(Standardize(), Dense(32), Relu(), Dense(outputs)); }
TrainerOptions adam(float rate = 0.01f) { return {.optimizer = Adam{.learning_rate = rate}}; }
TrainerOptions regress(float rate = 0.01f) {
  return {.loss = Mse{}, .optimizer = Adam{.learning_rate = rate}};
}
Dense dense(int64_t units, Initializer weights) { return Dense(units, {.initializer = weights}); }

/// Two features, y = sin(3 a) + b^2, and a little noise.
Dataset curve(int64_t rows, uint64_t first = 0) {
  Rows result{std::vector<std::vector<float>>(size_t(rows)), std::vector<float>(size_t(rows))};
  result.each([&](size_t row, std::vector<float>& x, float& y) {
    const uint64_t i = 3 * (first + row);
    x = {float(normal(i)), float(normal(i + 1))};
    y = std::sin(3 * x[0]) + x[1] * x[1] + 0.05f * float(normal(i + 2));
  });
  return result.real();
}
/// Pictures of a bright bar in one of four places.
Dataset bars(int64_t rows) {
  Tensor images(DType::u8, {rows, 8, 8}), labels(DType::i32, {rows});
  const RandomStream noise(5, Purpose::user);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t p = 0; p < 64; ++p) {
      const bool bar = p / 8 / 2 == row % 4;
      const double value = p % 8 == 0 ? 0 : (bar ? 180 : 40) + 30 * noise.normal(uint64_t(row * 64 + p));
      images.values<uint8_t>()[size_t(row * 64 + p)] = uint8_t(std::clamp(value, 0.0, 255.0));
      labels.values<int32_t>()[size_t(row)] = int32_t(row % 4);
    }
  return Dataset::classification(images, labels, {"a", "b", "c", "d"});
}
Dataset unbalanced(size_t rare) {
  Rows rows = Rows::of(blobs(1000, 6, 2));
  std::vector<std::vector<float>> x;
  std::vector<float> y;
  for (size_t row = 0, kept = 0; row < 1000; ++row) {
    if (rows.y[row] == 1 && kept++ >= rare) continue;
    x.push_back(rows.x[row]);
    y.push_back(rows.y[row]);
  }
  return Rows{x, y}.classes(2);
}
Dataset sorted_blobs() {
  Rows rows = Rows::of(blobs(300, 4, 3)), result;
  for (int c = 0; c < 3; ++c)
    for (size_t row = 0; row < 300; ++row)
      if (rows.y[row] == float(c)) {
        result.x.push_back(rows.x[row]);
        result.y.push_back(rows.y[row]);
      }
  return result.classes(3);
}
Dataset random_labels(int64_t rows) {
  return Rows::of(blobs(rows, 8, 2))
      .each([](size_t row, std::vector<float>& x, float& y) {
        for (size_t c = 0; c < x.size(); ++c) x[c] = float(normal(8 * row + c));
        y = normal(row, 11) > 0;
      })
      .classes(2);
}
Sequential deep_sigmoid(int layers, int64_t outputs) {
  Sequential network{Standardize()};
  for (int i = 0; i < layers; ++i) {
    network.add(std::make_unique<Dense>(32));
    network.add(Sigmoid().clone());
  }
  network.add(std::make_unique<Dense>(outputs));
  return network;
}

struct Mistake {
  const char* finding;
  const char* what;
  const char* thread;  // where somebody made it; "": a usual one
  std::function<Case()> setup;
};

const Mistake mistakes[] = {
    // Loss and head.
    {"loss-takes-logits", "softmax before cross entropy", "ariecattan/SciCo#2",
     [] {
       return Case{Sequential(Standardize(), Dense(3), Softmax()), blobs(60, 4, 3)};
     }},
    {"loss-takes-logits", "log-softmax before cross entropy", "thegregyang/LossUpAccUp#1",
     [] {
       return Case{Sequential(Standardize(), Dense(3), LogSoftmax()), blobs(60, 4, 3)};
     }},
    {"loss-takes-logits", "sigmoid before binary cross entropy on logits", "",
     [] {
       return Case{Sequential(Standardize(), Dense(1), Sigmoid()),
                   Rows::of(blobs(60, 4, 2)).real(),
                   {.loss = BinaryCrossEntropy{}}};
     }},
    {"activation-on-output", "relu on the logits: class 0 for all", "WeiTang114/MVCNN-TensorFlow#14",
     [] {
       return Case{Sequential(Standardize(), Dense(16), Relu(), Dense(3), Relu()), blobs(60, 4, 3)};
     }},
    {"activation-on-output", "relu as the output of a regression", "jvargasmu/population_estimation#68",
     [] {
       return Case{Sequential(Standardize(), Dense(16), Relu(), Dense(1), Relu()), curve(200), regress()};
     }},
    {"activation-on-output", "tanh as the output for targets up to 9", "",
     [] {
       return Case{Sequential(Standardize(), Dense(16), Relu(), Dense(1), Tanh()), curve(200), regress()};
     }},
    {"loss-of-another-task", "a regression with the loss of classification", "mlpack/mlpack#3458",
     [] {
       return Case{usual(1), line(100)};
     }},
    {"class-numbers-regressed", "mean squared error on class numbers", "",
     [] {
       return Case{usual(1), Rows::of(blobs(300, 4, 3)).real(), regress()};
     }},
    {"one-hot-targets", "mean squared error on one-hot rows", "FluxML/Flux.jl#1546",
     [] {
       return Case{usual(3), blobs(300, 4, 3).one_hot(), regress()};
     }},
    {"head-of-another-width", "one output for two classes", "milesial/Pytorch-UNet#291",
     [] {
       return Case{usual(1), blobs(60, 4, 2)};
     }},
    // Labels.
    {"labels-start-at-one", "labels 1 to 3, and an output more", "yehjin-shin/BSARec#8",
     [] {
       return Case{usual(4),
                   Rows::of(blobs(300, 4, 3)).each([](size_t, auto&, float& y) { y += 1; }).classes(4)};
     }},
    {"class-without-rows", "a class that only the test data have", "",
     [] {
       return Case{usual(4),
                   Rows::of(blobs(300, 4, 3)).each([](size_t, auto&, float& y) { y += y == 2; }).classes(4)};
     }},
    {"unbalanced-classes", "99 % of one class", "ljw-struggle/Bioinfor-DeepATT#1",
     [] {
       return Case{usual(2), unbalanced(6)};
     }},
    {"too-many-classes", "a measurement as the label", "",
     [] {
       return Case{
           usual(150),
           Rows::of(blobs(150, 4, 3)).each([](size_t row, auto&, float& y) { y = float(row); }).classes(150)};
     }},
    {"contradictory-labels", "rows twice, with other labels", "nijamudheen/CheMLFlow#10",
     [] {
       Rows rows = Rows::of(blobs(200, 4, 2));
       for (size_t row = 0; row < 20; ++row) {
         rows.x.push_back(rows.x[row]);
         rows.y.push_back(1 - rows.y[row]);
       }
       return Case{usual(2), rows.classes(2)};
     }},
    {"one-class", "a test file that was trained on: all of one class", "",
     [] {
       return Case{usual(2), unbalanced(0)};
     }},
    // Features.
    {"unscaled-inputs", "pixels from 0 to 255 as they are",
     "rasbt/python-machine-learning-book-2nd-edition#68",
     [] {
       return Case{Sequential(Flatten(), Dense(16), Relu(), Dense(4)), bars(200)};
     }},
    {"unscaled-inputs", "inputs of thousands: NaN", "BrainJS/brain.js#278",
     [] {
       return Case{Sequential(Dense(16), Relu(), Dense(1)),
                   Rows::of(curve(200)).each([](size_t, auto& x, float&) { x[0] *= 3000; }).real(),
                   regress()};
     }},
    {"constant-columns", "a column that says nothing", "",
     [] {
       return Case{usual(2),
                   Rows::of(blobs(100, 4, 2)).each([](size_t, auto& x, float&) { x[2] = 7; }).classes(2)};
     }},
    {"duplicate-columns", "a column twice", "",
     [] {
       return Case{usual(2),
                   Rows::of(blobs(100, 4, 2)).each([](size_t, auto& x, float&) { x[3] = x[1]; }).classes(2)};
     }},
    {"label-leak", "the label among the features", "",
     [] {
       return Case{usual(3),
                   Rows::of(blobs(120, 4, 3)).each([](size_t, auto& x, float& y) { x[2] = y; }).classes(3)};
     }},
    {"label-leak", "the target among the features, in other units", "",
     [] {
       return Case{
           usual(1),
           Rows::of(curve(200)).each([](size_t, auto& x, float& y) { x.push_back(100 * y + 3); }).real(),
           regress()};
     }},
    {"row-number-column", "the row numbers of a table as a feature", "",
     [] {
       return Case{usual(2), Rows::of(blobs(200, 4, 2))
                                 .each([](size_t row, auto& x, float&) { x[0] = float(row); })
                                 .classes(2)};
     }},
    {"code-for-missing-values", "-999 where nothing was measured", "",
     [] {
       return Case{usual(2), Rows::of(blobs(200, 4, 2))
                                 .each([](size_t row, auto& x, float&) { x[1] = row % 9 == 0 ? -999 : x[1]; })
                                 .classes(2)};
     }},
    {"features-not-finite", "NaN among the features", "",
     [] {
       return Case{usual(2), Rows::of(blobs(200, 4, 2))
                                 .each([](size_t row, auto& x, float&) { x[1] = row == 50 ? NAN : x[1]; })
                                 .classes(2)};
     }},
    // Parts of the data.
    {"rows-in-both-parts", "test rows that were trained on", "TelecomsXChangeAPi/OpenTextShield#194",
     [] {
       const Dataset data = blobs(400, 6, 2);
       std::vector<int64_t> rows;
       for (int64_t row = 300; row < 400; ++row) rows.push_back(row % 13 ? row : row - 300);
       std::vector<int64_t> train(300);
       for (size_t row = 0; row < 300; ++row) train[row] = int64_t(row);
       return Case{.network = usual(2), .train = data.subset(train), .test = data.subset(rows)};
     }},
    {"parts-scaled-apart", "training in 0 to 1, what comes later in 0 to 255",
     "CodingTrain/Toy-Neural-Network-JS#57",
     [] {
       const auto scaled = [](const Dataset& data, float by) {
         return Rows::of(data)
             .each([&](size_t, auto& x, float&) {
               for (float& v : x) v = (v + 6) * by;
             })
             .classes(2);
       };
       return Case{.network = usual(2),
                   .train = scaled(blobs(200, 4, 2), 1 / 12.f),
                   .test = scaled(blobs(100, 4, 2, 2), 255 / 12.f)};
     }},
    {"parts-differ", "sorted rows, cut in two", "",
     [] {
       const Dataset data = sorted_blobs();
       std::vector<int64_t> first, last;
       for (int64_t row = 0; row < 300; ++row) (row < 170 ? first : last).push_back(row);
       return Case{.network = usual(3), .train = data.subset(first), .test = data.subset(last)};
     }},
    {"sorted-unshuffled", "rows class after class, not shuffled", "",
     [] {
       return Case{usual(3), sorted_blobs(), adam(), {.epochs = 2, .shuffle = false}};
     }},
    // Layers and first weights.
    {"no-activation-between", "layers without activations between them", "",
     [] {
       return Case{Sequential(Standardize(), Dense(32), Dense(32), Dense(3)), blobs(200, 4, 3)};
     }},
    {"equal-first-weights", "all weights begin at 0", "wagonhelm/NaNmnist#2",
     [] {
       return Case{Sequential(Standardize(), dense(16, Zeros{}), Relu(), Dense(3)), blobs(200, 4, 3)};
     }},
    {"first-weights-too-large", "weights from a standard normal", "",
     [] {
       return Case{Sequential(Standardize(), dense(64, Normal{.deviation = 1}), Tanh(),
                              dense(64, Normal{.deviation = 1}), Tanh(), Dense(4)),
                   blobs(200, 40, 4)};
     }},
    {"dropout-on-output", "dropout behind the last layer", "",
     [] {
       return Case{Sequential(Standardize(), Dense(16), Relu(), Dense(3), Dropout(0.5)), blobs(200, 4, 3)};
     }},
    // Settings.
    {"learning-rate-too-high", "Adam with learning rate 1", "PENGLU-WashU/IMC_Denoise#11",
     [] {
       return Case{usual(3), blobs(200, 4, 3), adam(1)};
     }},
    {"learning-rate-too-high", "a regression that jumps out of the bowl",
     "chiphuyen/stanford-tensorflow-tutorials#54",
     [] {
       return Case{usual(1), curve(300), {.loss = Mse{}, .optimizer = Sgd{.learning_rate = 2}}};
     }},
    {"learning-rate-too-low", "SGD with 1e-6", "",
     [] {
       return Case{usual(3), blobs(600, 4, 3), {.optimizer = Sgd{.learning_rate = 1e-6f}}, {.epochs = 60}};
     }},
    {"unscaled-targets", "prices of hundreds of thousands as targets", "",
     [] {
       return Case{usual(1),
                   Rows::of(curve(200)).each([](size_t, auto&, float& y) { y = 2e5f + 5e4f * y; }).real(),
                   regress()};
     }},
    // Seen in training.
    {"vanishing-gradients", "a sigmoid layer too many", "microsoft/CNTK#476",
     [] {
       return Case{
           deep_sigmoid(8, 3), blobs(300, 4, 3), {.optimizer = Sgd{.learning_rate = 0.05f}}, {.epochs = 40}};
     }},
    {"dead-relus", "steps that push units below 0 for good", "keras-team/keras#7057",
     [] {
       return Case{Sequential(Standardize(), Dense(32), Relu(), Dense(32), Relu(), Dense(1)),
                   curve(300),
                   regress(0.4f),
                   {.epochs = 30}};
     }},
    {"overfitting", "the validation loss rises from an early epoch on", "keras-team/keras#161",
     [] {
       return Case{Sequential(Standardize(), Dense(128), Relu(), Dense(128), Relu(), Dense(2)),
                   random_labels(200),
                   adam(0.003f),
                   {.epochs = 100, .validation_fraction = 0.3}};
     }},
};

std::string list(const std::vector<std::string>& ids) {
  std::string text;
  for (const std::string& id : ids) text += (text.empty() ? "" : ", ") + id;
  return text.empty() ? "nothing" : text;
}

TEST(Diagnosis, NamesFortyMistakes) {
  EXPECT_EQ(std::size(mistakes), 40u);
  EXPECT_GE(
      std::count_if(std::begin(mistakes), std::end(mistakes), [](const Mistake& m) { return *m.thread; }),
      20);
  for (const Mistake& mistake : mistakes) {
    const std::vector<std::string> ids = found(mistake.setup());
    EXPECT_NE(std::find(ids.begin(), ids.end(), mistake.finding), ids.end())
        << mistake.what << ": " << mistake.finding << " wanted, found " << list(ids);
    // Who gets a list of everything has not been told what it is.
    EXPECT_LE(ids.size(), 3u) << mistake.what << ": found " << list(ids);
  }
}

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

TEST(Diagnosis, IsLoggedOnceAndCanBeSwitchedOff) {
  std::vector<std::string> lines;
  const Context context = make_context({.threads = 1, .sink = [&](LogLevel level, const std::string& line) {
                                          if (level == LogLevel::warning) lines.push_back(line);
                                        }});
  const auto fit = [&](bool diagnosis) {
    lines.clear();
    Case setup = mistakes[19].setup();
    Trainer trainer(setup.network, setup.options, context);
    for (int i = 0; i < 2; ++i) trainer.fit(setup.train, {.diagnosis = diagnosis});
    return lines;
  };
  EXPECT_EQ(fit(true),
            std::vector<std::string>{"features: 1 column (column 3) equals column 1 in every row: remove one "
                                     "of the two [duplicate-columns]"});
  EXPECT_EQ(fit(false), std::vector<std::string>{});
}

}  // namespace
}  // namespace plexus
