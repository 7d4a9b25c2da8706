// The C API beside the C++ API that it stands on: the same bits, and errors that stay on their thread.
#include "plexus/bindings/c_api.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"

namespace plexus {
namespace {

constexpr int64_t rows = 300, columns = 5, classes = 3;

struct Arrays {
  std::vector<float> features = std::vector<float>(rows * columns);
  std::vector<int32_t> labels = std::vector<int32_t>(rows);
};
Arrays arrays(const Dataset& data) {
  Arrays result;
  for (int64_t row = 0; row < rows; ++row) {
    data.read_features(row, result.features.data() + row * columns);
    result.labels[size_t(row)] = data.label(row);
  }
  return result;
}

plexus_model* trained(const Arrays& a, const char* backend = nullptr, plexus_fit_options fit = {}) {
  plexus_dataset* data = nullptr;
  plexus_model* model = nullptr;
  EXPECT_EQ(plexus_dataset_classification(a.features.data(), rows, columns, a.labels.data(), classes, nullptr,
                                          &data),
            0);
  plexus_model_options options{};
  options.struct_size = sizeof options;
  options.optimizer = "adam";
  options.backend = backend;
  options.learning_rate = 0.01;
  options.seed = 5;
  EXPECT_EQ(plexus_model_create(&options, &model), 0);
  plexus_model_add(model, "standardize");
  plexus_model_add_dense(model, 7);
  plexus_model_add(model, "tanh");
  plexus_model_add_dense(model, classes);
  fit.struct_size = sizeof fit;
  fit.epochs = 4;
  fit.seed = 6;
  EXPECT_EQ(plexus_model_fit(model, data, &fit, nullptr), 0) << plexus_last_error();
  plexus_dataset_free(data);
  return model;
}

TEST(CApi, HasTheBitsOfTheCppApi) {
  const Dataset data = blobs(rows, columns, classes);
  const Arrays a = arrays(data);
  Sequential network{Standardize(), Dense(7), Tanh(), Dense(classes)};
  Trainer trainer{network, {.optimizer = Adam{.learning_rate = 0.01f}, .seed = 5}};
  trainer.fit(data, {.epochs = 4, .seed = 6});
  const Tensor wanted = trainer.predict(data);

  plexus_model* model = trained(a);
  Tensor got(DType::f32, {rows, classes});
  EXPECT_EQ(
      plexus_model_predict(model, a.features.data(), rows, columns, got.values<float>().data(), classes), 0);
  EXPECT_EQ(got, wanted);
  plexus_model_free(model);
}

TEST(CApi, GoesOnFromACheckpoint) {
  std::string directory = testing::TempDir() + "plexus_c_api_XXXXXX";
  ASSERT_TRUE(mkdtemp(directory.data()));
  const Arrays a = arrays(blobs(rows, columns, classes));
  const auto predictions = [&](plexus_model* model) {
    std::vector<float> result(rows * classes);
    EXPECT_EQ(plexus_model_predict(model, a.features.data(), rows, columns, result.data(), classes), 0);
    plexus_model_free(model);
    return result;
  };
  const std::vector<float> wanted = predictions(trained(a));
  plexus_fit_options fit{};
  fit.checkpoints = directory.c_str();
  fit.checkpoint_steps = 4;
  fit.on_step = [](void*, int64_t epoch, int64_t step, double) { return int32_t(epoch == 2 && step == 3); };
  EXPECT_NE(predictions(trained(a, nullptr, fit)), wanted);
  fit.on_step = nullptr;
  fit.resume = 1;
  EXPECT_EQ(predictions(trained(a, nullptr, fit)), wanted);
  std::filesystem::remove_all(directory);
}

TEST(CApi, ClonesPredictAtTheSameTime) {
  const Arrays a = arrays(blobs(rows, columns, classes));
  plexus_model* model = trained(a);
  std::vector<float> wanted(rows * classes);
  ASSERT_EQ(plexus_model_predict(model, a.features.data(), rows, columns, wanted.data(), classes), 0);
  std::vector<std::vector<float>> got(4, std::vector<float>(rows * classes));
  std::vector<std::string> errors(4);
  std::vector<plexus_model*> clones(4);
  for (plexus_model*& clone : clones) ASSERT_EQ(plexus_model_clone(model, &clone), 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i)
        plexus_model_predict(clones[t], a.features.data(), rows, columns, got[t].data(), classes);
      if (t == 0) plexus_model_add_dense(clones[t], 1);  // built already
      errors[t] = plexus_last_error();
    });
  for (std::thread& thread : threads) thread.join();
  for (size_t t = 0; t < 4; ++t) EXPECT_EQ(got[t], wanted);
  EXPECT_EQ(errors, (std::vector<std::string>{"network: built already: add Dense(1) before", "", "", ""}));
  for (plexus_model* clone : clones) plexus_model_free(clone);
  plexus_model_free(model);
}

TEST(CApi, AutoChoosesAtTheFirstFit) {
  std::string directory = testing::TempDir() + "plexus_auto_XXXXXX";
  ASSERT_TRUE(mkdtemp(directory.data()));
  setenv("XDG_CACHE_HOME", directory.c_str(), 1);
  const Arrays a = arrays(blobs(rows, columns, classes));
  plexus_model* model = trained(a, "auto");
  ASSERT_TRUE(std::filesystem::exists(directory + "/plexus"));
  const auto& cache = std::filesystem::directory_iterator(directory + "/plexus");
  EXPECT_EQ(std::distance(begin(cache), end(cache)), 1);
  std::vector<float> wanted(rows * classes), got = wanted;
  EXPECT_EQ(plexus_model_predict(model, a.features.data(), rows, columns, wanted.data(), classes), 0);
  plexus_model* clone = nullptr;
  ASSERT_EQ(plexus_model_clone(model, &clone), 0);
  EXPECT_EQ(plexus_model_predict(clone, a.features.data(), rows, columns, got.data(), classes), 0);
  for (size_t i = 0; i < got.size(); i++) EXPECT_NEAR(got[i], wanted[i], 1e-4) << i;  // by the default backend until it is trained
  plexus_model_free(clone);
  plexus_model_free(model);
  unsetenv("XDG_CACHE_HOME");
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace plexus
