// plexus train --out, evaluate, predict and inspect: saved models, from raw rows to class names, and their
// errors.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"
#include "plexus/io/csv.h"
#include "plexus/io/npy.h"
#include "plexus/io/npz.h"
#include "plexus/io/safetensors.h"
#include "plexus/layers/one_hot.h"
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/trainer.h"

namespace plexus::test {
namespace {

using nlohmann::json;

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A directory with a model that is trained on two columns of numbers and one of text.
class Models : public testing::Test {
 protected:
  /// "size,colour,kind": green ones are leaves, whatever their size.
  std::string write_shapes(const std::string& name, int rows,
                           const std::string& header = "size,colour,kind") {
    const char* colours[] = {"red", "green", "blue"};
    std::string text = header + "\n";
    for (int i = 0; i < rows; ++i) {
      const int c = (i * 7 + i / 3) % 3;
      text += std::to_string(i % 10) + "." + std::to_string(i % 4) + "," + colours[c] +
              (c == 1 ? ",leaf\n" : ",other\n");
    }
    return directory.write(name, text);
  }
  std::string train(const std::string& data, Arguments more = {}, const std::string& name = "m.safetensors") {
    Arguments arguments{"train", data,    "--layers",           "8,relu",    "--epochs", "60", "--lr",
                        "0.02",  "--out", directory.path(name), "--backend", "reference"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_PRED_FORMAT2(testing::IsSubstring, "model     " + directory.path(name), result.out);
    return directory.path(name);
  }
  void expect_error(const Arguments& arguments, int code, const std::string& part) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_TRUE(result.err.starts_with("plexus: error: ")) << result.err;
    EXPECT_PRED_FORMAT2(testing::IsSubstring, part, result.err);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
  }
  Directory directory;
};

TEST_F(Models, PredictionsAreThoseOfTheLibrary) {
  const std::string model = train(write_shapes("shapes.csv", 90));
  const std::string rows = directory.write("rows.csv", "size,colour\n1.5,green\n2,red\n3,blue\n4,green\n");
  const Result named = run({"predict", model, rows});
  EXPECT_EQ(named.code, 0) << named.err;
  EXPECT_EQ(lines(named.out), (std::vector<std::string>{"prediction", "leaf", "other", "other", "leaf"}));
  EXPECT_EQ(named.err, "");

  // Logits of the library, softmax in double here.
  Sequential network = load_model(model);
  Trainer trainer(network, {.backend = "reference"});
  const Tensor logits = trainer.predict(Dataset::from_table(load_csv(rows), {.labels = {}}));
  ASSERT_EQ(run({"predict", model, rows, "--proba", "-o", directory.path("p.csv")}).code, 0);
  const Table table = load_csv(directory.path("p.csv"));
  ASSERT_EQ(table.columns.size(), 3u);
  EXPECT_EQ(table.columns[1].name, "leaf");
  EXPECT_EQ(table.columns[2].name, "other");
  for (size_t row = 0; row < 4; ++row)
    for (size_t c = 0; c < 2; ++c) {
      const double a = logits.values<float>()[2 * row], b = logits.values<float>()[2 * row + 1];
      EXPECT_NEAR(std::get<0>(table.columns[1 + c].values)[row],
                  std::exp(c == 0 ? a : b) / (std::exp(a) + std::exp(b)), 1e-6);
    }

  ASSERT_EQ(run({"predict", model, rows, "-o", directory.path("p.npy")}).code, 0);
  EXPECT_EQ(load_npy(directory.path("p.npy")), Tensor::from<int32_t>({0, 1, 1, 0}, {4}));
  ASSERT_EQ(run({"predict", model, rows, "--proba", "-o", directory.path("p.npy")}).code, 0);
  const Tensor probabilities = load_npy(directory.path("p.npy"));
  EXPECT_EQ(probabilities.shape(), (Shape{4, 2}));
  EXPECT_EQ(probabilities.dtype(), DType::f32);
  EXPECT_EQ(double(probabilities.values<float>()[1]), double(float(std::get<0>(table.columns[2].values)[0])));
}

TEST_F(Models, ColumnsAreTakenByName) {
  const std::string model = train(write_shapes("shapes.csv", 90));
  const Arguments predict{"predict", model};
  const auto with = [&](const std::string& text) {
    return Arguments{"predict", model, directory.write("rows.csv", text)};
  };
  const std::string expected = run(with("size,colour\n1.5,green\n2,red\n")).out;
  EXPECT_EQ(run(with("colour,size\ngreen,1.5\nred,2\n")).out, expected);
  // The label column may be there, wherever it stands; without a header, columns count by position.
  EXPECT_EQ(run(with("kind,colour,size\nleaf,green,1.5\nother,red,2\n")).out, expected);
  EXPECT_EQ(run(with("1.5,green\n2,red\n")).out, expected);

  expect_error(with("size\n1\n"), 3,
               "rows.csv: column 'colour' is missing: the columns of the training data are size, colour");
  expect_error(
      with("size,colour,weight\n1,red,2\n"), 3,
      "rows.csv: column 'weight' is not among the columns of the training data (size, colour): remove it");
  expect_error(with("size,color\n1,red\n"), 3, "rows.csv: column 'colour' is missing");
  expect_error(with("1.5,green,7\n2,red,8\n"), 3, "column 2 is one too many");
  expect_error(with("1.5\n2\n"), 3, "column 'colour' is missing");
  expect_error(with("size,colour\n1,red\nlarge,green\n"), 3,
               "rows.csv: line 3: column 'size' holds text ('large'), the training data held numbers there");
  expect_error(with("size,colour\n1,5\n2,6\n"), 3,
               "rows.csv: line 2: column 'colour' holds numbers, the training data held text there ('blue')");
  expect_error(
      with("size,colour\n1,red\n,green\n"), 3,
      "rows.csv: line 3: column 'size': missing value: fill it in, or train the model with --missing mean");
}

TEST_F(Models, UnknownCategoriesAreCountedAndNone) {
  const std::string model = train(write_shapes("shapes.csv", 90));
  const std::string rows =
      directory.write("rows.csv", "size,colour,kind\n1,green,leaf\n1,mauve,other\n1,puce,other\n");
  const Result result = run({"predict", model, rows, "--proba"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.err,
            "column 'colour': 2 rows with categories that the model does not know, taken as none\n");
  const std::vector<std::string> out = lines(result.out);
  ASSERT_EQ(out.size(), 4u);
  EXPECT_EQ(out[2], out[3]);

  // All zeros in the columns of the colours.
  Sequential network = load_model(model);
  const Tensor y = Trainer(network, {.backend = "reference"}).predict(Tensor::from<float>({1, -1}, {1, 2}));
  const double a = y.values<float>()[0], b = y.values<float>()[1];
  std::istringstream fields(out[2].substr(out[2].find(',') + 1));
  double leaf = 0;
  fields >> leaf;
  EXPECT_NEAR(leaf, std::exp(a) / (std::exp(a) + std::exp(b)), 1e-6);

  const json report = parse_json(run({"evaluate", model, rows, "--json"}).out);
  EXPECT_EQ(report["unknown_categories"], (json{{"colour", 2}}));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "column 'colour': 2 rows", run({"evaluate", model, rows}).out);
}

TEST_F(Models, UnknownCategoriesOfTheTestDataAreCounted) {
  const std::string train = write_shapes("train.csv", 60),
                    test = directory.write("test.csv", "size,colour,kind\n1,green,leaf\n1,mauve,other\n");
  const Result result = run({"train", train, "--test", test, "--epochs", "1"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring,
                      "column 'colour': 1 row with categories that the model does not know, taken as none\n", result.out);
}

TEST_F(Models, EvaluateAgreesWithTheTestOfTraining) {
  const std::string test = directory.path("test.csv"), data = directory.path("data.csv");
  std::string header, line, a, b;
  std::ifstream file(iris);
  std::getline(file, header);
  for (int i = 0; std::getline(file, line); ++i) (i % 3 ? a : b) += line + "\n";
  directory.write("data.csv", header + "\n" + a);
  directory.write("test.csv", header + "\n" + b);
  const Result trained = run({"train", data, "--test", test, "--epochs", "30", "--layers", "10,relu", "--out",
                              directory.path("i.safetensors"), "--json"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const json report = parse_json(trained.out);
  const json evaluated = parse_json(run({"evaluate", directory.path("i.safetensors"), test, "--json"}).out);
  for (const char* key : {"loss", "accuracy", "interval"})
    EXPECT_EQ(evaluated[key], report["test"][key]) << key;
  EXPECT_EQ(evaluated["rows"], 50);
  EXPECT_EQ(evaluated["task"], "classify");
  EXPECT_EQ(evaluated["classes"], (json{"setosa", "versicolor", "virginica"}));
  int64_t total = 0, right = 0;
  for (size_t t = 0; t < 3; ++t)
    for (size_t p = 0; p < 3; ++p) {
      total += evaluated["confusion"][t][p].get<int64_t>();
      right += t == p ? evaluated["confusion"][t][p].get<int64_t>() : 0;
    }
  EXPECT_EQ(total, 50);
  EXPECT_NEAR(double(right) / 50, evaluated["accuracy"].get<double>(), 1e-12);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "softmax cross entropy: loss",
                      run({"evaluate", directory.path("i.safetensors"), test}).out);

  // Labels elsewhere, and labels that the model does not know.
  const std::string model = directory.path("i.safetensors");
  directory.write(
      "first.csv",
      "kind,sepal_length,sepal_width,petal_length,petal_width\nsetosa,5,3,1,0.2\nvirginica,6,3,5,2\n");
  expect_error({"evaluate", model, directory.path("first.csv")}, 3,
               "column 'species' is missing: it holds the labels");
  EXPECT_EQ(
      parse_json(
          run({"evaluate", model, directory.path("first.csv"), "--label", "kind", "--json"}).out)["rows"],
      2);
  expect_error(
      {"evaluate", model, directory.write("other.csv", header + "\n5,3,1,0.2,rosa\n")}, 3,
      "other.csv: line 2: column 'species': label 'rosa' is not among the classes of the training data");
  expect_error({"evaluate", model, test, "--loss", "mse"}, 2,
               "--loss mse is for regression, but the model has classes");
}

TEST_F(Models, MissingValues) {
  std::string text = "x,word,y\n";
  for (int i = 0; i < 60; ++i)
    text += (i == 20 ? "" : std::to_string(i % 9)) + std::string(i % 2 ? ",odd," : ",even,") +
            std::to_string(2.5 * (i % 9) + i % 2) + "\n";
  const std::string data = directory.write("gaps.csv", text);
  expect_error({"train", data}, 3,
               "gaps.csv: line 22: column 'x': missing value: fill it in, or let the option 'missing'");
  const Result dropped = run({"train", data, "--missing", "drop", "--epochs", "2"});
  EXPECT_EQ(dropped.code, 0) << dropped.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "missing   1 row with missing values left out\n", dropped.out);

  const std::string model = train(data, {"--missing", "mean"});
  const Sequential network = load_model(model);
  const float mean = network.store().get("impute.mean").values<float>()[0];
  EXPECT_GT(mean, 2);
  EXPECT_LT(mean, 6);
  char filled[64];
  std::snprintf(filled, sizeof filled, "x,word\n%.9g,odd\n", double(mean));
  const Result gap = run({"predict", model, directory.write("gap.csv", "x,word\n,odd\n")}),
               full = run({"predict", model, directory.write("full.csv", filled)});
  EXPECT_EQ(gap.code, 0) << gap.err;
  EXPECT_EQ(gap.out, full.out);
  EXPECT_EQ(lines(gap.out)[0], "y");
  expect_error({"train", data, "--missing", "median"}, 2,
               "--missing: expected error or drop or mean, found 'median'");
  directory.write("label.csv", "x,y\n1,2.5\n2,\n3,4\n");
  expect_error({"train", directory.path("label.csv"), "--missing", "mean"}, 3,
               "label.csv: line 3: column 'y': the label is missing: fill it in or remove the row");
}

TEST_F(Models, SeveralTargets) {
  std::string text = "a,u,b,v\n";
  for (int i = 0; i < 80; ++i) {
    const double a = i % 9, b = i % 7;
    text += std::to_string(a) + "," + std::to_string(a + b) + "," + std::to_string(b) + "," +
            std::to_string(a - b) + "\n";
  }
  const std::string data = directory.write("two.csv", text);
  const std::string model = train(data, {"--label", "v,u"});
  const Sequential network = load_model(model);
  EXPECT_EQ(network.schema().targets, (std::vector<std::string>{"v", "u"}));
  EXPECT_EQ(network.schema().columns, (std::vector<std::string>{"a", "b"}));
  const Result result = run({"predict", model, directory.write("rows.csv", "b,a\n2,5\n1,4\n")});
  const std::vector<std::string> out = lines(result.out);
  ASSERT_EQ(out.size(), 3u) << result.err;
  EXPECT_EQ(out[0], "v,u");
  double v = 0, u = 0;
  char comma = 0;
  std::istringstream(out[1]) >> v >> comma >> u;
  EXPECT_NEAR(v, 3, 1.5);
  EXPECT_NEAR(u, 7, 1.5);
  const json report = parse_json(run({"evaluate", model, data, "--json", "--loss", "mae"}).out);
  EXPECT_EQ(report["task"], "regress");
  EXPECT_EQ(report["loss"].get<double>() < 1, true);
  EXPECT_NEAR(report["loss"].get<double>(), report["mae"].get<double>(), 1e-6);
  expect_error({"predict", model, directory.path("rows.csv"), "--proba"}, 2,
               "--proba: " + model + " has no classes");
  expect_error({"train", data, "--label", "v,3"}, 2, "--label v,3: names and numbers");
  expect_error({"train", data, "--label", "v,w"}, 2, "--label w: no such column");
  expect_error({"train", data, "--label", "v,u", "--task", "classify"}, 2, "2 columns cannot be classified");
}

TEST_F(Models, MatricesByPosition) {
  const std::string model = train(PLEXUS_SOURCE_DIR "/examples/data/iris.npy");
  EXPECT_TRUE(load_model(model).schema().columns.empty());
  save_npy(directory.path("rows.npy"),
           Tensor::from<float>({5.1f, 3.5f, 1.4f, 0.2f, 6.3f, 3.3f, 6, 2.5f}, {2, 4}));
  EXPECT_EQ(lines(run({"predict", model, directory.path("rows.npy")}).out),
            (std::vector<std::string>{"prediction", "0", "2"}));
  EXPECT_EQ(run({"evaluate", model, PLEXUS_SOURCE_DIR "/examples/data/iris.npy"}).code, 0);
  save_npy(directory.path("wide.npy"), Tensor(DType::f32, {2, 5}));
  expect_error({"predict", model, directory.path("wide.npy")}, 3,
               "5 feature columns, the training data had 4: column 4 is one too many");
  save_npy(directory.path("narrow.npy"), Tensor(DType::f32, {2, 3}));
  expect_error({"predict", model, directory.path("narrow.npy")}, 3,
               "3 feature columns, the training data had 4: column 3 is missing");
}

TEST_F(Models, Images) {
  std::vector<uint8_t> labels;
  for (int i = 0; i < 40; ++i) labels.push_back(uint8_t(i % 2));
  directory.write_images("train", labels);
  directory.write_images("t10k", {1, 1, 0, 1});
  const std::string model = train(directory.path());
  EXPECT_EQ(lines(run({"predict", model, directory.path()}).out),
            (std::vector<std::string>{"prediction", "1", "1", "0", "1"}));
  EXPECT_EQ(parse_json(run({"evaluate", model, directory.path(), "--json"}).out)["accuracy"], 1.0);
  save_npy(directory.path("images.npy"), Tensor(DType::u8, {3, 8, 8}));
  EXPECT_EQ(lines(run({"predict", model, directory.path("images.npy")}).out).size(), 4u);
  save_npy(directory.path("other.npy"), Tensor(DType::u8, {3, 7, 8}));
  expect_error({"predict", model, directory.path("other.npy")}, 3, "other.npy: table: shape [3, 7, 8]");
}

TEST_F(Models, FilesThatAreNoneOrDamaged) {
  const std::string model = train(write_shapes("shapes.csv", 90));
  const std::string rows = directory.write("rows.csv", "size,colour\n1,red\n");
  for (const char* command : {"predict", "evaluate"}) {
    expect_error({command, "/nonexistent.safetensors", rows}, 5, "/nonexistent.safetensors");
    expect_error({command, model, "/nonexistent.csv"}, 5, "/nonexistent.csv");
    expect_error({command, rows, rows}, 3, "rows.csv");
    expect_error({command, model, directory.write("rows.json", "{}")}, 3,
                 "rows.json: expected a file .npy or .csv");
    expect_error({command, model, rows, "--backend", "referense"}, 4, "reference");
    expect_error({command, model}, 2, std::string("DATA is required; see plexus ") + command + " --help");
  }
  save_safetensors(directory.path("plain.safetensors"), {{{"a", Tensor(DType::f32, {2})}}, {}});
  expect_error({"predict", directory.path("plain.safetensors"), rows}, 3, "plain.safetensors: no model");
  Safetensors newer = load_safetensors(model);
  std::string& text = newer.metadata["plexus"];
  text.replace(text.find("\"format_version\":1"), 18, "\"format_version\":9");
  save_safetensors(directory.path("newer.safetensors"), newer);
  expect_error({"predict", directory.path("newer.safetensors"), rows}, 3,
               "newer.safetensors: format version 9, written by");
  directory.write("cut.safetensors", contents(model).substr(0, 300));
  expect_error({"inspect", directory.path("cut.safetensors")}, 3, "cut.safetensors");

  expect_error({"predict", model, rows, "-o", directory.path("p.txt")}, 2,
               "expected a name that ends in .csv or .npy");
  expect_error({"predict", model, rows, "-o", directory.path("none/p.csv")}, 5, "none/p.csv: cannot write");
  // Before anything is trained.
  expect_error({"train", "/nonexistent.csv", "--out", directory.path("none/m.safetensors")}, 5,
               "none/m.safetensors: cannot write");
  expect_error({"train", "/nonexistent.csv", "--out", directory.path()}, 5, "it is a directory");
  expect_error({"train",
                directory.write("latin1.csv",
                                "gr\xf6\xdf"
                                "e,y\n1,a\n2,b\n3,a\n4,b\n"),
                "--out", directory.path("l.safetensors")},
               3, "latin1.csv: a name of a column, a class or a category is not UTF-8");
}

TEST_F(Models, TheSameRunGivesTheSameBytes) {
  const std::string data = write_shapes("shapes.csv", 90);
  const std::string one = contents(train(data, {"--threads", "1"}, "one.safetensors"));
  EXPECT_EQ(contents(train(data, {"--threads", "2"}, "two.safetensors")), one);
}

TEST_F(Models, InspectShowsWhatIsThere) {
  const auto shows = [&](const std::string& file, const std::vector<std::string>& parts) {
    const Result result = run({"inspect", file});
    EXPECT_EQ(result.code, 0) << result.err;
    for (const std::string& part : parts) EXPECT_PRED_FORMAT2(testing::IsSubstring, part, result.out);
  };
  shows(train(write_shapes("shapes.csv", 90)),
        {"model, format version 1, written by Plexus", "OneHot(1 column)", "columns  size, colour",
         "target   kind", "classes  leaf, other", "categories of colour: blue, green, red",
         "0.weight     f32 [8, 4]", "input.mean"});
  shows(directory.path("shapes.csv"),
        {"table, 90 rows, 3 columns", "text, 3 distinct", "label    kind", "classes  leaf 30, other 60"});
  shows(directory.write("gaps.csv", "a,b\n1,0.5\n,2\n-3,nan\n"),
        {"a       number   -3    1    -1        1", "b       number  0.5    2  1.25        1",
         "label    none"});
  Tensor matrix = Tensor::from<float>({1, NAN, -2, 7, INFINITY, 7}, {3, 2});
  save_npy(directory.path("m.npy"), matrix);
  shows(directory.path("m.npy"),
        {"NumPy array, f32 [3, 2]", "0        -2  inf  -0.5    0", "1         7    7     7    1"});
  save_npz(directory.path("m.npz"),
           std::vector<NamedTensor>{{"first", matrix}, {"second", Tensor(DType::i64, {4})}});
  shows(directory.path("m.npz"), {"NumPy archive, 2 arrays", "first   f32 [3, 2]", "second  i64 [4]"});
  save_safetensors(directory.path("plain.safetensors"), {{{"a", matrix}}, {{"by", "hand"}}});
  shows(directory.path("plain.safetensors"), {"safetensors, 1 tensor", "metadata by: hand"});
  directory.write_images("train", {0, 1, 1});
  directory.write_images("t10k", {0, 1});
  shows(directory.path("train-labels-idx1-ubyte"), {"IDX array, u8 [3]", "classes  0 1, 1 2"});
  shows(directory.path(), {"part train, 3 images [8, 8]", "part t10k, 2 images [8, 8]", "classes  0 1, 1 1"});
  expect_error({"inspect", "/nonexistent"}, 5, "/nonexistent: no such file or directory");
  expect_error({"inspect", directory.write("a.json", "[]")}, 3, "a.json: expected a file .npy, .npz, .csv");
}

}  // namespace
}  // namespace plexus::test
