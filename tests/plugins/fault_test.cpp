// Plugins that fail at work: the call says so, and nobody chooses them again.
#include "plugins/plugin_files.h"

namespace plexus::plugin_tests {
namespace {

const std::string operation = "activation/relu/f32/m4~/n3";

/// A plugin whose kernel fails: the run reports `problem`, and so does everybody after it.
void expect_fault_in_run(const std::string& name, const std::string& problem) {
  load_backend(zoo(name));
  const Context first = context(name);
  Plan plan = relu_plan(first);
  EXPECT_EQ(plan.rows()[0].backend, name);
  EXPECT_EQ(message<BackendError>([&] { plan.run(4); }), "backend '" + name + "': " + operation + ": " + problem);
  const std::string again = "not used any more: " + operation + ": " + problem;
  EXPECT_EQ(message<BackendError>([&] { plan.run(4); }), "backend '" + name + "': " + again);
  EXPECT_EQ(row(name).reason, again);
  EXPECT_FALSE(row(name).usable);
  const std::string refused = message<BackendError>([&] { context(name); });
  EXPECT_TRUE(refused.starts_with("backend '" + name + "': " + again + " (available: ")) << refused;
  // The context that is there goes on, without it.
  Plan rest = relu_plan(first);
  EXPECT_EQ(rest.rows()[0].backend, "reference");
  expect_relu(rest);
}

TEST(Fault, InARun) { expect_fault_in_run("run_fails", "the device is on fire"); }
TEST(Fault, InARunThatSaysNothing) { expect_fault_in_run("run_fails_silently", "failed (status 4)"); }
TEST(Fault, AnExceptionInARun) { expect_fault_in_run("run_throws", "thrown in run"); }
TEST(Fault, InALoopOnAnyThread) { expect_fault_in_run("loop_fails", "a wheel came off"); }
TEST(Fault, AnExceptionInALoop) { expect_fault_in_run("loop_throws", "thrown in a loop"); }
TEST(Fault, AnExceptionOverTheBorder) {
  expect_fault_in_run("raw_throws", "threw an exception: over the border");
}

/// A plugin that fails while a plan is built.
void expect_fault_in_build(const std::string& name, const std::string& problem) {
  load_backend(zoo(name));
  const Context first = context(name);
  EXPECT_EQ(message<BackendError>([&] { relu_plan(first); }),
            "backend '" + name + "': " + operation + ": " + problem);
  EXPECT_FALSE(row(name).usable);
  EXPECT_EQ(relu_plan(first).rows()[0].backend, "reference");
}

TEST(Fault, InTakes) { expect_fault_in_build("takes_fails", "cannot decide"); }
TEST(Fault, AnExceptionInTakes) { expect_fault_in_build("takes_throws", "thrown in takes"); }
TEST(Fault, MoreThanWasOffered) { expect_fault_in_build("takes_too_many", "takes 2 operations of 1"); }
TEST(Fault, InPrepare) { expect_fault_in_build("prepare_fails", "no room for a kernel"); }
TEST(Fault, AnExceptionInPrepare) { expect_fault_in_build("prepare_throws", "thrown in prepare"); }
TEST(Fault, NoKernelAndNoReason) {
  expect_fault_in_build("prepare_nothing", "prepared no kernel, and did not say why");
}

TEST(Fault, MoreWorkspaceThanThereIs) {
  expect_fault_in_build("huge_workspace", "wants 18446744073709551615 bytes of workspace");
}
TEST(Fault, AnExceptionInWorkspace) {
  expect_fault_in_build("workspace_throws", "threw an exception: thrown in workspace");
}

TEST(Fault, RefusedAfterAllIsNone) {
  load_backend(zoo("prepare_unsupported"));
  const Context there = context("prepare_unsupported");
  Plan plan = relu_plan(there);
  EXPECT_EQ(plan.rows()[0].backend, "reference");
  EXPECT_EQ(plan.rows()[0].why, "fallback: refused by prepare_unsupported");
  expect_relu(plan);
  EXPECT_TRUE(row("prepare_unsupported").usable);
}

TEST(Fault, NoInstance) {
  load_backend(zoo("create_throws"));
  EXPECT_EQ(message<BackendError>([] { context("create_throws"); }),
            "backend 'create_throws': cannot be made: thrown in the constructor");
  load_backend(zoo("create_fails"));
  EXPECT_EQ(message<BackendError>([] { context("create_fails"); }),
            "backend 'create_fails': cannot be made: no licence");
}

TEST(Fallback, AnErrorWhereAsked) {
  load_backend(zoo("prepare_unsupported"));
  const Context strict = context("prepare_unsupported", {.fallback = Fallback::error});
  EXPECT_EQ(
      message<BackendError>([&] { relu_plan(strict); }),
      operation +
          ": backend 'prepare_unsupported' does not have it, and PLEXUS_FALLBACK=error forbids 'reference'");
}

TEST(Check, FindsNaNThatAPluginMakes) {
  load_backend(zoo("makes_nan"));
  Plan unchecked = relu_plan(context("makes_nan"));
  EXPECT_NO_THROW(unchecked.run(4));
  Plan plan = relu_plan(context("makes_nan", {.check = Check::nan}));
  EXPECT_EQ(message<Error>([&] { plan.run(4); }),
            "check for NaN: " + operation + " on makes_nan (relu) wrote NaN into y");
}

TEST(Check, FindsWhatDiffersFromTheReference) {
  load_backend(zoo("wrong"));
  Plan plan = relu_plan(context("wrong", {.check = Check::reference}));
  for (int i = 0; i < 12; i++) plan.data<float>("x")[i] = 2;
  EXPECT_EQ(message<BackendError>([&] { plan.run(4); }),
            "check against the reference: row 0 (" + operation +
                " on wrong, from the zoo), buffer y, element 0: 3, reference 2, bound 0.000215259");
  load_backend(zoo("sound"));
  Plan right = relu_plan(context("sound", {.check = Check::reference}));
  expect_relu(right);
}

TEST(Check, GoesOnWithoutAKernelThatTurnsWrong) {
  load_backend(zoo("turns_wrong"));
  std::vector<std::string> lines;
  const Context sampling =
      make_context({.backend = "turns_wrong", .threads = 2, .check = Check::sample, .check_interval = 1,
                    .sink = [&](LogLevel, const std::string& text) { lines.push_back(text); }});
  Plan plan = relu_plan(sampling), other = relu_plan(sampling), fork = other.fork();
  for (int i = 0; i < 10; i++) expect_relu(plan);
  EXPECT_EQ(lines.size(), 0u);
  EXPECT_EQ(plan.rows()[0].backend, "turns_wrong");
  expect_relu(plan);  // the eleventh: wrong, and replaced
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], "check against the reference: row 0 (" + operation +
                          " on turns_wrong, from the zoo), buffer y, element 1: 1, reference 0, bound 0.0007: not "
                          "used any more; the results of this run are the reference's");
  // Whoever has the kernel already goes on without it, a plan that shares its kernels with another as well.
  for (Plan* each : {&plan, &other, &fork})
    for (int i = 0; i < 3; i++) expect_relu(*each);
  EXPECT_EQ(plan.rows()[0].backend, "reference");
  EXPECT_EQ(plan.rows()[0].why, "fallback: quarantined in turns_wrong");
  EXPECT_EQ(relu_plan(sampling).rows()[0].backend, "reference");
  EXPECT_EQ(lines.size(), 1u);
  // Another context does not know; and nobody looks where nobody asked for it.
  Plan unchecked = relu_plan(context("turns_wrong"));
  EXPECT_EQ(unchecked.rows()[0].backend, "turns_wrong");
  unchecked.run(4);
  EXPECT_NE(unchecked.data<float>("y")[1], std::max(unchecked.data<float>("x")[1], 0.0f));
}

TEST(Check, SamplesOneInSoMany) {
  load_backend(zoo("turns_wrong"));
  int warnings = 0;
  const Context sampling = make_context({.backend = "turns_wrong", .threads = 2, .check = Check::sample, .check_interval = 8,
                                         .sink = [&](LogLevel, const std::string&) { warnings++; }});
  Plan unchecked = relu_plan(context("turns_wrong"));
  for (int i = 0; i < 10; i++) unchecked.run(4);  // calls are counted in the process: it is wrong from now on
  Plan plan = relu_plan(sampling);
  for (int run = 1; run <= 20; run++) {
    for (int i = 0; i < 12; i++) plan.data<float>("x")[i] = float(i + 1);
    plan.run(4);
    EXPECT_EQ(warnings, run < 8 ? 0 : 1) << run;
    if (run >= 8) { EXPECT_EQ(plan.data<float>("y")[1], 2.0f) << run; }
  }
}

TEST(Check, AQuarantineIsAnErrorWhereTheReferenceIsForbidden) {
  load_backend(zoo("wrong"));
  Plan plan = relu_plan(context("wrong", {.fallback = Fallback::error, .check = Check::sample, .check_interval = 1}));
  for (int i = 0; i < 12; i++) plan.data<float>("x")[i] = 2;
  plan.run(4);
  EXPECT_EQ(plan.data<float>("y")[0], 2.0f);
  EXPECT_EQ(message<BackendError>([&] { plan.run(4); }),
            operation + ": backend 'wrong' was found wrong in it, and PLEXUS_FALLBACK=error forbids 'reference'");
}

}  // namespace
}  // namespace plexus::plugin_tests
