#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "core/message.h"
#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/checkpoint.h"
#include "plexus/trainer/trainer.h"
#include "plexus/trainer/tuning.h"
#include "trainer/example_data.h"

namespace plexus {
namespace {

namespace fs = std::filesystem;

Sequential tuned_network() { return Sequential{Standardize(), Dense(6), Relu(), Dropout(0.2), Dense(3)}; }

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::map<std::string, Tensor> stored_values(const Sequential& network) {
  std::map<std::string, Tensor> result;
  for (const auto& [name, entry] : network.store().entries()) result[name] = network.store().get(name);
  return result;
}

/// A cache of its own, and what is said.
struct Tune : testing::Test {
  Tune() : directory(testing::TempDir() + "plexus_tuning_XXXXXX") {
    if (!mkdtemp(directory.data())) throw std::runtime_error("mkdtemp");
    if (const char* before = getenv("XDG_CACHE_HOME")) cache_home = before;
    setenv("XDG_CACHE_HOME", directory.c_str(), 1);
  }
  ~Tune() override {
    cache_home ? setenv("XDG_CACHE_HOME", cache_home->c_str(), 1) : unsetenv("XDG_CACHE_HOME");
    fs::remove_all(directory);
  }

  /// Little time: which one wins is not the matter.
  TuningOptions quick() {
    TuningOptions options{.seconds = 0.05};
    options.context.threads = 2;
    options.context.sink = [this](LogLevel level, const std::string& line) {
      if (level == LogLevel::warning) warnings.push_back(line);
    };
    return options;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    if (fs::exists(directory + "/plexus"))
      for (const auto& entry : fs::directory_iterator(directory + "/plexus")) names.push_back(entry.path());
    return names;
  }

  std::string directory;
  std::optional<std::string> cache_home;
  std::vector<std::string> warnings;
  Dataset data = blobs(90, 5, 3);
};

TEST_F(Tune, ChoosesAmongAllUsableBackendsAndSaysWhatBecameOfEach) {
  Sequential net = tuned_network();
  const Tuning tuning = tune(net, {}, data, {.batch_size = 16}, quick());
  EXPECT_GT(tuning.steps, 0);
  EXPECT_EQ(tuning.source, "");
  std::set<std::string> names;
  int chosen = 0;
  for (const Candidate& c : tuning.candidates) {
    names.insert(c.backend);
    EXPECT_NE(c.verdict, "") << c.backend;
    EXPECT_FALSE(c.verdict.starts_with("wrong") || c.verdict.starts_with("failed")) << c.backend << ": " << c.verdict;
    if (c.verdict != "chosen") continue;
    chosen++;
    EXPECT_EQ(c.backend, tuning.backend);
    EXPECT_EQ(c.threads, tuning.threads);
    EXPECT_GT(c.seconds, 0);
  }
  EXPECT_EQ(chosen, 1);
  for (const BackendRow& row : backends())
    EXPECT_TRUE(!row.usable || names.contains(row.name)) << row.name;
  EXPECT_FALSE(net.built());
  EXPECT_TRUE(warnings.empty()) << warnings[0];
}

TEST_F(Tune, TouchesNeitherWeightsNorOptimizerState) {
  Sequential net = tuned_network();
  const TrainerOptions options{.optimizer = Adam{}, .seed = 3};
  Trainer trainer(net, options);
  trainer.fit(data, {.epochs = 2, .batch_size = 16});
  const auto before = stored_values(net);
  const uint64_t version = net.store().version();
  tune(net, options, data, {.batch_size = 16}, quick());
  EXPECT_TRUE(stored_values(net) == before);
  EXPECT_EQ(net.store().version(), version);
  EXPECT_TRUE(before.contains("0.weight.first"));
}

TEST_F(Tune, ReadsFromTheCacheWithoutMeasuring) {
  Sequential net = tuned_network();
  const Tuning first = tune(net, {}, data, {.batch_size = 16}, quick());
  ASSERT_EQ(files().size(), 1u);
  const Tuning second = tune(net, {}, data, {.batch_size = 16}, quick());
  EXPECT_EQ(second.steps, 0);
  EXPECT_EQ(second.source, files()[0]);
  EXPECT_EQ(second.backend, first.backend);
  EXPECT_EQ(second.threads, first.threads);
  ASSERT_EQ(second.candidates.size(), first.candidates.size());
  for (size_t i = 0; i < first.candidates.size(); i++) {
    EXPECT_EQ(second.candidates[i].backend, first.candidates[i].backend);
    EXPECT_EQ(second.candidates[i].verdict, first.candidates[i].verdict);
    const double seconds = first.candidates[i].seconds;
    EXPECT_TRUE(std::isnan(seconds) ? std::isnan(second.candidates[i].seconds)
                                    : std::abs(second.candidates[i].seconds / seconds - 1) < 1e-12);
  }
  // A built network asks the same, and so does one with another rate: its step is the same.
  net.build({5});
  EXPECT_EQ(tune(net, {.optimizer = Sgd{.learning_rate = 0.5f}}, data, {.batch_size = 16}, quick()).steps, 0);

  TuningOptions fresh = quick();
  fresh.fresh = true;
  EXPECT_GT(tune(net, {}, data, {.batch_size = 16}, fresh).steps, 0);
  EXPECT_EQ(files().size(), 1u);
  TuningOptions none = quick();
  none.cache = "";
  EXPECT_GT(tune(net, {}, data, {.batch_size = 16}, none).steps, 0);
  // What changes the step asks something else.
  const auto measured = [&](const TrainerOptions& options, const FitOptions& fit, const TuningOptions& tuning) {
    return tune(net, options, data, fit, tuning).steps > 0;
  };
  EXPECT_TRUE(measured({}, {.batch_size = 17}, quick()));
  EXPECT_TRUE(measured({.optimizer = Adam{}}, {.batch_size = 16}, quick()));
  EXPECT_TRUE(measured({.clip_norm = 1}, {.batch_size = 16}, quick()));
  EXPECT_TRUE(measured({.accumulate = 2}, {.batch_size = 16}, quick()));
  TuningOptions one = quick();
  one.context.threads = 1;
  EXPECT_TRUE(measured({}, {.batch_size = 16}, one));
  EXPECT_EQ(files().size(), 6u);
  EXPECT_TRUE(warnings.empty()) << warnings[0];
}

TEST_F(Tune, WhatIsDamagedOrOutOfDateIsMeasuredAgainWithAWarning) {
  Sequential net = tuned_network();
  tune(net, {}, data, {.batch_size = 16}, quick());
  const std::string path = files().at(0), whole = read(path);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "JSON"},
      {"{}", "'tuning_version' is missing"},
      {whole.substr(0, whole.size() / 2), "JSON"},
      {with("\"tuning_version\": 1", "\"tuning_version\": 2"), "written by another version of Plexus"},
      {with("\"rows\": 16", "\"rows\": 15"), "answers another question"},
      {with("\"Plexus\": \"", "\"Plexus\": \"older "), "out of date: other Plexus"},
      {with("\"CPU\": \"", "\"CPU\": \"another "), "out of date: other CPU"},
      {with("\"name\": \"", "\"name\": \"x"), "out of date: other backends"},
      {with("\"choice\": {\n    \"backend\": \"", "\"choice\": {\n    \"backend\": \"x"),
       "the choice is none of the candidates"},
      {std::regex_replace(whole, std::regex("(\"choice\": .\\s*\"backend\": \"\\w+\",\\s*\"threads\": )\\d+"), "$013"),
       "the choice has too many threads"}};
  for (const auto& [text, problem] : cases) {
    warnings.clear();
    std::ofstream(path) << text;
    EXPECT_GT(tune(net, {}, data, {.batch_size = 16}, quick()).steps, 0) << problem;
    ASSERT_EQ(warnings.size(), 1u) << problem;
    EXPECT_TRUE(warnings[0].starts_with(path) && warnings[0].ends_with(": auto measures again")) << warnings[0];
    EXPECT_NE(warnings[0].find(problem), std::string::npos) << warnings[0];
    // It was written anew.
    EXPECT_EQ(tune(net, {}, data, {.batch_size = 16}, quick()).steps, 0) << problem;
    EXPECT_EQ(warnings.size(), 1u);
  }
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(Tune, ACacheThatCannotBeWrittenIsAWarning) {
  const std::string file = directory + "/file";
  std::ofstream(file) << "no directory";
  TuningOptions options = quick();
  options.cache = file + "/below";
  Sequential net = tuned_network();
  EXPECT_GT(tune(net, {}, data, {.batch_size = 16}, options).steps, 0);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0], file + "/below: cannot keep the choice of auto: Not a directory");
}

TEST_F(Tune, NetworksOfEveryKind) {
  const auto tuned = [&](Sequential net, const Dataset& rows, const TrainerOptions& options) {
    const Tuning tuning = tune(net, options, rows, {.batch_size = 8}, quick());
    EXPECT_EQ(tuning.steps > 0, true);
    for (const Candidate& c : tuning.candidates)
      if (c.verdict.starts_with("wrong") || c.verdict.starts_with("failed")) ADD_FAILURE() << c.backend << ": " << c.verdict;
    return tuning;
  };
  tuned(Sequential{Standardize(), Dense(4), Tanh(), Dense(1)}, line(50), {.loss = Mse{}, .optimizer = Adam{}});
  tuned(tuned_network(), data.with_sample_weights(std::vector<float>(90, 0.5f)), {.accumulate = 3});
  tuned(tuned_network(), data.one_hot(), {.optimizer = Sgd{.momentum = 0.9}, .clip_norm = 0.1, .max_norm = 1});
  tuned(tuned_network(), data, {.loss = SoftmaxCrossEntropy{.label_smoothing = 0.1f}, .l1 = 0.01});
  // In double only the reference has anything to offer.
  Sequential wide{Dense(6), Relu(), Dense(3)};
  wide.build({5}, 0, DType::f64);
  const Tuning tuning = tune(wide, {}, data, {.batch_size = 8}, quick());
  EXPECT_EQ(tuning.backend, backends().back().name);
  for (const Candidate& c : tuning.candidates)
    EXPECT_TRUE(c.backend == tuning.backend || c.verdict == "runs nothing of this network") << c.verdict;
}

TEST_F(Tune, WhatIsWrongIsSaid) {
  Sequential net = tuned_network();
  const auto wrong = [&](const TuningOptions& options) {
    return message<Error>([&] { tune(net, {}, data, {.batch_size = 16}, options); });
  };
  TuningOptions options = quick();
  options.threads = {1, 3};
  EXPECT_EQ(wrong(options), "tune: 3 threads: choose 1 to 2");
  options = quick();
  options.backends = {"reference", "reference"};
  EXPECT_EQ(wrong(options), "tune: backend 'reference' is named twice");
  options.backends = {"referense"};
  EXPECT_TRUE(wrong(options).starts_with("unknown backend 'referense': did you mean 'reference'?")) << wrong(options);
  EXPECT_TRUE(message<BackendError>([] { make_context({.backend = auto_backend}); })
                  .starts_with("backend 'auto' is found by timing the steps of a training: give it to a Trainer"));
  EXPECT_EQ(make_inference_context({.backend = auto_backend}).chosen().name(), default_backend(backends()));
  EXPECT_TRUE(files().empty());
}

TEST_F(Tune, GivenCandidatesAlone) {
  Sequential net = tuned_network();
  TuningOptions options = quick();
  options.backends = {"reference"};
  options.threads = {2};
  const Tuning tuning = tune(net, {}, data, {.batch_size = 16}, options);
  ASSERT_EQ(tuning.candidates.size(), 1u);
  EXPECT_EQ(tuning.backend, "reference");
  EXPECT_EQ(tuning.threads, 2);
}

TEST_F(Tune, ATrainerWithAutoHasTheBitsOfItsChoice) {
  const FitOptions fit{.epochs = 3, .batch_size = 16};
  Sequential net = tuned_network();
  Trainer trainer(net, {.optimizer = Adam{}, .backend = auto_backend, .threads = 2, .seed = 5});
  EXPECT_EQ(trainer.context().chosen().name(), default_backend(backends()));
  trainer.fit(data, fit);
  const std::string backend = trainer.context().chosen().name();
  const int threads = trainer.context().executor().threads();
  const auto tuning = trainer.tune(data, fit);
  ASSERT_TRUE(tuning);
  EXPECT_EQ(tuning->backend, backend);
  EXPECT_EQ(tuning->threads, threads);
  EXPECT_EQ(files().size(), 1u);

  Sequential same = tuned_network();
  Trainer fixed(same, {.optimizer = Adam{}, .backend = backend, .threads = threads, .seed = 5});
  EXPECT_FALSE(fixed.tune(data, fit));
  fixed.fit(data, fit);
  EXPECT_TRUE(stored_values(net) == stored_values(same));
  EXPECT_EQ(trainer.predict(data), fixed.predict(data));
}

TEST_F(Tune, ATrainerAskedFirstPredictsAndTrains) {
  Sequential net = tuned_network();
  net.build({5}, 1);
  net.fit_preprocessing({data.size(), data.feature_shape(), [&](int64_t row, std::span<double> out) {
                           data.read_features(row, out.data());
                         }});
  Trainer trainer(net, {.backend = auto_backend, .threads = 2});
  const Tensor before = trainer.predict(data);
  const auto tuning = trainer.tune(data, {.batch_size = 16});
  ASSERT_TRUE(tuning && tuning->steps > 0);
  EXPECT_EQ(trainer.context().chosen().name(), tuning->backend);
  EXPECT_EQ(trainer.predict(data).shape(), before.shape());
  trainer.fit(data, {.batch_size = 16});
  // The choice stays, for other batches too.
  EXPECT_EQ(trainer.tune(data, {.batch_size = 7})->steps, tuning->steps);
}

TEST_F(Tune, AResumedRunKeepsTheChoiceOfItsCheckpoint) {
  // The slowest there is: nobody would choose it.
  FitOptions fit{.epochs = 2, .batch_size = 16, .checkpoints = {.directory = directory + "/run"}};
  {
    Sequential net = tuned_network();
    Trainer(net, {.backend = "reference", .threads = 1}).fit(data, fit);
  }
  fit.epochs = 4, fit.checkpoints.resume = true;
  Sequential net = tuned_network();
  Trainer trainer(net, {.backend = auto_backend, .threads = 2});
  EXPECT_EQ(trainer.fit(data, fit).epochs.size(), 4u);
  const auto tuning = trainer.tune(data, fit);
  ASSERT_TRUE(tuning);
  EXPECT_EQ(tuning->backend, "reference");
  EXPECT_EQ(tuning->threads, 1);
  EXPECT_EQ(tuning->steps, 0);
  EXPECT_TRUE(tuning->source.starts_with(directory + "/run/step-")) << tuning->source;
  EXPECT_EQ(trainer.context().chosen().name(), "reference");
  EXPECT_TRUE(files().empty());

  // A run of auto says in its checkpoints what it had.
  fit = {.epochs = 1, .batch_size = 16, .checkpoints = {.directory = directory + "/other"}};
  Sequential other = tuned_network();
  Trainer first(other, {.backend = auto_backend, .threads = 2});
  first.fit(data, fit);
  for (const auto& entry : fs::directory_iterator(directory + "/other")) {
    if (entry.path().extension() != ".checkpoint") continue;
    const Checkpoint checkpoint = load_checkpoint(entry.path());
    EXPECT_EQ(checkpoint.backend, first.context().chosen().name());
    EXPECT_EQ(checkpoint.threads, first.context().executor().threads());
  }
}

TEST_F(Tune, TheEnvironmentMayAskForIt) {
  setenv("PLEXUS_BACKEND", auto_backend, 1);
  Sequential net = tuned_network();
  Trainer trainer(net, {.threads = 1});
  trainer.fit(data, {.batch_size = 16});
  unsetenv("PLEXUS_BACKEND");
  EXPECT_EQ(files().size(), 1u);
  EXPECT_TRUE(trainer.tune(data));
}

TEST_F(Tune, TheCacheLiesWhereTheyAllDo) {
  EXPECT_EQ(cache_directory(), directory + "/plexus");
  setenv("XDG_CACHE_HOME", "relative", 1);
  const std::string home = getenv("HOME") ? getenv("HOME") : "";
  setenv("HOME", "/somewhere", 1);
  EXPECT_EQ(cache_directory(), "/somewhere/.cache/plexus");
  unsetenv("HOME");
  EXPECT_EQ(cache_directory(), "");
  if (!home.empty()) setenv("HOME", home.c_str(), 1);
}

}  // namespace
}  // namespace plexus
