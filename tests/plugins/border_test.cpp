// What crosses the border: every field of every family, and the services of the host.
#include <cstdio>

#include "plexus/backends/conformance/cases.h"
#include "plexus/backends/conformance/check.h"
#include "plugins/plugin_files.h"

namespace plexus::plugin_tests {
namespace {

using conformance::Fill;

std::string real(double value) {
  char digits[64];
  std::snprintf(digits, sizeof digits, "%a", value);
  return digits;
}
template <class T>
std::string number(T value) {
  return std::to_string(int64_t(value));
}

// What echo.cpp should say, from the specs of the core.
std::string line(const MatmulSpec& s) {
  return "matmul form=" + number(s.form) + " batch=" + number(s.batch) + " bias=" + number(s.bias) +
         " accumulate=" + number(s.accumulate) + " m=" + number(s.m) + " n=" + number(s.n) +
         " k=" + number(s.k) + " lda=" +
         number(s.lda                ? s.lda
                : s.form == Form::tn ? s.m
                                     : s.k) +
         " ldb=" +
         number(s.ldb                ? s.ldb
                : s.form == Form::nt ? s.k
                                     : s.n) +
         " ldc=" + number(s.ldc ? s.ldc : s.n) + " a=" + number(s.a) + " b=" + number(s.b) +
         " c=" + number(s.c);
}
template <class S>
std::string activation_line(const char* name, const S& s) {
  return name + std::string(" kind=") + number(s.kind) + " batch=" + number(s.batch) +
         " dtype=" + number(s.dtype) + " m=" + number(s.m) + " n=" + number(s.n) + " alpha=" + real(s.alpha);
}
std::string line(const ActivationSpec& s) { return activation_line("activation", s); }
std::string line(const ActivationGradientSpec& s) { return activation_line("gradient", s); }
std::string line(const LossSpec& s) {
  return "loss kind=" + number(s.kind) + " batch=" + number(s.batch) + " dtype=" + number(s.dtype) +
         " gradient=" + number(s.gradient) + " m=" + number(s.m) + " n=" + number(s.n) +
         " delta=" + real(s.delta) + " class_weights=" + number(s.class_weights) +
         " sample_weights=" + number(s.sample_weights);
}
std::string line(const DropoutSpec& s) {
  return "dropout batch=" + number(s.batch) + " dtype=" + number(s.dtype) + " m=" + number(s.m) +
         " n=" + number(s.n) + " rate=" + real(double(s.rate)) + " stream=" + number(s.stream);
}
std::string line(const ReduceSpec& s) {
  return "reduce kind=" + number(s.kind) + " batch=" + number(s.batch) + " dtype=" + number(s.dtype) +
         " accumulate=" + number(s.accumulate) + " m=" + number(s.m) + " n=" + number(s.n);
}
std::string line(const ClipSpec& s) { return "clip dtype=" + number(s.dtype) + " limit=" + real(s.limit); }
std::string line(const ScaleSpec& s) {
  return "scale batch=" + number(s.batch) + " dtype=" + number(s.dtype) + " offset=" + number(s.offset) +
         " m=" + number(s.m) + " n=" + number(s.n);
}
std::string line(const UpdateSpec& s) {
  return "update kind=" + number(s.kind) + " dtype=" + number(s.dtype) + " nesterov=" + number(s.nesterov) +
         " m=" + number(s.m) + " n=" + number(s.n) + " momentum=" + real(s.momentum) +
         " weight_decay=" + real(s.weight_decay) + " beta1=" + real(s.beta1) + " beta2=" + real(s.beta2) +
         " epsilon=" + real(s.epsilon) + " momentum_decay=" + real(s.momentum_decay) + " l1=" + real(s.l1) +
         " l2=" + real(s.l2) + " clip_value=" + real(s.clip_value);
}
std::string line(const MaxNormSpec& s) {
  return "max_norm dtype=" + number(s.dtype) + " m=" + number(s.m) + " n=" + number(s.n) +
         " limit=" + real(s.limit);
}
std::string tensors(const Spec& spec) {
  std::string text;
  for (size_t slot = 0; slot < slots(spec).size(); slot++) {
    const Operand o = operand(spec, slot);
    text += " |";
    if (o.used)
      text += " dtype=" + number(o.dtype) + " access=" + number(o.access) +
              " memory=0 rank=2 flags=" + number(o.batch) + " rows=" + number(o.rows) +
              " columns=" + number(o.columns) + " stride=" + number(o.stride) + " step=1 elsewhere=1";
  }
  return text;
}

TEST(Border, EveryFieldOfEveryFamilyArrives) {
  load_backend(zoo("echo"));
  const Context there = context("echo");
  std::vector<bool> met(std::variant_size_v<Spec>);
  for (const std::string& family : conformance::families()) {
    for (uint64_t seed = 0; seed < 500; seed++) {
      const Spec spec = make_case(family, Fill::real, seed).spec;
      met[spec.index()] = true;
      const auto kernel = prepare_kernel(there.chosen(), spec);
      ASSERT_TRUE(kernel) << to_string(spec);
      const std::string expected = std::visit([](const auto& s) { return line(s); }, spec) + tensors(spec);
      ASSERT_EQ(kernel->describe(), expected) << to_string(spec);
    }
  }
  for (size_t i = 0; i < met.size(); i++) EXPECT_TRUE(met[i]) << "no case for alternative " << i;
}

// A backend of minor version 0 takes whatever it is offered, and knows nothing of what came later.
TEST(Border, ABackendIsOnlyOfferedWhatItsVersionCanSay) {
  load_backend(zoo("first_minor"));
  const Context there = context("first_minor");
  UpdateSpec plain{.kind = UpdateKind::adam, .m = 2, .n = 3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
  EXPECT_TRUE(prepare_kernel(there.chosen(), plain));
  for (const UpdateKind later : {UpdateKind::adamax, UpdateKind::nadam, UpdateKind::radam}) {
    UpdateSpec spec = plain;
    spec.kind = later;
    EXPECT_FALSE(prepare_kernel(there.chosen(), spec)) << to_string(spec);
  }
  for (double UpdateSpec::*later : {&UpdateSpec::l1, &UpdateSpec::l2, &UpdateSpec::clip_value}) {
    UpdateSpec spec = plain;
    spec.*later = 0.5;
    EXPECT_FALSE(prepare_kernel(there.chosen(), spec)) << to_string(spec);
  }
  EXPECT_FALSE(prepare_kernel(there.chosen(), MaxNormSpec{.m = 2, .n = 3}));
}

TEST(Border, RowCountsArrive) {
  load_backend(zoo("echo"));
  const Context there = context("echo");
  Program program;
  const BufferId x = program.add_buffer({.name = "x", .role = Role::input, .shape = {8, 3}, .batch = true});
  const BufferId y = program.add_buffer({.name = "y", .role = Role::output, .shape = {8, 3}, .batch = true});
  program.add("relu", ActivationSpec{.m = 8, .n = 3}, {x, y});
  program.row_counts = {3, 8};
  Store store;
  EXPECT_TRUE(Plan::build(there, store, program).rows()[0].description.ends_with(" count=3 count=8"));
}

TEST(Border, TheHostDoesWhatItSays) {
  load_backend(zoo("services"));
  std::vector<std::string> lines;
  make_context({.backend = "services",
                .threads = 3,
                .fallback = Fallback::allow,
                .sink = [&](LogLevel, const std::string& text) { lines.push_back(text); }});
  const std::string isa = to_string(Environment::resolve().max_isa);
  EXPECT_EQ(lines,
            (std::vector<std::string>{"threads 3", "max_isa " + isa, "verbose 0", "nonsense unknown",
                                      "aligned to 1: yes", "aligned to 64: yes", "aligned to 4096: yes",
                                      "too much: refused", "odd alignment: refused", "a grain of 0: 2"}));
}

TEST(Border, RandomNumbersAndWorkspaceArrive) {
  load_backend(zoo("services"));
  const Context there = context("services");
  int passed = 0;
  for (uint64_t seed = 0; seed < 1000; seed++) {
    const conformance::Result result = check(there.chosen(), make_case("dropout", Fill::real, seed));
    EXPECT_TRUE(result) << result.message;
    passed += result.status == conformance::Status::pass;
  }
  EXPECT_GT(passed, 300);
}

}  // namespace
}  // namespace plexus::plugin_tests
