// What fit refuses before step 0, and that a refusal leaves no trace.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/split.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "core/message.h"

namespace plexus {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

/// What fit refuses `data` with; the network must be as it was.
template <class E = DataError>
std::string refusal(Sequential network, const Loss& loss, const Dataset& data, const FitOptions& fit = {}) {
  Trainer trainer(network, {.loss = loss, .backend = "reference", .threads = 1});
  const std::string text = message<E>([&] { trainer.fit(data, fit); });
  EXPECT_FALSE(network.built());
  EXPECT_TRUE(network.store().entries().empty());
  return text;
}

Dataset classes(std::vector<float> features, int64_t columns, std::vector<int32_t> labels, int classes = 2) {
  const auto rows = int64_t(labels.size());
  std::vector<std::string> names;
  for (int c = 0; c < classes; ++c) names.push_back(std::string(1, char('a' + c)));
  return Dataset::classification(Tensor::from<float>(features, {rows, columns}),
                                 Tensor::from<int32_t>(labels, {rows}), names);
}

Dataset targets(std::vector<float> features, int64_t columns, std::vector<float> values, int64_t width = 1) {
  const auto rows = int64_t(values.size()) / width;
  return Dataset::regression(Tensor::from<float>(features, {rows, columns}),
                             Tensor::from<float>(values, {rows, width}));
}

TEST(Preflight, EmptyAndOneRow) {
  EXPECT_EQ(refusal(Sequential(Dense(2)), SoftmaxCrossEntropy{}, classes({}, 3, {})),
            "data: no rows: give at least one");
  EXPECT_EQ(refusal(Sequential(Dense(2)), SoftmaxCrossEntropy{}, classes({1, 2}, 2, {1})),
            "data: 1 row to train on: at least two are needed");
  EXPECT_EQ(refusal(Sequential(Dense(1)), Mse{}, targets({1, 2}, 1, {1, 2}), {.validation_fraction = 0.5}),
            "data: 1 row to train on: at least two are needed");
}

TEST(Preflight, OneClass) {
  EXPECT_EQ(refusal(Sequential(Dense(2)), SoftmaxCrossEntropy{}, classes({1, 2, 3}, 1, {1, 1, 1})),
            "data: all 3 rows are of one class ('b'): add rows of another class, or regress");
}

TEST(Preflight, HeadOfAnotherWidth) {
  const Dataset data = classes({1, 2, 3}, 1, {0, 1, 2}, 3);
  EXPECT_EQ(refusal(Sequential(Dense(2)), SoftmaxCrossEntropy{}, data),
            "head: 2 outputs for 3 classes: let the last layer be Dense(3)");
  EXPECT_EQ(refusal(Sequential(Dense(4), Relu(), Dense(1)), SoftmaxCrossEntropy{}, data),
            "head: 1 output for 3 classes: let the last layer be Dense(3)");
  EXPECT_EQ(refusal(Sequential(Dense(2)), Mse{}, targets({1, 2}, 1, {1, 2})),
            "head: 2 outputs for 1 target column: let the last layer be Dense(1)");
  EXPECT_EQ(refusal(Sequential(Dense(1)), Mse{}, targets({1, 2}, 1, {1, 2, 3, 4}, 2)),
            "head: 1 output for 2 target columns: let the last layer be Dense(2)");
}

TEST(Preflight, LossForOtherTargets) {
  EXPECT_EQ(refusal(Sequential(Dense(2)), Mse{}, classes({1, 2}, 1, {0, 1})),
            "loss mse: the targets are class numbers: use SoftmaxCrossEntropy, or regress");
  EXPECT_EQ(refusal(Sequential(Dense(2)), BinaryCrossEntropy{}, classes({1, 2}, 1, {0, 1})),
            "loss " + to_string(Loss(BinaryCrossEntropy{})) +
                ": the targets are class numbers: use SoftmaxCrossEntropy, or targets 0 and 1 by "
                "Dataset::regression");
  EXPECT_EQ(refusal(Sequential(Dense(1)), SoftmaxCrossEntropy{}, targets({1, 2}, 1, {1, 2})),
            "loss softmax cross entropy: the targets are real values, not classes: use Mse, or classify");
  EXPECT_EQ(refusal(Sequential(Dense(2)), SoftmaxCrossEntropy{}, targets({1, 2}, 1, {0, 1, 0.5f, 0.25f}, 2)),
            "targets: row 1 sums to 0.750000: softmax cross entropy takes rows that sum to 1: use Mse, or "
            "classify");
  EXPECT_EQ(refusal(Sequential(Dense(1)), BinaryCrossEntropy{}, targets({1, 2}, 1, {0, 3})),
            "targets: is 3.000000 in row 1: " + to_string(Loss(BinaryCrossEntropy{})) +
                " takes probabilities from 0 to 1: use Mse, or classify");
}

TEST(Preflight, ProbabilitiesUnderALossOnLogits) {
  const Dataset data = classes({1, 2}, 1, {0, 1});
  const std::string rest = ": remove that layer",
                    start = "loss softmax cross entropy: takes logits, but the last layer is ";
  EXPECT_EQ(refusal(Sequential(Dense(2), Softmax()), SoftmaxCrossEntropy{}, data),
            start + "Softmax()" + rest);
  EXPECT_EQ(refusal(Sequential(Dense(2), LogSoftmax()), SoftmaxCrossEntropy{}, data),
            start + "LogSoftmax()" + rest);
  EXPECT_EQ(refusal(Sequential(Dense(2), Sigmoid()), SoftmaxCrossEntropy{}, data),
            start + "Sigmoid()" + rest);
  EXPECT_EQ(refusal(Sequential(Dense(1), Sigmoid()), BinaryCrossEntropy{}, targets({1, 2}, 1, {0, 1})),
            "loss " + to_string(Loss(BinaryCrossEntropy{})) +
                ": takes logits, but the last layer is Sigmoid(): remove that layer");
}

TEST(Preflight, ProbabilitiesUnderMseAreFine) {
  Sequential network(Dense(1), Sigmoid());
  Trainer trainer(network, {.loss = Mse{}, .backend = "reference", .threads = 1});
  EXPECT_NO_THROW(trainer.fit(targets({1, 2}, 1, {0, 1})));
}

TEST(Preflight, NanAndInfinityInTheFeatures) {
  const auto fit = [](std::vector<float> features) {
    return refusal(Sequential(Dense(2)), SoftmaxCrossEntropy{}, classes(std::move(features), 2, {0, 1, 0}));
  };
  EXPECT_EQ(fit({1, 2, 3, nan, 5, 6}),
            "features: column 1 is NaN in row 1: remove such rows or fill the values in");
  EXPECT_EQ(fit({1, nan, 3, nan, 5, 6}),
            "features: column 1 is NaN in row 0 and 1 more: remove such rows or fill the values in");
  EXPECT_EQ(fit({1, nan, 3, nan, 5, nan}), "features: column 1 is NaN in every row: remove the column");
  EXPECT_EQ(fit({1, 2, -infinity, 4, 5, 6}),
            "features: column 0 is infinite in row 1: remove such rows or fill the values in");

  Table table{.file = "ages.csv", .columns = {}, .lines = {2, 3, 4}};
  table.columns = {{"age", std::vector<double>{1, nan, 3}}, {"y", std::vector<double>{0.5, 1, 2}}};
  EXPECT_EQ(refusal(Sequential(Dense(1)), Mse{}, Dataset::from_table(table, {.missing = Missing::keep})),
            "features: column 'age' is NaN in ages.csv: line 3: remove such rows or fill the values in");
}

TEST(Preflight, NanAndInfinityInTheTargets) {
  EXPECT_EQ(refusal(Sequential(Dense(1)), Mse{}, targets({1, 2, 3}, 1, {1, 2, nan})),
            "targets: is NaN in row 2: remove such rows");
  EXPECT_EQ(refusal(Sequential(Dense(2)), Mse{}, targets({1, 2}, 1, {1, infinity, 2, 3}, 2)),
            "targets: column 1 is infinite in row 0: remove such rows");
}

TEST(Preflight, ValidationDataAreCheckedToo) {
  const Dataset data = classes({1, 2, 3}, 1, {0, 1, 0});
  const auto with = [&](const Dataset& validation) {
    return refusal(Sequential(Dense(2)), SoftmaxCrossEntropy{}, data, {.validation = validation});
  };
  EXPECT_EQ(with(classes({1, nan, 3}, 1, {0, 1, 0})),
            "features: column 0 is NaN in row 1: remove such rows or fill the values in");
  EXPECT_EQ(with(classes({1}, 1, {2}, 3)), "head: 2 outputs for 3 classes: let the last layer be Dense(3)");
  EXPECT_EQ(
      with(Dataset::classification(Tensor(DType::f32, {1, 1}), Tensor::from<int32_t>({0}, {1}), {"b", "a"})),
      "fit: validation has other classes than the training data: number both alike");
}

TEST(Preflight, Options) {
  const Dataset data = classes({1, 2, 3}, 1, {0, 1, 0});
  const auto with = [&](const FitOptions& fit) {
    return refusal<ArgumentError>(Sequential(Dense(2)), SoftmaxCrossEntropy{}, data, fit);
  };
  EXPECT_EQ(with({.epochs = -1}), "fit: -1 epochs: choose 0 or more");
  EXPECT_EQ(with({.batch_size = 0}), "fit: batch size 0: choose 1 or more");
  EXPECT_EQ(with({.validation_fraction = 1}), "fit: validation fraction 1.000000: choose one in [0, 1)");
  EXPECT_EQ(with({.validation_fraction = 0.5, .validation = data}),
            "fit: validation fraction and validation set: give one of them");

  Sequential network(Dense(2));
  const auto make = [&](const TrainerOptions& options) {
    return message<ArgumentError>([&] { Trainer trainer(network, options); });
  };
  EXPECT_EQ(make({.clip_norm = -1}), "trainer: clip_norm -1.000000: choose 0 (off) or more");
  EXPECT_EQ(make({.accumulate = 0}), "trainer: accumulate 0: choose 1 or more");
  EXPECT_EQ(make({.optimizer = Sgd{.momentum = 2}}), "sgd: momentum 2: choose one in [0, 1)");
  EXPECT_THROW(Trainer(network, {.backend = "refrence"}), BackendError);
}

TEST(Preflight, RowsOfAnotherShape) {
  Sequential network(Dense(2));
  Trainer trainer(network, {.backend = "reference", .threads = 1});
  EXPECT_EQ(message<ArgumentError>([&] { trainer.evaluate(blobs(4, 3, 2)); }),
            "evaluate: the network is not built: fit it first");
  EXPECT_EQ(message<ArgumentError>([&] { trainer.plan(32); }),
            "plan: the network is not built: build or fit it first");
  trainer.fit(blobs(6, 3, 2));
  EXPECT_EQ(message<ShapeError>([&] { trainer.fit(blobs(6, 4, 2)); }),
            "data: rows of shape [4], but the network was built for [3]: give rows of that shape");
  EXPECT_EQ(message<ShapeError>([&] {
              trainer.predict(Tensor(DType::f32, {2, 4}));
            }),
            "predict: rows of shape [2, 4], the network takes [n] x [3]: reshape them");
  EXPECT_EQ(message<ShapeError>([&] { trainer.predict(blobs(6, 4, 2)); }),
            "predict: rows of shape [4], the network takes [3]: give the columns it was trained on");
  EXPECT_EQ(
      message<DataError>([&] {
        trainer.evaluate(
            Dataset::classification(Tensor(DType::f32, {1, 3}), Tensor::from<int32_t>({0}, {1}), {"x", "y"}));
      }),
      "data: its classes are not those of the training data: number both alike (TableOptions::class_names)");
}

/// Lines that a fit on `data` logs.
std::vector<std::string> logged(Sequential network, const Dataset& data, int fits = 1) {
  std::vector<std::string> lines;
  const Context context = make_context(
      {.backend = "reference", .threads = 1, .sink = [&](LogLevel level, const std::string& line) {
         if (level == LogLevel::warning) lines.push_back(line);
       }});
  Trainer trainer(network, {}, context);
  for (int i = 0; i < fits; ++i) trainer.fit(data);
  return lines;
}

TEST(Preflight, ConstantColumnsAreAWarningOnce) {
  const Dataset data = classes({7, 1, 3, 7, 2, 3, 7, 3, 3}, 3, {0, 1, 0});
  EXPECT_EQ(logged(Sequential(Dense(2)), data, 2),
            std::vector<std::string>{
                "features: 2 of 3 columns are constant (column 0, column 2): nothing can be learnt "
                "from them: remove them [constant-columns]"});
  EXPECT_EQ(logged(Sequential(Dense(2)), blobs(10, 3, 2)), std::vector<std::string>{});
}

TEST(Preflight, ConstantPixelsAreNot) {
  const Dataset images = Dataset::classification(Tensor::from<uint8_t>({0, 1, 0, 2, 0, 3, 0, 4}, {2, 2, 2}),
                                                 Tensor::from<int32_t>({0, 1}, {2}), {"a", "b"});
  EXPECT_EQ(logged(Sequential(Flatten(), Dense(2)), images), std::vector<std::string>{});
}

TEST(Preflight, RawFeaturesAreAWarning) {
  const Dataset data = classes({1000, 2000, -3000}, 1, {0, 1, 0});
  EXPECT_EQ(logged(Sequential(Dense(2)), data),
            std::vector<std::string>{
                "features: values reach 3e+03 and nothing scales them: put Standardize() or MinMax() first "
                "[unscaled-inputs]"});
  EXPECT_EQ(logged(Sequential(Standardize(), Dense(2)), data), std::vector<std::string>{});
}

/// A column of numbers, and one of text with so many distinct words.
Dataset with_text(int64_t rows, int64_t distinct) {
  Table table{.file = "t.csv", .columns = {}, .lines = {}};
  std::vector<double> x;
  std::vector<std::string> word, kind;
  for (int64_t row = 0; row < rows; ++row) {
    table.lines.push_back(row + 2);
    x.push_back(double(row % 3));
    word.push_back("w" + std::to_string(1000 + row % distinct));
    kind.push_back(row % 2 ? "a" : "b");
  }
  table.columns = {{"x", x}, {"word", word}, {"kind", kind}};
  return Dataset::from_table(table);
}

TEST(Preflight, ManyCategoriesAreAWarning) {
  EXPECT_EQ(logged(Sequential(OneHot(), Dense(2)), with_text(300, 151)),
            std::vector<std::string>{
                "features: column 'word' has 151 categories in 300 rows: little can be learnt from "
                "it: remove it [too-many-categories]"});
  // Numbers of categories are no values that somebody should scale.
  EXPECT_EQ(logged(Sequential(OneHot(), Dense(2)), with_text(300, 150)), std::vector<std::string>{});
}

TEST(Preflight, ColumnsWithoutAnyValueAreRefused) {
  const double gap = std::nan("");
  Table table{.file = "t.csv", .columns = {}, .lines = {2, 3, 4}};
  table.columns = {{"x", std::vector<double>{gap, gap, gap}}, {"y", std::vector<double>{0.5, 1, 2}}};
  EXPECT_EQ(
      refusal(Sequential(Impute(), Dense(1)), Mse{}, Dataset::from_table(table, {.missing = Missing::keep})),
      "features: column 'x' is NaN in every row: remove the column");
  // None is left in the part to train on.
  Tensor features(DType::f32, {20, 1}), values(DType::f32, {20, 1});
  for (size_t i = 0; i < 20; ++i) features.values<float>()[i] = nan, values.values<float>()[i] = float(i);
  const Split parts = split(Dataset::regression(features, values), {.test_fraction = 0.2, .seed = 4});
  for (int64_t i = 0; i < parts.test.size(); ++i)
    features.values<float>()[std::stoul(parts.test.place(i).substr(4))] = 1;
  EXPECT_EQ(refusal(Sequential(Impute(), Dense(1)), Mse{}, Dataset::regression(features, values),
                    {.validation_fraction = 0.2, .seed = 4}),
            "features: column 0 is NaN in every row: remove the column");
}

}  // namespace
}  // namespace plexus
