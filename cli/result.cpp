#include "plexus/cli/result.h"

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;  // keys in the order in which they are written

Json test_json(const Evaluation& test) {
  if (test.classification)
    return {{"loss", test.loss},
            {"accuracy", test.accuracy},
            {"interval", {test.interval.low, test.interval.high}},
            {"top5_accuracy", test.top5_accuracy},
            {"f1", test.macro_f1},
            {"auc", test.macro_auc},
            {"calibration_error", test.calibration.error}};
  return {{"loss", test.loss}, {"rmse", test.rmse}, {"mae", test.mae}, {"r2", test.r2}};
}

Json interval_json(int64_t part, int64_t whole) {
  const Interval interval = wilson_interval(part, whole);
  return {interval.low, interval.high};
}

Json score_json(const Evaluation& e, size_t c) {
  const ClassScore& score = e.scores[c];
  const int64_t right = e.confusion[c * e.scores.size() + c];
  return {{"class", e.class_names[c]},
          {"rows", score.rows},
          {"precision", score.precision},
          {"precision_interval", interval_json(right, score.predicted)},
          {"recall", score.recall},
          {"recall_interval", interval_json(right, score.rows)},
          {"f1", score.f1},
          {"auc", c < e.auc.size() ? Json(e.auc[c]) : Json()}};
}

}  // namespace

Json to_json(const TrainingResult& result) {
  Json json = {{"backend", result.backend},
               {"isa", result.isa},
               {"threads", result.threads},
               {"seed", result.seed},
               {"task", result.classification ? "classify" : "regress"},
               {"parameters", result.parameters},
               {"epochs", Json::array()},
               {"best_epoch", nullptr},
               {"test", nullptr},
               {"findings", Json::array()}};
  for (const Epoch& epoch : result.history.epochs)
    json["epochs"].push_back({{"train_loss", epoch.train_loss},
                              {"validation_loss", epoch.validation_loss},
                              {"validation_accuracy", epoch.validation_accuracy},
                              {"learning_rate", epoch.learning_rate},
                              {"seconds", epoch.seconds}});
  if (result.best_epoch > 0) json["best_epoch"] = result.best_epoch;
  if (result.test) json["test"] = test_json(*result.test);
  for (const Finding& finding : result.findings)
    json["findings"].push_back({{"id", finding.id}, {"message", finding.message}, {"remedy", finding.remedy}});
  return json;
}

Json to_json(const Evaluation& evaluation, const std::vector<UnknownCategories>& unknown) {
  Json json = {{"task", evaluation.classification ? "classify" : "regress"}, {"rows", evaluation.rows}};
  json.update(test_json(evaluation));
  if (evaluation.classification) {
    const size_t classes = evaluation.class_names.size();
    json["classes"] = evaluation.class_names;
    json["confusion"] = Json::array();
    for (size_t row = 0; row < classes; ++row) {
      const auto first = evaluation.confusion.begin() + int64_t(row * classes);
      json["confusion"].push_back(std::vector<int64_t>(first, first + int64_t(classes)));
    }
    json["scores"] = Json::array();
    for (size_t c = 0; c < classes; ++c) json["scores"].push_back(score_json(evaluation, c));
    json["calibration"] = Json::array();
    for (const Calibration::Bin& bin : evaluation.calibration.bins)
      json["calibration"].push_back(
          {{"rows", bin.rows}, {"confidence", bin.confidence}, {"accuracy", bin.accuracy}});
  }
  json["unknown_categories"] = Json::object();
  for (const auto& [column, rows] : unknown) json["unknown_categories"][column] = rows;
  return json;
}

}  // namespace plexus::cli
