// A predictor answers as the trainer does, from many threads at once.
#include "plexus/trainer/predictor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>

#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/trainer.h"
#include "core/message.h"

namespace plexus {
namespace {

Dataset data_of(int64_t rows) {
  Tensor x(DType::f32, {rows, 5}), y(DType::i32, {rows});
  for (int64_t i = 0; i < rows * 5; ++i) x.values<float>()[size_t(i)] = float(i * 7919 % 101) / 10 - 5;
  for (int64_t i = 0; i < rows; ++i) y.values<int32_t>()[size_t(i)] = int32_t(i % 3);
  return Dataset::classification(std::move(x), std::move(y), {"a", "b", "c"});
}

Tensor features(const Dataset& data) {
  Tensor rows(DType::f32, {data.size(), 5});
  for (int64_t i = 0; i < data.size(); ++i) data.read_features(i, rows.values<float>().data() + i * 5);
  return rows;
}

void expect_answers_of_the_trainer(Sequential& net, Trainer& trainer, const Tensor& rows) {
  const Tensor expected = trainer.predict(rows);
  const int64_t count = rows.shape().rows();
  for (const int64_t batch : {1, 7, 64, 1000}) {
    const Predictor predictor(net, {.batch_size = batch});
    ASSERT_EQ(predictor.input_columns(), 5);
    ASSERT_EQ(predictor.output_columns(), 3);
    std::vector<float> answers(size_t(count * 3), -1);
    predictor.predict(rows.values<float>().data(), count, answers.data());
    EXPECT_EQ(std::memcmp(answers.data(), expected.bytes(), expected.byte_count()), 0) << "batch " << batch;
  }
}

TEST(Predictor, AnswersAsTheTrainerDoes) {
  Sequential net{Standardize(), Dense(33), Relu(), Dense(3)};
  Trainer trainer(net, {});
  const Dataset data = data_of(150);
  trainer.fit(data, {.epochs = 2});
  expect_answers_of_the_trainer(net, trainer, features(data));
}

TEST(Predictor, FillsInWhatIsMissing) {
  Sequential net{Impute(), Dense(8), Tanh(), Dense(3)};
  Trainer trainer(net, {});
  const Dataset data = data_of(60);
  trainer.fit(data, {.epochs = 2});
  Tensor rows = features(data);
  rows.values<float>()[7] = std::nanf("");
  expect_answers_of_the_trainer(net, trainer, rows);
}

TEST(Predictor, SeesWhatIsLearntLater) {
  Sequential net{Dense(8), Relu(), Dense(3)};
  Trainer trainer(net, {});
  const Dataset data = data_of(60);
  trainer.fit(data, {.epochs = 1});
  const Tensor rows = features(data);
  const Predictor predictor(net);
  std::vector<float> before(180), after(180);
  predictor.predict(rows.values<float>().data(), 60, before.data());
  trainer.fit(data, {.epochs = 1});
  predictor.predict(rows.values<float>().data(), 60, after.data());
  EXPECT_NE(before, after);
  EXPECT_EQ(std::memcmp(after.data(), trainer.predict(rows).bytes(), after.size() * sizeof(float)), 0);
}

TEST(Predictor, ManyThreadsAskAtOnce) {
  Sequential net{Dense(40), Relu(), Dense(3)};
  Trainer trainer(net, {});
  const Dataset data = data_of(64);
  trainer.fit(data, {.epochs = 1});
  const Tensor rows = features(data), expected = trainer.predict(rows);
  const Predictor predictor(net);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const int64_t row = i % 64;
        float answer[3];
        predictor.predict(rows.values<float>().data() + row * 5, 1, answer);
        wrong += std::memcmp(answer, expected.values<float>().data() + row * 3, sizeof(answer)) != 0;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Predictor, SaysWhatItCannotDo) {
  Sequential net{Dense(3)};
  EXPECT_EQ(message<ArgumentError>([&] { Predictor{net}; }),
            "predictor: the network is not built: fit or load it first");
  Trainer(net, {}).fit(data_of(30), {.epochs = 1});
  EXPECT_EQ(message<ArgumentError>([&] { Predictor(net, {.batch_size = 0}); }),
            "predictor: batch size 0: choose 1 or more");
  EXPECT_EQ(message<ArgumentError>([&] { Predictor(net).predict(nullptr, -1, nullptr); }),
            "predict: -1 rows");
  const Predictor predictor(net);
  predictor.predict(nullptr, 0, nullptr);
}

}  // namespace
}  // namespace plexus
