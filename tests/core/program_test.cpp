#include "plexus/core/program.h"

#include <gtest/gtest.h>

#include "core/message.h"
#include "plexus/core/error.h"

namespace plexus {
namespace {

Buffer batch_buffer(std::string name, Role role, int64_t columns) {
  return {.name = std::move(name), .role = role, .shape = {8, columns}, .batch = true};
}

struct Dense {
  Program program;
  BufferId x = program.add_buffer(batch_buffer("x", Role::input, 5));
  BufferId w = program.add_buffer({.name = "w", .role = Role::parameter, .shape = {5, 3}});
  BufferId b = program.add_buffer({.name = "b", .role = Role::parameter, .shape = {3}});
  BufferId z = program.add_buffer(batch_buffer("z", Role::temporary, 3));
  BufferId y = program.add_buffer(batch_buffer("y", Role::output, 3));
  MatmulSpec dense{.m = 8, .n = 3, .k = 5, .bias = true};
  ActivationSpec relu{.kind = Activation::relu, .m = 8, .n = 3};
};

TEST(Program, SameBufferTwiceIsOne) {
  Dense d;
  EXPECT_EQ(d.program.add_buffer(batch_buffer("z", Role::temporary, 3)), d.z);
  EXPECT_EQ(d.program.find("z"), d.z);
  EXPECT_EQ(d.program.find("nothing"), no_buffer);
}

TEST(Program, NameTakenByAnotherBufferIsAnError) {
  Dense d;
  EXPECT_EQ(message<Error>([&] { d.program.add_buffer(batch_buffer("z", Role::temporary, 4)); }),
            "program: buffer 'z' f32 [8, 4] (batch) is already there as 'z' f32 [8, 3] (batch)");
}

TEST(Program, BuffersOfTwoBatchSizesAreAnError) {
  Dense d;
  EXPECT_EQ(message<Error>([&] {
              d.program.add_buffer({.name = "q", .shape = {9, 3}, .batch = true});
            }),
            "program: buffer 'q' f32 [9, 3] (batch) in a program with batches of 8");
}

TEST(Program, OperandsAreCheckedAgainstTheSpec) {
  Dense d;
  const std::string line = "matmul/nn/f32/m8~/n3/k5/bias: ";
  EXPECT_EQ(message<Error>([&] { d.program.add("", d.dense, {d.x, d.w, d.b}); }), line + "4 slots, 3 buffers");
  EXPECT_EQ(message<Error>([&] {
              d.program.add("", d.dense, {d.x, d.w, no_buffer, d.z});
            }),
            line + "slot bias needs a buffer");
  EXPECT_EQ(message<Error>([&] {
              d.program.add("", d.dense, {d.x, d.w, d.w, d.z});
            }),
            line + "slot bias needs f32 [1, 3], got 'w' f32 [5, 3]");
  EXPECT_EQ(message<Error>([&] {
              d.program.add("", d.dense, {d.z, d.w, d.b, d.z});
            }),
            line + "slot a needs f32 [8~, 5], got 'z' f32 [8, 3] (batch)");
  EXPECT_EQ(message<Error>([&] {
              d.program.add("", d.dense, {d.x, d.w, d.b, 77});
            }),
            line + "slot c names no buffer");
  EXPECT_TRUE(d.program.operations().empty());
}

TEST(Program, TemporaryReadBeforeItIsWrittenIsAnError) {
  Dense d;
  EXPECT_EQ(message<Error>([&] {
              d.program.add("", d.relu, {d.z, d.y});
            }),
            "activation/relu/f32/m8~/n3: slot x reads 'z' f32 [8, 3] (batch) before anything wrote it");
  d.program.add("dense", d.dense, {d.x, d.w, d.b, d.z});
  d.program.add("relu", d.relu, {d.z, d.y});
}

TEST(Program, WritingAnInputIsAnError) {
  Dense d;
  const BufferId other = d.program.add_buffer(batch_buffer("other", Role::input, 3));
  EXPECT_EQ(message<Error>([&] {
              d.program.add("", d.dense, {d.x, d.w, d.b, other});
            }),
            "matmul/nn/f32/m8~/n3/k5/bias: slot c writes the input 'other' f32 [8, 3] (batch)");
}

TEST(Program, LineOfARunNamesWhatIsFused) {
  Dense d;
  d.program.add("dense", d.dense, {d.x, d.w, d.b, d.z});
  d.program.add("relu", d.relu, {d.z, d.y});
  EXPECT_EQ(to_string(plexus::Run(d.program, 0, 2)), "matmul/nn/f32/m8~/n3/k5/bias/relu");
  EXPECT_EQ(to_string(plexus::Run(d.program, 1, 2)), "activation/relu/f32/m8~/n3");
}

TEST(Program, InternalMeansNobodyElseReadsIt) {
  Dense d;
  d.program.add("dense", d.dense, {d.x, d.w, d.b, d.z});
  d.program.add("relu", d.relu, {d.z, d.y});
  EXPECT_TRUE(plexus::Run(d.program, 0, 2).internal(d.z));
  EXPECT_FALSE(plexus::Run(d.program, 0, 1).internal(d.z));
  EXPECT_FALSE(plexus::Run(d.program, 0, 2).internal(d.y));
  EXPECT_FALSE(plexus::Run(d.program, 0, 2).internal(d.w));
  EXPECT_FALSE(plexus::Run(d.program, 0, 2).internal(no_buffer));
}

}  // namespace
}  // namespace plexus
