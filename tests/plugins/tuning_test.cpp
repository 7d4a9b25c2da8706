// Plugins that are slow, wrong, fail or hang: auto never chooses them, and says why.
#include "plexus/trainer/tuning.h"

#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plugins/plugin_files.h"

namespace plexus::plugin_tests {
namespace {

/// Of 33 columns in the middle, where some of the zoo do their worst.
Dataset rows() {
  Tensor features(DType::f32, {40, 5}), labels(DType::i32, {40});
  for (int i = 0; i < 200; i++) features.values<float>()[size_t(i)] = float(i * 7 % 11) / 5 - 1;
  for (int i = 0; i < 40; i++) labels.values<int32_t>()[size_t(i)] = i % 2;
  return Dataset::classification(features, labels, {"a", "b"});
}

Tuning tune_with(const std::vector<std::string>& backends, const std::vector<int>& threads = {1, 2}, double seconds = 0.2) {
  Sequential network{Dense(33), Relu(), Dense(2)};
  network.build({5}, 1);
  std::map<std::string, Tensor> before;
  for (const auto& [name, entry] : network.store().entries()) before[name] = network.store().get(name);
  TuningOptions options;
  options.context.threads = 2;
  options.context.sink = nullptr;
  options.backends = backends;
  options.threads = threads;
  options.seconds = seconds;
  options.cache = "";
  Tuning tuning = tune(network, {}, rows(), {.batch_size = 16}, options);
  for (const auto& [name, value] : before) EXPECT_EQ(network.store().get(name), value) << name;
  return tuning;
}

/// What became of the plugin beside the reference, with each number of threads.
void expect_verdict(const std::string& name, const std::string& verdict) {
  load_backend(zoo(name));
  const Tuning tuning = tune_with({"reference", name});
  EXPECT_EQ(tuning.backend, "reference");
  ASSERT_EQ(tuning.candidates.size(), 4u);
  for (const Candidate& c : tuning.candidates)
    EXPECT_TRUE(c.backend != name || c.verdict.starts_with(verdict)) << c.verdict;
  EXPECT_EQ(tuning.candidates[0].backend, "reference");
  EXPECT_GT(tuning.candidates[0].seconds, 0);
}

TEST(Tuning, AWrongPlugin) {
  expect_verdict("wrong", "wrong: row 1 (activation/relu/f32/m16~/n33 on wrong, from the zoo), buffer ");
}
TEST(Tuning, APluginThatMakesNaN) { expect_verdict("makes_nan", "wrong: row 1 (activation/relu/f32/m16~/n33 on makes_nan"); }
TEST(Tuning, APluginThatFails) {
  expect_verdict("run_fails", "failed: backend 'run_fails': activation/relu/f32/m16~/n33: the device is on fire");
}
TEST(Tuning, APluginThatCannotPrepare) { expect_verdict("prepare_fails", "failed: backend 'prepare_fails': "); }
TEST(Tuning, APluginThatHangs) { expect_verdict("hangs", "did not finish within "); }

TEST(Tuning, ASlowPlugin) {
  load_backend(zoo("slow"));
  const Tuning tuning = tune_with({"slow", "reference"});
  EXPECT_EQ(tuning.backend, "reference");
  int seen = 0;
  for (const Candidate& c : tuning.candidates)
    if (c.backend == "slow") {
      // A hundred times the step, or it was not waited for.
      EXPECT_TRUE(c.seconds > 0.01 || c.verdict.starts_with("did not finish within ") || c.verdict.starts_with("not timed"))
          << c.verdict;
      seen++;
    }
  EXPECT_EQ(seen, 2);
}

/// Another program takes the cores for moments, and four of the first five rounds are spoilt.
TEST(Tuning, AFastPluginThatIsInterrupted) {
  load_backend(zoo("steady"));
  load_backend(zoo("interrupted"));
  const Tuning tuning = tune_with({"steady", "interrupted"}, {1}, 1.5);
  EXPECT_EQ(tuning.backend, "interrupted") << "the steady one took " << tuning.candidates[0].seconds << " s a step";
}

TEST(Tuning, APluginThatTurnsWrongIsLookedAtAgain) {
  load_backend(zoo("turns_wrong"));
  const Tuning tuning = tune_with({"turns_wrong"});
  EXPECT_EQ(tuning.backend, "reference");
  ASSERT_EQ(tuning.candidates.size(), 3u);
  EXPECT_TRUE(tuning.candidates[0].verdict.starts_with("wrong: row 1 (activation/relu/f32/m16~/n33 on turns_wrong"))
      << tuning.candidates[0].verdict;
  EXPECT_EQ(tuning.candidates[2].verdict, "chosen: all others are out");
}

TEST(Tuning, ARightPluginMayBeChosen) {
  load_backend(zoo("sound"));
  const Tuning tuning = tune_with({"sound"});
  EXPECT_EQ(tuning.backend, "sound");
  EXPECT_GT(tuning.candidates.at(0).seconds, 0);
}

}  // namespace
}  // namespace plexus::plugin_tests
