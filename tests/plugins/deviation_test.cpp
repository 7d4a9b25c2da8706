// Declared deviations: across the border, in the table, and in the plan.
#include "plexus/backends/conformance/edges.h"
#include "plugins/plugin_files.h"

namespace plexus::plugin_tests {
namespace {

const std::string declared =
    "NaN into an activation may come out as a number; activations within 4e-05 relative + 1e-06 absolute";

TEST(Deviation, CrossesTheBorder) {
  EXPECT_EQ(load_backend(zoo("deviates")).deviations, declared);
  const Deviations deviations = context("deviates").chosen().deviations();
  EXPECT_TRUE(deviations.has(Semantics::activation_nan));
  EXPECT_FALSE(deviations.has(Semantics::denormals));
  EXPECT_EQ(deviations.elementwise_relative, 4e-5);
  EXPECT_EQ(deviations.elementwise_absolute, 1e-6);
  EXPECT_EQ(deviations.describe(), declared);
  load_backend(zoo("sound"));
  EXPECT_FALSE(context("sound").chosen().deviations().any());
  EXPECT_EQ(context("sound").chosen().deviations().describe(), "");
}

TEST(Deviation, ShowsInThePlan) {
  load_backend(zoo("deviates"));
  const Plan plan = relu_plan(context("deviates"));
  EXPECT_EQ(plan.rows()[0].deviations, declared);
  EXPECT_TRUE(plan.table().ends_with("  chosen, deviates\ndeviates deviates: " + declared + "\n"))
      << plan.table();
  load_backend(zoo("sound"));
  EXPECT_TRUE(relu_plan(context("sound")).table().ends_with("  chosen\n"));
}

TEST(Deviation, ConcernsItsFamilyAlone) {
  const Deviations all{
      .rows = (1u << semantics_count) - 1, .elementwise_relative = 1, .elementwise_absolute = 2};
  const auto has = [&](const Spec& spec, Semantics row) { return all.of(spec).has(row); };
  const ActivationSpec relu{}, softmax{.kind = Activation::softmax};
  EXPECT_TRUE(has(relu, Semantics::activation_nan));
  EXPECT_FALSE(has(softmax, Semantics::activation_nan));
  EXPECT_TRUE(has(softmax, Semantics::softmax_non_finite));
  EXPECT_TRUE(has(ActivationGradientSpec{}, Semantics::gradient_nan));
  EXPECT_FALSE(has(ActivationGradientSpec{}, Semantics::activation_nan));
  EXPECT_TRUE(has(MatmulSpec{.accumulate = true}, Semantics::accumulate_chain));
  EXPECT_FALSE(has(MatmulSpec{}, Semantics::accumulate_chain));
  EXPECT_TRUE(has(ReduceSpec{.kind = Reduction::argmax}, Semantics::argmax_nan));
  EXPECT_FALSE(has(ReduceSpec{.kind = Reduction::row_sum}, Semantics::argmax_nan));
  for (const Spec& spec : {Spec(MatmulSpec{}), Spec(UpdateSpec{}), Spec(relu)})
    EXPECT_TRUE(has(spec, Semantics::denormals));
  EXPECT_EQ(all.of(MatmulSpec{}).elementwise_relative, 0);
  EXPECT_EQ(all.of(relu).elementwise_absolute, 2);
}

TEST(Deviation, EveryRowHasItsWords) {
  std::string text;
  for (int bit = 0; bit < semantics_count; bit++) {
    const std::string words = to_string(Semantics(1u << bit));
    EXPECT_NE(words, "unknown");
    EXPECT_EQ(text.find(words), std::string::npos) << "twice: " << words;
    text += words;
  }
  EXPECT_EQ(to_string(Semantics(1u << semantics_count)), "unknown");
}

/// The first failure among relu's edges; "" where there is none.
std::string first_failure(const std::string& name) {
  load_backend(zoo(name));
  const Context there = context(name);
  for (const conformance::Edge& edge : conformance::edges("activation"))
    if (const conformance::Result result = check(there.chosen(), edge); !result) return result.message;
  return "";
}

TEST(Deviation, UndeclaredIsAFailure) {
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "relu: NaN at ", first_failure("deviates_silently"));
  EXPECT_EQ(first_failure("sound"), "");
}

}  // namespace
}  // namespace plexus::plugin_tests
