// Scores of an evaluation against scikit-learn's. scores.txt is made by make_scores.py.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "plexus/plexus.h"

namespace plexus {
namespace {

using Numbers = std::vector<double>;

/// The lines of a case by their key, from its "case" or "ranking" on.
using ScoreCase = std::map<std::string, Numbers>;

std::vector<ScoreCase> read_cases(const std::string& kind) {
  std::ifstream file(PLEXUS_SOURCE_DIR "/tests/golden/scores.txt");
  std::vector<ScoreCase> cases;
  bool wanted = false;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key == "#") continue;
    if (key == "case" || key == "ranking") {
      wanted = key == kind;
      if (wanted) cases.emplace_back();
    }
    if (!wanted) continue;
    for (double value; words >> value;) cases.back()[key].push_back(value);
  }
  return cases;
}

std::vector<uint8_t> marks(const Numbers& numbers) { return {numbers.begin(), numbers.end()}; }

void expect_near(const Numbers& found, const Numbers& expected, const char* what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6) << what << ' ' << i;
}

/// A network that passes its inputs on is evaluated: they are the logits.
Evaluation evaluate(const Numbers& labels, const Numbers& logits, int64_t classes) {
  Sequential network{Dense(classes)};
  network.build(Shape{classes});
  std::vector<float> identity(size_t(classes * classes), 0);
  for (int64_t c = 0; c < classes; ++c) identity[size_t(c * classes + c)] = 1;
  network.store().set("0.weight", Tensor::from(std::span<const float>(identity), {classes, classes}));
  const std::vector<float> features(logits.begin(), logits.end());
  const std::vector<int32_t> numbers(labels.begin(), labels.end());
  const auto rows = static_cast<int64_t>(labels.size());
  const Dataset data =
      Dataset::classification(Tensor::from(std::span<const float>(features), {rows, classes}),
                              Tensor::from(std::span<const int32_t>(numbers), {rows}),
                              std::vector<std::string>(size_t(classes), "class"));
  return Trainer(network, {}).evaluate(data);
}

TEST(Scores, AgreeWithScikitLearn) {
  const std::vector<ScoreCase> cases = read_cases("case");
  ASSERT_EQ(cases.size(), 50u);
  for (const ScoreCase& c : cases) {
    const auto classes = static_cast<int64_t>(c.at("case")[1]);
    const Evaluation e = evaluate(c.at("labels"), c.at("logits"), classes);
    ASSERT_EQ(e.scores.size(), size_t(classes));
    Numbers precision, recall, f1, confidence, truth;
    for (const ClassScore& score : e.scores) {
      precision.push_back(score.precision);
      recall.push_back(score.recall);
      f1.push_back(score.f1);
    }
    for (const Calibration::Bin& bin : e.calibration.bins) {
      if (bin.rows == 0) continue;
      confidence.push_back(bin.confidence);
      truth.push_back(bin.accuracy);
    }
    expect_near(precision, c.at("precision"), "precision");
    expect_near(recall, c.at("recall"), "recall");
    expect_near(f1, c.at("f1"), "f1");
    expect_near(e.auc, c.at("auc"), "auc");
    expect_near({e.macro_f1}, c.at("macro_f1"), "macro f1");
    expect_near({e.macro_auc}, c.at("macro_auc"), "macro auc");
    expect_near({e.top5_accuracy}, c.at("top5"), "top-5 accuracy");
    expect_near(confidence, c.at("confidence"), "confidence");
    expect_near(truth, c.at("truth"), "truth");
  }
}

TEST(Scores, CurvesAgreeWithScikitLearn) {
  const std::vector<ScoreCase> cases = read_cases("ranking");
  ASSERT_EQ(cases.size(), 50u);
  for (const ScoreCase& c : cases) {
    const std::vector<uint8_t> positive = marks(c.at("positive"));
    expect_near({roc_auc(c.at("scores"), positive)}, c.at("area"), "area");
    Numbers false_positive, true_positive, thresholds;
    for (const RocPoint& point : roc_curve(c.at("scores"), positive)) {
      false_positive.push_back(point.false_positive_rate);
      true_positive.push_back(point.true_positive_rate);
      thresholds.push_back(point.threshold);
    }
    thresholds.erase(thresholds.begin());  // infinity here, the largest score and 1 there
    expect_near(false_positive, c.at("false_positive"), "false positive rate");
    expect_near(true_positive, c.at("true_positive"), "true positive rate");
    expect_near(thresholds, c.at("thresholds"), "threshold");
  }
}

}  // namespace
}  // namespace plexus
