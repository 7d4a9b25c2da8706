// plexus compare: two saved models on the same rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/trainer.h"

namespace plexus::test {
namespace {

using nlohmann::json;

class Compare : public testing::Test {
 protected:
  std::string train(const std::string& name, const Arguments& more) {
    Arguments arguments{"train", "--out", directory.path(name), "--backend", "reference"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return directory.path(name);
  }
  Directory directory;
};

TEST_F(Compare, CountsTheRowsThatOnlyOneHasRight) {
  const std::string good = train("good.safetensors",
                                 {iris, "--layers", "10,relu", "--epochs", "60", "--lr", "0.05"}),
                    poor = train("poor.safetensors", {iris, "--layers", "2,relu", "--epochs", "2"});
  const Result result = run({"compare", good, poor, iris, "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const json found = parse_json(result.out);

  // By the library: classes of both models, counted here.
  Sequential first = load_model(good), second = load_model(poor);
  const Dataset data = Dataset::from_table(load_csv(iris));
  const Tensor a = Trainer(first, {}).predict_classes(data), b = Trainer(second, {}).predict_classes(data);
  int64_t both = 0, only_a = 0, only_b = 0, neither = 0;
  for (int64_t row = 0; row < data.size(); ++row) {
    const bool right_a = a.values<int32_t>()[size_t(row)] == data.label(row),
               right_b = b.values<int32_t>()[size_t(row)] == data.label(row);
    ++(right_a ? (right_b ? both : only_a) : (right_b ? only_b : neither));
  }
  EXPECT_GT(only_a, 20);  // else this says little
  EXPECT_EQ(found["rows"], 150);
  EXPECT_EQ(found["both"], both);
  EXPECT_EQ(found["only_a"], only_a);
  EXPECT_EQ(found["only_b"], only_b);
  EXPECT_EQ(found["neither"], neither);
  EXPECT_NEAR(found["a"]["accuracy"].get<double>(), double(both + only_a) / 150, 1e-12);
  EXPECT_NEAR(found["difference"].get<double>(), double(only_a - only_b) / 150, 1e-12);
  EXPECT_LT(found["p"].get<double>(), 0.05);
  EXPECT_EQ(found["verdict"], "A is better");

  const Result text = run({"compare", poor, good, iris});
  EXPECT_PRED_FORMAT2(testing::IsSubstring,
                      "150 rows: both right " + std::to_string(both) + ", only A " + std::to_string(only_b) +
                          ", only B " + std::to_string(only_a) + ", neither " + std::to_string(neither),
                      text.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "B is better", text.out);
  const Result same = run({"compare", good, good, iris});
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "p = 1: no difference that is more than chance", same.out);
}

TEST_F(Compare, ComparesErrorsOfValues) {
  std::string text = "x,y\n";
  for (int i = 0; i < 120; ++i)
    text += std::to_string(i % 40) + "," + std::to_string(3 * (i % 40) + i % 5) + "\n";
  const std::string data = directory.write("line.csv", text);
  const Arguments regress{data, "--task", "regress", "--layers", "4,relu", "--lr", "0.01"};
  Arguments longer = regress, shorter = regress;
  longer.insert(longer.end(), {"--epochs", "60"});
  shorter.insert(shorter.end(), {"--epochs", "1"});
  const std::string good = train("good.safetensors", longer), poor = train("poor.safetensors", shorter);
  const json found = parse_json(run({"compare", good, poor, data, "--json"}).out);
  const auto mse = [&](const std::string& model) {
    return parse_json(run({"evaluate", model, data, "--json"}).out)["loss"].get<double>();
  };
  EXPECT_NEAR(found["a"]["mse"].get<double>(), mse(good), 1e-5 * mse(good));
  EXPECT_NEAR(found["b"]["mse"].get<double>(), mse(poor), 1e-5 * mse(poor));
  EXPECT_LT(found["interval"][1].get<double>(), 0);
  EXPECT_EQ(found["verdict"], "A is better");

  const std::string classes = train("iris.safetensors", {iris, "--layers", "2,relu", "--epochs", "1"});
  const Result mixed = run({"compare", good, classes, data});
  EXPECT_EQ(mixed.code, 3);
  EXPECT_TRUE(mixed.err.starts_with("plexus: error: ")) << mixed.err;
  EXPECT_EQ(std::count(mixed.err.begin(), mixed.err.end(), '\n'), 1) << mixed.err;
}

}  // namespace
}  // namespace plexus::test
