// Operations made wrong on purpose, and whether that is seen.
#include "plexus/bench/operations.h"

#include <gtest/gtest.h>

#include "core/message.h"
#include "plexus/backends/registry.h"
#include "plexus/core/error.h"

namespace plexus::bench {
namespace {

/// Spoils part of the result behind a kernel of the reference.
using Spoil = std::function<void(float* result)>;

class SpoiledKernel final : public Kernel {
 public:
  SpoiledKernel(std::unique_ptr<const Kernel> kernel, size_t slot, Spoil spoil)
      : kernel_(std::move(kernel)), slot_(slot), spoil_(std::move(spoil)) {}
  void run(void* const* buffers, const Call& call) const override {
    kernel_->run(buffers, call);
    spoil_(static_cast<float*>(buffers[slot_]));
  }
  size_t workspace() const override { return kernel_->workspace(); }
  std::string describe() const override { return "spoiled"; }

 private:
  std::unique_ptr<const Kernel> kernel_;
  size_t slot_;
  Spoil spoil_;
};

/// The reference; the result of a program's last operation is spoiled.
class Spoiled final : public Backend {
 public:
  Spoiled(const Context& context, size_t slot, Spoil spoil)
      : context_(context), slot_(slot), spoil_(std::move(spoil)) {}
  std::string name() const override { return "spoiled"; }
  Claim claim(const Run& rest) const override {
    const Claim claim = context_.reference().claim(rest);
    if (rest.size() > 1) return claim;
    return {claim.count,
            [this, claim] { return std::make_unique<const SpoiledKernel>(claim.make(), slot_, spoil_); }};
  }

 private:
  Context context_;
  size_t slot_;
  Spoil spoil_;
};

/// What verification says of a program when `slot` of its last operation is spoiled.
std::string verdict(const Program& program, size_t slot, const Spoil& spoil, const Fill& fill = {}) {
  const Context reference = make_context({.backend = "reference", .threads = 1, .sink = {}});
  std::vector<std::unique_ptr<const Backend>> backends;
  backends.push_back(std::make_unique<const Spoiled>(reference, slot, spoil));
  const Context context(std::make_shared<const Executor>(1), std::move(backends));
  Operations operations(context, program, fill);
  return operations.verify();
}

void leave(float*) {}

Program product(Form form, int64_t m, int64_t n, int64_t k) {
  const MatmulSpec spec{.form = form, .m = m, .n = n, .k = k, .batch = Batch::none};
  Program program;
  std::vector<BufferId> buffers;
  for (const size_t slot : {0, 1, 3}) {
    const Operand o = spec.operand(slot);
    buffers.push_back(program.add_buffer({.name = spec.slots[slot].name,
                                          .role = slot == 3 ? Role::output : Role::input,
                                          .shape = {o.rows, o.columns}}));
  }
  program.add("", spec, {buffers[0], buffers[1], no_buffer, buffers[2]});
  return program;
}

TEST(Operations, RightProductsPass) {
  for (const Form form : {Form::nn, Form::nt, Form::tn}) {
    EXPECT_EQ(verdict(product(form, 5, 7, 9), 3, leave), "");
    EXPECT_EQ(verdict(product(form, 200, 300, 100), 3, leave), "");  // large: sampled
  }
}

TEST(Operations, OneWrongElementOfASmallProduct) {
  for (const Form form : {Form::nn, Form::nt, Form::tn}) {
    for (const int64_t element : {0, 31, 34}) {
      const std::string message =
          verdict(product(form, 5, 7, 9), 3, [element](float* c) { c[element] += 1e-4f; });
      const std::string place =
          "c[" + std::to_string(element / 7) + "," + std::to_string(element % 7) + "] is ";
      EXPECT_TRUE(message.starts_with(place)) << message;
      EXPECT_TRUE(message.ends_with("; 1 of 35 elements wrong)")) << message;
    }
  }
}

TEST(Operations, NaNIsWrong) {
  const std::string message = verdict(product(Form::nn, 5, 7, 9), 3, [](float* c) { c[3] = 0.0f / 0.0f; });
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "c[0,3] is ", message);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "nan", message);
}

// 200 x 300 x 100 is above what is evaluated whole.
TEST(Operations, AnyWrongTileOfALargeProduct) {
  for (int64_t row = 0; row < 200; row += 8)
    for (int64_t column = 0; column < 300;
         column += 32 * 3) {  // a third of them: the test would take seconds
      const auto spoil = [=](float* c) {
        for (int64_t i = row; i < std::min<int64_t>(row + 8, 200); i++)
          for (int64_t j = column; j < std::min<int64_t>(column + 32, 300); j++) c[i * 300 + j] += 0.001f;
      };
      EXPECT_NE(verdict(product(Form::nn, 200, 300, 100), 3, spoil), "") << row << ", " << column;
    }
}

TEST(Operations, AnyWrongRowOrColumnOfALargeProduct) {
  for (int64_t line = 0; line < 200; line += 13) {
    EXPECT_NE(verdict(product(Form::nt, 200, 300, 100), 3,
                      [=](float* c) {
                        for (int64_t j = 0; j < 300; j++) c[line * 300 + j] = 0;
                      }),
              "");
    EXPECT_NE(verdict(product(Form::tn, 200, 300, 100), 3,
                      [=](float* c) {
                        for (int64_t i = 0; i < 200; i++) c[i * 300 + line] = 0;
                      }),
              "");
  }
}

/// A product, and behind it a relu or the gradient of one.
Program product_with_relu(bool gradient) {
  Program program;
  const auto buffer = [&](const char* name, Role role, int64_t m, int64_t n) {
    return program.add_buffer({.name = name, .role = role, .shape = {m, n}});
  };
  const BufferId z = buffer("z", Role::temporary, 6, 10);
  program.add("", MatmulSpec{.m = 6, .n = 10, .k = 4, .batch = Batch::none},
              {buffer("a", Role::input, 6, 4), buffer("b", Role::input, 4, 10), no_buffer, z});
  const BufferId y = buffer("y", Role::output, 6, 10);
  if (gradient)
    program.add("", ActivationGradientSpec{.m = 6, .n = 10, .batch = Batch::none},
                {z, buffer("s", Role::input, 6, 10), y});
  else
    program.add("", ActivationSpec{.m = 6, .n = 10, .batch = Batch::none}, {z, y});
  return program;
}

TEST(Operations, BehindARelu) {
  EXPECT_EQ(verdict(product_with_relu(false), 1, leave), "");
  EXPECT_EQ(verdict(product_with_relu(true), 2, leave), "");
  for (const int64_t element : {0, 8, 59}) {
    const auto spoil = [=](float* y) { y[element] += 1e-4f; };
    const std::string place =
        "[" + std::to_string(element / 10) + "," + std::to_string(element % 10) + "] is ";
    EXPECT_TRUE(verdict(product_with_relu(false), 1, spoil).starts_with("y" + place));
    EXPECT_TRUE(verdict(product_with_relu(true), 2, spoil).starts_with("dx" + place));
  }
}

Program tanh(int64_t rows) {
  Program program;
  const BufferId x =
      program.add_buffer({.name = "x", .role = Role::input, .shape = {rows, 100}, .batch = true});
  const BufferId y =
      program.add_buffer({.name = "y", .role = Role::output, .shape = {rows, 100}, .batch = true});
  program.add("", ActivationSpec{.kind = Activation::tanh, .m = rows, .n = 100}, {x, y});
  return program;
}

TEST(Operations, AnyWrongStretchOfALargeActivation) {
  EXPECT_EQ(verdict(tanh(10000), 1, leave), "");
  // 10^6 elements, of which every sixteenth row is evaluated: 31 rows in a row hold one, wherever they are.
  for (int64_t row = 0; row <= 10000 - 31; row += 997)
    EXPECT_NE(verdict(tanh(10000), 1,
                      [=](float* y) {
                        for (int64_t i = row * 100; i < (row + 31) * 100; i++) y[i] += 1e-4f;
                      }),
              "")
        << row;
  EXPECT_NE(verdict(tanh(10000), 1, [](float* y) { y[999999] += 1e-4f; }), "");  // the last element always
}

Program momentum() {
  Program program;
  const auto buffer = [&](const char* name, Role role, int64_t n) {
    return program.add_buffer({.name = name, .role = role, .shape = {1, n}});
  };
  program.add(
      "", UpdateSpec{.kind = UpdateKind::sgd, .m = 1, .n = 100, .momentum = 0.9},
      {buffer("w", Role::parameter, 100), buffer("g", Role::state, 100), buffer("v", Role::state, 100),
       no_buffer, buffer("rate", Role::scalar, 1), no_buffer, no_buffer});
  return program;
}

TEST(Operations, WhatIsUpdatedInPlace) {
  EXPECT_EQ(verdict(momentum(), 0, leave), "");
  EXPECT_TRUE(verdict(momentum(), 0, [](float* w) { w[99] += 1e-4f; }).starts_with("parameter[0,99] is "));
  EXPECT_TRUE(verdict(momentum(), 2, [](float* v) { v[5] += 1e-4f; }).starts_with("first[0,5] is "));
}

TEST(Operations, FillSaysWhatTheyStartFrom) {
  // Where w and v are 0 and g is 1, w becomes -rate and v 1.
  const Fill fill = [](const std::string& name, Tensor& values) {
    for (float& value : values.values<float>()) value = name == "g" ? 1.0f : name == "rate" ? 0.5f : 0.0f;
  };
  float seen = 0;
  EXPECT_EQ(verdict(
                momentum(), 0, [&](float* w) { seen = w[42]; }, fill),
            "");
  EXPECT_EQ(seen, -0.5f);
}

/// Claims everything or nothing, and makes nothing.
struct Refusing final : Backend {
  explicit Refusing(size_t c) : count(c) {}
  std::string name() const override { return "refusing"; }
  Claim claim(const Run&) const override {
    return {count, [] { return nullptr; }};
  }
  size_t count;
};

TEST(Operations, TheChosenBackendAlone) {
  const Context context = make_context({.backend = "reference", .threads = 1, .sink = {}});
  EXPECT_TRUE(Operations::supported(context.chosen(), momentum()));
  for (const size_t count : {0, 1}) {
    EXPECT_FALSE(Operations::supported(Refusing(count), momentum()));
    std::vector<std::unique_ptr<const Backend>> backends;
    backends.push_back(std::make_unique<const Refusing>(count));
    backends.push_back(std::make_unique<const Refusing>(count));
    const Context refusing(std::make_shared<const Executor>(1), std::move(backends));
    EXPECT_EQ(message<BackendError>([&] { Operations(refusing, momentum()); }),
              "update/sgd/f32/m1/n100/momentum0.9: refusing does not have it");
  }
}

}  // namespace
}  // namespace plexus::bench
