// The example plugins, held to what every backend is held to, through the loader.
#include <algorithm>

#include "plexus/backends/conformance/cases.h"
#include "plexus/backends/conformance/edges.h"
#include "plexus/core/random.h"
#include "plugins/plugin_files.h"

namespace plexus::plugin_tests {
namespace {

using conformance::Fill;
using conformance::Status;

/// Checks a list; `supported` counts what the backend has, the first failure is printed.
template <class Items>
int count_supported(const Backend& backend, const Items& items) {
  int supported = 0;
  for (const auto& item : items) {
    const conformance::Result result = check(backend, item);
    supported += result.status == Status::pass;
    EXPECT_NE(result.status, Status::fail) << result.message;
    if (result.status == Status::fail) break;
  }
  return supported;
}

class Example : public testing::TestWithParam<std::string> {
 protected:
  Example() : context_((load_backend(example(GetParam())), context(GetParam()))) {}
  const Backend& backend() const { return context_.chosen(); }
  const Context context_;
};
INSTANTIATE_TEST_SUITE_P(InTwoLanguages, Example, testing::Values("relu_matmul", "relu_matmul_c"),
                         [](const auto& info) { return info.param; });

TEST_P(Example, KeepsItsPromises) {
  for (const std::string family : {"matmul", "activation"}) {
    for (const Fill fill : {Fill::exact, Fill::real, Fill::special}) {
      std::vector<conformance::Case> cases;
      for (uint64_t seed = 0; seed < 1000; seed++) cases.push_back(make_case(family, fill, seed));
      EXPECT_GT(count_supported(backend(), cases), family == "matmul" ? 300 : 10)
          << family << " " << to_string(fill);
    }
    EXPECT_GT(count_supported(backend(), conformance::edges(family)), 15) << family;
  }
}

/// y = relu(x w + b); with `shared`, somebody else reads the product too; with `crossed`, the relu reads
/// another buffer.
Program dense(bool shared, bool crossed) {
  Program program;
  const auto add = [&](const char* name, Role role, Shape shape, bool batch) {
    return program.add_buffer({.name = name, .role = role, .shape = shape, .batch = batch});
  };
  const BufferId x = add("x", Role::input, {5, 7}, true), w = add("w", Role::input, {7, 9}, false);
  const BufferId b = add("b", Role::input, {9}, false), other = add("other", Role::input, {5, 9}, true);
  const BufferId z = add("z", Role::temporary, {5, 9}, true), y = add("y", Role::output, {5, 9}, true);
  const BufferId sum = add("sum", Role::output, {9}, false);
  program.add("product", MatmulSpec{.m = 5, .n = 9, .k = 7, .bias = true}, {x, w, b, z});
  program.add("relu", ActivationSpec{.m = 5, .n = 9}, {crossed ? other : z, y});
  if (shared) program.add("sum", ReduceSpec{.m = 5, .n = 9}, {z, sum});
  return program;
}

TEST_P(Example, FusesWhatNobodyElseReads) {
  Store store;
  const Plan fused = Plan::build(context_, store, dense(false, false));
  ASSERT_EQ(fused.rows().size(), 1u);
  EXPECT_EQ(fused.rows()[0].why, "fused 2");
  EXPECT_EQ(fused.rows()[0].spec, "matmul/nn/f32/m5~/n9/k7/bias/relu");
  // Who decides is the wiring: a third operation that is offered too, and is left outside, must still find
  // the product.
  for (const auto& [shared, crossed] :
       {std::pair(true, false), std::pair(false, true), std::pair(true, true)}) {
    const Plan apart = Plan::build(context_, store, dense(shared, crossed));
    EXPECT_EQ(apart.rows()[0].why, "chosen");
    EXPECT_EQ(apart.rows()[1].why, "chosen");
  }
}

TEST_P(Example, FusedOrNotHasTheSameBits) {
  Store store;
  std::vector<float> results[2];
  for (const bool shared : {false, true}) {
    Plan plan = Plan::build(context_, store, dense(shared, false));
    const RandomStream random(1, Purpose::user);
    for (const auto& [name, count] : {std::pair("x", 35), std::pair("w", 63), std::pair("b", 9)})
      for (int i = 0; i < count; i++)
        plan.data<float>(name)[i] = float(random.normal(uint64_t(100 * count + i)));
    for (const int64_t rows : {int64_t(5), int64_t(3)}) {
      plan.run(rows);
      const float* y = plan.data<float>("y");
      results[shared].insert(results[shared].end(), y, y + rows * 9);
    }
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_GT(*std::max_element(results[0].begin(), results[0].end()), 0.5f);
}

}  // namespace
}  // namespace plexus::plugin_tests
