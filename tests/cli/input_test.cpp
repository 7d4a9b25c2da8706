// Bad input: what the message says and which exit code tells it, for every kind of DATA, backend and
// environment.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "cli/command.h"
#include "cli/files.h"
#include "plexus/backends/registry.h"
#include "plexus/io/npy.h"

namespace plexus::test {
namespace {


void expect_error(const Arguments& arguments, int code, const std::string& part,
                  const Variables& variables = {}) {
  const Result result = run(arguments, variables);
  EXPECT_EQ(result.code, code) << result.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "plexus: error: ", result.err);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, part, result.err);
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

// Backends: exit code 4, before any file is opened (DATA does not exist: 5 otherwise) and before layers are
// looked at.

TEST(Backend, Misspelt) {
  expect_error({"train", "/nonexistent.csv", "--backend", "referense"}, 4, "reference");
  expect_error({"train", "/nonexistent.csv", "--backend", "referense", "--layers", "rellu"}, 4, "referense");
  expect_error({"train", "/nonexistent.csv"}, 4, "referense", {{"PLEXUS_BACKEND", "referense"}});
  expect_error({"plan", "--backend", "referense"}, 4, "referense");
}

TEST(Backend, NotBuilt) {
  for (const BackendRow& row : backends())
    if (!row.built) expect_error({"train", "/nonexistent.csv", "--backend", row.name}, 4, row.reason);
}

TEST(Backend, EmptyName) {
  expect_error({"train", "/nonexistent.csv", "--backend", ""}, 4, "empty");
  expect_error({"train", "/nonexistent.csv"}, 4, "empty", {{"PLEXUS_BACKEND", ""}});
}

TEST(Backend, FlagOverridesEnvironment) {
  expect_error({"train", "/nonexistent.csv", "--backend", "reference"}, 5, "/nonexistent.csv",
               {{"PLEXUS_BACKEND", "referense"}});
}

TEST(Environment, InvalidValues) {
  const std::vector<std::pair<std::string, std::string>> settings = {
      {"PLEXUS_NUM_THREADS", "0"},    {"PLEXUS_NUM_THREADS", "two"}, {"PLEXUS_NUM_THREADS", "-1"},
      {"PLEXUS_MAX_ISA", "avx1024"},  {"PLEXUS_FALLBACK", "maybe"},  {"PLEXUS_VERBOSE", "loud"},
      {"PLEXUS_CHECK", "everything"},
  };
  for (const auto& [name, value] : settings) {
    SCOPED_TRACE(name + "=" + value);
    expect_error({"train", "/nonexistent.csv"}, 2, name, {{name, value}});
    expect_error({"plan"}, 2, name, {{name, value}});
    expect_error({"info"}, 2, name, {{name, value}});
  }
}

// Files that are not there: 5.

TEST(Missing, Files) {
  expect_error({"train", "/nonexistent.npy"}, 5, "/nonexistent.npy");
  expect_error({"train", "/nonexistent.csv"}, 5, "/nonexistent.csv");
  expect_error({"train", "/nonexistent"}, 5, "/nonexistent: no such file or directory");
  expect_error({"train", "fashion-minst"}, 5, "did you mean fashion-mnist?");
}

TEST(Missing, FashionMnist) {
  expect_error({"train", "fashion-mnist"}, 5, "apt install dataset-fashion-mnist",
               {{"XDG_DATA_DIRS", "/nonexistent"}});
}

TEST(Missing, TestData) {
  const Directory directory;
  expect_error({"train", directory.write_classes("a.csv", 40), "--test", "/nonexistent.csv"}, 5,
               "/nonexistent.csv");
}

TEST(Missing, PartOfImages) {
  const Directory directory;
  expect_error({"train", directory.path()}, 5, "train-images-idx3-ubyte");
  directory.write_images("train", {0, 1, 0, 1});
  expect_error({"train", directory.path()}, 5, "t10k-images-idx3-ubyte");
}

// Damaged files: 3, with file and place.

TEST(Damaged, Npy) {
  const Directory directory;
  save_npy(directory.path("whole.npy"), Tensor(DType::f32, {40, 3}));
  expect_error({"train", directory.write("text.npy", "hello")}, 3, "text.npy");
  expect_error({"train", directory.write("empty.npy", "")}, 3, "empty.npy");
  const std::string header("\x93NUMPY\x01\x00", 8);
  expect_error({"train", directory.write("huge.npy", header + std::string("\x76\x00", 2) +
                                                         "{'descr': '<f4', 'fortran_order': False, 'shape': "
                                                         "(4611686018427387904, 4), }" +
                                                         std::string(40, ' ') + "\n")},
               3, "huge.npy");
}

TEST(Damaged, Csv) {
  const Directory directory;
  expect_error({"train", directory.write("ragged.csv", "x,y,k\n1,2,a\n3,b\n")}, 3, "ragged.csv: line 3");
  expect_error({"train", directory.write("empty.csv", "")}, 3, "empty.csv");
  expect_error({"train", directory.write("quote.csv", "x,y,k\n1,2,\"a\n")}, 3, "quote.csv: line 2");
}

TEST(Damaged, UnknownFormat) {
  const Directory directory;
  expect_error({"train", directory.write("data.json", "{}")}, 3, "data.json: expected a file .npy or .csv");
}

class Images : public testing::Test {
 protected:
  Images() {
    directory.write_images("train", {0, 1, 0, 1, 0, 1, 0, 1, 0, 1});
    directory.write_images("t10k", {0, 1, 0, 1});
  }
  void expect(int code, const std::string& part) { expect_error({"train", directory.path()}, code, part); }
  Directory directory;
};

TEST_F(Images, Truncated) {
  directory.write("train-images-idx3-ubyte", idx({10, 8, 8}, std::vector<uint8_t>(100)));
  expect(3, "train-images-idx3-ubyte");
}
TEST_F(Images, CountsDiffer) {
  directory.write("t10k-labels-idx1-ubyte", idx({3}, {0, 1, 0}));
  expect(3, "expected labels [4], one for each image, found [3]");
}
TEST_F(Images, ImagesAreLabels) {
  directory.write("train-images-idx3-ubyte", idx({10}, std::vector<uint8_t>(10)));
  expect(3, "expected images [n, height, width]");
}
TEST_F(Images, LabelOutsideTheHead) {
  directory.write("t10k-labels-idx1-ubyte", idx({4}, {0, 1, 2, 1}));
  expect(3, "t10k-labels-idx1-ubyte");
}
TEST_F(Images, OfAnotherSize) {
  directory.write("t10k-images-idx3-ubyte", idx({4, 7, 7}, std::vector<uint8_t>(4 * 49)));
  expect(3, "[8, 8] expected, as in the training data, found [7, 7]");
}
TEST_F(Images, FlagsForTables) {
  expect_error({"train", directory.path(), "--label", "3"}, 2, "--label is for tables");
  expect_error({"train", directory.path(), "--task", "regress"}, 2, "--task regress is for tables");
  expect_error({"train", directory.path(), "--test", directory.write("t.csv", "1,2\n")}, 2,
               "expected images");
}

// Data that nothing can be learnt from: 3.

TEST(Unusable, OneRow) {
  const Directory directory;
  expect_error({"train", directory.write("one.csv", "1,2,a\n")}, 3, "row");
}
TEST(Unusable, OneColumn) {
  const Directory directory;
  expect_error({"train", directory.write("narrow.csv", "1\n2\n3\n")}, 3, "one column");
}
TEST(Unusable, OneClass) {
  const Directory directory;
  std::string rows;
  for (int i = 0; i < 20; ++i) rows += std::to_string(i) + ",a\n";
  const Result result = run({"train", directory.write("same.csv", rows)});
  EXPECT_EQ(result.code, 3);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "one class", result.err);
}
TEST(Unusable, AllNanColumn) {
  const Directory directory;
  Tensor table(DType::f32, {40, 3});
  for (int64_t i = 0; i < 40; ++i) {
    table.values<float>()[size_t(i * 3)] = float(i % 5);
    table.values<float>()[size_t(i * 3 + 1)] = std::numeric_limits<float>::quiet_NaN();
    table.values<float>()[size_t(i * 3 + 2)] = float(i % 2);
  }
  save_npy(directory.path("nan.npy"), table);
  const Result result = run({"train", directory.path("nan.npy")});
  EXPECT_EQ(result.code, 3);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "column 1 has no value in any row: remove the column", result.err);
}
TEST(Unusable, NotAMatrix) {
  const Directory directory;
  save_npy(directory.path("cube.npy"), Tensor(DType::f32, {4, 3, 2}));
  expect_error({"train", directory.path("cube.npy")}, 3, "cube.npy: table: shape [4, 3, 2]");
}
TEST(Unusable, UnknownTestLabel) {
  const Directory directory;
  const std::string train = directory.write_classes("train.csv", 40);
  expect_error({"train", train, "--test", directory.write("test.csv", "x,y,kind\n1,2,a\n3,4,c\n")}, 3,
               "test.csv: line 3");
}
TEST(Unusable, TestOfAnotherWidth) {
  const Directory directory;
  const std::string train = directory.write_classes("train.csv", 40);
  expect_error({"train", train, "--test", directory.write("test.csv", "x,kind\n1,a\n3,b\n")}, 3,
               "test.csv: column 'y' is missing: the columns of the training data are x, y");
}

TEST(Label, NoSuchColumn) {
  const Directory directory;
  const std::string table = directory.write_classes("a.csv", 40);
  expect_error({"train", table, "--label", "knid"}, 2, "--label knid: no such column (did you mean kind?)");
  expect_error({"train", table, "--label", "3"}, 2, "label column 3");
  expect_error({"train", table, "--label", "-4"}, 2, "label column -4");
  save_npy(directory.path("a.npy"), Tensor(DType::f32, {40, 3}));
  expect_error({"train", directory.path("a.npy"), "--label", "kind"}, 2, "the columns have no names");
}

TEST(Loss, AgainstTheTaskOfTheData) {
  const Directory directory;
  const std::string table = directory.write_classes("a.csv", 40);
  expect_error({"train", table, "--loss", "mse"}, 2, "classify: 2 distinct text labels; use cross-entropy");
  std::string rows;
  for (int i = 0; i < 40; ++i) rows += std::to_string(i) + "," + std::to_string(i) + ".5\n";
  expect_error({"train", directory.write("b.csv", rows), "--loss", "cross-entropy"}, 2,
               "not whole numbers; use mse, mae or huber");
}

}  // namespace
}  // namespace plexus::test
