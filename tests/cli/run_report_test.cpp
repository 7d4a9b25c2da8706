// plexus report RUN: every plot is there, and the numbers in the page are those of the library.
#include <gtest/gtest.h>
#include <signal.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"
#include "plexus/io/idx.h"
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/trainer.h"

namespace plexus::test {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

/// What the page shows, from its embedded data.
Json embedded(const std::string& page) {
  const std::string start = "<script type=\"application/json\" id=\"runs\">";
  const size_t begin = page.find(start) + start.size();
  return parse_json(page.substr(begin, page.find("</script>", begin) - begin));
}

/// 0, 1, 2, ... of which every fifth is told wrong: nobody gets them all right.
std::vector<uint8_t> labels(size_t rows) {
  std::vector<uint8_t> result;
  for (size_t i = 0; i < rows; ++i) result.push_back(static_cast<uint8_t>((i % 3 + (i % 5 == 0)) % 3));
  return result;
}

struct RunReport : testing::Test {
  Directory directory;

  void SetUp() override {
    if (!has_matplotlib()) GTEST_SKIP() << "needs python3-matplotlib";
  }
  /// 8 x 6 pictures, bright in two rows of pixels that say which of three kinds they are.
  void write_pictures(const std::string& part, uint32_t rows) const {
    std::vector<uint8_t> pixels;
    for (uint32_t i = 0; i < rows; ++i)
      for (uint32_t p = 0; p < 48; ++p)
        pixels.push_back(static_cast<uint8_t>((p / 6 / 2 == i % 3 ? 180 : 10) + (i * 7 + p * 3) % 60));
    directory.write(part + "-images-idx3-ubyte", idx({rows, 8, 6}, pixels));
    directory.write(part + "-labels-idx1-ubyte", idx({rows}, labels(rows)));
  }
  std::string train(const std::string& data, const std::string& name, const Arguments& more = {}) const {
    Arguments arguments = {"train", data,    "--layers", "5,relu",    "--epochs",
                           "4",     "--run", path(name), "--backend", "reference"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  }
  std::string report(const Arguments& runs) const {
    Arguments arguments = {"report", "-o", path("page.html")};
    arguments.insert(arguments.end(), runs.begin(), runs.end());
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, "wrote     " + path("page.html") + "\n");
    return read_file(path("page.html"));
  }
  std::string path(const std::string& name) const { return directory.path(name); }
};

TEST_F(RunReport, PicturesAndEveryNumber) {
  write_pictures("train", 150);
  write_pictures("t10k", 60);
  const std::string printed = train(directory.path(), "run");
  const std::string page = report({path("run")});
  for (const char* title : {"Training", "Confusion", "Class by class", "Calibration", "Worst mistakes",
                            "First layer", "Plan of a step", "Manifest"})
    EXPECT_PRED_FORMAT2(testing::IsSubstring, std::string("<h2>") + title + "</h2>", page);
  for (const char* text : {"loss", "validation accuracy", "learning rate, of the last step of an epoch",
                           "loss of single batches"})
    EXPECT_PRED_FORMAT2(testing::IsSubstring, std::string(text) + "</text>", page);
  EXPECT_EQ(count(page, "<svg"), 2u);  // curves, calibration
  for (const char* outside : {"<link", "@import", "url(http", "src=\"http", "<script src"})
    EXPECT_PRED_FORMAT2(testing::IsNotSubstring, outside, page);

  const Json data = embedded(page);
  ASSERT_EQ(data.size(), 1u);
  const Json& e = data[0]["evaluation"];
  Sequential network = load_model(path("run") + "/model.safetensors");
  Trainer trainer(network, {.backend = "reference"});
  const Dataset test = Dataset::classification(load_idx(path("t10k-images-idx3-ubyte")),
                                               load_idx(path("t10k-labels-idx1-ubyte")), {"0", "1", "2"});
  const Evaluation truth = trainer.evaluate(test);
  EXPECT_EQ(e["rows"], truth.rows);
  EXPECT_EQ(e["loss"], truth.loss);
  EXPECT_EQ(e["accuracy"], truth.accuracy);
  EXPECT_EQ(e["interval"], Json({truth.interval.low, truth.interval.high}));
  EXPECT_EQ(e["f1"], truth.macro_f1);
  EXPECT_EQ(e["auc"], truth.macro_auc);
  EXPECT_EQ(e["calibration_error"], truth.calibration.error);
  ASSERT_EQ(e["calibration"].size(), truth.calibration.bins.size());
  for (size_t b = 0; b < truth.calibration.bins.size(); ++b) {
    EXPECT_EQ(e["calibration"][b]["rows"], truth.calibration.bins[b].rows);
    EXPECT_EQ(e["calibration"][b]["confidence"], truth.calibration.bins[b].confidence);
    EXPECT_EQ(e["calibration"][b]["accuracy"], truth.calibration.bins[b].accuracy);
  }
  for (size_t t = 0; t < 3; ++t) {
    EXPECT_EQ(e["scores"][t]["precision"], truth.scores[t].precision);
    EXPECT_EQ(e["scores"][t]["recall"], truth.scores[t].recall);
    EXPECT_EQ(e["scores"][t]["f1"], truth.scores[t].f1);
    for (size_t p = 0; p < 3; ++p) {
      EXPECT_EQ(e["confusion"][t][p], truth.confusion[3 * t + p]);
      EXPECT_PRED_FORMAT2(testing::IsSubstring,
                          std::to_string(t) + ", taken for " + std::to_string(p) + ": " +
                              std::to_string(truth.confusion[3 * t + p]) + "\"",
                          page);
    }
  }
  char accuracy[32];
  std::snprintf(accuracy, sizeof accuracy, "%.2f %%", 100 * truth.accuracy);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, accuracy, page);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, accuracy, printed);

  // The same training once more: the same findings, shown where there are any.
  const Result again = run(
      {"train", directory.path(), "--layers", "5,relu", "--epochs", "4", "--backend", "reference", "--json"});
  EXPECT_EQ(parse_json(again.out)["findings"], e["findings"]);
  EXPECT_EQ(count(page, "<h2>Diagnosis</h2>"), e["findings"].empty() ? 0u : 1u);

  // Mistakes: the rows that are wrong, by the probability of the truth.
  const Tensor outputs = trainer.predict(test);
  std::vector<std::pair<double, int64_t>> wrong;
  for (int64_t row = 0; row < test.size(); ++row) {
    double sum = 0, largest = -INFINITY;
    const auto logits = outputs.values<float>().subspan(static_cast<size_t>(3 * row), 3);
    for (const float logit : logits)
      sum += std::exp(double(logit)), largest = std::max(largest, double(logit));
    const auto label = static_cast<size_t>(test.label(row));
    if (logits[label] < largest) wrong.emplace_back(std::exp(double(logits[label])) / sum, row);
  }
  std::sort(wrong.begin(), wrong.end());
  const size_t shown = std::min<size_t>(wrong.size(), 24);
  ASSERT_GT(shown, 5u);
  ASSERT_EQ(e["mistakes"].size(), shown);
  for (size_t i = 0; i < shown; ++i) {
    const Json& one = e["mistakes"][i];
    EXPECT_NEAR(one["probability_of_truth"].get<double>(), wrong[i].first, 1e-12);
    EXPECT_EQ(one["truth"], std::to_string(test.label(wrong[i].second)));
    EXPECT_EQ(one["row"], "row " + std::to_string(wrong[i].second));
    std::vector<float> pixels(48);
    test.read_features(wrong[i].second, pixels.data());
    EXPECT_EQ(one["values"], Json(pixels));
  }
  EXPECT_EQ(count(page, "src=\"data:image/png;base64,"), shown + 1);  // and the first layer

  const Json& layer = data[0]["first_layer"];
  const Tensor weights = network.store().get("1.weight");
  EXPECT_EQ(layer["shape"], Json({8, 6}));
  ASSERT_EQ(layer["units"].size(), 5u);
  for (size_t unit = 0; unit < 5; ++unit)
    for (size_t pixel = 0; pixel < 48; ++pixel) {
      const double largest = layer["units"][unit]["largest"];
      EXPECT_NEAR(layer["units"][unit]["values"][pixel].get<double>() / 127 * largest,
                  double(weights.values<float>()[5 * pixel + unit]), largest / 253);
    }

  const Json& plan = data[0]["plan"]["plans"][0];
  EXPECT_EQ(plan["rows"], 32);
  const std::string table = trainer.plan(32);
  for (const Json& operation : plan["operations"]) {
    EXPECT_GT(operation["measured_ns"].get<double>(), 0);
    EXPECT_EQ(operation["backend"], "reference");
  }
  EXPECT_PRED_FORMAT2(testing::IsSubstring, plan["operations"][1]["spec"].get<std::string>(), table);

  std::istringstream lines(read_file(path("run") + "/metrics.jsonl"));
  size_t epochs = 0;
  for (std::string line; std::getline(lines, line); ++epochs)
    EXPECT_EQ(data[0]["epochs"][epochs], parse_json(line));
  EXPECT_EQ(epochs, 4u);
  EXPECT_EQ(data[0]["manifest"], parse_json(read_file(path("run") + "/manifest.json")));
  EXPECT_EQ(data[0]["steps"].size(), count(read_file(path("run") + "/trace.jsonl"), "\n"));
}

TEST_F(RunReport, ARegression) {
  std::string text = "a,b,city,price\n";
  for (int i = 0; i < 60; ++i)
    text += std::to_string(i % 7) + "," + std::to_string(i % 11) + (i % 2 ? ",Rome," : ",<Oslo>,") +
            std::to_string(100 * (i % 7) - 40 * (i % 11) + 5 * (i * i % 13)) + "\n";
  const std::string data = directory.write("houses.csv", text);
  const std::string printed = train(data, "run", {"--task", "regress"});
  const std::string page = report({path("run")});
  const Json run = embedded(page)[0];
  EXPECT_EQ(run["evaluation"]["task"], "regress");
  EXPECT_EQ(run["first_layer"], nullptr);
  for (const char* title : {"Confusion", "Class by class", "Calibration", "First layer"})
    EXPECT_PRED_FORMAT2(testing::IsNotSubstring, std::string("<h2>") + title, page);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "RMSE, in standard deviations of the target</text>", page);
  char rmse[32];
  std::snprintf(rmse, sizeof rmse, "RMSE %.4g", run["evaluation"]["rmse"].get<double>());
  EXPECT_PRED_FORMAT2(testing::IsSubstring, rmse, printed);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "&lt;Oslo&gt;", page);
  // The worst first; together they are all 12 rows of the test data.
  double squares = 0, before = INFINITY;
  ASSERT_EQ(run["evaluation"]["mistakes"].size(), 12u);
  for (const Json& one : run["evaluation"]["mistakes"]) {
    const double error = one["error"];
    EXPECT_NEAR(std::abs(one["truth"][0].get<double>() - one["predicted"][0].get<double>()), error,
                1e-9 * error);
    EXPECT_LE(error, before);
    EXPECT_TRUE(one["values"][2] == "Rome" || one["values"][2] == "<Oslo>") << one["values"];
    squares += error * error, before = error;
  }
  EXPECT_NEAR(std::sqrt(squares / 12), run["evaluation"]["rmse"].get<double>(), 1e-6 * before + 1e-3);
}

TEST_F(RunReport, SeveralRunsAreDrawnOverEachOther) {
  const std::string data = directory.write_classes("a.csv", 60);
  train(data, "one");
  train(data, "two", {"--validation", "0", "--lr", "0.1"});
  fs::create_directories(path("elsewhere"));
  fs::rename(path("two"), path("elsewhere/two"));
  const std::string page = report({path("one"), path("elsewhere/two")});
  const Json runs = embedded(page);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[1]["epochs"][0]["validation_loss"], nullptr);
  EXPECT_EQ(count(page, "<svg"), 2u);
  EXPECT_EQ(count(page, ">one</text>"), 1u);  // in the legend
  EXPECT_EQ(count(page, ">two</text>"), 1u);
  EXPECT_EQ(count(page, "<h3>two</h3>"), 5u);  // confusion, classes, mistakes, plan, manifest
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "<title>Plexus: one, two</title>", page);
  // Without -o it lies in the first run; the same files make the same page.
  const Result result = run({"report", path("one"), path("elsewhere/two")});
  EXPECT_EQ(result.out, "wrote     " + path("one") + "/report.html\n");
  EXPECT_EQ(read_file(path("one/report.html")), page);
}

TEST_F(RunReport, ARunThatDidNotEnd) {
  const std::string data = directory.write_classes("a.csv", 60);
  train(data, "run");
  ASSERT_TRUE(fs::exists(path("run/evaluation.json")));
  Process process({"train", data, "--layers", "5,relu", "--epochs", "100000000", "--run", path("run"),
                   "--backend", "reference", "--resume"});
  for (int i = 0; i < 3000 && count(read_file(path("run/metrics.jsonl")), "\n") < 6; ++i) usleep(10000);
  process.signal(SIGINT);
  EXPECT_EQ(process.wait().code, 128 + SIGINT);
  // What the run had reached before is not what it has now.
  for (const char* name : {"evaluation.json", "plan.json"})
    EXPECT_FALSE(fs::exists(path("run/") + name)) << name;
  std::ofstream(path("run/metrics.jsonl"), std::ios::app) << "{\"epoch\":";  // is being written
  const std::string page = report({path("run")});
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "Not finished", page);
  EXPECT_GE(embedded(page)[0]["epochs"].size(), 5u);
  EXPECT_EQ(embedded(page)[0]["evaluation"], nullptr);
  EXPECT_EQ(count(page, "<svg"), 1u);
  EXPECT_PRED_FORMAT2(testing::IsNotSubstring, "<h2>Confusion", page);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "<h2>Manifest", page);
  // Not even a step.
  for (const char* name : {"metrics.jsonl", "trace.jsonl"}) fs::remove(path("run/") + name);
  EXPECT_EQ(count(report({path("run")}), "<svg"), 0u);
}

TEST_F(RunReport, Damage) {
  write_pictures("train", 60);
  write_pictures("t10k", 30);
  train(directory.path(), "run");
  const auto error = [&](const std::string& name, const std::string& contents, const std::string& text) {
    const std::string file = path("run/" + name), before = read_file(file);
    std::ofstream(file, std::ios::binary) << contents;
    const Result result = run({"report", path("run"), "-o", path("page.html")});
    EXPECT_EQ(result.code, 3) << name << ": " << contents;
    EXPECT_PRED_FORMAT2(testing::IsSubstring, "plexus: error: " + file + ": " + text, result.err);
    EXPECT_EQ(count(result.err, "\n"), 1u) << result.err;
    EXPECT_FALSE(fs::exists(path("page.html")));
    std::ofstream(file, std::ios::binary) << before;
  };
  const auto edited = [&](const std::string& name, const Json::json_pointer& at, const Json& value) {
    Json json = parse_json(read_file(path("run/" + name)));
    json[at] = value;
    return json.dump();
  };
  using At = Json::json_pointer;
  error("manifest.json", "{}", "is no manifest of a run");
  error("manifest.json", edited("manifest.json", At("/cpu"), 7), "is no manifest of a run");
  for (const char* name : {"evaluation.json", "plan.json", "first_layer.json"}) {
    const std::string whole = read_file(path("run/") + name);
    error(name, whole.substr(0, whole.size() / 2), "is no JSON that plexus train wrote");
    error(name, "\xff\xfe", "is no JSON that plexus train wrote");
    error(name, "[]", "expected an object");
    error(name, "{}", "expected '");
  }
  error("metrics.jsonl", "{\"epoch\":1}\n", "line 1: expected 'train_loss'");
  error("metrics.jsonl", "nonsense\n", "line 1: is no JSON that plexus train wrote");
  error("trace.jsonl", "{\"step\":1,\"epoch\":1,\"loss\":\"a\"}\n", "line 1: loss: expected a number");
  error("evaluation.json", edited("evaluation.json", At("/confusion"), {{1, 2}, {3, 4}}),
        "confusion: expected a list of 3");
  error("evaluation.json", edited("evaluation.json", At("/accuracy"), "high"), "accuracy: expected a number");
  error("evaluation.json", edited("evaluation.json", At("/mistakes/1/values"), {1, 2}),
        "mistakes[1]: values: expected a list of 48");
  error("evaluation.json", edited("evaluation.json", At("/scores/0/recall_interval"), {0.5}),
        "scores[0]: recall_interval: expected a list of 2");
  error("first_layer.json", edited("first_layer.json", At("/units/0/values/3"), nullptr),
        "units[0]: values[3]: expected a number");
  error("plan.json", edited("plan.json", At("/plans/0/operations/0/kernel"), 8),
        "plans[0]: operations[0]: kernel: expected a text");
  EXPECT_EQ(run({"report", path("run")}).code, 0);
}

TEST_F(RunReport, Usage) {
  const std::string data = directory.write_classes("a.csv", 60);
  train(data, "run");
  const std::string bench = directory.write("bench.json", "{}");
  const auto error = [](const Arguments& arguments, int code, const std::string& text) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, code);
    EXPECT_EQ(result.err, "plexus: error: " + text + "\n");
  };
  const std::string either =
      "report: give directories of runs, one or several, or a single BENCH.json, not both";
  error({"report", path("run"), bench}, 2, either);
  error({"report", bench, bench}, 2, either);
  error({"report", directory.path()}, 5,
        directory.path() +
            ": holds no run: expected the directory of a plexus train --run, or the BENCH.json of a "
            "plexus bench --out");
}

}  // namespace
}  // namespace plexus::test
