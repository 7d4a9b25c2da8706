// What operations have to do, counted by hand.
#include "plexus/core/cost.h"

#include <gtest/gtest.h>

namespace plexus {
namespace {

TEST(Cost, OfAProduct) {
  Program program;
  const BufferId x = program.add_buffer({.name = "x", .role = Role::input, .shape = {2, 3}, .batch = true});
  const BufferId w = program.add_buffer({.name = "w", .role = Role::parameter, .shape = {3, 5}});
  const BufferId b = program.add_buffer({.name = "b", .role = Role::parameter, .shape = {1, 5}});
  const BufferId z =
      program.add_buffer({.name = "z", .role = Role::temporary, .shape = {2, 5}, .batch = true});
  const BufferId y = program.add_buffer({.name = "y", .role = Role::output, .shape = {2, 5}, .batch = true});
  program.add("", MatmulSpec{.m = 2, .n = 5, .k = 3, .bias = true}, {x, w, b, z});
  program.add("", ActivationSpec{.m = 2, .n = 5}, {z, y});
  const Cost both = cost(program);
  EXPECT_EQ(both.flop, 2 * 2 * 5 * 3 + 10);
  EXPECT_EQ(both.bytes, 4 * (6 + 15 + 5 + 10));  // z need not be anywhere
  EXPECT_EQ(both.working_set, both.bytes);
  EXPECT_EQ(network_cost(program).flop, 60);  // the product alone
  EXPECT_EQ(network_cost(program).bytes, both.bytes);
}

TEST(Cost, WhatIsUpdatedCountsTwice) {
  Program program;
  const auto buffer = [&](const char* name, Role role, int64_t n) {
    return program.add_buffer({.name = name, .role = role, .shape = {1, n}});
  };
  const UpdateSpec spec{.kind = UpdateKind::sgd, .m = 1, .n = 100, .momentum = 0.9};
  program.add("", spec,
              {buffer("w", Role::parameter, 100), buffer("g", Role::state, 100),
               buffer("v", Role::state, 100), no_buffer, buffer("r", Role::scalar, 1), no_buffer, no_buffer});
  EXPECT_EQ(cost(program).flop, 400);  // v = 0.9 v + g; w -= r v
  EXPECT_EQ(cost(program).bytes, 4 * (2 * 100 + 100 + 2 * 100 + 1));
  EXPECT_EQ(cost(program).working_set, 4 * 301);
}

TEST(Cost, OfUpdates) {
  EXPECT_EQ(arithmetic(UpdateSpec{.kind = UpdateKind::sgd, .m = 1, .n = 1}), 2);
  EXPECT_EQ(
      arithmetic(UpdateSpec{.kind = UpdateKind::sgd, .m = 1, .n = 1, .momentum = 0.5, .nesterov = true}), 6);
  EXPECT_EQ(arithmetic(UpdateSpec{.kind = UpdateKind::sgd, .m = 1, .n = 1, .weight_decay = 0.1}), 4);
  EXPECT_EQ(arithmetic(UpdateSpec{.kind = UpdateKind::adam, .m = 2, .n = 3}), 6 * 13);
}

}  // namespace
}  // namespace plexus
