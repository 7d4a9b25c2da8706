#include "plexus/cli/report.h"

#include <nlohmann/json.hpp>

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;  // keys in the order in which they are written

Json test_json(const Evaluation& test) {
  if (test.classification)
    return {{"loss", test.loss},
            {"accuracy", test.accuracy},
            {"interval", {test.interval.low, test.interval.high}}};
  return {{"loss", test.loss}, {"rmse", test.rmse}, {"mae", test.mae}, {"r2", test.r2}};
}

}  // namespace

std::string to_json(const Report& report) {
  Json json = {{"backend", report.backend},
               {"isa", report.isa},
               {"threads", report.threads},
               {"seed", report.seed},
               {"task", report.classification ? "classify" : "regress"},
               {"parameters", report.parameters},
               {"epochs", Json::array()},
               {"test", nullptr}};
  for (const Epoch& epoch : report.history.epochs)
    json["epochs"].push_back({{"train_loss", epoch.train_loss},
                              {"validation_loss", epoch.validation_loss},
                              {"validation_accuracy", epoch.validation_accuracy},
                              {"seconds", epoch.seconds}});
  if (report.test) json["test"] = test_json(*report.test);
  return json.dump(2);
}

}  // namespace plexus::cli
