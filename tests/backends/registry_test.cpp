#include "plexus/backends/registry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "plexus/core/error.h"

namespace plexus {
namespace {

/// A machine where everything that can be wrong with a backend is.
const std::vector<BackendRow> made_up = {
    {.name = "simd",
     .description = "vectors",
     .built = true,
     .usable = false,
     .reason = "needs AVX2, which this CPU does not have"},
    {.name = "onednn", .description = "oneDNN", .reason = "not built: -DPLEXUS_WITH_ONEDNN=ON"},
    {.name = "reference", .description = "plain loops", .built = true, .usable = true}};
const std::string made_up_state = " (available: reference; not usable on this CPU: simd; not built: onednn)";

std::string message(const std::string& requested, const std::vector<BackendRow>& table) {
  try {
    select(requested, table);
  } catch (const BackendError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Registry, KnowsEveryBackendBuiltOrNot) {
  const auto table = backends();
  ASSERT_EQ(table.size(), 3u);
  EXPECT_EQ(table[0].name, "simd");
  EXPECT_EQ(table[1].name, "onednn");
  EXPECT_EQ(table[2].name, "reference");
  for (const auto& row : table) {
    EXPECT_FALSE(row.description.empty()) << row.name;
    EXPECT_EQ(row.usable, row.reason.empty()) << row.name;
    EXPECT_TRUE(row.built || !row.usable) << row.name;
  }
  EXPECT_TRUE(table[2].usable);
}

TEST(Registry, SaysHowToEnableWhatIsNotBuilt) {
  for (const auto& row : backends()) {
    if (row.built) continue;
    const std::string option = row.name == "simd" ? "PLEXUS_WITH_SIMD" : "PLEXUS_WITH_ONEDNN";
    EXPECT_EQ(row.reason, "not built: -D" + option + "=ON");
  }
}

TEST(Select, ReturnsTheRowOfTheTableItself) { EXPECT_EQ(&select("reference", made_up), &made_up[2]); }

TEST(Select, RefusesAnEmptyName) {
  EXPECT_EQ(message("", made_up), "the name of the backend is empty: name one, or unset it" + made_up_state);
}

TEST(Select, NamesTheClosestMatch) {
  EXPECT_EQ(message("refrence", made_up),
            "unknown backend 'refrence': did you mean 'reference'?" + made_up_state);
  const auto meant = [](const std::string& requested) {
    const std::string text = message(requested, made_up);
    const size_t start = text.find("did you mean '");
    return start == std::string::npos ? "" : text.substr(start + 14, text.find('?', start) - start - 15);
  };
  EXPECT_EQ(meant("refernece"), "reference");   // two letters swapped
  EXPECT_EQ(meant("references"), "reference");  // one too many
  EXPECT_EQ(meant("smd"), "simd");              // one missing
  EXPECT_EQ(meant("Simd"), "simd");             // case
  EXPECT_EQ(meant("mkldnn"), "onednn");
  EXPECT_EQ(meant("oneDNN"), "onednn");
}

TEST(Select, GuessesNothingWhereNothingIsNear) {
  EXPECT_EQ(message("cuda", made_up), "unknown backend 'cuda'" + made_up_state);
  EXPECT_EQ(message("x", made_up), "unknown backend 'x'" + made_up_state);
}

TEST(Select, NamesAreExact) {
  EXPECT_NE(message(" reference", made_up), "no error");
  EXPECT_NE(message("REFERENCE", made_up), "no error");
}

TEST(Select, RefusesWhatIsNotBuilt) {
  EXPECT_EQ(message("onednn", made_up),
            "backend 'onednn' is not built: -DPLEXUS_WITH_ONEDNN=ON" + made_up_state);
}

TEST(Select, RefusesWhatThisCpuCannotRun) {
  EXPECT_EQ(
      message("simd", made_up),
      "backend 'simd' is not usable on this CPU: needs AVX2, which this CPU does not have" + made_up_state);
}

TEST(Select, DependsOnItsArgumentsAlone) {
  const std::vector<BackendRow> other = {{.name = "gpu", .description = "", .built = true, .usable = true}};
  EXPECT_EQ(select("gpu", other).name, "gpu");
  EXPECT_EQ(message("reference", other), "unknown backend 'reference' (available: gpu)");
  EXPECT_EQ(message("reference", {}), "unknown backend 'reference' (available: none)");
}

TEST(DefaultBackend, IsSimdWhereUsableElseReference) {
  EXPECT_EQ(default_backend(made_up), "reference");
  auto table = made_up;
  table[0].usable = true;
  EXPECT_EQ(default_backend(table), "simd");
  table[0] = {.name = "onednn", .description = "", .built = true, .usable = true};
  EXPECT_EQ(default_backend(table), "reference");
}

TEST(MakeContext, HasTheReferenceOnceWhereItIsChosen) {
  const Context context = make_context({.backend = "reference", .threads = 3, .sink = {}});
  ASSERT_EQ(context.backends().size(), 1u);
  EXPECT_EQ(context.chosen().name(), "reference");
  EXPECT_EQ(&context.chosen(), &context.reference());
  EXPECT_EQ(context.executor().threads(), 3);
}

TEST(MakeContext, NeverFallsBackFromANameThatWasAskedFor) {
  EXPECT_THROW(make_context({.backend = "refrence"}), BackendError);
  for (const auto& row : backends())
    if (!row.usable) {
      EXPECT_THROW(make_context({.backend = row.name}), BackendError) << row.name;
    }
}

TEST(Reference, ClaimsOneOperationOfEveryFamily) {
  const Context context = make_context({.backend = "reference", .threads = 1, .sink = {}});
  const Spec specs[] = {MatmulSpec{.m = 2, .n = 3, .k = 4},
                        ActivationSpec{.m = 2, .n = 3},
                        ActivationGradientSpec{.m = 2, .n = 3},
                        LossSpec{.m = 2, .n = 3},
                        DropoutSpec{.m = 2, .n = 3},
                        ReduceSpec{.m = 2, .n = 3},
                        ClipSpec{},
                        ScaleSpec{.m = 2, .n = 3},
                        UpdateSpec{.m = 2, .n = 3},
                        MaxNormSpec{.m = 2, .n = 3}};
  ASSERT_EQ(std::size(specs), std::variant_size_v<Spec>);
  for (const Spec& spec : specs) {
    const auto kernel = prepare_kernel(context.reference(), spec);
    ASSERT_TRUE(kernel) << to_string(spec);
    EXPECT_EQ(kernel->describe(), "plain loops, f64 accumulators");
  }
}

TEST(Reference, ClaimsNoMoreThanTheFirstOperation) {
  Program program;
  const auto buffer = [&](const char* name, Role role) {
    return program.add_buffer({.name = name, .role = role, .shape = Shape{2, 3}, .batch = true});
  };
  const BufferId x = buffer("x", Role::input), y = buffer("y", Role::temporary),
                 z = buffer("z", Role::output);
  program.add("first", ActivationSpec{.m = 2, .n = 3}, {x, y});
  program.add("second", ActivationSpec{.m = 2, .n = 3}, {y, z});
  const Context context = make_context({.backend = "reference", .threads = 1, .sink = {}});
  EXPECT_EQ(context.reference().claim(plexus::Run(program, 0, 2)).count, 1u);
  EXPECT_EQ(context.reference().claim(plexus::Run(program, 2, 2)).count, 0u);
}

TEST(Reference, HasNoKernelsForReservedOrMixedTypes) {
  const Context context = make_context({.backend = "reference", .threads = 1, .sink = {}});
  EXPECT_FALSE(prepare(context.reference(), ActivationSpec{.m = 2, .n = 3, .dtype = DType::bf16}));
  EXPECT_FALSE(prepare(context.reference(), MatmulSpec{.m = 2, .n = 3, .k = 4, .c = DType::f64}));
}

/// Only asked for its name and its presence.
class SomeLayout final : public Layout {
  std::string name() const override { return "some"; }
  int64_t elements(const Shape& shape) const override { return shape.elements(); }
  void pack(const void*, void*, const Shape&, DType) const override {}
  void unpack(const void*, void*, const Shape&, DType) const override {}
};

TEST(Reference, LeavesPackedParametersToThoseWhoPackThem) {
  static const SomeLayout layout;
  const Context context = make_context({.backend = "reference", .threads = 1, .sink = {}});
  EXPECT_FALSE(prepare(context.reference(), MatmulSpec{.m = 2, .n = 3, .k = 4, .layout = &layout}));
  // Except for what needs no rows: a sweep over all elements, and a sum that unpacks first.
  const ReduceSpec sum{
      .kind = Reduction::sum_squares, .m = 2, .n = 3, .batch = Batch::none, .layout = &layout};
  EXPECT_TRUE(prepare(context.reference(), UpdateSpec{.m = 2, .n = 3, .layout = &layout}));
  EXPECT_TRUE(prepare(context.reference(), sum));
}

/// Columns one behind the other, a gap of one element between them.
class ColumnLayout final : public Layout {
  std::string name() const override { return "columns"; }
  int64_t elements(const Shape& shape) const override { return (shape[0] + 1) * shape[1]; }
  void pack(const void* from, void* to, const Shape& shape, DType type) const override {
    for_each(shape, [&](size_t plain, size_t packed) { copy(from, plain, to, packed, type); });
  }
  void unpack(const void* from, void* to, const Shape& shape, DType type) const override {
    for_each(shape, [&](size_t plain, size_t packed) { copy(from, packed, to, plain, type); });
  }
  template <class Visit>
  static void for_each(const Shape& shape, const Visit& visit) {
    for (int64_t i = 0; i < shape[0]; ++i)
      for (int64_t j = 0; j < shape[1]; ++j)
        visit(size_t(i * shape[1] + j), size_t(j * (shape[0] + 1) + i));
  }
  static void copy(const void* from, size_t at, void* to, size_t where, DType type) {
    const size_t size = size_of(type);
    std::memcpy(static_cast<char*>(to) + where * size, static_cast<const char*>(from) + at * size, size);
  }
};

TEST(Reference, AddsTheSquaresOfPackedParametersInPlainOrder) {
  static const ColumnLayout layout;
  const Context context = make_context({.backend = "reference", .threads = 1, .sink = {}});
  const int64_t m = 7, n = 5;
  std::vector<float> packed(size_t((m + 1) * n), std::nanf(""));
  double expected = 0;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const float x = 1.f / float(1 + i * n + j);  // another order would be rounded otherwise
      packed[size_t(j * (m + 1) + i)] = x;
      expected += double(x) * double(x);
    }
  }
  const auto kernel = prepare(context.reference(), ReduceSpec{.kind = Reduction::sum_squares,
                                                              .m = m,
                                                              .n = n,
                                                              .batch = Batch::none,
                                                              .layout = &layout});
  ASSERT_TRUE(kernel);
  EXPECT_EQ(kernel.workspace(), size_t(m * n) * sizeof(float));
  std::vector<float> workspace(size_t(m * n));
  double sum = -1;
  kernel.run({.x = packed.data(), .y = &sum}, {.workspace = workspace.data()});
  EXPECT_EQ(sum, expected);
}

}  // namespace
}  // namespace plexus
