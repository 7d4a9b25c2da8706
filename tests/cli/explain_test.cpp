// plexus explain: the importance of columns, and where answers came from.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"

namespace plexus::test {
namespace {

using nlohmann::json;

class Explain : public testing::Test {
 protected:
  void SetUp() override {
    const Result result = run({"train", iris, "--layers", "10,relu", "--epochs", "60", "--lr", "0.05",
                               "--out", model, "--backend", "reference"});
    ASSERT_EQ(result.code, 0) << result.err;
  }
  Directory directory;
  const std::string model = directory.path("iris.safetensors");
};

TEST_F(Explain, RanksColumns) {
  const Result result = run({"explain", model, iris, "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const json found = parse_json(result.out);
  EXPECT_EQ(found["rows"], 150);
  EXPECT_EQ(found["score"], "accuracy");
  ASSERT_EQ(found["columns"].size(), 4u);
  // That petals tell irises apart is known since Fisher 1936.
  EXPECT_TRUE(found["columns"][0]["column"].get<std::string>().starts_with("petal"));
  for (size_t i = 0; i + 1 < 4; ++i)
    EXPECT_GE(found["columns"][i]["importance"].get<double>(),
              found["columns"][i + 1]["importance"].get<double>());

  const Result text = run({"explain", model, iris, "--top", "1"});
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "####", text.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "and 3 more (--top)", text.out);
}

TEST_F(Explain, ExplainsRows) {
  const Result result = run({"explain", model, iris, "--rows", "0,149", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const json found = parse_json(result.out);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0]["output"], "setosa");
  EXPECT_EQ(found[1]["row"], 149);
  EXPECT_EQ(found[1]["output"], "virginica");
  for (const json& row : found) {
    double sum = 0;
    for (const double value : row["attributions"]) sum += value;
    const double change = row["value"].get<double>() - row["baseline"].get<double>();
    EXPECT_NEAR(sum, change, 1e-3 * std::abs(change));
    EXPECT_LT(row["residual"].get<double>(), 1e-3);
  }
  const Result text = run({"explain", model, iris, "--rows", "7", "--output", "virginica"});
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "row 7, virginica: ", text.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "petal_length", text.out);
  const json slopes = parse_json(run({"explain", model, iris, "--rows", "7", "--gradients", "--json"}).out);
  EXPECT_EQ(slopes[0]["gradients"].size(), 4u);
}

TEST_F(Explain, DrawsImages) {
  std::vector<uint8_t> labels;
  for (int i = 0; i < 40; ++i) labels.push_back(uint8_t(i % 2));
  directory.write_images("train", labels);
  directory.write_images("t10k", labels);
  const std::string images = directory.path("images.safetensors");
  ASSERT_EQ(run({"train", directory.path(), "--layers", "4,relu", "--epochs", "20", "--out", images}).code,
            0);
  const Result result = run({"explain", images, directory.path(), "--rows", "0"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1 + 8 / 2);  // two rows of pixels a line
  const std::string picture = result.out.substr(result.out.find('\n'));
  EXPECT_NE(picture.find_first_not_of(" \n"), std::string::npos);  // something is bright
}

TEST_F(Explain, NamesWhatIsWrong) {
  const auto error = [](const Arguments& arguments, int code) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, code);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    return result.err;
  };
  EXPECT_EQ(error({"explain", model, iris, "--rows", "150"}, 2),
            "plexus: error: --rows: row 150: " + iris + " has rows 0 to 149\n");
  EXPECT_EQ(error({"explain", model, iris, "--rows", "1", "--output", "rose"}, 2),
            "plexus: error: --output rose: the model has none of that name or number; see plexus inspect\n");
  EXPECT_EQ(error({"explain", model, iris, "--gradients"}, 2),
            "plexus: error: --gradients explains rows: name some by --rows\n");
}

}  // namespace
}  // namespace plexus::test
