// Forty mistakes, each with the finding that has to name it. Where one is taken from somebody's thread, the table says
// which.
#include "mistakes/training_cases.h"

namespace plexus::test {
namespace {

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
}  // namespace plexus::test
