#include "plexus/trainer/dataset.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plexus/core/error.h"
#include "core/message.h"

namespace plexus {
namespace {

Table table_of(std::vector<Column> columns) {
  Table table{.file = "flowers.csv", .columns = std::move(columns), .lines = {}};
  const size_t rows = std::visit([](const auto& v) { return v.size(); }, table.columns.front().values);
  for (size_t row = 0; row < rows; ++row) table.lines.push_back(int64_t(row) + 2);
  return table;
}

Column numbers(std::string name, std::vector<double> values) { return {std::move(name), std::move(values)}; }
Column texts(std::string name, std::vector<std::string> values) {
  return {std::move(name), std::move(values)};
}

/// A matrix with a column of features 0, 1, 2, ... before these labels.
Tensor labelled(const std::vector<double>& labels) {
  Tensor table(DType::f64, {int64_t(labels.size()), 2});
  for (size_t row = 0; row < labels.size(); ++row) {
    table.values<double>()[2 * row] = double(row);
    table.values<double>()[2 * row + 1] = labels[row];
  }
  return table;
}

std::vector<int32_t> labels_of(const Dataset& data) {
  std::vector<int32_t> labels;
  for (int64_t row = 0; row < data.size(); ++row) labels.push_back(data.label(row));
  return labels;
}

using Names = std::vector<std::string>;
using Numbers = std::vector<int32_t>;

TEST(Dataset, TextLabelsAreSortedAndNumbered) {
  const Dataset data = Dataset::from_table(
      table_of({numbers("width", {1, 2, 3, 4}), texts("species", {"rose", "aster", "tulip", "aster"})}));
  EXPECT_EQ(data.class_names(), (Names{"aster", "rose", "tulip"}));
  EXPECT_EQ(labels_of(data), (Numbers{1, 0, 2, 0}));
  EXPECT_EQ(data.column_names(), Names{"width"});
  EXPECT_EQ(data.task_reason(), "classify: 3 distinct text labels");
  EXPECT_TRUE(data.labels());
  EXPECT_EQ(data.classes(), 3);
  EXPECT_EQ(data.feature_shape(), Shape{1});
  EXPECT_EQ(data.target_shape(), Shape{1});
}

TEST(Dataset, NumberLabelsAreSortedAsNumbersAndNamedWithoutPoint) {
  const Dataset data = Dataset::from_table(labelled({10, 9, -1, 9, 10, -1, 100000, 100000}));
  EXPECT_EQ(data.class_names(), (Names{"-1", "9", "10", "100000"}));
  EXPECT_EQ(labels_of(data), (Numbers{2, 1, 0, 1, 2, 0, 3, 3}));
  EXPECT_EQ(data.task_reason(), "classify: 4 distinct whole numbers with two or more rows each");
}

TEST(Dataset, DecidesTheTask) {
  EXPECT_EQ(Dataset::from_table(labelled({1, 2, 1, 2.5})).task_reason(),
            "regress: column 1 holds values that are not whole numbers");
  EXPECT_EQ(Dataset::from_table(labelled({1, 2, 1, 2, 7})).task_reason(),
            "regress: column 1 holds 7 in one row only");

  std::vector<double> distinct;
  for (int i = 0; i < 64; ++i) distinct.insert(distinct.end(), {double(i), double(i)});
  EXPECT_EQ(Dataset::from_table(labelled(distinct)).task_reason(),
            "classify: 64 distinct whole numbers with two or more rows each");
  distinct.insert(distinct.end(), {64, 64});
  EXPECT_EQ(Dataset::from_table(labelled(distinct)).task_reason(),
            "regress: column 1 holds 65 distinct whole numbers, more than 64");
}

TEST(Dataset, TaskCanBeAskedFor) {
  const Dataset regress = Dataset::from_table(labelled({1, 2, 1, 2}), {.task = Task::regress});
  EXPECT_EQ(regress.task_reason(), "regress: as asked for");
  EXPECT_FALSE(regress.labels());
  EXPECT_EQ(regress.classes(), 0);
  EXPECT_EQ(regress.targets(), Tensor::from<float>({1, 2, 1, 2}, {4, 1}));

  const Dataset classify = Dataset::from_table(labelled({0.5, 2, 0.5, 7}), {.task = Task::classify});
  EXPECT_EQ(classify.class_names(), (Names{"0.5", "2", "7"}));
  EXPECT_EQ(classify.targets(), Tensor::from<int32_t>({0, 1, 0, 2}, {4}));

  EXPECT_EQ(message<DataError>([] {
              Dataset::from_table(table_of({numbers("a", {1, 2}), texts("b", {"x", "y"})}),
                                  {.task = Task::regress});
            }),
            "flowers.csv: line 2: column 'b' holds text ('x'), which cannot be regressed: classify it");
}

TEST(Dataset, TakesTheLabelColumnByNumberOrName) {
  const Tensor table = Tensor::from<float>({1, 10, 5, 2, 20, 6, 1, 30, 7}, {3, 3});
  const Dataset first = Dataset::from_table(table, {.labels = {0}, .task = Task::classify});
  EXPECT_EQ(labels_of(first), (Numbers{0, 1, 0}));
  float row[2];
  first.read_features(1, row);
  EXPECT_EQ(row[0], 20);
  EXPECT_EQ(row[1], 6);
  EXPECT_EQ(Dataset::from_table(table, {.labels = {-3}, .task = Task::classify}).targets(), first.targets());

  const Table named = table_of({numbers("a", {1, 2}), numbers("b", {3, 4}), numbers("c", {5, 6})});
  const Dataset middle = Dataset::from_table(named, {.label_names = {"b"}, .task = Task::regress});
  EXPECT_EQ(middle.column_names(), (Names{"a", "c"}));
  EXPECT_EQ(middle.targets(), Tensor::from<float>({3, 4}, {2, 1}));

  EXPECT_EQ(message<ArgumentError>([&] { Dataset::from_table(named, {.label_names = {"d"}}); }),
            "label column 'd': no such column: choose one of a, b, c");
  EXPECT_EQ(message<ArgumentError>([&] { Dataset::from_table(table, {.label_names = {"d"}}); }),
            "label column 'd': the table has no column names: give its number");
  EXPECT_EQ(message<ArgumentError>([&] { Dataset::from_table(table, {.labels = {3}}); }),
            "label column 3: the table has 3 columns: choose 0 to 2, or -1 for the last");
  EXPECT_EQ(message<ArgumentError>([&] { Dataset::from_table(table, {.labels = {-4}}); }),
            "label column -4: the table has 3 columns: choose 0 to 2, or -1 for the last");
}

TEST(Dataset, TakesAllElementTypes) {
  const Tensor wide = Tensor::from<double>({1, 3, 2, 4, 1, 3, 2, 4}, {4, 2});
  for (const DType dtype : {DType::f32, DType::f64, DType::i32, DType::i64, DType::u8}) {
    const Dataset data = Dataset::from_table(wide.converted(dtype));
    EXPECT_EQ(data.class_names(), (Names{"3", "4"})) << to_string(dtype);
    double feature = 0;
    data.read_features(1, &feature);
    EXPECT_EQ(feature, 2) << to_string(dtype);
  }
}

TEST(Dataset, RefusesTablesWithoutSense) {
  EXPECT_EQ(message<DataError>([] {
              Dataset::from_table(Tensor(DType::f32, {0, 3}));
            }),
            "table: no rows: nothing to learn from");
  EXPECT_EQ(message<DataError>([] {
              Dataset::from_table(Tensor(DType::f32, {3, 1}));
            }),
            "table: one column: a table needs at least one feature column beside the label");
  EXPECT_EQ(message<ShapeError>([] { Dataset::from_table(Tensor(DType::f32, {3})); }),
            "table: shape [3], not [rows, columns]: reshape it");
  EXPECT_EQ(message<DataError>([] {
              Dataset::from_table(labelled({1, 2, std::nan(""), 2}));
            }),
            "row 2: column 1: the label is missing: fill it in or remove the row");
  EXPECT_EQ(
      message<ArgumentError>([] {
        Dataset::from_table(table_of({numbers("a", {1, 2}), numbers("y", {1, 2})}), {.labels = {1, -1}});
      }),
      "label column 1 is given twice");
  EXPECT_EQ(
      message<DataError>([] {
        Dataset::from_table(table_of({numbers("a", {1, 2}), numbers("y", {1, 2})}), {.labels = {0, 1}});
      }),
      "flowers.csv: no column that is no label: a table needs at least one feature column beside the label");
}

std::vector<float> features_of(const Dataset& data) {
  std::vector<float> all, row(size_t(data.feature_shape().elements()));
  for (int64_t i = 0; i < data.size(); ++i) {
    data.read_features(i, row.data());
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

TEST(Dataset, TextFeaturesBecomeNumbersOfSortedCategories) {
  const Dataset data =
      Dataset::from_table(table_of({texts("colour", {"red", "blue", "green", "blue"}),
                                    numbers("size", {5, 6, 7, 8}), texts("k", {"x", "y", "x", "y"})}));
  EXPECT_EQ(data.categories(), (Categories{{"blue", "green", "red"}, {}}));
  EXPECT_EQ(features_of(data), (std::vector<float>{2, 5, 0, 6, 1, 7, 0, 8}));
  EXPECT_EQ(data.subset({1, 2}).categories(), (Categories{{"blue", "green"}, {}}));
  EXPECT_EQ(data.target_names(), Names{"k"});
  EXPECT_TRUE(Dataset::from_table(labelled({1, 2, 1, 2})).categories().empty());
}

TEST(Dataset, CategoriesAreTranslated) {
  const Dataset data =
      Dataset::from_table(table_of({texts("colour", {"red", "blue", "grey", ""}),
                                    numbers("size", {5, 6, 7, 8}), numbers("y", {1, 2, 3, 4})}),
                          {.task = Task::regress, .missing = Missing::keep});
  const Dataset known = data.with_categories({{"amber", "blue", "red"}, {}});
  EXPECT_EQ(std::vector<float>({features_of(known)[0], features_of(known)[2], features_of(known)[4]}),
            (std::vector<float>{2, 1, -1}));
  EXPECT_TRUE(std::isnan(features_of(known)[6]));  // missing, not unknown
  EXPECT_EQ(known.unknown_categories(), (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(known.subset({0, 1, 3}).unknown_categories(), (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(known.with_categories({{"amber", "blue", "red"}, {}}).unknown_categories(),
            (std::vector<int64_t>{1, 0}));

  EXPECT_EQ(message<DataError>([&] { data.with_categories({}); }),
            "flowers.csv: line 2: column 'colour' holds text ('red'), which needs a network that begins with "
            "OneHot()");
  EXPECT_EQ(message<DataError>([&] {
              data.with_categories({{}, {"s"}});
            }),
            "flowers.csv: line 2: column 'colour' holds text ('red'), the training data held numbers there");
  EXPECT_EQ(message<DataError>([&] {
              data.with_categories({{"red"}, {"large", "small"}});
            }),
            "flowers.csv: line 2: column 'size' holds numbers, the training data held text there ('large')");
  EXPECT_EQ(message<ShapeError>([&] { data.with_categories({{"red"}}); }),
            "categories of 1 columns for rows of 2: give those of the same columns");
  // Numbers that are the names of categories: "5" and "s" were among the training rows.
  EXPECT_EQ(features_of(data.with_categories({{"red"}, {"5", "s"}}))[1], 0);
  EXPECT_EQ(message<DataError>([&] { data.subset({3}).categories(); }),
            "column 'colour' has no value in any of these rows: remove it");
}

TEST(Dataset, MissingValuesAreRefusedDroppedOrKept) {
  const double nan = std::nan("");
  const Table table = table_of(
      {numbers("a", {1, nan, 3, 4}), texts("b", {"x", "y", "", "x"}), texts("k", {"p", "q", "p", ""})});
  EXPECT_EQ(message<DataError>([&] { Dataset::from_table(table); }),
            "flowers.csv: line 3: column 'a': missing value: fill it in, or let the option 'missing' drop "
            "such rows "
            "or fill in the mean");
  const Dataset dropped = Dataset::from_table(table, {.missing = Missing::drop});
  EXPECT_EQ(dropped.size(), 1);
  EXPECT_EQ(dropped.dropped(), 3);
  EXPECT_EQ(dropped.class_names(), Names{"p"});
  EXPECT_EQ(dropped.place(0), "flowers.csv: line 2");
  EXPECT_EQ(message<DataError>([&] { Dataset::from_table(table, {.missing = Missing::keep}); }),
            "flowers.csv: line 5: column 'k': the label is missing: fill it in or remove the row");
  const Dataset kept = Dataset::from_table(table, {.labels = {}, .missing = Missing::keep});
  EXPECT_EQ(kept.size(), 4);
  EXPECT_TRUE(std::isnan(features_of(kept)[3]) && std::isnan(features_of(kept)[7]) &&
              std::isnan(features_of(kept)[11]));
  EXPECT_EQ(kept.target_shape(), Shape{0});

  Tensor matrix = Tensor::from<float>({1, 2, 3, float(nan), 5, 6, 7, 8}, {4, 2});
  EXPECT_EQ(message<DataError>([&] { Dataset::from_table(matrix, {.labels = {0}}); }),
            "row 1: column 1: missing value: fill it in, or let the option 'missing' drop such rows or fill "
            "in the mean");
  EXPECT_EQ(message<DataError>([&] {
              Dataset::from_table(Tensor::from<float>({1, NAN, 2, NAN}, {2, 2}), {.labels = {0}});
            }),
            "row 0: column 1 has no value in any row: remove the column");
  const Dataset rows = Dataset::from_table(matrix, {.labels = {0}, .missing = Missing::drop});
  EXPECT_EQ(rows.size(), 3);
  EXPECT_EQ(rows.place(1), "row 2");
  matrix.values<float>()[1] = matrix.values<float>()[5] = matrix.values<float>()[7] = float(nan);
  EXPECT_EQ(message<DataError>([&] { Dataset::from_table(matrix, {.missing = Missing::drop}); }),
            "row 0: as all other rows it has missing values: no row is left");
}

TEST(Dataset, SeveralLabelColumnsAreRegressed) {
  const Table table = table_of({numbers("a", {1, 2}), numbers("b", {3, 4}), numbers("c", {5, 6})});
  const Dataset data = Dataset::from_table(table, {.label_names = {"c", "a"}});
  EXPECT_EQ(data.targets(), Tensor::from<float>({5, 1, 6, 2}, {2, 2}));
  EXPECT_EQ(data.target_names(), (Names{"c", "a"}));
  EXPECT_EQ(data.column_names(), Names{"b"});
  EXPECT_EQ(data.task_reason(), "regress: 2 label columns");
  const Tensor matrix = Tensor::from<float>({1, 3, 5, 2, 4, 6}, {2, 3});
  EXPECT_EQ(Dataset::from_table(matrix, {.labels = {-1, 0}}).targets(), data.targets());
  EXPECT_EQ(message<ArgumentError>([&] {
              Dataset::from_table(table, {.labels = {0, 1}, .task = Task::classify});
            }),
            "labels: 2 columns cannot be classified: give one, or regress");
  EXPECT_EQ(message<DataError>([&] {
              Dataset::from_table(
                  table_of({numbers("a", {1, 2}), numbers("b", {3, 4}), texts("c", {"x", "y"})}),
                  {.labels = {1, 2}});
            }),
            "flowers.csv: line 2: column 'c' holds text ('x'), which cannot be regressed: take it out of the "
            "labels");
}

TEST(Dataset, ColumnsAreTakenByName) {
  const TableOptions options{.labels = {}, .columns = {"a", "b"}};
  const auto with = [&](std::vector<Column> columns) {
    return Dataset::from_table(table_of(std::move(columns)), options);
  };
  const Dataset swapped = with({numbers("b", {3, 4}), numbers("a", {1, 2})});
  EXPECT_EQ(features_of(swapped), (std::vector<float>{1, 3, 2, 4}));
  EXPECT_EQ(swapped.column_names(), options.columns);
  EXPECT_EQ(features_of(with({numbers("", {3, 4}), numbers("", {1, 2})})), (std::vector<float>{3, 1, 4, 2}));
  EXPECT_EQ(message<DataError>([&] {
              with({numbers("a", {1}), numbers("c", {2})});
            }),
            "flowers.csv: column 'b' is missing: the columns of the training data are a, b");
  EXPECT_EQ(message<DataError>([&] {
              with({numbers("a", {1}), numbers("b", {2}), numbers("c", {2})});
            }),
            "flowers.csv: column 'c' is not among the columns of the training data (a, b): remove it");
  EXPECT_EQ(message<DataError>([&] {
              with({numbers("a", {1}), numbers("b", {2}), numbers("b", {2})});
            }),
            "flowers.csv: column 'b' is there twice: rename one");
  EXPECT_EQ(message<DataError>([&] { with({numbers("", {1})}); }),
            "flowers.csv: 1 feature column, the training data had 2: column 'b' is missing");
  EXPECT_EQ(message<DataError>([&] {
              Dataset::from_table(Tensor(DType::f32, {1, 3}), options);
            }),
            "table: 3 feature columns, the training data had 2 (a, b): column 2 is one too many");
}

TEST(Dataset, OneHotTargets) {
  const Dataset data = Dataset::classification(Tensor(DType::f32, {3, 1}),
                                               Tensor::from<int32_t>({2, 0, 1}, {3}), {"a", "b", "c"});
  const Dataset rows = data.one_hot();
  EXPECT_FALSE(rows.labels());
  EXPECT_EQ(rows.classes(), 3);
  EXPECT_EQ(rows.targets(), Tensor::from<float>({0, 0, 1, 1, 0, 0, 0, 1, 0}, {3, 3}));
  EXPECT_EQ(labels_of(rows), labels_of(data));
  EXPECT_EQ(labels_of(data.subset({2, 0}).one_hot()), (Numbers{1, 2}));
  EXPECT_EQ(Dataset::classification(Tensor(DType::f32, {3, 1}), rows.targets(), {"a", "b", "c"}).label(0), 2);

  const auto given = [](std::initializer_list<float> values, std::vector<std::string> names) {
    return [=, v = std::vector<float>(values)] {
      Dataset::classification(Tensor(DType::f32, {2, 1}), Tensor::from<float>(v, {2, 2}), names);
    };
  };
  EXPECT_EQ(message<DataError>(given({1, 0, 0.5, 0.4f}, {"a", "b"})),
            "dataset: row 1: one-hot labels lie from 0 to 1 and sum to 1: these do not");
  EXPECT_EQ(message<DataError>(given({2, -1, 0, 1}, {"a", "b"})),
            "dataset: row 0: one-hot labels lie from 0 to 1 and sum to 1: these do not");
  EXPECT_EQ(message<ShapeError>(given({1, 0, 0, 1}, {"a"})),
            "dataset: one-hot labels are [2, 2], with 1 class names: give a column for every class");
  EXPECT_EQ(message<ArgumentError>([] {
              Dataset::from_table(labelled({0.5, 1})).one_hot();
            }),
            "dataset: one_hot: the targets are real values, not classes");
}

TEST(Dataset, TestTableGetsTheNumbersOfTheTrainingData) {
  const TableOptions options{.class_names = {"aster", "rose", "tulip"}};
  const Dataset data =
      Dataset::from_table(table_of({numbers("a", {1, 2}), texts("species", {"tulip", "rose"})}), options);
  EXPECT_EQ(labels_of(data), (Numbers{2, 1}));
  EXPECT_EQ(data.class_names(), options.class_names);
  EXPECT_EQ(
      message<DataError>([&] {
        Dataset::from_table(table_of({numbers("a", {1, 2}), texts("species", {"tulip", "oak"})}), options);
      }),
      "flowers.csv: line 3: column 'species': label 'oak' is not among the classes of the training data "
      "(aster, "
      "rose, tulip): remove the row or add such rows to the training data");
}

TEST(Dataset, ClassNumbersAreChecked) {
  const Tensor features(DType::u8, {3, 2, 2});
  const Dataset data =
      Dataset::classification(features, Tensor::from<uint8_t>({0, 1, 1}, {3}), {"cat", "dog"});
  EXPECT_EQ(data.feature_shape(), (Shape{2, 2}));
  EXPECT_EQ(data.targets(), Tensor::from<int32_t>({0, 1, 1}, {3}));
  EXPECT_EQ(message<DataError>([&] {
              Dataset::classification(features, Tensor::from<int32_t>({0, 1, 2}, {3}), {"cat", "dog"});
            }),
            "dataset: row 2: label 2 is outside 0..1: number the 2 classes from 0");
  EXPECT_EQ(message<DataError>([&] {
              Dataset::classification(features, Tensor::from<int32_t>({0, -1, 1}, {3}), {"cat", "dog"});
            }),
            "dataset: row 1: label -1 is outside 0..1: number the 2 classes from 0");
  EXPECT_EQ(message<ShapeError>([&] {
              Dataset::classification(features, Tensor::from<int32_t>({0, 1}, {2}), {"cat", "dog"});
            }),
            "dataset: 3 rows of features, 2 of targets: give one target a row");
  EXPECT_EQ(message<ShapeError>([&] {
              Dataset::classification(Tensor(DType::f64, {1, 2}), Tensor::from<int32_t>({0}, {1}), {"cat"});
            }),
            "dataset: features are f64, not f32 or u8: convert them with Tensor::converted");
  EXPECT_EQ(message<ShapeError>([&] { Dataset::regression(features, Tensor(DType::f64, {3})); }),
            "dataset: targets are f64 [3], not f32 [rows, columns]: convert or reshape them");
}

TEST(Dataset, BytesAreReadAsNumbers) {
  const Dataset data =
      Dataset::regression(Tensor::from<uint8_t>({0, 128, 255, 7}, {2, 2}), Tensor(DType::f32, {2}));
  float row[2];
  data.read_features(0, row);
  EXPECT_EQ(row[1], 128);
  data.read_features(1, row);
  EXPECT_EQ(row[0], 255);
  EXPECT_EQ(data.target_shape(), Shape{1});
}

TEST(Dataset, SubsetsOfSubsetsKeepTrackOfRows) {
  const Dataset all = Dataset::from_table(labelled({0.5, 1.5, 2.5, 3.5, 4.5}));
  const Dataset some = all.subset({4, 0, 2}).subset({2, 0, 0});
  EXPECT_EQ(some.size(), 3);
  EXPECT_EQ(some.targets(), Tensor::from<float>({2.5, 4.5, 4.5}, {3, 1}));
  EXPECT_EQ(some.place(0), "row 2");
  EXPECT_EQ(message<ArgumentError>([&] { some.subset({3}); }),
            "dataset: subset: row 3 of 3: positions count from 0");
  EXPECT_EQ(message<ArgumentError>([&] { some.subset({-1}); }),
            "dataset: subset: row -1 of 3: positions count from 0");

  const Dataset lines = Dataset::from_table(table_of({numbers("a", {1, 2, 3}), numbers("b", {.5, 2, 3})}));
  EXPECT_EQ(lines.subset({2}).place(0), "flowers.csv: line 4");
}

TEST(Dataset, EmptyOneHasNoRows) {
  const Dataset data;
  EXPECT_EQ(data.size(), 0);
  EXPECT_EQ(data.classes(), 0);
}

}  // namespace
}  // namespace plexus
