// Standardize and MinMax: what they learn, and what they do to rows.
#include <algorithm>
#include <cmath>

#include "layers/network.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/minmax.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/standardize.h"

namespace plexus {
namespace {

using namespace plexus::testing;

/// Rows of a matrix in memory.
Rows rows_of(const std::vector<double>& matrix, const Shape& shape) {
  const int64_t n = shape.elements();
  return {int64_t(matrix.size()) / n, shape, [&matrix, n](int64_t row, std::span<double> out) {
            std::copy_n(matrix.begin() + row * n, n, out.begin());
          }};
}

// A column of whole numbers, a constant one, and one that is small beside its mean.
const std::vector<double> table{1, 0.1, 1e4 + 1,  //
                                2, 0.1, 1e4 + 2,  //
                                3, 0.1, 1e4 + 3,  //
                                6, 0.1, 1e4 + 2};

TEST(Standardize, LearnsMeanAndPopulationDeviation) {
  Sequential net{Standardize()};
  net.build({3}, 0, DType::f64);
  net.fit_preprocessing(rows_of(table, {3}));
  const auto mean = values(net.store(), "input.mean"), scale = values(net.store(), "input.scale");
  EXPECT_DOUBLE_EQ(mean[0], 3);
  EXPECT_EQ(mean[1], 0.1);
  EXPECT_DOUBLE_EQ(mean[2], 1e4 + 2);
  EXPECT_DOUBLE_EQ(scale[0], 1 / std::sqrt(3.5));
  EXPECT_EQ(scale[1], 0);
  EXPECT_NEAR(scale[2], 1 / std::sqrt(0.5), 1e-9);
}

TEST(Standardize, RowsHaveMeanZeroAndDeviationOneOnEveryBackend) {
  on_every_backend([](const Context& context) {
    std::vector<double> matrix(200 * 6);
    randomize(std::span(matrix), 2);
    for (size_t i = 0; i < matrix.size(); i++) matrix[i] = matrix[i] * double(i % 6 + 1) + double(i % 6 * 10);
    Sequential net{Standardize()};
    net.build({2, 3});
    net.fit_preprocessing(rows_of(matrix, {2, 3}));
    const std::vector<double> y = predict(net, context, matrix);
    for (size_t j = 0; j < 6; j++) {
      double sum = 0, squares = 0;
      for (size_t i = 0; i < 200; i++) sum += y[i * 6 + j], squares += y[i * 6 + j] * y[i * 6 + j];
      EXPECT_NEAR(sum / 200, 0, 1e-5) << j;
      EXPECT_NEAR(squares / 200, 1, 1e-5) << j;
    }
  });
}

TEST(MinMax, RowsLieBetweenZeroAndOneOnEveryBackend) {
  on_every_backend([](const Context& context) {
    Sequential net{MinMax()};
    net.build({3});
    net.fit_preprocessing(rows_of(table, {3}));
    EXPECT_EQ(values(net.store(), "input.offset"), (std::vector<double>{1, double(0.1f), 10001}));
    EXPECT_EQ(values(net.store(), "input.scale"), (std::vector<double>{double(0.2f), 0, 0.5}));
    const std::vector<double> y = predict(net, context, table);
    const double expected[] = {0, 0, 0, 0.2, 0, 0.5, 0.4, 0, 1, 1, 0, 0.5};
    for (size_t i = 0; i < y.size(); i++) EXPECT_NEAR(y[i], expected[i], 1e-6) << i;
  });
}

// Zero, not NaN and not infinity, also for later rows that hold something else there.
TEST(Preprocessing, ConstantColumnsBecomeZero) {
  on_every_backend([](const Context& context) {
    for (const bool minmax : {false, true}) {
      Sequential net = minmax ? Sequential(MinMax()) : Sequential(Standardize());
      net.build({2});
      net.fit_preprocessing(rows_of({0.1, 1, 0.1, 2, 0.1, 3}, {2}));
      const std::vector<double> y = predict(net, context, std::vector<double>{0.1, 2, 5, 2, -1e30, 2});
      for (const size_t i : {0, 2, 4}) EXPECT_EQ(y[i], 0) << i;
    }
  });
}

TEST(Preprocessing, SpreadThatIsOnlyRoundingCountsAsConstant) {
  const double next = std::nextafter(1e6f, 2e6f), sum = 0.1 + 0.2;
  ASSERT_NE(sum, 0.3);
  for (const bool minmax : {false, true}) {
    const auto scale = [&](DType dtype, std::vector<double> column) {
      Sequential net = minmax ? Sequential(MinMax()) : Sequential(Standardize());
      net.build({1}, 0, dtype);
      net.fit_preprocessing(rows_of(column, {1}));
      return values(net.store(), "input.scale")[0];
    };
    EXPECT_EQ(scale(DType::f32, {1e6, next, 1e6}), 0);
    EXPECT_GT(scale(DType::f64, {1e6, next, 1e6}), 0);
    EXPECT_EQ(scale(DType::f64, {sum, 0.3, 0.3}), 0);
    EXPECT_EQ(scale(DType::f32, {7}), 0);                  // one row
    EXPECT_EQ(scale(DType::f32, {0, 1e-42}), 0);           // no reciprocal in float
    EXPECT_GT(scale(DType::f32, {1e-30, 2e-30}), 1e29);    // small, but real
    EXPECT_GT(scale(DType::f32, {1e6, 1e6 + 1, 1e6}), 0);  // as are years and dates
  }
}

TEST(Preprocessing, ConstantColumnsStayConstantHoweverManyRows) {
  Sequential net{Standardize()};
  net.build({1}, 0, DType::f64);
  net.fit_preprocessing({100'000, {1}, [](int64_t, std::span<double> out) { out[0] = 0.1; }});
  EXPECT_EQ(values(net.store(), "input.mean")[0], 0.1);
  EXPECT_EQ(values(net.store(), "input.scale")[0], 0);
}

TEST(Preprocessing, LayersAreFittedOneAfterTheOther) {
  Sequential net(Standardize(), MinMax(), Dense(2));
  net.build({3}, 0, DType::f64);
  net.fit_preprocessing(rows_of(table, {3}));
  EXPECT_EQ(net.prefix(0), "input");
  EXPECT_EQ(net.prefix(1), "input2");
  EXPECT_EQ(net.prefix(2), "0");
  EXPECT_NEAR(values(net.store(), "input2.offset")[0], (1 - 3) / std::sqrt(3.5), 1e-12);
  EXPECT_NEAR(values(net.store(), "input2.scale")[0], std::sqrt(3.5) / 5, 1e-12);
  std::vector<double> row{6, 0.1, 1e4 + 1};
  net[0].transform(net.store(), "input", row);
  net[1].transform(net.store(), "input2", row);
  EXPECT_NEAR(row[0], 1, 1e-12);
  EXPECT_EQ(row[1], 0);
  EXPECT_NEAR(row[2], 0, 1e-9);
}

TEST(Preprocessing, UnfittedIsAnErrorAndNeverTheIdentity) {
  Sequential net(Standardize(), Dense(2));
  net.build({3});
  EXPECT_EQ(message<ArgumentError>([&] { net.require_fitted(); }),
            "input Standardize(): not fitted to any data yet: fit the network, or load one that was");
  for (const double y : predict(net, reference_context(), table)) EXPECT_TRUE(std::isnan(y));
  net.fit_preprocessing(rows_of(table, {3}));
  net.require_fitted();
  for (const double y : predict(net, reference_context(), table)) EXPECT_TRUE(std::isfinite(y));
}

TEST(OneHot, SpreadsCategoriesAndPassesNumbers) {
  const OneHot layer({{"a", "b", "c"}, {}, {"only"}});
  EXPECT_EQ(layer.output_shape({3}), Shape{5});
  const auto encode = [&](float a, float x, float b) {
    std::vector<float> row{a, x, b, 9, 9};
    layer.encode(std::span(row));
    return row;
  };
  EXPECT_EQ(encode(1, 7, 0), (std::vector<float>{0, 1, 0, 7, 1}));
  EXPECT_EQ(encode(2, -2, 0), (std::vector<float>{0, 0, 1, -2, 1}));
  EXPECT_EQ(encode(-1, 7, 1), (std::vector<float>{0, 0, 0, 7, 0}));
  EXPECT_EQ(encode(3, 7, NAN), (std::vector<float>{0, 0, 0, 7, 0}));
  EXPECT_EQ(encode(1e30f, 7, -1e30f), (std::vector<float>{0, 0, 0, 7, 0}));
  EXPECT_EQ(layer.name(), "OneHot(2 columns)");
  EXPECT_EQ(OneHot().name(), "OneHot()");
}

TEST(OneHot, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(message<ShapeError>([] { OneHot().output_shape({3}); }),
            "OneHot(): has learnt no categories yet: fit the network");
  EXPECT_EQ(message<ShapeError>([] {
              OneHot({{"a"}, {}}).output_shape({3});
            }),
            "OneHot(1 column): expects rows of 2 columns, got [3]");
  EXPECT_EQ(message<ArgumentError>([] {
              OneHot({{"a", "b", "a"}});
            }),
            "OneHot: column 0 has a category twice");
}

TEST(Impute, LearnsTheMeanOfWhatIsThere) {
  Sequential net{Impute(), Standardize()};
  net.build({2}, 0, DType::f64);
  EXPECT_EQ(message<ArgumentError>([&] { net.require_fitted(); }),
            "impute Impute(): not fitted to any data yet: fit the network, or load one that was");
  const std::vector<double> rows{1, 5, NAN, 6, 3, NAN};
  net.fit_preprocessing(rows_of(rows, {2}));
  EXPECT_EQ(values(net.store(), "impute.mean"), (std::vector<double>{2, 5.5}));
  // What is filled in counts in the layers behind: 1, 2, 3.
  EXPECT_DOUBLE_EQ(values(net.store(), "input.scale")[0], 1 / std::sqrt(2.0 / 3));
  net.require_fitted();
  Sequential empty{Impute()};
  empty.build({1});
  EXPECT_EQ(message<DataError>([&] {
              empty.fit_preprocessing(rows_of(std::vector<double>{NAN, NAN}, {1}));
            }),
            "Impute(): column 0 has no value in any row to learn from: remove it");
}

TEST(Preprocessing, ProgramsBeginBehindWhatWorksOnRows) {
  Sequential net(OneHot({{"a", "b"}, {}}), Impute(), Standardize(), MinMax(), Dense(1));
  net.build({2}, 0, DType::f64);
  EXPECT_EQ(net.program_shape(), Shape{3});
  EXPECT_EQ(net.input_shape(), Shape{2});
  const char* prefixes[] = {"encode", "impute", "input", "input2", "0"};
  for (size_t i = 0; i < 5; i++) EXPECT_EQ(net.prefix(i), prefixes[i]);
  EXPECT_EQ(net.store().entry("0.weight").shape, (Shape{3, 1}));
  const Program program = net.lower({.part = Part::forward, .batch = 4, .dtype = DType::f64});
  EXPECT_EQ(program[program.find("x")].shape, (Shape{4, 3}));
  EXPECT_EQ(labels(program), (std::vector<std::string>{"input Standardize", "input2 MinMax", "0 Dense"}));
  LoweringOptions scaled{.part = Part::forward, .batch = 4, .dtype = DType::f64, .scaled = true};
  EXPECT_EQ(labels(net.lower(scaled)), std::vector<std::string>{"0 Dense"});
  EXPECT_EQ(net.first_in_program(), 2u);
  EXPECT_EQ(net.first_in_program(true), 4u);
  scaled.part = Part::gradient;
  EXPECT_EQ(message<ArgumentError>([&] { net.lower(scaled); }),
            "lower: the gradient of the input is that of rows as they are: not with scaled");
  // Scaling is fitted to spread and filled rows.
  const std::vector<double> rows{0, 1, 1, NAN, 0, 3, 1, 2};
  net.fit_preprocessing(rows_of(rows, {2}));
  EXPECT_EQ(values(net.store(), "input.mean"), (std::vector<double>{0.5, 0.5, 2}));
  const Sequential copy = net.clone();
  EXPECT_EQ(values(copy.store(), "impute.mean"), values(net.store(), "impute.mean"));
  copy.require_fitted();
}

TEST(Preprocessing, StandsInTheOrderOfItsStages) {
  EXPECT_EQ(message<ArgumentError>([] { Sequential(Impute(), OneHot()); }),
            "OneHot(): prepares the data: put it before Impute(), at the front");
  EXPECT_EQ(message<ArgumentError>([] { Sequential(Standardize(), Impute()); }),
            "Impute(): prepares the data: put it before Standardize(), at the front");
  EXPECT_EQ(message<ArgumentError>([] { Sequential(OneHot(), OneHot()); }),
            "OneHot(): the network has one already");
}

TEST(Preprocessing, IsNotTrainedAndNotCounted) {
  Sequential net(Standardize(), Dense(2));
  net.build({3});
  EXPECT_EQ(net.parameter_count(), 3 * 2 + 2);
  EXPECT_TRUE(net.has_preprocessing());
  EXPECT_EQ(net.store().entry("input.mean").role, Role::state);
  EXPECT_FALSE(Sequential(Dense(2)).has_preprocessing());
}

TEST(Preprocessing, RefusesRowsThatItCannotLearnFrom) {
  Sequential net{Standardize()};
  EXPECT_EQ(message<ArgumentError>([&] { net.fit_preprocessing(rows_of(table, {3})); }),
            "fit_preprocessing: the network is not built: call build with a row's shape");
  net.build({3});
  EXPECT_EQ(message<ShapeError>([&] { net.fit_preprocessing(rows_of(table, {4})); }),
            "fit_preprocessing: rows of shape [4], the network takes [3]");
  EXPECT_EQ(message<DataError>([&] { net.fit_preprocessing(rows_of({}, {3})); }),
            "Standardize(): no rows to learn from");
}

}  // namespace
}  // namespace plexus
