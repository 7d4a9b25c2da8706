// Data sets whose features stay in a file: the same rows, the same training, bit for bit, as in memory; and
// what is refused.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/core/random.h"
#include "plexus/io/npy.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/prefetch.h"
#include "plexus/trainer/split.h"
#include "plexus/trainer/trainer.h"
#include "core/message.h"

namespace plexus {
namespace {

/// A file that is gone at the end.
class NpyFile {
 public:
  explicit NpyFile(const Tensor& tensor) {
    char name[] = "/tmp/plexus-map-XXXXXX";
    ::close(mkstemp(name));
    path_ = name;
    save_npy(path_, tensor);
  }
  ~NpyFile() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// `columns` features and a label, in the last column, or in the first.
Tensor table(int64_t rows, int64_t columns, DType dtype, bool label_first = false) {
  Tensor values(DType::f64, {rows, columns + 1});
  const RandomStream random(1, Purpose::user);
  for (int64_t i = 0; i < rows * (columns + 1); ++i)
    values.values<double>()[size_t(i)] = double(random.below(200, uint64_t(i)));
  for (int64_t row = 0; row < rows; ++row)
    values.values<double>()[size_t(row * (columns + 1) + (label_first ? 0 : columns))] = double(row % 4);
  return values.converted(dtype);
}

void expect_same_rows(const Dataset& mapped, const Dataset& loaded) {
  ASSERT_EQ(mapped.size(), loaded.size());
  ASSERT_EQ(mapped.feature_shape(), loaded.feature_shape());
  EXPECT_EQ(mapped.class_names(), loaded.class_names());
  EXPECT_EQ(mapped.targets(), loaded.targets());
  std::vector<float> a(size_t(mapped.feature_shape().elements())), b(a.size());
  for (int64_t row = 0; row < mapped.size(); ++row) {
    mapped.read_features(row, a.data());
    loaded.read_features(row, b.data());
    ASSERT_EQ(a, b) << row;
  }
}

Tensor trained(const Dataset& data, int threads) {
  Sequential network(Standardize(), Dense(16), Relu(), Dense(data.classes()));
  Trainer trainer(network, {.optimizer = Adam{}, .threads = threads});
  trainer.fit(data, {.epochs = 3, .batch_size = 7, .validation_fraction = 0.2, .seed = 2});
  return network.store().get("0.weight");
}

TEST(MappedTable, HasTheRowsAndTheTrainingOfOneInMemory) {
  for (const DType dtype : {DType::u8, DType::f32, DType::f64})
    for (const bool label_first : {false, true}) {
      const Tensor values = table(500, 9, dtype, label_first);
      const NpyFile file(values);
      const TableOptions options{.labels = {label_first ? 0 : -1}};
      const Dataset mapped = Dataset::map_table(file.path(), options),
                    loaded = Dataset::from_table(values, options);
      EXPECT_TRUE(mapped.mapped());
      EXPECT_FALSE(loaded.mapped());
      expect_same_rows(mapped, loaded);
      const Split parts = split(mapped, {.seed = 5}), expected = split(loaded, {.seed = 5});
      expect_same_rows(parts.train, expected.train);
      EXPECT_EQ(trained(mapped, 1), trained(loaded, 1));
      EXPECT_EQ(trained(mapped, 3), trained(loaded, 1));
    }
}

TEST(MappedTable, ImagesWithLabelsOfTheirOwn) {
  Tensor pixels(DType::u8, {40, 5, 6}), labels(DType::i32, {40});
  for (size_t i = 0; i < 1200; ++i) pixels.values<uint8_t>()[i] = uint8_t(i * 7);
  for (size_t i = 0; i < 40; ++i) labels.values<int32_t>()[i] = int32_t(i % 2);
  const NpyFile file(pixels);
  expect_same_rows(Dataset::map_classification(file.path(), labels, {"a", "b"}),
                   Dataset::classification(pixels, labels, {"a", "b"}));
  const Tensor targets = labels.converted(DType::f32);
  expect_same_rows(Dataset::map_regression(file.path(), targets), Dataset::regression(pixels, targets));
}

// Each row is read ahead once training comes near; whatever the order, nothing is read beyond the end.
TEST(MappedTable, PrefetchFollowsAnyOrderAndEndsAnywhere) {
  const NpyFile file(table(5000, 700, DType::f64));  // 28 MB
  const Dataset data = Dataset::map_table(file.path());
  const std::vector<int64_t> order = shuffled(5000, 3, 1);
  for (const int64_t stop : {0, 1, 70, 2500, 5000}) {
    Prefetch prefetch(data, order);
    for (int64_t rows = 0; rows < stop; rows += 10) prefetch.advance(rows);
  }
  Prefetch nothing(data, {});
  nothing.advance(1);
}

TEST(MappedTable, AChangedFileIsAnError) {
  const Tensor values = table(100, 9, DType::f32);
  const NpyFile file(values);
  const Dataset data = Dataset::map_table(file.path());
  Sequential network(Standardize(), Dense(4));
  Trainer trainer(network);
  trainer.fit(data);
  // The last row is lost, though the page is there still: zeros would be read.
  ASSERT_EQ(truncate(file.path().c_str(), 128 + 99 * 40), 0);
  const std::string expected =
      file.path() + ": has changed while it was mapped: results are of old and new rows, start again";
  EXPECT_EQ(message<IoError>([&] { trainer.fit(data); }), expected);
  EXPECT_EQ(message<IoError>([&] { trainer.evaluate(data); }), expected);
  EXPECT_EQ(message<FormatError>([&] { Dataset::map_table(file.path()); }),
            file.path() + ": byte 128: expected 4000 bytes for [100, 10], found 3960");
}

/// Writes to the file after the first step.
class Meddler final : public Callback {
 public:
  explicit Meddler(std::string path) : path_(std::move(path)) {}
  bool on_step(const Progress&) override {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('x');
    return false;
  }

 private:
  std::string path_;
};

TEST(MappedTable, AChangeWithinAnEpochEndsIt) {
  const NpyFile file(table(100, 9, DType::f32));
  const Dataset data = Dataset::map_table(file.path());
  Sequential network(Standardize(), Dense(4));
  Trainer trainer(network);
  Meddler meddler(file.path());
  EXPECT_THROW(trainer.fit(data, {.epochs = 2, .callbacks = {&meddler}}), IoError);
}

TEST(MappedTable, AFileThatIsReplacedStaysAsItWas) {
  const Tensor values = table(100, 9, DType::f32);
  const NpyFile file(values);
  const Dataset data = Dataset::map_table(file.path());
  save_npy(file.path(), table(50, 3, DType::u8));  // under the same name, another file
  expect_same_rows(data, Dataset::from_table(values));
  EXPECT_NO_THROW(data.require_unchanged());
}

TEST(MappedTable, RefusesWhatCannotBeMapped) {
  const auto refused = [](const Tensor& tensor, const TableOptions& options = {}) {
    const NpyFile file(tensor);
    std::string text = message<Error>([&] { Dataset::map_table(file.path(), options); });
    return text.starts_with(file.path()) ? text.substr(file.path().size()) : text;
  };
  EXPECT_EQ(
      refused(table(10, 3, DType::i32)),
      ": cannot be mapped: its elements are not f4, f8 or u1 in the byte order of this machine; load_npy "
      "reads it, numpy.ascontiguousarray converts it");
  EXPECT_EQ(refused(Tensor(DType::f32, {3, 4, 5})), ": shape [3, 4, 5], not [rows, columns]: reshape it");
  EXPECT_EQ(refused(Tensor(DType::f32, {0, 4})), ": no rows: nothing to learn from");
  EXPECT_EQ(refused(table(10, 3, DType::f32), {.labels = {1}}),
            ": label columns between features cannot be mapped: put them first or last, or load it");
  EXPECT_EQ(refused(table(10, 3, DType::f32), {.labels = {7}}),
            ": label column 7: the table has 4 columns: choose 0 to 3, or -1 for the last");
  EXPECT_EQ(refused(table(10, 3, DType::f32), {.label_names = {"y"}}),
            ": label column 'y': the table has no column names: give its number");
  EXPECT_EQ(refused(table(10, 3, DType::f32), {.missing = Missing::drop}),
            ": rows cannot be dropped from a mapped table: use subset, or load it");
  const NpyFile columns_first(Tensor(DType::f32, {2, 4}));
  std::fstream header(columns_first.path());
  std::string text(128, ' ');
  header.read(text.data(), 128);
  text.replace(text.find("False"), 5, "True ");
  header.seekp(0);
  header.write(text.data(), 128);
  header.close();
  EXPECT_EQ(message<FormatError>([&] { Dataset::map_table(columns_first.path()); }),
            columns_first.path() +
                ": cannot be mapped: it is in Fortran order; load_npy reads it, "
                "numpy.ascontiguousarray converts it");
}

}  // namespace
}  // namespace plexus
